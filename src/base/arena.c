/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The newest block is first; the older ones are full. */
struct gpupt_arena {
	struct gpupt_arena *older;
	size_t used;
	size_t size;
	max_align_t data[];
};

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024 };

static struct gpupt_arena *add_block(struct gpupt_arena *older, size_t least)
{
	size_t size = older ? older->size * 2 : FIRST_BLOCK;
	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	if (size < least)
		size = least;
	if (size > SIZE_MAX - sizeof(struct gpupt_arena))
		return NULL;
	struct gpupt_arena *block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->older = older;
	block->used = 0;
	block->size = size;
	return block;
}

/* Memory as it was found. */
static void *take(struct gpupt_arena **arena, size_t size)
{
	const size_t align = sizeof(max_align_t);
	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!*arena || (*arena)->size - (*arena)->used < size) {
		struct gpupt_arena *block = add_block(*arena, size);
		if (!block)
			return NULL;
		*arena = block;
	}
	void *memory = (char *)(*arena)->data + (*arena)->used;
	(*arena)->used += size;
	return memory;
}

void *gpupt_arena_alloc(struct gpupt_arena **arena, size_t size)
{
	void *memory = take(arena, size);
	return memory ? memset(memory, 0, size) : NULL;
}

GPUPT_EXPORT char *gpupt_arena_copy(struct gpupt_arena **arena, const char *text, size_t length)
{
	if (length == SIZE_MAX)
		return NULL;
	char *copy = take(arena, length + 1);
	if (copy && length)
		memcpy(copy, text, length);
	if (copy)
		copy[length] = '\0';
	return copy;
}

char *gpupt_arena_vprintf(struct gpupt_arena **arena, const char *format, va_list args)
{
	char line[128]; /* most fit, and are written once */
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(line, sizeof(line), format, args);
	char *text = NULL;
	if (length >= 0 && (size_t)length < sizeof(line))
		text = gpupt_arena_copy(arena, line, (size_t)length);
	else if (length >= 0)
		text = gpupt_arena_alloc(arena, (size_t)length + 1);
	if (text && (size_t)length >= sizeof(line))
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

GPUPT_EXPORT char *gpupt_arena_printf(struct gpupt_arena **arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = gpupt_arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

char *gpupt_arena_join(struct gpupt_arena **arena, const char *const *parts, size_t n_parts,
		       const char *separator)
{
	size_t length = 1;
	for (size_t i = 0; i < n_parts; i++)
		length += parts[i] ? strlen(parts[i]) + strlen(separator) : 0;
	char *text = gpupt_arena_alloc(arena, length), *end = text;
	for (size_t i = 0; text && i < n_parts; i++) {
		if (parts[i] && end > text)
			end = stpcpy(end, separator);
		if (parts[i])
			end = stpcpy(end, parts[i]);
	}
	return text;
}

GPUPT_EXPORT void gpupt_arena_free(struct gpupt_arena *arena)
{
	while (arena) {
		struct gpupt_arena *older = arena->older;
		free(arena);
		arena = older;
	}
}
