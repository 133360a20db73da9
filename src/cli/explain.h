/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_EXPLAIN_H
#define GPUPT_CLI_EXPLAIN_H

#include "cli/work.h"

/* What the guest may run on, and what comes of it in each case. */
int cli_explain_possibilities(const struct gpupt_plan *plan, FILE *out,
			      struct gpupt_error **error);

/* Why the size is what it is, and what another one would do. */
void cli_explain_reason(const struct cli_work *work, FILE *out);

#endif
