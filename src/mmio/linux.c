/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

#include <gpupt/error.h>

#include "base/util.h"

/* How Linux keeps the firmware's addresses and places what has none:
 * arch/x86/pci/i386.c, drivers/pci/setup-bus.c and setup-res.c. */

enum { MEM, PREF, N_WINDOWS };

/* What pci_hp_mmio_size and pci_hp_mmio_pref_size add for a port with hotplug. */
#define HOTPLUG_EXTRA (2 * GPUPT_MIB)

/* A bridge window that is to be placed. */
struct want {
	uint64_t size;
	uint64_t extra; /* size with what would be nice to have */
	uint64_t align;
	uint64_t old;        /* a released window never shrinks */
	bool from_firmware;  /* the window as it stands is the firmware's */
};

/* Something on a bus that is to be placed. */
struct request {
	size_t function;
	unsigned int slot; /* index into bars[], or SLOT_WINDOW + MEM or PREF */
	uint64_t size;
	uint64_t extra;
	uint64_t align;
	size_t next;
};
#define SLOT_WINDOW 7

struct kernel {
	struct gpupt_mmio_model *model;
	struct want (*wants)[N_WINDOWS];
	struct gpupt_space high, low; /* the root bus */
	struct gpupt_space mem, pref; /* the bus at hand, behind a bridge */
	struct request *requests;
	size_t n_requests, c_requests;
	bool *failed; /* BARs: function * 7 + bar */
};

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct gpupt_range *window_of(struct kernel *kernel, size_t bridge, unsigned int which)
{
	struct gpupt_mmio_bus *bus = &kernel->model->buses[bridge];
	return which == PREF ? &bus->pref : &bus->mem;
}

static struct gpupt_range bar_range(const struct gpupt_mmio_bar *bar)
{
	return (struct gpupt_range){ bar->address, gpupt_add(bar->address, bar->size) };
}

/* The e820 map's reservation above 4 GiB, where the firmware passes it on: OVMF
 * does since stable202302, SeaBIOS always. */
static struct gpupt_range reserved(const struct gpupt_mmio_guest *guest)
{
	if (guest->firmware == GPUPT_FIRMWARE_OVMF && guest->firmware_version < 202302)
		return (struct gpupt_range){ 0 };
	return gpupt_qemu_reserved(guest);
}

/* The root bus below 4 GiB, as QEMU's ACPI tables have it (hw/i386/acpi-build.c):
 * from the end of low RAM to the I/O APIC, but for MMCONFIG. */
static int low_space(const struct gpupt_mmio_guest *guest, struct gpupt_space *space)
{
	struct gpupt_range low = { gpupt_qemu_low_ram(guest), 0xfec00000 };
	int r = gpupt_space_set(space, low);
	if (r || guest->machine != GPUPT_MACHINE_Q35)
		return r;
	uint64_t start = gpupt_mmconfig_start(guest);
	return gpupt_space_take(space, (struct gpupt_range){ start, start + 256 * GPUPT_MIB });
}

/* ---- keeping what the firmware did: pcibios_allocate_resources() ---- */

/* Is the range inside one of the windows of the bus? */
static bool reachable(const struct kernel *kernel, size_t bus, struct gpupt_range range)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (bus == model->n)
		return range.end <= 4 * GPUPT_GIB ||
		       gpupt_range_holds(model->window, range.start, range.end);
	return gpupt_range_holds(model->buses[bus].pref, range.start, range.end) ||
	       gpupt_range_holds(model->buses[bus].mem, range.start, range.end);
}

static int occupy(struct kernel *kernel, size_t bus, struct gpupt_range range)
{
	if (bus != kernel->model->n)
		return 0;
	int r = gpupt_space_take(&kernel->high, range);
	return r ? r : gpupt_space_take(&kernel->low, range);
}

static int claim_function(struct kernel *kernel, size_t i)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct gpupt_mmio_function *function = &model->functions[i];
	size_t bus = model->parent[i];
	for (unsigned int w = 0; w < N_WINDOWS && gpupt_is_bridge(function); w++) {
		struct gpupt_range *window = window_of(kernel, i, w);
		if (gpupt_range_empty(*window) || !reachable(kernel, bus, *window)) {
			*window = (struct gpupt_range){ 0 };
			continue;
		}
		kernel->wants[i][w].from_firmware = true;
		int r = occupy(kernel, bus, *window);
		if (r)
			return r;
	}
	for (size_t b = 0; b < function->n_bars; b++) {
		struct gpupt_mmio_bar *bar = &function->bars[b];
		if (bar->placed_by == GPUPT_MMIO_NOBODY || bar->io)
			continue;
		if (!reachable(kernel, bus, bar_range(bar))) {
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
			continue;
		}
		int r = occupy(kernel, bus, bar_range(bar));
		if (r)
			return r;
	}
	return 0;
}

static int claim(struct kernel *kernel)
{
	struct gpupt_mmio_model *model = kernel->model;
	const struct gpupt_mmio_guest *guest = model->guest;
	model->window.end = min64(model->window.end, gpupt_address_limit(guest->phys_bits));
	int r = gpupt_space_set(&kernel->high, model->window);
	if (!r)
		r = gpupt_space_take(&kernel->high, reserved(guest));
	if (!r)
		r = low_space(guest, &kernel->low);
	for (size_t i = 0; !r && i < model->n; i++)
		r = claim_function(kernel, i);
	return r;
}

/* ---- sizing bridge windows: pbus_size_mem() ---- */

#define ORDERS 28 /* from 1 MiB */

struct sum {
	uint64_t size;
	uint64_t aligns[ORDERS];
	unsigned int max_order;
	uint64_t children_extra;
};

/* Windows are sized without slack since 7.0 (3958bf16e2fe, bc75c8e50711, and
 * 9036bd0efcb6 in its stable releases). */
static bool is_tight(const struct kernel *kernel)
{
	return kernel->model->guest->kernel_version >= 700;
}

/* Larger ones are refused: "disabling BAR ...: bad alignment". */
static bool too_large(const struct kernel *kernel, uint64_t align)
{
	return align > (is_tight(kernel) ? 128 : 8) * GPUPT_TIB;
}

static void sum_add(const struct kernel *kernel, struct sum *sum, uint64_t size, uint64_t align)
{
	if (too_large(kernel, align))
		return;
	unsigned int order = align > GPUPT_MIB ? (unsigned int)__builtin_ctzll(align) - 20 : 0;
	sum->size = gpupt_add(sum->size, max64(size, align));
	if (size <= align || is_tight(kernel))
		sum->aligns[order] = gpupt_add(sum->aligns[order], align);
	if (order > sum->max_order)
		sum->max_order = order;
}

/* calculate_mem_align(), the same from 5.15 to 6.12. */
static uint64_t sum_align(const struct sum *sum)
{
	uint64_t align = 0, min_align = 0;
	for (unsigned int order = 0; order <= sum->max_order; order++) {
		uint64_t here = GPUPT_MIB << order;
		if (!align)
			min_align = here;
		else if (gpupt_align_up(gpupt_add(align, min_align), min_align) < here)
			min_align = here / 2;
		align = gpupt_add(align, sum->aligns[order]);
	}
	return min_align;
}

/* calculate_head_align(), since 7.0: less than the largest alignment when smaller
 * ones fill the head. */
static uint64_t sum_head_align(const struct sum *sum)
{
	uint64_t head = GPUPT_MIB << sum->max_order, rest = 0;
	for (unsigned int order = sum->max_order; order-- > 0;) {
		rest = gpupt_add(rest, sum->aligns[order]);
		while (head > GPUPT_MIB << order && rest >= head / 2) {
			head /= 2;
			rest -= head;
		}
	}
	return head;
}

/* pci_bridge_alloc: 64-bit prefetchable ones go into the prefetchable window,
 * all others into the other one. */
static unsigned int window_for(const struct gpupt_mmio_bar *bar)
{
	return gpupt_is_pref64(bar) ? PREF : MEM;
}

static bool wanted(const struct gpupt_mmio_bar *bar)
{
	return bar->placed_by == GPUPT_MMIO_NOBODY && !bar->io && bar->size;
}

static void size_window(struct kernel *kernel, size_t i, unsigned int which, bool optional)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct want *want = &kernel->wants[i][which];
	want->size = want->extra = 0;
	if (!gpupt_range_empty(*window_of(kernel, i, which)))
		return;
	struct sum sum = { 0 };
	for (size_t c = model->buses[i].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		for (size_t b = 0; b < function->n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function->bars[b];
			if (!wanted(bar) || window_for(bar) != which)
				continue;
			/* ROMs are nice to have since 6.15. */
			if (is_tight(kernel) && bar->index == 6)
				sum.children_extra = gpupt_add(sum.children_extra, bar->size);
			else
				sum_add(kernel, &sum, bar->size, bar->size);
		}
		const struct want *child = &kernel->wants[c][which];
		if (!gpupt_is_bridge(function) || !child->extra)
			continue;
		sum.children_extra = gpupt_add(sum.children_extra, child->extra - child->size);
		if (child->size)
			sum_add(kernel, &sum, child->size, child->align);
	}
	uint64_t nice = model->functions[i].hotplug ? HOTPLUG_EXTRA : 0;
	uint64_t least = max64(optional ? 0 : nice, want->old);
	want->align = is_tight(kernel) ? sum_head_align(&sum) : sum_align(&sum);
	uint64_t tail = is_tight(kernel) ? GPUPT_MIB : want->align;
	want->size = gpupt_align_up(max64(sum.size, least), tail);
	want->extra = want->size;
	if (optional && (nice || sum.children_extra))
		want->extra = gpupt_align_up(
			gpupt_add(max64(max64(sum.size, want->old), nice), sum.children_extra),
			tail);
}

/* ---- placing: pbus_assign_resources_sorted() ---- */

static int request(struct kernel *kernel, struct request made)
{
	if (!GPUPT_GROW(kernel->requests, kernel->n_requests, kernel->c_requests))
		return GPUPT_E_NOMEM;
	kernel->requests[kernel->n_requests++] = made;
	return 0;
}

static int collect(struct kernel *kernel, size_t bus)
{
	struct gpupt_mmio_model *model = kernel->model;
	kernel->n_requests = 0;
	for (size_t c = model->buses[bus].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		for (size_t b = 0; b < function->n_bars; b++) {
			uint64_t size = function->bars[b].size;
			if (!wanted(&function->bars[b]) || too_large(kernel, size))
				continue;
			int r = request(kernel, (struct request){ c, (unsigned int)b, size, size,
								  size, GPUPT_MMIO_NONE });
			if (r)
				return r;
		}
		for (unsigned int w = 0; w < N_WINDOWS && gpupt_is_bridge(function); w++) {
			const struct want *want = &kernel->wants[c][w];
			if (!want->extra || !gpupt_range_empty(*window_of(kernel, c, w)))
				continue;
			int r = request(kernel, (struct request){ c, SLOT_WINDOW + w, want->size,
								  want->extra, want->align,
								  GPUPT_MMIO_NONE });
			if (r)
				return r;
		}
	}
	return 0;
}

/* Chains the requests by falling alignment, in order among equals. */
static size_t sort(struct kernel *kernel)
{
	size_t head[64], tail[64];
	uint64_t used = 0;
	for (size_t i = 0; i < kernel->n_requests; i++) {
		unsigned int order = (unsigned int)__builtin_ctzll(kernel->requests[i].align);
		if (used >> order & 1)
			kernel->requests[tail[order]].next = i;
		else
			head[order] = i;
		used |= UINT64_C(1) << order;
		tail[order] = i;
	}
	size_t first = GPUPT_MMIO_NONE;
	for (unsigned int order = 0; order < 64; order++) {
		if (!(used >> order & 1))
			continue;
		kernel->requests[tail[order]].next = first;
		first = head[order];
	}
	return first;
}

static struct gpupt_mmio_bar *requested_bar(struct kernel *kernel, const struct request *made)
{
	return made->slot < SLOT_WINDOW
		       ? &kernel->model->functions[made->function].bars[made->slot] : NULL;
}

/* pci_bus_alloc_resource(): on the root bus whatever is 64 bits wide goes above
 * 4 GiB first; behind a bridge what is prefetchable too goes into that window
 * first, then into the other. */
static int fit(struct kernel *kernel, size_t bus, const struct request *made, uint64_t size,
	       bool *ret_found, uint64_t *ret_start)
{
	const struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
	bool root = bus == kernel->model->n;
	bool wide = bar ? (root ? bar->mem64 : gpupt_is_pref64(bar))
			: made->slot == SLOT_WINDOW + PREF;
	*ret_found = false;
	if (wide) {
		int r = gpupt_space_fit(root ? &kernel->high : &kernel->pref, size, made->align,
					is_tight(kernel), ret_found, ret_start);
		if (r || *ret_found)
			return r;
	}
	return gpupt_space_fit(root ? &kernel->low : &kernel->mem, size, made->align,
			       is_tight(kernel), ret_found, ret_start);
}

/* Places one request; a window gets `size` bytes. */
static int assign(struct kernel *kernel, size_t bus, const struct request *made, uint64_t size,
		  bool *ret_found)
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
		*window_of(kernel, made->function, made->slot - SLOT_WINDOW) =
			(struct gpupt_range){ start, start + size };
	}
	return 0;
}

/* Free addresses of the bus: what its windows have left. */
static int look_at_bus(struct kernel *kernel, size_t bus)
{
	struct gpupt_mmio_model *model = kernel->model;
	if (bus == model->n)
		return 0;
	int r = gpupt_space_set(&kernel->mem, model->buses[bus].mem);
	if (!r)
		r = gpupt_space_set(&kernel->pref, model->buses[bus].pref);
	for (size_t c = model->buses[bus].first; !r && c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		struct gpupt_range taken[7 + N_WINDOWS];
		size_t n = 0;
		for (size_t b = 0; b < function->n_bars; b++)
			if (function->bars[b].placed_by != GPUPT_MMIO_NOBODY &&
			    !function->bars[b].io)
				taken[n++] = bar_range(&function->bars[b]);
		for (unsigned int w = 0; w < N_WINDOWS && gpupt_is_bridge(function); w++)
			taken[n++] = *window_of(kernel, c, w);
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
static int assign_sorted(struct kernel *kernel, size_t bus, size_t first, bool extra,
			 bool *ret_all)
{
	*ret_all = true;
	for (size_t i = first; i != GPUPT_MMIO_NONE; i = kernel->requests[i].next) {
		const struct request *made = &kernel->requests[i];
		uint64_t size = extra ? made->extra : made->size;
		bool found = true;
		int r = size ? assign(kernel, bus, made, size, &found) : 0;
		if (r)
			return r;
		const struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
		if (bar)
			kernel->failed[made->function * 7 + made->slot] =
				!found && gpupt_is_memory(bar);
		if (!found && !(bar && !gpupt_is_memory(bar)))
			*ret_all = false;
	}
	return 0;
}

/* What the bus had free before it was tried with all extras. */
struct saved {
	struct gpupt_space high, low;
};

static int save(struct kernel *kernel, size_t bus, struct saved *saved)
{
	if (bus != kernel->model->n)
		return 0;
	int r = gpupt_space_copy(&saved->high, &kernel->high);
	return r ? r : gpupt_space_copy(&saved->low, &kernel->low);
}

/* Undoes what assign() did for these requests. */
static int undo(struct kernel *kernel, size_t bus, size_t first, struct saved *saved)
{
	for (size_t i = first; i != GPUPT_MMIO_NONE; i = kernel->requests[i].next) {
		struct request *made = &kernel->requests[i];
		struct gpupt_mmio_bar *bar = requested_bar(kernel, made);
		if (bar) {
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
		} else {
			*window_of(kernel, made->function, made->slot - SLOT_WINDOW) =
				(struct gpupt_range){ 0 };
		}
	}
	if (bus != kernel->model->n)
		return look_at_bus(kernel, bus);
	gpupt_space_swap(&saved->high, &kernel->high);
	gpupt_space_swap(&saved->low, &kernel->low);
	return 0;
}

static struct gpupt_space *space_of(struct kernel *kernel, size_t bus, struct gpupt_range range)
{
	if (bus == kernel->model->n)
		return range.start >= 4 * GPUPT_GIB ? &kernel->high : &kernel->low;
	return gpupt_range_holds(kernel->model->buses[bus].pref, range.start, range.end)
		       ? &kernel->pref : &kernel->mem;
}

/* pci_reassign_resource(): a window that got what it must have is made larger,
 * where it is or where there is room. */
static int enlarge(struct kernel *kernel, size_t bus, const struct request *made)
{
	if (made->extra <= made->size || made->slot < SLOT_WINDOW)
		return 0;
	struct gpupt_range *window =
		window_of(kernel, made->function, made->slot - SLOT_WINDOW);
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
static int enlarge_all(struct kernel *kernel, size_t bus)
{
	int r = 0;
	for (size_t i = kernel->n_requests; !r && i-- > 0;) {
		const struct request *made = &kernel->requests[i];
		bool pair = i && made->slot == SLOT_WINDOW + PREF &&
			    made[-1].function == made->function &&
			    made[-1].slot == SLOT_WINDOW + MEM;
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
static int assign_all(struct kernel *kernel, size_t bus, size_t first, struct saved *saved)
{
	bool any_extra = false, all;
	for (size_t i = 0; i < kernel->n_requests; i++)
		any_extra |= kernel->requests[i].extra > kernel->requests[i].size;
	if (!any_extra)
		return assign_sorted(kernel, bus, first, false, &all);
	int r = save(kernel, bus, saved);
	if (!r)
		r = assign_sorted(kernel, bus, first, true, &all);
	if (r || all)
		return r;
	r = undo(kernel, bus, first, saved);
	if (!r)
		r = assign_sorted(kernel, bus, first, false, &all);
	return r ? r : enlarge_all(kernel, bus);
}

static int assign_bus(struct kernel *kernel, size_t bus)
{
	int r = look_at_bus(kernel, bus);
	if (!r)
		r = collect(kernel, bus);
	if (r)
		return r;
	struct saved saved = { 0 };
	r = assign_all(kernel, bus, sort(kernel), &saved);
	gpupt_space_clear(&saved.high);
	gpupt_space_clear(&saved.low);
	return r;
}

static int attempt(struct kernel *kernel, bool optional)
{
	struct gpupt_mmio_model *model = kernel->model;
	for (size_t i = model->n; i-- > 0;)
		for (unsigned int w = 0; w < N_WINDOWS; w++)
			if (gpupt_is_bridge(&model->functions[i]))
				size_window(kernel, i, w, optional);
	int r = assign_bus(kernel, model->n);
	for (size_t i = 0; !r && i < model->n; i++)
		if (gpupt_is_bridge(&model->functions[i]))
			r = assign_bus(kernel, i);
	return r;
}

/* ---- pci=realloc: pci_assign_unassigned_root_bus_resources() ---- */

/* pci_bridge_release_resources(): the window and all in it lose their places. */
static int release(struct kernel *kernel, size_t bridge, unsigned int which)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct gpupt_range *window = window_of(kernel, bridge, which);
	if (gpupt_range_empty(*window))
		return 0;
	for (size_t c = model->buses[bridge].first; c != GPUPT_MMIO_NONE; c = model->next[c])
		for (size_t b = 0; b < model->functions[c].n_bars; b++) {
			struct gpupt_mmio_bar *bar = &model->functions[c].bars[b];
			if (bar->placed_by == GPUPT_MMIO_NOBODY || bar->io ||
			    !gpupt_range_holds(*window, bar->address, bar_range(bar).end))
				continue;
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
		}
	kernel->wants[bridge][which].old = window->end - window->start;
	kernel->wants[bridge][which].from_firmware = false;
	struct gpupt_range freed = *window;
	*window = (struct gpupt_range){ 0 };
	if (model->parent[bridge] != model->n)
		return 0;
	return gpupt_space_give(freed.start >= 4 * GPUPT_GIB ? &kernel->high : &kernel->low,
				freed);
}

static bool is_leaf(const struct gpupt_mmio_model *model, size_t bridge)
{
	for (size_t c = model->buses[bridge].first; c != GPUPT_MMIO_NONE; c = model->next[c])
		if (gpupt_is_bridge(&model->functions[c]))
			return false;
	return true;
}

static int reallocate(struct kernel *kernel)
{
	struct gpupt_mmio_model *model = kernel->model;
	int r = attempt(kernel, false);
	if (r)
		return r;
	for (size_t i = 0; i < model->n; i++)
		for (unsigned int w = 0; w < N_WINDOWS; w++)
			if (gpupt_is_bridge(&model->functions[i]) &&
			    gpupt_range_empty(*window_of(kernel, i, w)))
				kernel->wants[i][w].old = kernel->wants[i][w].size;
	bool any = false;
	for (size_t i = 0; i < model->n; i++)
		for (size_t b = 0; b < model->functions[i].n_bars; b++) {
			size_t bridge = model->parent[i];
			if (!kernel->failed[i * 7 + b])
				continue;
			any = true;
			if (bridge == model->n || !is_leaf(model, bridge))
				continue;
			r = release(kernel, bridge, window_for(&model->functions[i].bars[b]));
			if (r)
				return r;
		}
	return any ? attempt(kernel, true) : 0;
}

/* ---- why not ---- */

static const char *why_not(struct kernel *kernel, size_t i, const struct gpupt_mmio_bar *bar)
{
	struct gpupt_mmio_model *model = kernel->model;
	size_t bus = model->parent[i];
	if (too_large(kernel, bar->size))
		return "the guest kernel disables BARs as large as this";
	if (bus == model->n)
		return bar->mem64 ? "no room in the 64-bit window" : "no room below 4 GiB";
	unsigned int which = window_for(bar);
	if (!kernel->wants[bus][which].from_firmware)
		return which == PREF ? "no room in the 64-bit window" : "no room below 4 GiB";
	if (which == PREF)
		return "its root port's 64-bit window was sized by the firmware without it and "
		       "the kernel does not enlarge it";
	return "its root port's 32-bit memory window is too small and the kernel does not "
	       "enlarge it (the 32-bit trap)";
}

static void explain(struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->model->n; i++)
		for (size_t b = 0; b < kernel->model->functions[i].n_bars; b++) {
			struct gpupt_mmio_bar *bar = &kernel->model->functions[i].bars[b];
			if (wanted(bar))
				bar->reason = why_not(kernel, i, bar);
		}
}

int gpupt_linux_place(struct gpupt_mmio_model *model)
{
	GPUPT_AUTOFREE struct want(*wants)[N_WINDOWS] = calloc(model->n + 1, sizeof(*wants));
	GPUPT_AUTOFREE bool *failed = calloc(model->n * 7 + 1, sizeof(*failed));
	if (!wants || !failed)
		return GPUPT_E_NOMEM;
	struct kernel kernel = { .model = model, .wants = wants, .failed = failed };
	int r = claim(&kernel);
	if (!r)
		r = model->guest->realloc ? reallocate(&kernel) : attempt(&kernel, true);
	if (!r)
		explain(&kernel);
	gpupt_space_clear(&kernel.high);
	gpupt_space_clear(&kernel.low);
	gpupt_space_clear(&kernel.mem);
	gpupt_space_clear(&kernel.pref);
	free(kernel.requests);
	return r;
}
