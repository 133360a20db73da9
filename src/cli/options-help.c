/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#define HELP_COLUMN 30
#define HELP_WIDTH 80

/* Fills lines up to HELP_WIDTH, indented to HELP_COLUMN. */
static void print_wrapped(const char *text, FILE *out)
{
	size_t column = HELP_COLUMN;
	while (*text) {
		size_t length = strcspn(text, " ");
		if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, length, out);
		column += length;
		text += length + (text[length] == ' ');
	}
	fputc('\n', out);
}

void cli_options_print_help(unsigned int command, FILE *out)
{
	for (size_t i = 0; i < cli_n_options; i++) {
		const struct cli_option *option = &cli_options[i];
		if (!(option->commands & command))
			continue;
		int width = option->id < 256 ? fprintf(out, "  -%c, ", option->id) :
						       fprintf(out, "%6s", "");
		width += fprintf(out, "--%s%s%s", option->name, option->argument ? " " : "",
				 option->argument ? option->argument : "");
		if (width + 2 > HELP_COLUMN)
			fprintf(out, "\n%*s", HELP_COLUMN, "");
		else
			fprintf(out, "%*s", HELP_COLUMN - width, "");
		print_wrapped(option->help, out);
	}
}
