/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

#include <gpupt/error.h>

#include "base/util.h"

/* What QEMU's ACPI tables say the root buses may use (_CRS): hw/i386/acpi-build.c
 * build_dsdt(), and build_crs(), in hw/acpi/aml-build.c since 6.0. They are made when
 * the firmware asks for them, after it has programmed the devices. */

static int add(struct gpupt_space *space, struct gpupt_range range)
{
	int r = gpupt_space_take(space, range);
	return r ? r : gpupt_space_give(space, range);
}

/* build_crs(): an extra root bus gets what the firmware programmed on it, no more. */
static int programmed(const struct gpupt_mmio_model *model, size_t root, struct gpupt_space *ret)
{
	int r = 0;
	for (size_t i = model->buses[root].first; !r && i != GPUPT_MMIO_NONE;
	     i = model->next[i]) {
		const struct gpupt_mmio_function *function = &model->functions[i];
		for (size_t b = 0; !r && b < function->n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function->bars[b];
			if (bar->placed_by != GPUPT_MMIO_NOBODY && gpupt_is_memory(bar))
				r = add(ret, (struct gpupt_range){
						bar->address, gpupt_add(bar->address, bar->size) });
		}
		if (!r && gpupt_is_bridge(function))
			r = add(ret, model->buses[i].mem);
		if (!r && gpupt_is_bridge(function))
			r = add(ret, model->buses[i].pref);
	}
	return r;
}

/* crs_replace_with_free_ranges(): what `used`, ascending, leaves of `window`. It takes
 * no notice of where they lie: below the window, and what is between them and it comes
 * with it; above, and all up to them does. */
static int leave(const struct gpupt_range *used, size_t n, struct gpupt_range window,
		 struct gpupt_space *ret)
{
	uint64_t start = window.start;
	for (size_t i = 0; i < n; i++) {
		struct gpupt_range before = { start, used[i].start };
		int r = gpupt_space_give(ret, before);
		if (r)
			return r;
		start = used[i].end;
	}
	return gpupt_space_give(ret, (struct gpupt_range){ start, window.end });
}

/* The main root bus: from the end of low RAM to the I/O APIC but for MMCONFIG, and the
 * 64-bit window, less what the extra ones got. */
static int main_windows(const struct gpupt_mmio_model *model, struct gpupt_space *used,
			struct gpupt_space *ret)
{
	const struct gpupt_mmio_guest *guest = model->guest;
	const struct gpupt_range below = { gpupt_qemu_low_ram(guest), 0xfec00000 };
	const uint64_t mmconfig = gpupt_mmconfig_start(guest);
	size_t low = 0;
	int r = 0;
	for (size_t k = 1; !r && k < model->n_roots; k++)
		r = programmed(model, model->roots[k], used);
	while (low < used->n && used->free[low].end <= 4 * GPUPT_GIB)
		low++;
	if (!r)
		r = leave(used->free, low, below, ret);
	if (!r && guest->machine == GPUPT_MACHINE_Q35)
		r = gpupt_space_take(ret, (struct gpupt_range){ mmconfig,
							       mmconfig + 256 * GPUPT_MIB });
	if (r || gpupt_range_empty(model->window))
		return r;
	/* there may be none at all: nothing is added to NULL */
	return leave(low ? used->free + low : used->free, used->n - low, model->window, ret);
}

int gpupt_acpi_windows(const struct gpupt_mmio_model *model, size_t root, struct gpupt_space *ret)
{
	struct gpupt_space used = { 0 };
	int r = gpupt_space_set(ret, (struct gpupt_range){ 0 });
	if (!r)
		r = root == model->n ? main_windows(model, &used, ret)
				     : programmed(model, root, ret);
	gpupt_space_clear(&used);
	return r;
}
