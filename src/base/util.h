/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_UTIL_H
#define GPUPT_BASE_UTIL_H

/* Checked 64-bit arithmetic, cleanup attributes and growing arrays. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GPUPT_KIB (UINT64_C(1) << 10)
#define GPUPT_MIB (UINT64_C(1) << 20)
#define GPUPT_GIB (UINT64_C(1) << 30)
#define GPUPT_TIB (UINT64_C(1) << 40)

#define GPUPT_EXPORT __attribute__((visibility("default")))
#define GPUPT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Whether a text, which may be NULL, is that word. Most differ in their first letters,
 * and are compared to word after word. */
static inline bool gpupt_is(const char *text, const char *word)
{
	return text && text[0] == word[0] && (!word[0] || text[1] == word[1]) &&
	       strcmp(text, word) == 0;
}

/* Sums and alignments that saturate at UINT64_MAX: a window that does not fit in
 * 64 bits never looks small. */
static inline uint64_t gpupt_add(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t gpupt_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t gpupt_mul(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline bool gpupt_is_power_of_two(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* Aligns down and up; `to` is a power of two, 0 means 1. */
static inline uint64_t gpupt_align_down(uint64_t x, uint64_t to)
{
	return to ? x & ~(to - 1) : x;
}

static inline uint64_t gpupt_align_up(uint64_t x, uint64_t to)
{
	if (!to)
		return x;
	uint64_t sum = gpupt_add(x, to - 1);
	return sum == UINT64_MAX ? UINT64_MAX : sum & ~(to - 1);
}

/* Smallest power of two >= x (saturating), largest power of two <= x. */
static inline uint64_t gpupt_power_of_two_above(uint64_t x)
{
	if (x <= 1)
		return 1;
	if (x > UINT64_C(1) << 63)
		return UINT64_MAX;
	return UINT64_C(1) << (64 - __builtin_clzll(x - 1));
}

static inline uint64_t gpupt_power_of_two_below(uint64_t x)
{
	return x ? UINT64_C(1) << (63 - __builtin_clzll(x)) : 0;
}

/* The bit of a member of an enum. */
#define GPUPT_BIT(member) (1u << (unsigned int)(member))

/* Makes room for one element more in items[count]; true on success. New
 * elements are not cleared. */
#define GPUPT_GROW(items, count, capacity)                                                     \
	((count) < (capacity) ||                                                               \
	 gpupt_grow_array((void **)&(items), &(capacity), sizeof(*(items))))

static inline bool gpupt_grow_array(void **items, size_t *capacity, size_t item_size)
{
	size_t more = *capacity ? *capacity * 2 : 8;
	void *grown = reallocarray(*items, more, item_size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = more;
	return true;
}

static inline void gpupt_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Frees a malloc()ed variable when it leaves its scope. */
#define GPUPT_AUTOFREE __attribute__((cleanup(gpupt_cleanup_free)))

/* Calls type's own _free() when a variable leaves its scope:
 *   GPUPT_DEFINE_CLEANUP(struct gpupt_plan, gpupt_plan_free)
 *   GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL; */
#define GPUPT_DEFINE_CLEANUP(type, function)                                                   \
	static inline void function##_cleanup(type **pointer)                                  \
	{                                                                                      \
		function(*pointer);                                                            \
	}
#define GPUPT_AUTO(function) __attribute__((cleanup(function##_cleanup)))

/* Moves a pointer out of a variable, which becomes NULL. */
#define GPUPT_STEAL(pointer)                                                                   \
	({                                                                                     \
		__typeof__(pointer) stolen_ = (pointer);                                       \
		(pointer) = NULL;                                                              \
		stolen_;                                                                       \
	})

#endif
