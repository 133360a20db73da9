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

/* ---- keeping what the firmware did: pcibios_allocate_resources() ---- */

/* Is the range inside one of the windows of the bus? */
static bool reachable(const struct gpupt_linux *kernel, size_t bus, struct gpupt_range range)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (bus == model->n && range.end <= 4 * GPUPT_GIB)
		return true;
	for (size_t i = 0; bus == kernel->root && i < kernel->windows.n; i++)
		if (gpupt_range_holds(kernel->windows.free[i], range.start, range.end))
			return true;
	return gpupt_linux_in_windows(kernel, bus, range);
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
	/* What begins below a root bus's window overlaps another thing first, and is lost. */
	for (size_t i = 0; bus == kernel->root && i < kernel->windows.n; i++) {
		struct gpupt_range inside = overlap(window, kernel->windows.free[i]);
		if (inside.start == window.start && !gpupt_range_empty(inside))
			return inside;
	}
	if (bus == kernel->root)
		return (struct gpupt_range){ 0 };
	struct gpupt_range inside = overlap(window, model->buses[bus].mem);
	return gpupt_range_empty(inside) ? overlap(window, model->buses[bus].pref) : inside;
}

static int occupy(struct gpupt_linux *kernel, size_t bus, struct gpupt_range range)
{
	if (bus != kernel->root)
		return 0;
	int r = range.end > 4 * GPUPT_GIB ? gpupt_space_take(&kernel->high, range) : 0;
	return r || range.start >= 4 * GPUPT_GIB ? r : gpupt_space_take(&kernel->low, range);
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

/* What of the root bus's windows is addressable, and free above and below 4 GiB. */
static int look_at_windows(struct gpupt_linux *kernel)
{
	const struct gpupt_mmio_guest *guest = kernel->model->guest;
	const struct gpupt_range past = { gpupt_address_limit(guest->phys_bits), UINT64_MAX };
	const struct gpupt_range low = { 0, 4 * GPUPT_GIB }, high = { 4 * GPUPT_GIB, UINT64_MAX };
	int r = gpupt_acpi_windows(kernel->model, kernel->root, &kernel->windows);
	if (!r)
		r = gpupt_space_take(&kernel->windows, past);
	if (!r)
		r = gpupt_space_copy(&kernel->high, &kernel->windows);
	if (!r)
		r = gpupt_space_take(&kernel->high, low);
	if (!r)
		r = gpupt_space_take(&kernel->high, reserved(guest));
	if (!r)
		r = gpupt_space_copy(&kernel->low, &kernel->windows);
	return r ? r : gpupt_space_take(&kernel->low, high);
}

static int claim(struct gpupt_linux *kernel)
{
	int r = look_at_windows(kernel);
	for (size_t i = 0; !r && i < kernel->model->n; i++)
		if (kernel->model->root[i] == kernel->root)
			r = claim_function(kernel, i);
	return r;
}

static int attempt(struct gpupt_linux *kernel, bool optional)
{
	struct gpupt_mmio_model *model = kernel->model;
	memset(kernel->failed, 0, gpupt_linux_slot(model->n, 0) * sizeof(*kernel->failed));
	kernel->optional = optional;
	gpupt_linux_size_windows(kernel, optional);
	int r = gpupt_linux_assign_bus(kernel, kernel->root);
	for (size_t k = 0; !r && k < model->n_bridges; k++)
		if (model->root[model->bridges[k]] == kernel->root)
			r = gpupt_linux_assign_bus(kernel, model->bridges[k]);
	return r;
}

/* ---- pci=realloc: pci_assign_unassigned_root_bus_resources() ---- */

static bool is_behind(const struct gpupt_mmio_model *model, size_t function, size_t bus)
{
	while (function != model->n && model->parent[function] != bus)
		function = model->parent[function];
	return function != model->n;
}

/* The window is no more; it will be sized and placed anew, no smaller. */
static void forget_window(struct gpupt_linux *kernel, size_t bridge, unsigned int which)
{
	struct gpupt_linux_want *want = &kernel->wants[bridge][which];
	struct gpupt_range *window = gpupt_linux_window(kernel, bridge, which);
	want->old = window->end - window->start;
	want->from_firmware = false;
	want->released = true;
	*window = (struct gpupt_range){ 0 };
}

/* release_child_resources(): what is in the window loses its place. */
static void empty_window(struct gpupt_linux *kernel, size_t bridge, struct gpupt_range window)
{
	struct gpupt_mmio_model *model = kernel->model;
	for (size_t i = bridge + 1; i < model->n; i++) {
		struct gpupt_mmio_function *function = &model->functions[i];
		if (!is_behind(model, i, bridge))
			continue;
		for (size_t b = 0; b < function->n_bars; b++) {
			struct gpupt_mmio_bar *bar = &function->bars[b];
			if (bar->placed_by == GPUPT_MMIO_NOBODY || bar->io ||
			    !gpupt_range_holds(window, bar->address, gpupt_bar_range(bar).end))
				continue;
			bar->placed_by = GPUPT_MMIO_NOBODY;
			bar->address = 0;
		}
		for (unsigned int w = 0; w < GPUPT_N_WINDOWS && gpupt_is_bridge(function); w++) {
			struct gpupt_range *inner = gpupt_linux_window(kernel, i, w);
			if (gpupt_range_holds(window, inner->start, inner->end))
				forget_window(kernel, i, w);
		}
	}
}

/* pci_bridge_release_resources(): where the bridge has no prefetchable window,
 * the other one; no more in 7.x, where a window that found no room keeps its kind
 * (pbus_select_window_for_type()). */
static int release(struct gpupt_linux *kernel, size_t bridge, unsigned int which)
{
	struct gpupt_mmio_model *model = kernel->model;
	if (!gpupt_linux_is_tight(kernel) && gpupt_range_empty(model->buses[bridge].pref) &&
	    !kernel->wants[bridge][GPUPT_WINDOW_PREF].released)
		which = GPUPT_WINDOW_MEM;
	struct gpupt_range freed = *gpupt_linux_window(kernel, bridge, which);
	if (gpupt_range_empty(freed))
		return 0;
	empty_window(kernel, bridge, freed);
	forget_window(kernel, bridge, which);
	if (gpupt_linux_in_windows(kernel, model->parent[bridge], freed))
		return 0;
	return gpupt_space_give(freed.start >= 4 * GPUPT_GIB ? &kernel->high : &kernel->low,
				freed);
}

/* pci_bus_release_bridge_resources(): the bridge to this bus if no other is
 * behind it, or with all that are. */
static int release_bus(struct gpupt_linux *kernel, size_t bus, unsigned int which, bool whole)
{
	struct gpupt_mmio_model *model = kernel->model;
	bool leaf = true;
	int r = 0;
	for (size_t i = model->n; !r && i-- > 0;) {
		if (!gpupt_linux_is_bridge_here(kernel, i) || !is_behind(model, i, bus))
			continue;
		leaf = false;
		if (whole)
			r = release(kernel, i, which);
	}
	if (!r && bus != kernel->root && (whole || leaf))
		r = release(kernel, bus, which);
	return r;
}

/* Makes room for what failed; *ret_any tells whether anything did. */
static int release_failed(struct gpupt_linux *kernel, bool whole, bool *ret_any)
{
	struct gpupt_mmio_model *model = kernel->model;
	*ret_any = false;
	for (size_t i = 0; i < model->n; i++)
		for (unsigned int s = 0; s < GPUPT_SLOT_WINDOW + GPUPT_N_WINDOWS; s++) {
			if (!kernel->failed[gpupt_linux_slot(i, s)])
				continue;
			bool window = s >= GPUPT_SLOT_WINDOW;
			unsigned int which =
				window ? s - GPUPT_SLOT_WINDOW
				       : gpupt_linux_window_for(&model->functions[i].bars[s]);
			if (window)
				kernel->wants[i][which].old = kernel->wants[i][which].size;
			int r = release_bus(kernel, model->parent[i], which, whole);
			if (r)
				return r;
			*ret_any = true;
		}
	return 0;
}

/* pci_bus_get_depth(): levels of bridges. */
static unsigned int depth_of(const struct gpupt_linux *kernel)
{
	const struct gpupt_mmio_model *model = kernel->model;
	unsigned int most = 0;
	for (size_t i = 0; i < model->n; i++) {
		unsigned int depth = 0;
		for (size_t bus = i; !gpupt_is_root(model, bus); bus = model->parent[bus])
			depth += gpupt_is_bridge(&model->functions[bus]);
		if (model->root[i] == kernel->root && depth > most)
			most = depth;
	}
	return most;
}

/* One try more than there are levels; room for hotplug is a must in all but the
 * last. */
static int reallocate(struct gpupt_linux *kernel)
{
	unsigned int tries = depth_of(kernel) + 1;
	for (unsigned int n = 1; n < tries; n++) {
		bool any;
		int r = attempt(kernel, false);
		if (!r)
			r = release_failed(kernel, n >= 2, &any);
		if (r || !any)
			return r;
	}
	return attempt(kernel, true);
}

/* pci_realloc_detect(): distributions build with CONFIG_PCI_REALLOC_ENABLE_AUTO, so that
 * a VF's BAR without an address does what pci=realloc does, for its root bus. */
static bool wants_realloc(const struct gpupt_linux *kernel)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (model->guest->realloc)
		return true;
	for (size_t i = 0; i < model->n && model->has_vf_bars; i++)
		for (size_t b = 0; b < model->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &model->functions[i].bars[b];
			if (model->root[i] == kernel->root && gpupt_is_vf_bar(bar) &&
			    bar->placed_by == GPUPT_MMIO_NOBODY)
				return true;
		}
	return false;
}

/* ---- why not ---- */

/* Behind an expander there is no space but what the firmware used. Behind a switch it may
 * be the window of a bridge further up that the firmware made too small. */
static bool is_trapped(const struct gpupt_linux *kernel, size_t i, const struct gpupt_mmio_bar *bar)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (model->root[i] != model->n)
		return true;
	for (size_t bus = model->parent[i]; bus != model->n; bus = model->parent[bus])
		if (kernel->wants[bus][gpupt_linux_window_for(bar)].from_firmware)
			return true;
	return false;
}

static const char *why_not(struct gpupt_linux *kernel, size_t i, const struct gpupt_mmio_bar *bar)
{
	struct gpupt_mmio_model *model = kernel->model;
	size_t bus = model->parent[i];
	if (model->root[i] != model->n)
		return "the firmware left it out, and behind an expander bus the kernel has no "
		       "addresses but those that the firmware used";
	if (bus == model->n)
		return bar->mem64 ? "no room in the 64-bit window" : "no room below 4 GiB";
	unsigned int which = gpupt_linux_window_for(bar);
	if (!is_trapped(kernel, i, bar))
		return which == GPUPT_WINDOW_PREF ? "no room in the 64-bit window"
						  : "no room below 4 GiB";
	if (!kernel->wants[bus][which].from_firmware)
		return which == GPUPT_WINDOW_PREF
			       ? "a bridge above its own has a 64-bit window that the firmware "
				 "sized without it and the kernel does not enlarge"
			       : "a bridge above its own has a 32-bit memory window that is too "
				 "small and that the kernel does not enlarge";
	if (which == GPUPT_WINDOW_PREF)
		return "its root port's 64-bit window was sized by the firmware without it and "
		       "the kernel does not enlarge it";
	return "its root port's 32-bit memory window is too small and the kernel does not "
	       "enlarge it (the 32-bit trap)";
}

/* Does a bridge on the way not pass it on? What the kernel put into the root bus's windows
 * instead; QEMU's bridges have no subtractive decoding, whatever they say. */
static bool is_cut_off(const struct gpupt_linux *kernel, size_t i, const struct gpupt_mmio_bar *bar)
{
	const struct gpupt_mmio_model *model = kernel->model;
	if (bar->placed_by != GPUPT_MMIO_KERNEL || bar->io)
		return false;
	for (size_t bus = model->parent[i]; !gpupt_is_root(model, bus); bus = model->parent[bus]) {
		const struct gpupt_mmio_bus *windows = &model->buses[bus];
		struct gpupt_range range = gpupt_bar_range(bar);
		if (!gpupt_range_holds(windows->pref, range.start, range.end) &&
		    !gpupt_range_holds(windows->mem, range.start, range.end))
			return true;
	}
	return false;
}

static void explain(struct gpupt_linux *kernel)
{
	for (size_t i = 0; i < kernel->model->n; i++)
		for (size_t b = 0; b < kernel->model->functions[i].n_bars; b++) {
			struct gpupt_mmio_bar *bar = &kernel->model->functions[i].bars[b];
			if (is_cut_off(kernel, i, bar)) {
				bar->placed_by = GPUPT_MMIO_NOBODY;
				bar->reason = "the kernel gives it an address that its "
					      "dmi-to-pci-bridge does not pass on";
				continue;
			}
			if (!gpupt_linux_wanted(bar))
				continue;
			bar->reason = why_not(kernel, i, bar);
			bar->trapped = is_trapped(kernel, i, bar);
		}
}

void gpupt_linux_free(struct gpupt_linux *kernel)
{
	if (!kernel)
		return;
	gpupt_space_clear(&kernel->windows);
	gpupt_space_clear(&kernel->high);
	gpupt_space_clear(&kernel->low);
	gpupt_space_clear(&kernel->mem);
	gpupt_space_clear(&kernel->pref);
	gpupt_space_clear(&kernel->saved_high);
	gpupt_space_clear(&kernel->saved_low);
	free(kernel->requests);
	free(kernel->wants);
	free(kernel->failed);
	free(kernel);
}

/* The kernel before it did anything. */
static struct gpupt_linux *boot(struct gpupt_mmio_model *model)
{
	struct gpupt_linux *kernel = model->kernel;
	if (!kernel) {
		kernel = calloc(1, sizeof(*kernel));
		if (!kernel)
			return NULL;
		kernel->model = model;
		kernel->wants = calloc(model->n + 1, sizeof(*kernel->wants));
		kernel->failed = calloc(gpupt_linux_slot(model->n, 1), sizeof(*kernel->failed));
		if (!kernel->wants || !kernel->failed) {
			gpupt_linux_free(kernel);
			return NULL;
		}
		model->kernel = kernel;
	}
	memset(kernel->wants, 0, (model->n + 1) * sizeof(*kernel->wants));
	return kernel;
}

int gpupt_linux_place(struct gpupt_mmio_model *model)
{
	struct gpupt_linux *kernel = boot(model);
	if (!kernel)
		return GPUPT_E_NOMEM;
	model->window.end =
		min64(model->window.end, gpupt_address_limit(model->guest->phys_bits));
	int r = 0;
	for (size_t k = 0; !r && k < model->n_roots; k++) {
		kernel->root = model->roots[k];
		r = claim(kernel);
		if (!r)
			r = wants_realloc(kernel) ? reallocate(kernel) : attempt(kernel, true);
	}
	if (!r)
		explain(kernel);
	return r;
}

unsigned int gpupt_linux_traits(const struct gpupt_mmio_guest *guest)
{
	unsigned int version = guest->kernel_version;
	return (version && version < 515) | (version >= 700) << 1;
}
