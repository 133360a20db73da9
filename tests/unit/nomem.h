/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_NOMEM_H
#define GPUPT_TESTS_NOMEM_H

/* Every allocation fails once: the call must say so, leak nothing (the sanitizer
 * build looks) and leave its out parameters alone. The linker sends this
 * library's allocations here (nomem_link_args); tests/property/nomem.c lets those of
 * libxml2, jansson and glibc fail as well. */

#include "unit.h"

#include <gpupt/error.h>

static size_t fail_after = SIZE_MAX; /* this many succeed, one fails */

static bool is_the_one(void)
{
	return fail_after != SIZE_MAX && fail_after-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return is_the_one() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_the_one() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_the_one() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return is_the_one() ? NULL : __real_reallocarray(old, count, size);
}

/* Runs one call with its first, second, ... allocation failing, until it gets by
 * without. */
static inline void exhaust(int (*call)(void *data, struct gpupt_error **error), void *data)
{
	size_t failures = 0;
	for (size_t i = 0; i < 100000; i++) {
		struct gpupt_error *error = NULL;
		fail_after = i;
		int r = call(data, &error);
		bool reached = fail_after == SIZE_MAX;
		fail_after = SIZE_MAX;
		if (!reached) {
			assert_int_equal(r, 0);
			assert_true(failures > 0);
			return;
		}
		/* the message itself may be what there was no memory for */
		if (r != 0)
			assert_non_null(error);
		if (r != GPUPT_E_NOMEM && r != 0)
			fail_msg("allocation %zu: %s", i, gpupt_error_get_message(error));
		failures += r != 0;
		gpupt_error_free(error);
	}
	fail_msg("no end");
}

#endif
