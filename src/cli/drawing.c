/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/drawing.h"

#include <inttypes.h>

/* Gaps smaller than this are not worth a row. */
#define SMALLEST_GAP (128 * GPUPT_MIB)
/* The guest's own devices this close to each other are one row. */
#define CLOSE_BY GPUPT_GIB

enum { MAX_SCALE = 4, GOOD_HEIGHT = 44 };

/* What fills addresses: a region, or several small ones. */
struct piece {
	uint64_t start;
	uint64_t end;
	enum cli_fill fill;
	const struct gpupt_map_region *region; /* the first of them */
	size_t n_bars, n_bridges;
};

struct sketch {
	const struct gpupt_map_region *map;
	size_t n_map;
	unsigned int *tracks; /* a region each: its track; CLI_N_TRACKS: none */
	uint64_t highest; /* end of what is drawn */
	bool detailed;
	struct piece *pieces;
	size_t n_pieces, c_pieces;
	uint64_t *cuts; /* where one row ends and the next begins */
	size_t n_cuts, c_cuts;
	struct cli_drawing *drawing;
};

const char *cli_format_size(uint64_t bytes, char buffer[GPUPT_SIZE_TEXT_MAX])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int whole = 0, unit = 0;
	while (whole + 1 < GPUPT_ARRAY_SIZE(units) && bytes &&
	       bytes % (UINT64_C(1) << 10 * (whole + 1)) == 0)
		whole++;
	if (bytes >> 10 * whole <= 9999) {
		snprintf(buffer, GPUPT_SIZE_TEXT_MAX, "%" PRIu64 " %s", bytes >> 10 * whole,
			 units[whole]);
		return buffer;
	}
	while (unit + 1 < GPUPT_ARRAY_SIZE(units) && bytes >> 10 * (unit + 1))
		unit++;
	if (unit > 3 && bytes >> 10 * (unit - 1) <= 9999)
		unit--; /* GiB are what people count in */
	snprintf(buffer, GPUPT_SIZE_TEXT_MAX, "%.1f %s",
		 (double)bytes / (double)(UINT64_C(1) << 10 * unit), units[unit]);
	return buffer;
}

const char *cli_placer_name(enum gpupt_placer placer)
{
	switch (placer) {
	case GPUPT_PLACED_BY_NOBODY: return "nobody";
	case GPUPT_PLACED_BY_FIRMWARE: return "firmware";
	case GPUPT_PLACED_BY_KERNEL: return "kernel";
	}
	return "";
}

static bool covers(const struct gpupt_map_region *region, uint64_t start, uint64_t end)
{
	return region->start <= start && region->end >= end;
}

static bool is_passed_through(const struct gpupt_map_region *region)
{
	return region->kind == GPUPT_MAP_BAR && region->bar->passed_through;
}

/* A bridge is drawn when it leads to a device that is passed through. */
static bool is_drawn_bridge(const struct sketch *sketch, const struct gpupt_map_region *region)
{
	if (region->kind != GPUPT_MAP_BRIDGE_WINDOW)
		return false;
	for (size_t i = 0; i < sketch->n_map; i++)
		if (is_passed_through(&sketch->map[i]) &&
		    covers(region, sketch->map[i].start, sketch->map[i].end))
			return true;
	return false;
}

static unsigned int track_of(const struct sketch *sketch, const struct gpupt_map_region *region)
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

static bool find_tracks(struct sketch *sketch)
{
	sketch->tracks = calloc(sketch->n_map + 1, sizeof(*sketch->tracks));
	for (size_t i = 0; sketch->tracks && i < sketch->n_map; i++)
		sketch->tracks[i] = track_of(sketch, &sketch->map[i]);
	return sketch->tracks;
}

/* ---- where rows begin */

static bool cut(struct sketch *sketch, uint64_t address)
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

static void sort_cuts(struct sketch *sketch)
{
	qsort(sketch->cuts, sketch->n_cuts, sizeof(*sketch->cuts), compare_cuts);
	size_t kept = 0;
	for (size_t i = 0; i < sketch->n_cuts; i++)
		if (!kept || sketch->cuts[i] != sketch->cuts[kept - 1])
			sketch->cuts[kept++] = sketch->cuts[i];
	sketch->n_cuts = kept;
}

static bool cut_windows(struct sketch *sketch)
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

static enum cli_fill fill_of(const struct sketch *sketch, size_t i)
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

static bool is_cut_between(const struct sketch *sketch, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < sketch->n_cuts; i++)
		if (sketch->cuts[i] > start && sketch->cuts[i] < end)
			return true;
	return false;
}

/* Adds to the last piece what lies close to it, if both are the guest's own. */
static bool join(const struct sketch *sketch, const struct piece *piece)
{
	struct piece *last = sketch->n_pieces ? &sketch->pieces[sketch->n_pieces - 1] : NULL;
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

static bool gather_pieces(struct sketch *sketch)
{
	for (size_t i = 0; i < sketch->n_map; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		struct piece piece = {
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

/* ---- rows */

static void describe_own(const struct piece *piece, char *buffer, size_t size)
{
	const struct gpupt_layout_bar *bar = piece->region->bar;
	const char *bars = piece->n_bars == 1 ? "BAR" : "BARs";
	const char *bridges = piece->n_bridges == 1 ? "bridge" : "bridges";
	if (piece->n_bars == 1 && piece->n_bridges <= 1 && bar && bar->bar != GPUPT_BAR_ROM)
		snprintf(buffer, size, "%s BAR %u", bar->device, bar->bar);
	else if (!piece->n_bridges)
		snprintf(buffer, size, "own: %zu %s", piece->n_bars, bars);
	else if (!piece->n_bars)
		snprintf(buffer, size, "own: %zu %s", piece->n_bridges, bridges);
	else
		snprintf(buffer, size, "own: %zu %s, %zu %s", piece->n_bridges, bridges,
			 piece->n_bars, bars);
}

static void describe(const struct piece *piece, char *buffer, size_t size)
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

static unsigned int scale_of(uint64_t size, enum cli_fill fill)
{
	unsigned int scale = 1;
	for (uint64_t limit = 8 * GPUPT_GIB; size >= limit && scale < MAX_SCALE; limit <<= 3)
		scale++;
	return fill == CLI_FILL_UNUSED && scale > 2 ? 2 : scale;
}

static struct cli_row *add_row(struct sketch *sketch, struct cli_row row)
{
	struct cli_drawing *drawing = sketch->drawing;
	if (!GPUPT_GROW(drawing->rows, drawing->count, drawing->capacity))
		return NULL;
	drawing->rows[drawing->count] = row;
	return &drawing->rows[drawing->count++];
}

/* Names of models are as others wrote them. */
static void set_label(struct cli_row *row, const char *text)
{
	snprintf(row->label, sizeof(row->label), "%s", text);
	for (char *p = row->label; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static bool add_addresses(struct sketch *sketch, uint64_t start, uint64_t end)
{
	struct cli_row row = { .start = start, .end = end };
	const struct piece *piece = NULL;
	bool in_window = false;
	for (size_t i = 0; i < sketch->n_pieces; i++)
		if (sketch->pieces[i].start <= start && sketch->pieces[i].end >= end)
			piece = &sketch->pieces[i];
	for (size_t i = 0; i < sketch->n_map; i++) {
		unsigned int track = sketch->tracks[i];
		if (track == CLI_N_TRACKS || !covers(&sketch->map[i], start, end))
			continue;
		row.tracks[track] = &sketch->map[i];
		in_window = true;
	}
	row.fill = piece ? piece->fill : in_window ? CLI_FILL_FREE : CLI_FILL_UNUSED;
	if (!piece && end - start < SMALLEST_GAP)
		return true;
	row.bar = piece && row.fill == CLI_FILL_BAR ? piece->region->bar : NULL;
	char label[sizeof(row.label)];
	snprintf(label, sizeof(label), "%s", in_window ? "free" : "unused");
	if (piece)
		describe(piece, label, sizeof(label));
	set_label(&row, label);
	row.scale = row.height = scale_of(end - start, row.fill);
	return add_row(sketch, row);
}

static bool add_rule(struct sketch *sketch, uint64_t address, bool limit, const char *text)
{
	struct cli_row row = { .start = address, .end = address, .fill = CLI_FILL_RULE,
			       
			       .scale = 1, .height = 1, .limit = limit };
	for (size_t i = 0; i < sketch->n_map; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		unsigned int track = sketch->tracks[i];
		if (track < CLI_N_TRACKS && region->start < address && region->end > address)
			row.tracks[track] = region;
	}
	set_label(&row, text);
	return add_row(sketch, row);
}

/* What begins or ends at an address, whatever is stored there. */
static bool add_rules(struct sketch *sketch, uint64_t address)
{
	char text[64];
	bool ok = true;
	for (size_t i = 0; i < sketch->n_map && ok; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		if (region->start != address)
			continue;
		snprintf(text, sizeof(text), "the guest's %u address bits end here",
			 sketch->drawing->phys_bits);
		if (region->kind == GPUPT_MAP_BEYOND)
			ok = add_rule(sketch, address, true, text);
		if (region->kind == GPUPT_MAP_HOLE)
			ok = add_rule(sketch, address, false, "<pcihole64> counts from here");
	}
	if (ok && address == 4 * GPUPT_GIB)
		ok = add_rule(sketch, address, false, "32-bit addresses end here");
	return ok;
}

static bool add_rows(struct sketch *sketch)
{
	bool ok = true;
	for (size_t i = sketch->n_cuts; i-- > 0 && ok;) {
		uint64_t start = sketch->cuts[i];
		uint64_t end = i + 1 < sketch->n_cuts ? sketch->cuts[i + 1] : sketch->highest;
		if (end > start && start < sketch->highest)
			ok = add_addresses(sketch, start, end);
		if (ok)
			ok = add_rules(sketch, start);
	}
	return ok;
}

/* Many rows are low ones. */
static void settle_heights(struct cli_drawing *drawing)
{
	for (unsigned int most = MAX_SCALE; most-- > 1;) {
		size_t total = 0;
		for (size_t i = 0; i < drawing->count; i++)
			total += drawing->rows[i].height;
		if (total <= GOOD_HEIGHT)
			break;
		for (size_t i = 0; i < drawing->count; i++)
			if (drawing->rows[i].height > most)
				drawing->rows[i].height = most;
	}
	drawing->n_tracks = 0;
	for (size_t i = 0; i < drawing->count; i++)
		for (unsigned int t = 0; t < CLI_N_TRACKS; t++)
			if (drawing->rows[i].tracks[t] && t >= drawing->n_tracks)
				drawing->n_tracks = t + 1;
}

int cli_drawing_make(const struct gpupt_plan *plan, bool detailed, struct cli_drawing *ret,
		     struct gpupt_error **error)
{
	struct cli_drawing drawing = { .phys_bits = gpupt_plan_get_hole(plan)->phys_bits };
	struct sketch sketch = { .drawing = &drawing, .detailed = detailed };
	sketch.map = gpupt_plan_get_map(plan, &sketch.n_map);
	bool ok = !sketch.n_map ||
		  (find_tracks(&sketch) && cut_windows(&sketch) && gather_pieces(&sketch) &&
		   add_rows(&sketch));
	free(sketch.tracks);
	free(sketch.cuts);
	free(sketch.pieces);
	if (!ok) {
		cli_drawing_clear(&drawing);
		return gpupt_fail_nomem(error);
	}
	settle_heights(&drawing);
	*ret = drawing;
	return 0;
}

void cli_drawing_clear(struct cli_drawing *drawing)
{
	free(drawing->rows);
	*drawing = (struct cli_drawing){ 0 };
}

bool cli_track_begins(const struct cli_drawing *drawing, size_t row, unsigned int track)
{
	return row == 0 ||
	       drawing->rows[row - 1].tracks[track] != drawing->rows[row].tracks[track];
}

bool cli_track_ends(const struct cli_drawing *drawing, size_t row, unsigned int track)
{
	return row + 1 == drawing->count ||
	       drawing->rows[row + 1].tracks[track] != drawing->rows[row].tracks[track];
}
