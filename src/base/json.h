/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_JSON_H
#define GPUPT_BASE_JSON_H

#include <jansson.h>

/* jansson 2.14, where memory is short: it takes some of its own failures for mistakes in
 * the text, and leaves out parts of what it writes. */

/* As json_loadb(). *why->text is empty where memory is what was missing. */
json_t *gpupt_json_load(const char *text, size_t length, size_t flags, json_error_t *why);

/* Text, indented, to be freed with free(); NULL when memory is short. */
char *gpupt_json_dump(const json_t *json);

#endif
