/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_TABLE_H
#define GPUPT_CLI_TABLE_H

#include <stdio.h>

#include "cli/cli.h"

/* A table for people: cells are added row by row, columns are as wide as their
 * widest cell. (libsmartcols would do this too, but loading it costs every
 * command a tenth of a millisecond, and few print tables.) */
struct cli_table {
	const char *const *headings;
	size_t n_columns;
	char **cells;
	size_t n_cells;
	size_t capacity;
	bool failed; /* an allocation did; shows in cli_table_print() */
};

void cli_table_add(struct cli_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cli_table_print(const struct cli_table *table, FILE *out, struct gpupt_error **error);
void cli_table_clear(struct cli_table *table);

#endif
