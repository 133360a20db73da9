/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sketch.h"

/* The guest's own devices this close to each other are one row. */
#define CLOSE_BY GPUPT_GIB

static bool covers(const struct gpupt_map_region *region, uint64_t start, uint64_t end)
{
	return region->start <= start && region->end >= end;
}

static bool is_passed_through(const struct gpupt_map_region *region)
{
	return region->kind == GPUPT_MAP_BAR && region->bar->passed_through;
}

/* A bridge is drawn when it leads to a device that is passed through. */
static bool is_drawn_bridge(const struct cli_sketch *sketch, const struct gpupt_map_region *region)
{
	if (region->kind != GPUPT_MAP_BRIDGE_WINDOW)
		return false;
	for (size_t i = 0; i < sketch->n_map; i++)
		if (is_passed_through(&sketch->map[i]) &&
		    covers(region, sketch->map[i].start, sketch->map[i].end))
			return true;
	return false;
}

static unsigned int track_of(const struct cli_sketch *sketch, const struct gpupt_map_region *region)
{
	switch (region->kind) {
	case GPUPT_MAP_KERNEL_WINDOW:
		return CLI_TRACK_KERNEL;
	case GPUPT_MAP_FIRMWARE_WINDOW:
	case GPUPT_MAP_LOW_WINDOW:
		return CLI_TRACK_FIRMWARE;
	case GPUPT_MAP_BRIDGE_WINDOW:
		if (!is_drawn_bridge(sketch, region))
			return CLI_N_TRACKS;
		return CLI_TRACK_BRIDGE + region->depth - 1 < CLI_N_TRACKS ?
		       CLI_TRACK_BRIDGE + region->depth - 1 : CLI_N_TRACKS;
	default:
		return CLI_N_TRACKS;
	}
}

static bool find_tracks(struct cli_sketch *sketch)
{
	sketch->tracks = calloc(sketch->n_map + 1, sizeof(*sketch->tracks));
	for (size_t i = 0; sketch->tracks && i < sketch->n_map; i++)
		sketch->tracks[i] = track_of(sketch, &sketch->map[i]);
	return sketch->tracks;
}

/* ---- where rows begin */

static bool cut(struct cli_sketch *sketch, uint64_t address)
{
	if (!GPUPT_GROW(sketch->cuts, sketch->n_cuts, sketch->c_cuts))
		return false;
	sketch->cuts[sketch->n_cuts++] = address;
	return true;
}

static int compare_cuts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void sort_cuts(struct cli_sketch *sketch)
{
	qsort(sketch->cuts, sketch->n_cuts, sizeof(*sketch->cuts), compare_cuts);
	size_t kept = 0;
	for (size_t i = 0; i < sketch->n_cuts; i++)
		if (!kept || sketch->cuts[i] != sketch->cuts[kept - 1])
			sketch->cuts[kept++] = sketch->cuts[i];
	sketch->n_cuts = kept;
}

static bool cut_windows(struct cli_sketch *sketch)
{
	bool ok = cut(sketch, 0) && cut(sketch, 4 * GPUPT_GIB);
	for (size_t i = 0; i < sketch->n_map && ok; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		bool is_bar = is_passed_through(region);
		if (region->kind == GPUPT_MAP_HOLE || region->kind == GPUPT_MAP_BEYOND)
			ok = cut(sketch, region->start);
		else if (is_bar || sketch->tracks[i] < CLI_N_TRACKS)
			ok = cut(sketch, region->start) && cut(sketch, region->end);
		if (region->kind != GPUPT_MAP_HOLE && region->kind != GPUPT_MAP_BEYOND &&
		    region->end > sketch->highest)
			sketch->highest = region->end;
		if (region->kind == GPUPT_MAP_BEYOND && region->start > sketch->highest)
			sketch->highest = region->start;
	}
	if (ok)
		sort_cuts(sketch);
	return ok;
}

/* ---- what fills them */

static enum cli_fill fill_of(const struct cli_sketch *sketch, size_t i)
{
	const struct gpupt_map_region *region = &sketch->map[i];
	switch (region->kind) {
	case GPUPT_MAP_RAM: return CLI_FILL_RAM;
	case GPUPT_MAP_HOTPLUG: return CLI_FILL_HOTPLUG;
	case GPUPT_MAP_RESERVED: return CLI_FILL_RESERVED;
	case GPUPT_MAP_BAR: return region->bar->passed_through ? CLI_FILL_BAR : CLI_FILL_OWN;
	case GPUPT_MAP_BRIDGE_WINDOW:
		return sketch->tracks[i] < CLI_N_TRACKS ? CLI_FILL_FREE : CLI_FILL_OWN;
	default: return CLI_FILL_FREE;
	}
}

static bool is_cut_between(const struct cli_sketch *sketch, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < sketch->n_cuts; i++)
		if (sketch->cuts[i] > start && sketch->cuts[i] < end)
			return true;
	return false;
}

/* Adds to the last piece what lies close to it, if both are the guest's own. */
static bool join(const struct cli_sketch *sketch, const struct cli_piece *piece)
{
	struct cli_piece *last = sketch->n_pieces ? &sketch->pieces[sketch->n_pieces - 1] : NULL;
	if (!last || last->fill != CLI_FILL_OWN || piece->fill != CLI_FILL_OWN)
		return false;
	uint64_t end = piece->end > last->end ? piece->end : last->end;
	bool inside = piece->end <= last->end;
	if (sketch->detailed && (!inside || last->n_bars))
		return false;
	if (piece->start > last->end + CLOSE_BY || is_cut_between(sketch, last->start, end))
		return false;
	if (sketch->detailed)
		last->region = piece->region;
	last->end = end;
	last->n_bars += piece->n_bars;
	last->n_bridges += piece->n_bridges;
	return true;
}

static bool gather_pieces(struct cli_sketch *sketch)
{
	for (size_t i = 0; i < sketch->n_map; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		struct cli_piece piece = {
			.start = region->start,
			.end = region->end,
			.fill = fill_of(sketch, i),
			.region = region,
			.n_bars = region->kind == GPUPT_MAP_BAR,
			.n_bridges = region->kind == GPUPT_MAP_BRIDGE_WINDOW,
		};
		if (piece.fill == CLI_FILL_FREE || join(sketch, &piece))
			continue;
		if (!GPUPT_GROW(sketch->pieces, sketch->n_pieces, sketch->c_pieces))
			return false;
		sketch->pieces[sketch->n_pieces++] = piece;
	}
	for (size_t i = 0; i < sketch->n_pieces; i++)
		if (!cut(sketch, sketch->pieces[i].start) || !cut(sketch, sketch->pieces[i].end))
			return false;
	sort_cuts(sketch);
	return true;
}

bool cli_sketch_make(const struct gpupt_plan *plan, bool detailed, struct cli_sketch *ret)
{
	*ret = (struct cli_sketch){ .detailed = detailed };
	ret->map = gpupt_plan_get_map(plan, &ret->n_map);
	return !ret->n_map || (find_tracks(ret) && cut_windows(ret) && gather_pieces(ret));
}

void cli_sketch_clear(struct cli_sketch *sketch)
{
	free(sketch->tracks);
	free(sketch->cuts);
	free(sketch->pieces);
	*sketch = (struct cli_sketch){ 0 };
}

/* ---- words */

static void describe_own(const struct cli_piece *piece, char *buffer, size_t size)
{
	const struct gpupt_layout_bar *bar = piece->region->bar;
	const char *bars = piece->n_bars == 1 ? "BAR" : "BARs";
	const char *bridges = piece->n_bridges == 1 ? "bridge" : "bridges";
	if (piece->n_bars == 1 && piece->n_bridges <= 1 && bar && bar->bar != GPUPT_BAR_ROM)
		snprintf(buffer, size, "%s BAR %u", bar->device, bar->bar);
	else if (!piece->n_bridges)
		snprintf(buffer, size, "own devices, %zu %s", piece->n_bars, bars);
	else if (!piece->n_bars)
		snprintf(buffer, size, "%zu %s", piece->n_bridges, bridges);
	else
		snprintf(buffer, size, "%zu %s, %zu %s", piece->n_bridges, bridges,
			 piece->n_bars, bars);
}

void cli_describe_piece(const struct cli_piece *piece, char *buffer, size_t size)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	const struct gpupt_layout_bar *bar = piece->region->bar;
	switch (piece->fill) {
	case CLI_FILL_OWN:
		describe_own(piece, buffer, size);
		break;
	case CLI_FILL_BAR:
		gpupt_pci_address_format(bar->host, address);
		if (bar->bar == GPUPT_BAR_ROM)
			snprintf(buffer, size, "%s ROM", address);
		else
			snprintf(buffer, size, "%s BAR %u", address, bar->bar);
		break;
	default:
		snprintf(buffer, size, "%s", piece->fill == CLI_FILL_RAM ? "RAM" :
			 piece->fill == CLI_FILL_HOTPLUG ? "memory to be plugged in" :
			 piece->region->label);
		break;
	}
}
