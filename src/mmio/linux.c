/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/linux.h"

#include <gpupt/error.h>

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
static bool reachable(const struct gpupt_linux *kernel, size_t bus, struct gpupt_range range)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (bus == model->n)
		return range.end <= 4 * GPUPT_GIB ||
		       gpupt_range_holds(model->window, range.start, range.end);
	return gpupt_range_holds(model->buses[bus].pref, range.start, range.end) ||
	       gpupt_range_holds(model->buses[bus].mem, range.start, range.end);
}

static struct gpupt_range overlap(struct gpupt_range a, struct gpupt_range b)
{
	return (struct gpupt_range){ a.start > b.start ? a.start : b.start, min64(a.end, b.end) };
}

/* pci_claim_bridge_resource(): a window that reaches past those of the bus is cut
 * to what lies inside. */
static struct gpupt_range claimable(const struct gpupt_linux *kernel, size_t bus,
				    struct gpupt_range window)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (gpupt_range_empty(window) || reachable(kernel, bus, window))
		return window;
	/* What begins below the window overlaps low memory's first, and is lost. */
	if (bus == model->n)
		return window.start < model->window.start ? (struct gpupt_range){ 0 } :
							    overlap(window, model->window);
	struct gpupt_range inside = overlap(window, model->buses[bus].mem);
	return gpupt_range_empty(inside) ? overlap(window, model->buses[bus].pref) : inside;
}

static int occupy(struct gpupt_linux *kernel, size_t bus, struct gpupt_range range)
{
	if (bus != kernel->model->n)
		return 0;
	int r = gpupt_space_take(&kernel->high, range);
	return r ? r : gpupt_space_take(&kernel->low, range);
}

static int claim_function(struct gpupt_linux *kernel, size_t i)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct gpupt_mmio_function *function = &model->functions[i];
	size_t bus = model->parent[i];
	for (unsigned int w = 0; w < GPUPT_N_WINDOWS && gpupt_is_bridge(function); w++) {
		struct gpupt_range *window = gpupt_linux_window(kernel, i, w);
		*window = claimable(kernel, bus, *window);
		if (gpupt_range_empty(*window)) {
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
		if (!reachable(kernel, bus, gpupt_bar_range(bar))) {
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
			continue;
		}
		int r = occupy(kernel, bus, gpupt_bar_range(bar));
		if (r)
			return r;
	}
	return 0;
}

static int claim(struct gpupt_linux *kernel)
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

static int attempt(struct gpupt_linux *kernel, bool optional)
{
	struct gpupt_mmio_model *model = kernel->model;
	gpupt_linux_size_windows(kernel, optional);
	int r = gpupt_linux_assign_bus(kernel, model->n);
	for (size_t i = 0; !r && i < model->n; i++)
		if (gpupt_is_bridge(&model->functions[i]))
			r = gpupt_linux_assign_bus(kernel, i);
	return r;
}

/* ---- pci=realloc: pci_assign_unassigned_root_bus_resources() ---- */

/* pci_bridge_release_resources(): the window and all in it lose their places. */
static int release(struct gpupt_linux *kernel, size_t bridge, unsigned int which)
{
	struct gpupt_mmio_model *model = kernel->model;
	struct gpupt_range *window = gpupt_linux_window(kernel, bridge, which);
	if (gpupt_range_empty(*window))
		return 0;
	for (size_t c = model->buses[bridge].first; c != GPUPT_MMIO_NONE; c = model->next[c])
		for (size_t b = 0; b < model->functions[c].n_bars; b++) {
			struct gpupt_mmio_bar *bar = &model->functions[c].bars[b];
			if (bar->placed_by == GPUPT_MMIO_NOBODY || bar->io ||
			    !gpupt_range_holds(*window, bar->address, gpupt_bar_range(bar).end))
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
	return gpupt_space_give(freed.start >= 4 * GPUPT_GIB ? &kernel->high : &kernel->low, freed);
}

static bool is_leaf(const struct gpupt_mmio_model *model, size_t bridge)
{
	for (size_t c = model->buses[bridge].first; c != GPUPT_MMIO_NONE; c = model->next[c])
		if (gpupt_is_bridge(&model->functions[c]))
			return false;
	return true;
}

/* Which window is released for a BAR that failed. A prefetchable window that
 * found no room has no flags any more, and the other one goes instead. */
static unsigned int released_for(struct gpupt_linux *kernel, size_t bridge,
				 const struct gpupt_mmio_bar *bar)
{
	unsigned int which = gpupt_linux_window_for(bar);
	if (which == GPUPT_WINDOW_PREF && !gpupt_linux_is_tight(kernel) &&
	    gpupt_range_empty(*gpupt_linux_window(kernel, bridge, which)))
		return GPUPT_WINDOW_MEM;
	return which;
}

static int reallocate(struct gpupt_linux *kernel)
{
	struct gpupt_mmio_model *model = kernel->model;
	int r = attempt(kernel, false);
	if (r)
		return r;
	for (size_t i = 0; i < model->n; i++)
		for (unsigned int w = 0; w < GPUPT_N_WINDOWS; w++)
			if (gpupt_is_bridge(&model->functions[i]) &&
			    gpupt_range_empty(*gpupt_linux_window(kernel, i, w)))
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
			r = release(kernel, bridge,
				    released_for(kernel, bridge, &model->functions[i].bars[b]));
			if (r)
				return r;
		}
	return any ? attempt(kernel, true) : 0;
}

/* ---- why not ---- */

static const char *why_not(struct gpupt_linux *kernel, size_t i, const struct gpupt_mmio_bar *bar)
{
	struct gpupt_mmio_model *model = kernel->model;
	size_t bus = model->parent[i];
	if (gpupt_linux_too_large(kernel, bar->size))
		return "the guest kernel disables BARs as large as this";
	if (bus == model->n)
		return bar->mem64 ? "no room in the 64-bit window" : "no room below 4 GiB";
	unsigned int which = gpupt_linux_window_for(bar);
	if (!kernel->wants[bus][which].from_firmware)
		return which == GPUPT_WINDOW_PREF ? "no room in the 64-bit window"
						  : "no room below 4 GiB";
	if (which == GPUPT_WINDOW_PREF)
		return "its root port's 64-bit window was sized by the firmware without it and "
		       "the kernel does not enlarge it";
	return "its root port's 32-bit memory window is too small and the kernel does not "
	       "enlarge it (the 32-bit trap)";
}

static void explain(struct gpupt_linux *kernel)
{
	for (size_t i = 0; i < kernel->model->n; i++)
		for (size_t b = 0; b < kernel->model->functions[i].n_bars; b++) {
			struct gpupt_mmio_bar *bar = &kernel->model->functions[i].bars[b];
			if (gpupt_linux_wanted(bar))
				bar->reason = why_not(kernel, i, bar);
		}
}

int gpupt_linux_place(struct gpupt_mmio_model *model)
{
	GPUPT_AUTOFREE struct gpupt_linux_want(*wants)[GPUPT_N_WINDOWS] =
		calloc(model->n + 1, sizeof(*wants));
	GPUPT_AUTOFREE bool *failed = calloc(model->n * 7 + 1, sizeof(*failed));
	if (!wants || !failed)
		return GPUPT_E_NOMEM;
	struct gpupt_linux kernel = { .model = model, .wants = wants, .failed = failed };
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

unsigned int gpupt_linux_traits(const struct gpupt_mmio_guest *guest)
{
	unsigned int version = guest->kernel_version;
	return (version && version < 515) | (version >= 700) << 1;
}
