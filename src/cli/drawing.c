/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sketch.h"

/* Gaps smaller than this are not worth a row. */
#define SMALLEST_GAP (128 * GPUPT_MIB)

enum { MAX_SCALE = 4, GOOD_HEIGHT = 44 };

static bool covers(const struct gpupt_map_region *region, uint64_t start, uint64_t end)
{
	return region->start <= start && region->end >= end;
}

static unsigned int scale_of(uint64_t size, enum cli_fill fill)
{
	unsigned int scale = 1;
	for (uint64_t limit = 8 * GPUPT_GIB; size >= limit && scale < MAX_SCALE; limit <<= 3)
		scale++;
	return fill == CLI_FILL_UNUSED && scale > 2 ? 2 : scale;
}

static bool add_row(struct cli_drawing *drawing, struct cli_row row)
{
	if (!GPUPT_GROW(drawing->rows, drawing->count, drawing->capacity))
		return false;
	drawing->rows[drawing->count++] = row;
	return true;
}

/* Names of models are as others wrote them. */
static void set_label(struct cli_row *row, const char *text)
{
	snprintf(row->label, sizeof(row->label), "%s", text);
	for (char *p = row->label; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static bool add_addresses(struct cli_drawing *drawing, const struct cli_sketch *sketch,
			  uint64_t start, uint64_t end)
{
	struct cli_row row = { .start = start, .end = end };
	const struct cli_piece *piece = NULL;
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
		cli_describe_piece(piece, label, sizeof(label));
	set_label(&row, label);
	row.scale = row.height = scale_of(end - start, row.fill);
	return add_row(drawing, row);
}

static bool add_rule(struct cli_drawing *drawing, const struct cli_sketch *sketch,
		     uint64_t address, bool limit, const char *text)
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
	return add_row(drawing, row);
}

/* What begins or ends at an address, whatever is stored there. */
static bool add_rules(struct cli_drawing *drawing, const struct cli_sketch *sketch,
		      uint64_t address)
{
	char text[64];
	bool ok = true;
	for (size_t i = 0; i < sketch->n_map && ok; i++) {
		const struct gpupt_map_region *region = &sketch->map[i];
		if (region->start != address)
			continue;
		snprintf(text, sizeof(text), "the guest's %u address bits end here",
			 drawing->phys_bits);
		if (region->kind == GPUPT_MAP_BEYOND)
			ok = add_rule(drawing, sketch, address, true, text);
		if (region->kind == GPUPT_MAP_HOLE)
			ok = add_rule(drawing, sketch, address, false, "<pcihole64> counts from here");
	}
	if (ok && address == 4 * GPUPT_GIB)
		ok = add_rule(drawing, sketch, address, false, "32-bit addresses end here");
	return ok;
}

static bool add_rows(struct cli_drawing *drawing, const struct cli_sketch *sketch)
{
	bool ok = true;
	for (size_t i = sketch->n_cuts; i-- > 0 && ok;) {
		uint64_t start = sketch->cuts[i];
		uint64_t end = i + 1 < sketch->n_cuts ? sketch->cuts[i + 1] : sketch->highest;
		if (end > start && start < sketch->highest)
			ok = add_addresses(drawing, sketch, start, end);
		if (ok)
			ok = add_rules(drawing, sketch, start);
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
	struct cli_sketch sketch;
	bool ok = cli_sketch_make(plan, detailed, &sketch) && add_rows(&drawing, &sketch);
	cli_sketch_clear(&sketch);
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

bool cli_has_rule_below(const struct cli_drawing *drawing, size_t row)
{
	const struct cli_row *below = &drawing->rows[row + 1];
	return row + 1 < drawing->count && below->fill == CLI_FILL_RULE &&
	       below->start == drawing->rows[row].start;
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
