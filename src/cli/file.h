/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_FILE_H
#define GPUPT_CLI_FILE_H

#include "cli/cli.h"

/* Reads a file, or standard input for "-", up to GPUPT_DOMAIN_MAX_BYTES. The
 * text has a NUL byte after its end and is freed with free(). */
int cli_file_read(const char *path, char **ret_text, size_t *ret_length,
		  struct gpupt_error **error);

/* The same from an open file, which messages call `name`. */
int cli_file_read_open(int fd, const char *name, char **ret_text, size_t *ret_length,
		       struct gpupt_error **error);

/* Writes all of a text; messages call the file `path`. */
int cli_file_write(int fd, const char *path, const char *text, size_t length,
		   struct gpupt_error **error);

/* Bytes of a text. */
struct cli_text {
	const char *text;
	size_t length;
};

/* Puts a file in place of path in one step: readers see the old or the new text,
 * and a failure leaves the old one. An existing file keeps its mode, owner and
 * extended attributes; a symbolic link stays and its target is replaced. Where
 * `old` is given and the file says something else by now, it is left alone. */
int cli_file_replace(const char *path, const struct cli_text *old, const struct cli_text *new,
		     struct gpupt_error **error);

/* "cannot WHAT PATH: " and errno in words. */
int cli_file_fail(struct gpupt_error **error, const char *what, const char *path);

#endif
