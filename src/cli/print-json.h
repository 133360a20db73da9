/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_PRINT_JSON_H
#define GPUPT_CLI_PRINT_JSON_H

#include <jansson.h>

#include "cli/cli.h"

/* Prints a document to standard output, indented, and frees it. NULL: there was no memory
 * to make it, which is an error. */
int cli_print_json(json_t *document, struct gpupt_error **error);

/* The same in one line. */
int cli_print_json_line(json_t *document, struct gpupt_error **error);

#endif
