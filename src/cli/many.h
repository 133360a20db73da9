/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_MANY_H
#define GPUPT_CLI_MANY_H

#include "cli/cli.h"

/* Several targets, each by itself: what one comes to is no matter to the others. */

/* Whether the command line means more than one: --all, a pattern, two operands. */
bool cli_is_many(const struct cli_settings *settings);

/* Runs the command for each target, and says at the end how many came to what. Returns
 * the exit status that matters most: 2, 3, 4, 1, 0, in this order. */
int cli_run_many(const struct cli_settings *settings, struct gpupt_error **error);

#endif
