/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_DEFINE_H
#define GPUPT_CLI_DEFINE_H

#include "cli/target.h"

/* What the commands that define domains have in common. */

/* GPUPT_E_ARGUMENT where the operand looks like a file. */
int cli_domain_only(const struct cli_settings *settings, struct gpupt_error **error);

/* 0: go on. On a terminal that is asked for, unless --yes; GPUPT_E_REFUSED is a no. */
int cli_ask(const struct cli_settings *settings, const char *question,
	    struct gpupt_error **error);

/* Says that it was done, and what it takes for the guest to notice. */
void cli_report_defined(const struct cli_settings *settings, const struct cli_target *target,
			const struct gpupt_outcome *outcome);

#endif
