/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_ARENA_H
#define GPUPT_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

/* Many small allocations that are freed together. */
struct gpupt_arena;

/* Zeroed memory for anything, valid until gpupt_arena_free(); NULL when memory is
 * short. *arena starts as NULL. */
void *gpupt_arena_alloc(struct gpupt_arena **arena, size_t size);
/* A NUL-terminated copy of length bytes. */
char *gpupt_arena_copy(struct gpupt_arena **arena, const char *text, size_t length);
char *gpupt_arena_printf(struct gpupt_arena **arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *gpupt_arena_vprintf(struct gpupt_arena **arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
/* The parts that are not NULL, with the separator in between. */
char *gpupt_arena_join(struct gpupt_arena **arena, const char *const *parts, size_t n_parts,
		       const char *separator);
void gpupt_arena_free(struct gpupt_arena *arena);

#endif
