/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include <stdarg.h>

#include "cli/output.h"

void cli_table_add(struct cli_table *table, const char *format, ...)
{
	char *cell = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	if (!cell || !GPUPT_GROW(table->cells, table->n_cells, table->capacity)) {
		free(cell);
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = cell;
}

/* Characters, not bytes: names have letters beyond ASCII now and then. */
static size_t width_of(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct cli_table *table, size_t column)
{
	size_t width = width_of(table->headings[column]);
	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		if (width_of(table->cells[i]) > width)
			width = width_of(table->cells[i]);
	return width;
}

/* The last column is not padded. */
static void print_row(const struct cli_table *table, const char *const *cells,
		      const size_t *widths, FILE *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		cli_print_safe(out, cells[i], strlen(cells[i]), false);
		if (i + 1 < table->n_columns)
			fprintf(out, "%*s", (int)(widths[i] - width_of(cells[i]) + 2), "");
	}
	fputc('\n', out);
}

int cli_table_print(const struct cli_table *table, FILE *out, struct gpupt_error **error)
{
	GPUPT_AUTOFREE size_t *widths = calloc(table->n_columns, sizeof(*widths));
	if (!widths || table->failed)
		return gpupt_fail_nomem(error);
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	print_row(table, table->headings, widths, out);
	for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		print_row(table, (const char *const *)table->cells + i, widths, out);
	return 0;
}

void cli_table_clear(struct cli_table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct cli_table){ 0 };
}
