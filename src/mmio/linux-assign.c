/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/linux.h"

#include <gpupt/error.h>

/* Where Linux puts what is without an address on one bus:
 * pbus_assign_resources_sorted() in setup-bus.c. */

static int request(struct gpupt_linux *kernel, struct gpupt_linux_request made)
{
	if (!GPUPT_GROW(kernel->requests, kernel->n_requests, kernel->c_requests))
		return GPUPT_E_NOMEM;
	kernel->requests[kernel->n_requests++] = made;
	return 0;
}

static int collect(struct gpupt_linux *kernel, size_t bus)
{
	struct gpupt_mmio_model *model = kernel->model;
	kernel->n_requests = 0;
	for (size_t c = model->buses[bus].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		for (size_t b = 0; b < function->n_bars; b++) {
			uint64_t size = function->bars[b].size;
			if (!gpupt_linux_wanted(&function->bars[b]))
				continue;
			bool must = gpupt_linux_is_must(kernel, &function->bars[b]);
			int r = request(kernel, (struct gpupt_linux_request){
							c, (unsigned int)b, must ? size : 0, size,
							size, size, GPUPT_MMIO_NONE });
			if (r)
				return r;
		}
		for (unsigned int w = 0; w < GPUPT_N_WINDOWS && gpupt_is_bridge(function); w++) {
			const struct gpupt_linux_want *want = &kernel->wants[c][w];
			if (!want->extra || !gpupt_range_empty(*gpupt_linux_window(kernel, c, w)))
				continue;
			int r = request(kernel,
					(struct gpupt_linux_request){
						c, GPUPT_SLOT_WINDOW + w, want->size, want->extra,
						want->align, want->extra_align,
						GPUPT_MMIO_NONE });
			if (r)
				return r;
		}
	}
	return 0;
}

/* Chains the requests by falling alignment, as with what would be nice to have, in order
 * among equals. */
static size_t sort(struct gpupt_linux *kernel)
{
	size_t head[64], tail[64];
	uint64_t used = 0;
	for (size_t i = 0; i < kernel->n_requests; i++) {
		unsigned int order = (unsigned int)__builtin_ctzll(kernel->requests[i].extra_align);
		if (used >> order & 1)
			kernel->requests[tail[order]].next = i;
		else
			head[order] = i;
		used |= UINT64_C(1) << order;
		tail[order] = i;
	}
	size_t first = GPUPT_MMIO_NONE;
	for (; used; used &= used - 1) {
		unsigned int order = (unsigned int)__builtin_ctzll(used);
		kernel->requests[tail[order]].next = first;
		first = head[order];
	}
	return first;
}

static struct gpupt_mmio_bar *requested_bar(struct gpupt_linux *kernel,
					    const struct gpupt_linux_request *made)
{
	return made->slot < GPUPT_SLOT_WINDOW
		       ? &kernel->model->functions[made->function].bars[made->slot]
		       : NULL;
}

/* __pci_assign_resource(): on the root bus whatever is 64 bits wide goes above
 * 4 GiB first; behind a bridge what is prefetchable too goes into that window
 * first, then into the other. One with subtractive decoding has its parent's as
 * well, and as 64-bit ones they are a better match than its 32-bit window. */
static int fit(struct gpupt_linux *kernel, size_t bus, const struct gpupt_linux_request *made,
	       uint64_t size, bool *ret_found, uint64_t *ret_start)
{
	const struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
	bool root = bus == kernel->root, open = gpupt_linux_is_open(kernel, bus);
	bool pref = made->slot == GPUPT_SLOT_WINDOW + GPUPT_WINDOW_PREF;
	uint64_t align = size > made->size ? made->extra_align : made->align;
	struct gpupt_space *spaces[] = {
		!root && (bar ? gpupt_is_pref64(bar) : pref) ? &kernel->pref : NULL,
		open && (bar ? bar->mem64 : pref) ? &kernel->high : NULL,
		root ? NULL : &kernel->mem,
		open ? &kernel->low : NULL,
	};
	int r = 0;
	*ret_found = false;
	for (size_t i = 0; !r && !*ret_found && i < GPUPT_ARRAY_SIZE(spaces); i++)
		if (spaces[i])
			r = gpupt_space_fit(spaces[i], size, align, gpupt_linux_is_tight(kernel),
					    ret_found, ret_start);
	return r;
}

/* Places one request; a window gets `size` bytes. */
static int assign(struct gpupt_linux *kernel, size_t bus, const struct gpupt_linux_request *made,
		  uint64_t size, bool *ret_found)
{
	uint64_t start = 0;
	int r = fit(kernel, bus, made, size, ret_found, &start);
	if (r || !*ret_found)
		return r;
	struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
	if (bar) {
		bar->placed_by = GPUPT_MMIO_KERNEL;
		bar->address = start;
	} else {
		*gpupt_linux_window(kernel, made->function, made->slot - GPUPT_SLOT_WINDOW) =
			(struct gpupt_range){ start, start + size };
	}
	return 0;
}

/* Free addresses of the bus: what its windows have left. */
static int look_at_bus(struct gpupt_linux *kernel, size_t bus)
{
	struct gpupt_mmio_model *model = kernel->model;
	if (bus == kernel->root)
		return 0;
	int r = gpupt_space_set(&kernel->mem, model->buses[bus].mem);
	if (!r)
		r = gpupt_space_set(&kernel->pref, model->buses[bus].pref);
	for (size_t c = model->buses[bus].first; !r && c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		struct gpupt_range taken[7 + GPUPT_N_WINDOWS];
		size_t n = 0;
		for (size_t b = 0; b < function->n_bars; b++)
			if (function->bars[b].placed_by != GPUPT_MMIO_NOBODY &&
			    !function->bars[b].io)
				taken[n++] = gpupt_bar_range(&function->bars[b]);
		for (unsigned int w = 0; w < GPUPT_N_WINDOWS && gpupt_is_bridge(function); w++)
			taken[n++] = *gpupt_linux_window(kernel, c, w);
		for (size_t i = 0; !r && i < n; i++) {
			r = gpupt_space_take(&kernel->mem, taken[i]);
			if (!r)
				r = gpupt_space_take(&kernel->pref, taken[i]);
		}
	}
	return r;
}

/* assign_requested_resources_sorted(): *ret_all tells whether everything but
 * ROMs found room. */
static int assign_sorted(struct gpupt_linux *kernel, size_t bus, size_t first, bool extra,
			 bool *ret_all)
{
	*ret_all = true;
	for (size_t i = first; i != GPUPT_MMIO_NONE; i = kernel->requests[i].next) {
		const struct gpupt_linux_request *made = &kernel->requests[i];
		uint64_t size = extra ? made->extra : made->size;
		bool found = true;
		int r = size ? assign(kernel, bus, made, size, &found) : 0;
		if (r)
			return r;
		const struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
		bool complain = !found && (!bar || gpupt_is_memory(bar));
		kernel->failed[gpupt_linux_slot(made->function, made->slot)] = complain;
		if (complain)
			*ret_all = false;
	}
	return 0;
}

static int save(struct gpupt_linux *kernel, size_t bus)
{
	if (!gpupt_linux_is_open(kernel, bus))
		return 0;
	int r = gpupt_space_copy(&kernel->saved_high, &kernel->high);
	return r ? r : gpupt_space_copy(&kernel->saved_low, &kernel->low);
}

/* Undoes what assign() did for these requests. */
static int undo(struct gpupt_linux *kernel, size_t bus, size_t first)
{
	for (size_t i = first; i != GPUPT_MMIO_NONE; i = kernel->requests[i].next) {
		struct gpupt_linux_request *made = &kernel->requests[i];
		struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
		if (bar) {
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
		} else {
			*gpupt_linux_window(kernel, made->function,
					    made->slot - GPUPT_SLOT_WINDOW) =
				(struct gpupt_range){ 0 };
		}
	}
	if (gpupt_linux_is_open(kernel, bus)) {
		gpupt_space_swap(&kernel->saved_high, &kernel->high);
		gpupt_space_swap(&kernel->saved_low, &kernel->low);
	}
	return look_at_bus(kernel, bus);
}

static struct gpupt_space *space_of(struct gpupt_linux *kernel, size_t bus,
				    struct gpupt_range range)
{
	if (!gpupt_linux_in_windows(kernel, bus, range))
		return range.start >= 4 * GPUPT_GIB ? &kernel->high : &kernel->low;
	return gpupt_range_holds(kernel->model->buses[bus].pref, range.start, range.end)
		       ? &kernel->pref
		       : &kernel->mem;
}

/* pci_reassign_resource(): a window that got what it must have is made larger,
 * where it is or where there is room. */
static int enlarge(struct gpupt_linux *kernel, size_t bus, const struct gpupt_linux_request *made)
{
	if (made->extra <= made->size || made->slot < GPUPT_SLOT_WINDOW)
		return 0;
	struct gpupt_range *window =
		gpupt_linux_window(kernel, made->function, made->slot - GPUPT_SLOT_WINDOW);
	struct gpupt_range old = *window;
	bool found;
	if (!made->size)
		return assign(kernel, bus, made, made->extra, &found);
	if (gpupt_range_empty(old))
		return 0;
	int r = gpupt_space_give(space_of(kernel, bus, old), old);
	if (!r)
		r = assign(kernel, bus, made, made->extra, &found);
	if (r || found)
		return r;
	return gpupt_space_take(space_of(kernel, bus, old), old);
}

/* reassign_resources_sorted(): the last bridge first, and of one bridge the
 * 32-bit window first. */
static int enlarge_all(struct gpupt_linux *kernel, size_t bus)
{
	int r = 0;
	for (size_t i = kernel->n_requests; !r && i-- > 0;) {
		const struct gpupt_linux_request *made = &kernel->requests[i];
		bool pair = i && made->slot == GPUPT_SLOT_WINDOW + GPUPT_WINDOW_PREF &&
			    made[-1].function == made->function &&
			    made[-1].slot == GPUPT_SLOT_WINDOW + GPUPT_WINDOW_MEM;
		if (pair)
			r = enlarge(kernel, bus, made - 1);
		if (!r)
			r = enlarge(kernel, bus, made);
		i -= pair;
	}
	return r;
}

/* __assign_resources_sorted(): first with everything that would be nice to
 * have; if that fails only what must be, then the rest where there is room. */
static int assign_all(struct gpupt_linux *kernel, size_t bus, size_t first)
{
	bool any_extra = false, all;
	for (size_t i = 0; i < kernel->n_requests; i++)
		any_extra |= kernel->requests[i].extra > kernel->requests[i].size;
	if (!any_extra)
		return assign_sorted(kernel, bus, first, false, &all);
	int r = save(kernel, bus);
	if (!r)
		r = assign_sorted(kernel, bus, first, true, &all);
	if (r || all)
		return r;
	r = undo(kernel, bus, first);
	if (!r)
		r = assign_sorted(kernel, bus, first, false, &all);
	return r ? r : enlarge_all(kernel, bus);
}

int gpupt_linux_assign_bus(struct gpupt_linux *kernel, size_t bus)
{
	int r = collect(kernel, bus);
	if (r || !kernel->n_requests)
		return r;
	r = look_at_bus(kernel, bus);
	return r ? r : assign_all(kernel, bus, sort(kernel));
}
