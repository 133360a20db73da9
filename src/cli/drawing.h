/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_DRAWING_H
#define GPUPT_CLI_DRAWING_H

#include "cli/cli.h"

/* A guest's address space as rows from high addresses to low ones, for whoever
 * draws it. Beside the rows run tracks: the windows that a row lies in. */

enum cli_fill {
	CLI_FILL_UNUSED, /* in no window */
	CLI_FILL_FREE,   /* in a window */
	CLI_FILL_RAM,
	CLI_FILL_HOTPLUG,
	CLI_FILL_RESERVED,
	CLI_FILL_OWN, /* BARs and bridges of the guest's own devices */
	CLI_FILL_BAR, /* of a device that is passed through */
	CLI_FILL_RULE, /* no addresses: something begins or ends at `start` */
};

enum cli_track {
	CLI_TRACK_KERNEL,
	CLI_TRACK_FIRMWARE, /* its window below 4 GiB, too */
	CLI_TRACK_BRIDGE,   /* one for each level */
	CLI_N_TRACKS = CLI_TRACK_BRIDGE + 2,
};

struct cli_row {
	uint64_t start;
	uint64_t end;
	enum cli_fill fill;
	unsigned int scale;  /* 1 to 4, with the logarithm of the size */
	unsigned int height; /* the same, but less where there are many rows */
	char label[64]; /* printable ASCII */
	bool limit;     /* a rule: the guest's last address is below it */
	const struct gpupt_layout_bar *bar; /* CLI_FILL_BAR */
	/* The windows it lies in; NULL where there is none. */
	const struct gpupt_map_region *tracks[CLI_N_TRACKS];
};

struct cli_drawing {
	struct cli_row *rows;
	size_t count;
	size_t capacity;
	unsigned int n_tracks; /* those in use are below */
	unsigned int phys_bits;
};

/* `detailed`: the guest's own devices one by one. */
int cli_drawing_make(const struct gpupt_plan *plan, bool detailed, struct cli_drawing *ret,
		     struct gpupt_error **error);
void cli_drawing_clear(struct cli_drawing *drawing);

/* Whether a rule follows that tells the address where this row begins. */
bool cli_has_rule_below(const struct cli_drawing *drawing, size_t row);

/* Where a track's window ends above this row, and where below it. */
bool cli_track_begins(const struct cli_drawing *drawing, size_t row, unsigned int track);
bool cli_track_ends(const struct cli_drawing *drawing, size_t row, unsigned int track);

/* The drawing as text and as a picture. */
int cli_draw_text(const struct cli_drawing *drawing, bool color, FILE *out,
		  struct gpupt_error **error);
int cli_draw_svg(const struct cli_drawing *drawing, const struct gpupt_plan *plan,
		 const char *name, FILE *out, struct gpupt_error **error);

#endif
