/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_EXPLAIN_H
#define GPUPT_CLI_EXPLAIN_H

#include "cli/work.h"

/* Fills lines of up to 80 characters; the first has an indent of its own. */
void cli_print_paragraph(FILE *out, int indent, int first_indent, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What the guest may run on, and what comes of it in each case. */
int cli_explain_possibilities(const struct gpupt_plan *plan, FILE *out,
			      struct gpupt_error **error);

/* Why the size is what it is, and what another one would do. */
void cli_explain_reason(const struct cli_work *work, FILE *out);

#endif
