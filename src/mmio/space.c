/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/space.h"

#include <gpupt/error.h>

#include "base/util.h"

int gpupt_space_set(struct gpupt_space *space, struct gpupt_range range)
{
	space->n = 0;
	if (gpupt_range_empty(range))
		return 0;
	if (!GPUPT_GROW(space->free, space->n, space->capacity))
		return GPUPT_E_NOMEM;
	space->free[space->n++] = range;
	return 0;
}

/* Cuts [start, end) out of free[i], which holds it. */
static int cut(struct gpupt_space *space, size_t i, uint64_t start, uint64_t end)
{
	struct gpupt_range old = space->free[i];
	if (start > old.start && end < old.end) {
		if (!GPUPT_GROW(space->free, space->n, space->capacity))
			return GPUPT_E_NOMEM;
		memmove(&space->free[i + 1], &space->free[i],
			(space->n - i) * sizeof(*space->free));
		space->n++;
		space->free[i].end = start;
		space->free[i + 1].start = end;
	} else if (start > old.start) {
		space->free[i].end = start;
	} else if (end < old.end) {
		space->free[i].start = end;
	} else {
		space->n--;
		memmove(&space->free[i], &space->free[i + 1],
			(space->n - i) * sizeof(*space->free));
	}
	return 0;
}

int gpupt_space_take(struct gpupt_space *space, struct gpupt_range range)
{
	/* From above, so that what cut() moves has been looked at. */
	for (size_t i = space->n; i-- > 0;) {
		struct gpupt_range free = space->free[i];
		if (free.end <= range.start)
			break;
		uint64_t start = free.start > range.start ? free.start : range.start;
		uint64_t end = free.end < range.end ? free.end : range.end;
		if (start >= end)
			continue;
		int r = cut(space, i, start, end);
		if (r)
			return r;
	}
	return 0;
}

int gpupt_space_fit(struct gpupt_space *space, uint64_t size, uint64_t align, bool head_first,
		    bool *ret_found, uint64_t *ret_start)
{
	uint64_t head = head_first && align ? size % align : 0;
	for (size_t i = 0; i < space->n; i++) {
		uint64_t start = gpupt_align_up(space->free[i].start, align);
		if (start - space->free[i].start >= head)
			start -= head;
		uint64_t end = gpupt_add(start, size);
		if (end > space->free[i].end || end == UINT64_MAX)
			continue;
		int r = cut(space, i, start, end);
		if (r)
			return r;
		*ret_found = true;
		*ret_start = start;
		return 0;
	}
	*ret_found = false;
	return 0;
}

int gpupt_space_give(struct gpupt_space *space, struct gpupt_range range)
{
	if (gpupt_range_empty(range))
		return 0;
	size_t i = 0;
	while (i < space->n && space->free[i].end < range.start)
		i++;
	bool below = i < space->n && space->free[i].end == range.start;
	size_t above = i + below;
	bool joins = above < space->n && space->free[above].start == range.end;
	if (below && joins) {
		space->free[i].end = space->free[above].end;
		space->n--;
		memmove(&space->free[above], &space->free[above + 1],
			(space->n - above) * sizeof(*space->free));
	} else if (below) {
		space->free[i].end = range.end;
	} else if (joins) {
		space->free[i].start = range.start;
	} else {
		if (!GPUPT_GROW(space->free, space->n, space->capacity))
			return GPUPT_E_NOMEM;
		memmove(&space->free[i + 1], &space->free[i],
			(space->n - i) * sizeof(*space->free));
		space->free[i] = range;
		space->n++;
	}
	return 0;
}

int gpupt_space_copy(struct gpupt_space *space, const struct gpupt_space *from)
{
	while (space->capacity < from->n)
		if (!GPUPT_GROW(space->free, space->capacity, space->capacity))
			return GPUPT_E_NOMEM;
	if (from->n)
		memcpy(space->free, from->free, from->n * sizeof(*from->free));
	space->n = from->n;
	return 0;
}

void gpupt_space_swap(struct gpupt_space *a, struct gpupt_space *b)
{
	struct gpupt_space old = *a;
	*a = *b;
	*b = old;
}

void gpupt_space_clear(struct gpupt_space *space)
{
	free(space->free);
	*space = (struct gpupt_space){ 0 };
}
