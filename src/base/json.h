/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_JSON_H
#define GPUPT_BASE_JSON_H

#include <jansson.h>

/* jansson 2.14, where memory is short: it takes some of its own failures for mistakes in
 * the text, and leaves out parts of what it writes. */

/* As json_loadb(). *why->text is empty where memory is what was missing. */
json_t *gpupt_json_load(const char *text, size_t length, size_t flags, json_error_t *why);

/* Text, to be freed with free(); NULL when memory is short. Flags are jansson's. */
char *gpupt_json_dump(const json_t *json, size_t flags);

/* A string from outside, such as a file's name: what is no UTF-8 becomes U+FFFD, and
 * NULL null. NULL when memory is short. */
json_t *gpupt_json_text(const char *text);

#endif
