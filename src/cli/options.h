/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_OPTIONS_H
#define GPUPT_CLI_OPTIONS_H

#include "cli/cli.h"

/* One row of the option table, from which getopt_long's arrays, --help and the
 * shells' completions are made. */
struct cli_option {
	int id;               /* its letter; past 255 where it has none */
	const char *name;     /* without "--" */
	const char *argument; /* NULL: takes none; "a|b": one of these words */
	unsigned int commands;
	const char *help;
};

extern const struct cli_option cli_options[];
extern const size_t cli_n_options;

/* Reads argv[1..] of a command (argv[0] is its name) into settings, which holds
 * the command already. */
int cli_options_parse(int argc, char **argv, struct cli_settings *settings,
		      struct gpupt_error **error);
/* Several operands. */
bool cli_takes_many(const struct cli_command *command);
void cli_settings_clear(struct cli_settings *settings);

/* The option table's part of a command's --help. */
void cli_options_print_help(unsigned int command, FILE *out);

#endif
