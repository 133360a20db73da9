/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_SKETCH_H
#define GPUPT_CLI_SKETCH_H

#include "cli/drawing.h"

/* From a plan's map to what is worth drawing: where rows begin and end, and what
 * fills them. */

/* What fills addresses: a region, or several small ones. */
struct cli_piece {
	uint64_t start;
	uint64_t end;
	enum cli_fill fill;
	const struct gpupt_map_region *region; /* the first of them */
	size_t n_bars, n_bridges;
};

struct cli_sketch {
	const struct gpupt_map_region *map;
	size_t n_map;
	unsigned int *tracks; /* a region each: its track; CLI_N_TRACKS: none */
	uint64_t highest;     /* end of what is drawn */
	bool detailed;        /* the guest's own devices one by one */
	struct cli_piece *pieces;
	size_t n_pieces, c_pieces;
	uint64_t *cuts; /* where one row ends and the next begins, ascending */
	size_t n_cuts, c_cuts;
};

/* False when memory is short; to be cleared in any case. */
bool cli_sketch_make(const struct gpupt_plan *plan, bool detailed, struct cli_sketch *ret);
void cli_sketch_clear(struct cli_sketch *sketch);

/* "0000:08:00.0 BAR 1", "RAM" */
void cli_describe_piece(const struct cli_piece *piece, char *buffer, size_t size);

#endif
