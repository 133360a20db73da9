/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/linux.h"

/* How large Linux makes a bridge's windows: pbus_size_mem() in setup-bus.c. */

/* What pci_hp_mmio_size and pci_hp_mmio_pref_size add for a port with hotplug. */
#define HOTPLUG_EXTRA (2 * GPUPT_MIB)

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#define ORDERS 28 /* from 1 MiB */

struct sum {
	uint64_t size;
	uint64_t aligns[ORDERS];
	unsigned int max_order;
	uint64_t children_extra, children_extra_align;
};

static void sum_add(const struct gpupt_linux *kernel, struct sum *sum, uint64_t size,
		    uint64_t align)
{
	if (gpupt_linux_too_large(kernel, align))
		return;
	unsigned int order = align > GPUPT_MIB ? (unsigned int)__builtin_ctzll(align) - 20 : 0;
	sum->size = gpupt_add(sum->size, max64(size, align));
	/* What is larger than its alignment fills no head; the first releases of 7.0 took it
	 * to, until 8cb081667377. */
	if (size <= align)
		sum->aligns[order] = gpupt_add(sum->aligns[order], align);
	if (order > sum->max_order)
		sum->max_order = order;
}

/* pbus_size_mem_optional() of 7.0 */
static void add_extra(struct sum *sum, uint64_t size, uint64_t align)
{
	sum->children_extra = gpupt_add(sum->children_extra, size);
	sum->children_extra_align = max64(sum->children_extra_align, align);
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

/* set_pcie_hotplug_bridge() in probe.c: a PCIe port with a slot. A conventional
 * bridge with SHPC is none to the kernel. */
static bool takes_hotplug(const struct gpupt_mmio_function *bridge)
{
	return bridge->hotplug && bridge->kind != GPUPT_MMIO_PCI_BRIDGE;
}

static void size_window(struct gpupt_linux *kernel, size_t i, unsigned int which, bool optional)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct gpupt_linux_want *want = &kernel->wants[i][which];
	want->size = want->extra = 0;
	want->released = false;
	if (!gpupt_range_empty(*gpupt_linux_window(kernel, i, which)))
		return;
	struct sum sum = { 0 };
	for (size_t c = model->buses[i].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		struct gpupt_mmio_function *function = &model->functions[c];
		for (size_t b = 0; b < function->n_bars; b++) {
			struct gpupt_mmio_bar *bar = &function->bars[b];
			if (!gpupt_linux_wanted(bar) || gpupt_linux_window_for(bar) != which)
				continue;
			if (gpupt_linux_too_large(kernel, bar->size)) {
				bar->reason = "the guest kernel disables BARs as large as this";
				continue;
			}
			if (gpupt_linux_is_must(kernel, bar))
				sum_add(kernel, &sum, bar->size, bar->size);
			else
				add_extra(&sum, bar->size, bar->size);
		}
		const struct gpupt_linux_want *child = &kernel->wants[c][which];
		if (!gpupt_is_bridge(function) || !child->extra)
			continue;
		if (child->extra > child->size)
			add_extra(&sum, child->extra - child->size, child->extra_align);
		if (child->size)
			sum_add(kernel, &sum, child->size, child->align);
	}
	uint64_t nice = takes_hotplug(&model->functions[i]) ? HOTPLUG_EXTRA : 0;
	uint64_t old = gpupt_linux_is_tight(kernel) ? 0 : want->old;
	uint64_t least = max64(optional ? 0 : nice, old);
	want->align = gpupt_linux_is_tight(kernel) ? sum_head_align(&sum) : sum_align(&sum);
	uint64_t tail = gpupt_linux_is_tight(kernel) ? GPUPT_MIB : want->align;
	want->size = gpupt_align_up(max64(sum.size, least), tail);
	want->extra_align = max64(want->align, sum.children_extra_align);
	want->extra = want->size;
	if (optional && (nice || sum.children_extra))
		want->extra = gpupt_align_up(
			gpupt_add(max64(max64(sum.size, old), nice), sum.children_extra),
			tail);
}

void gpupt_linux_size_windows(struct gpupt_linux *kernel, bool optional)
{
	/* From the last bridge up: windows behind a bridge are part of its own. */
	const struct gpupt_mmio_model *model = kernel->model;
	for (size_t k = model->n_bridges; k-- > 0;)
		for (unsigned int w = 0; w < GPUPT_N_WINDOWS; w++)
			if (model->root[model->bridges[k]] == kernel->root)
				size_window(kernel, model->bridges[k], w, optional);
}
