/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_OUTPUT_H
#define GPUPT_CLI_OUTPUT_H

#include "base/str.h"
#include "cli/cli.h"

/* Text that others wrote (XML, libvirt's messages), with control characters
 * shown as ^X instead of being obeyed by a terminal. Tabs and, where asked for,
 * newlines stay. */
void cli_print_safe(FILE *out, const char *text, size_t length, bool newlines);

/* Whether to colour what goes there: as told, else on a terminal unless NO_COLOR. */
bool cli_use_color(enum cli_color color, FILE *out);

/* Adds a word to a command that is shown for use in a shell, quoted where needed. */
void cli_add_word(struct gpupt_str *line, const char *word);

/* "gpupt-xml: FILE:LINE:COLUMN: message" on standard error. */
void cli_print_error(const struct gpupt_error *error);

/* The same of one target of several, which the message may not name. */
void cli_print_target_error(const char *target, const struct gpupt_error *error);

/* A remark on standard error, unless --quiet. */
void cli_note(const struct cli_settings *settings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Waits, a few seconds at most, until what was written to standard error has been read,
 * where that is a pipe: for a reader that stops when the program ends. */
void cli_await_reader(void);

/* "FILE:LINE:COLUMN: warning: text [GPUPT-0012]" and the remedy, on standard
 * error; only errors with --quiet. */
void cli_print_findings(const struct cli_settings *settings, const char *file,
			const struct gpupt_finding *findings, size_t n_findings);

/* Goes on in the given column of a line, and fills lines of up to 80 characters. */
void cli_print_filled(FILE *out, int column, int indent, const char *text);

/* Fills lines of up to 80 characters; the first has an indent of its own. */
void cli_print_paragraph(FILE *out, int indent, int first_indent, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "64 GiB", "3.1 GiB": five digits are enough for a glance. */
const char *cli_format_size(uint64_t bytes, char buffer[GPUPT_SIZE_TEXT_MAX]);
/* "firmware", "kernel" */
const char *cli_placer_name(enum gpupt_placer placer);

/* A text made of lines to standard output as it is; on a terminal made safe. */
int cli_print_text(const char *text, size_t length, struct gpupt_error **error);

/* The whole result of a command: to --output, or as above. */
int cli_put_text(const struct cli_settings *settings, const char *text, size_t length,
		 struct gpupt_error **error);

/* A diff that is still to be shown. */
struct cli_changes {
	char *text; /* freed with free() */
	size_t length;
	bool redacted; /* so that it does not apply */
};

/* The diff from the old text to the new one. `name` is the part behind "a/" and "b/". */
int cli_make_diff(const struct cli_settings *settings, const char *name, const char *old_text,
		  size_t old_length, const char *new_text, size_t new_length,
		  struct cli_changes *ret, struct gpupt_error **error);

/* To standard output. Says on standard error when it was redacted. */
int cli_print_changes(const struct cli_settings *settings, const struct cli_changes *changes,
		      struct gpupt_error **error);

/* Both. */
int cli_print_diff(const struct cli_settings *settings, const char *name, const char *old_text,
		   size_t old_length, const char *new_text, size_t new_length,
		   struct gpupt_error **error);

/* A handler for SIGPIPE: does nothing. Where it is set, functions here that write
 * to a closed standard output end the process as if it were not. */
void cli_on_broken_pipe(int number);

/* Writes out what is buffered for standard output. */
int cli_flush_output(struct gpupt_error **error);
int cli_close_output(struct gpupt_error **error);

#endif
