/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest's address space as data: memory, windows, bridges and BARs as ranges. */

#include "plan/making.h"

enum { ON_ROOT_BUS = 1 };

static bool add(struct gpupt_making *making, enum gpupt_map_kind kind, struct gpupt_range range,
		unsigned int depth, const char *label)
{
	struct gpupt_plan *plan = making->plan;
	if (gpupt_range_empty(range))
		return true;
	if (!GPUPT_GROW(plan->map, plan->n_map, plan->c_map))
		return false;
	plan->map[plan->n_map++] = (struct gpupt_map_region){
		.kind = kind,
		.start = range.start,
		.end = range.end,
		.label = label,
		.depth = depth,
	};
	return true;
}

static bool add_memory(struct gpupt_making *making, const struct gpupt_mmio_guest *guest)
{
	struct gpupt_mmio_memory memory = gpupt_qemu_memory(guest);
	uint64_t hole = gpupt_qemu_hole_start(guest);
	uint64_t limit = guest->phys_bits < 64 ? UINT64_C(1) << guest->phys_bits : UINT64_MAX;
	struct gpupt_range beyond = { limit, UINT64_MAX };
	return add(making, GPUPT_MAP_RAM, memory.low, 0, "RAM below 4 GiB") &&
	       add(making, GPUPT_MAP_RAM, memory.high, 0, "RAM above 4 GiB") &&
	       add(making, GPUPT_MAP_HOTPLUG, memory.hotplug, 0,
		   "kept for memory plugged in later") &&
	       add(making, GPUPT_MAP_RESERVED, memory.reserved, 0,
		   "AMD's HyperTransport range") &&
	       add(making, GPUPT_MAP_LOW_WINDOW, gpupt_firmware_low_window(guest), 0,
		   "32-bit window of the firmware") &&
	       add(making, GPUPT_MAP_HOLE,
		   (struct gpupt_range){ hole, gpupt_add(hole, guest->hole_bytes) }, 0,
		   "QEMU's 64-bit hole") &&
	       add(making, GPUPT_MAP_BEYOND, beyond, 0, "beyond the guest's address width");
}

static bool add_windows(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	return add(making, GPUPT_MAP_KERNEL_WINDOW,
		   (struct gpupt_range){ hole->window_start, hole->window_end }, 0,
		   "64-bit window of the guest kernel") &&
	       add(making, GPUPT_MAP_FIRMWARE_WINDOW,
		   (struct gpupt_range){ hole->firmware_window_start, hole->firmware_window_end },
		   0, "64-bit window of the firmware");
}

/* A bridge comes before what is behind it. */
static unsigned int depth_of(const struct gpupt_making *making, size_t i)
{
	unsigned int depth = ON_ROOT_BUS;
	for (int parent = making->functions[i].parent; parent >= 0 && depth <= i + 1;
	     parent = making->functions[parent].parent)
		depth++;
	return depth;
}

/* `bar` counts through the layout, which has the BARs in the same order. */
static bool add_function(struct gpupt_making *making, size_t i, size_t *bar)
{
	const struct gpupt_mmio_function *function = &making->functions[i];
	const char *label = making->devices[i].label;
	struct gpupt_plan *plan = making->plan;
	unsigned int depth = depth_of(making, i);
	bool ok = add(making, GPUPT_MAP_BRIDGE_WINDOW, function->window_mem, depth, label) &&
		  add(making, GPUPT_MAP_BRIDGE_WINDOW, function->window_pref, depth, label);
	for (size_t b = 0; b < function->n_bars && ok; b++) {
		if (!gpupt_is_shown_bar(&function->bars[b]))
			continue;
		const struct gpupt_layout_bar *shown = &plan->layout[(*bar)++];
		if (shown->placed_by == GPUPT_PLACED_BY_NOBODY)
			continue;
		struct gpupt_range range = { shown->guest_address,
					     gpupt_add(shown->guest_address, shown->size_bytes) };
		size_t before = plan->n_map;
		ok = add(making, GPUPT_MAP_BAR, range, depth, label);
		if (plan->n_map > before)
			plan->map[before].bar = shown;
	}
	return ok;
}

int gpupt_map_functions(struct gpupt_making *making)
{
	size_t bar = 0;
	bool ok = true;
	making->plan->n_map = 0;
	for (size_t i = 0; i < making->n_functions && ok; i++)
		ok = add_function(making, i, &bar);
	return ok ? 0 : gpupt_fail_nomem(making->error);
}

static int compare(const void *a, const void *b)
{
	const struct gpupt_map_region *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

int gpupt_make_map(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	struct gpupt_mmio_guest guest = making->worlds[plan->shown].guest;
	guest.hole_set = true;
	guest.hole_bytes = gpupt_making_effective_hole(making);
	if (!add_memory(making, &guest) || !add_windows(making))
		return gpupt_fail_nomem(making->error);
	qsort(plan->map, plan->n_map, sizeof(*plan->map), compare);
	return 0;
}

GPUPT_EXPORT const char *gpupt_map_kind_name(enum gpupt_map_kind kind)
{
	switch (kind) {
	case GPUPT_MAP_RAM: return "ram";
	case GPUPT_MAP_HOTPLUG: return "hotplug";
	case GPUPT_MAP_RESERVED: return "reserved";
	case GPUPT_MAP_LOW_WINDOW: return "low-window";
	case GPUPT_MAP_HOLE: return "hole";
	case GPUPT_MAP_KERNEL_WINDOW: return "kernel-window";
	case GPUPT_MAP_FIRMWARE_WINDOW: return "firmware-window";
	case GPUPT_MAP_BRIDGE_WINDOW: return "bridge-window";
	case GPUPT_MAP_BAR: return "bar";
	case GPUPT_MAP_BEYOND: return "beyond";
	}
	return "unknown";
}
