/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_AHEAD_H
#define GPUPT_CLI_AHEAD_H

#include "cli/work.h"

/* A target of diff whose turn is still to come. */
struct cli_ahead {
	struct cli_settings settings; /* its own */
	struct cli_work work;
	int status; /* how far it went: 0, or why not, with the error */
	struct gpupt_error *error;
};

/* Reads it, as cli_diff() would. Returns the length of its text. */
size_t cli_ahead_open(const struct cli_settings *settings, struct cli_ahead *ret);
/* Plans for all that were opened, in several threads; after a Ctrl-C for no more than the
 * first and those that are begun. */
void cli_ahead_plan(struct cli_ahead *targets, size_t count);
/* Prints what cli_diff() would have, and returns what it would. */
int cli_ahead_show(struct cli_ahead *target, struct gpupt_error **error);
void cli_ahead_close(struct cli_ahead *target);

#endif
