/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failing-malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *reallocarray(void *old, size_t count, size_t size);
void free(void *block);
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static struct {
	bool counts;
	size_t allocations;
	size_t fail_at; /* counted from 1; 0: none */
	bool fail_all;
} now;

/* Blocks that were allocated since the beginning: a table with open addressing, where a
 * removed entry keeps its place as one without a block. */
enum { SLOTS = 1 << 18 };
static struct slot {
	void *block;
	const void *caller;
	bool used;
} slots[SLOTS];

static struct slot *find(const void *block)
{
	size_t at = ((uintptr_t)block >> 4) * 0x9e3779b97f4a7c15u >> 20 & (SLOTS - 1);
	while (slots[at].used && slots[at].block != block)
		at = (at + 1) & (SLOTS - 1);
	return &slots[at];
}

static void *note(void *block, const void *caller)
{
	if (block && now.counts)
		*find(block) = (struct slot){ block, caller, true };
	return block;
}

static void forget(const void *block)
{
	struct slot *slot = find(block);
	if (block && slot->used)
		slot->block = NULL;
}

static bool fails(void)
{
	if (!now.counts)
		return false;
	now.allocations++;
	bool it_does = now.fail_at && (now.allocations == now.fail_at ||
				       (now.fail_all && now.allocations > now.fail_at));
	if (it_does)
		errno = ENOMEM;
	return it_does;
}

void *malloc(size_t size)
{
	return fails() ? NULL : note(__libc_malloc(size), __builtin_return_address(0));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : note(__libc_calloc(count, size), __builtin_return_address(0));
}

static void *reallocate(void *old, size_t size, const void *caller)
{
	if (fails())
		return NULL;
	/* one from before the beginning is not of interest now, either */
	bool known = !old || find(old)->used;
	void *block = __libc_realloc(old, size);
	if (block && old)
		forget(old);
	return known ? note(block, caller) : block;
}

void *realloc(void *old, size_t size)
{
	return reallocate(old, size, __builtin_return_address(0));
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return reallocate(old, bytes, __builtin_return_address(0));
}

void free(void *block)
{
	int saved = errno;
	forget(block);
	__libc_free(block);
	errno = saved;
}

void failing_malloc_begin(size_t nth, bool all)
{
	memset(slots, 0, sizeof(slots));
	now.allocations = 0;
	now.fail_at = nth;
	now.fail_all = all;
	now.counts = true;
}

size_t failing_malloc_end(void)
{
	now.counts = false;
	return now.allocations;
}

size_t failing_malloc_report(const char *what)
{
	size_t leaks = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		Dl_info info = { 0 };
		if (!slots[i].used || !slots[i].block)
			continue;
		dladdr(slots[i].caller, &info);
		const char *library = info.dli_fname ? info.dli_fname : "?";
		printf("%s: not freed: a block of %s, %s\n", what, library,
		       info.dli_sname ? info.dli_sname : "a static function");
		leaks++;
	}
	return leaks;
}
