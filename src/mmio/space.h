/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_MMIO_SPACE_H
#define GPUPT_MMIO_SPACE_H

/* Free addresses: first fit from below, as kernel and firmware do it. */

#include "mmio/mmio.h"

static inline bool gpupt_range_holds(struct gpupt_range range, uint64_t start, uint64_t end)
{
	return start >= range.start && end <= range.end && start < end;
}

/* What is free, ascending and disjoint. All zero: nothing is. */
struct gpupt_space {
	struct gpupt_range *free;
	size_t n;
	size_t capacity;
};

/* Makes exactly `range` free. 0 or GPUPT_E_NOMEM, like those below. */
int gpupt_space_set(struct gpupt_space *space, struct gpupt_range range);
/* Takes what is free of `range`. */
int gpupt_space_take(struct gpupt_space *space, struct gpupt_range range);
/* Takes `size` bytes at the lowest free multiple of `align`. `head_first`: what
 * `size` has beyond multiples of `align` goes below that address where it can.
 * *ret_found tells whether there was room; *ret_start is set when there was. */
int gpupt_space_fit(struct gpupt_space *space, uint64_t size, uint64_t align, bool head_first,
		    bool *ret_found, uint64_t *ret_start);
/* Makes `range`, all of it taken, free again. */
int gpupt_space_give(struct gpupt_space *space, struct gpupt_range range);
int gpupt_space_copy(struct gpupt_space *space, const struct gpupt_space *from);
void gpupt_space_swap(struct gpupt_space *a, struct gpupt_space *b);
void gpupt_space_clear(struct gpupt_space *space);

#endif
