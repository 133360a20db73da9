/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_FILE_H
#define GPUPT_CLI_FILE_H

#include "cli/cli.h"

/* Reads a file, or standard input for "-", up to GPUPT_DOMAIN_MAX_BYTES. The
 * text has a NUL byte after its end and is freed with free(). */
int cli_file_read(const char *path, char **ret_text, size_t *ret_length,
		  struct gpupt_error **error);

/* Puts a file in place of path in one step: readers see the old or the new text,
 * and a failure leaves the old one. An existing file keeps its mode, owner and
 * extended attributes; a symbolic link stays and its target is replaced. */
int cli_file_replace(const char *path, const char *text, size_t length,
		     struct gpupt_error **error);

#endif
