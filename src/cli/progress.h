/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_PROGRESS_H
#define GPUPT_CLI_PROGRESS_H

#include "cli/cli.h"

/* "[3/300] vm-3" in the last line of a terminal, while that is being worked on. Only on
 * standard error, and only where that is a terminal. Whoever prints hides it first. */
void cli_progress_show(const struct cli_settings *settings, size_t number, size_t count,
		       const char *name);
void cli_progress_hide(void);

#endif
