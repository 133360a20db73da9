/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_STR_H
#define GPUPT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* A growing string. A failed allocation sticks: later calls do nothing, and the
 * one who takes the result sees `failed`. Always NUL-terminated when data is set. */
struct gpupt_str {
	char *data;
	size_t length;
	size_t capacity;
	bool failed;
};

void gpupt_str_add(struct gpupt_str *str, const char *data, size_t length);
void gpupt_str_adds(struct gpupt_str *str, const char *text);
void gpupt_str_addf(struct gpupt_str *str, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gpupt_str_add_number(struct gpupt_str *str, size_t number);
/* Gives the text away, "" when nothing was added; NULL when an allocation failed. */
char *gpupt_str_steal(struct gpupt_str *str, size_t *ret_length);
void gpupt_str_clear(struct gpupt_str *str);

/* The length of the UTF-8 sequence at text[0..left), or 0 for what is none (RFC 3629: no
 * overlong forms, no surrogates, nothing past U+10FFFF). */
size_t gpupt_utf8_length(const char *text, size_t left);

#endif
