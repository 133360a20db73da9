/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

#include <gpupt/error.h>

#include "base/util.h"

uint64_t gpupt_address_limit(unsigned int bits)
{
	return bits < 64 ? UINT64_C(1) << bits : UINT64_MAX;
}

static void append(struct gpupt_mmio_model *model, struct gpupt_mmio_bus *bus, size_t function)
{
	if (bus->first == GPUPT_MMIO_NONE)
		bus->first = function;
	else
		model->next[bus->last] = function;
	bus->last = function;
}

int gpupt_model_init(struct gpupt_mmio_model *model, const struct gpupt_mmio_guest *guest,
		     struct gpupt_mmio_function *functions, size_t n)
{
	*model = (struct gpupt_mmio_model){ .guest = guest, .functions = functions, .n = n };
	model->buses = calloc(n + 1, sizeof(*model->buses));
	model->next = calloc(n + 1, sizeof(*model->next));
	model->parent = calloc(n + 1, sizeof(*model->parent));
	model->root = calloc(n + 1, sizeof(*model->root));
	model->roots = calloc(n + 1, sizeof(*model->roots));
	model->bridges = calloc(n + 1, sizeof(*model->bridges));
	if (!model->buses || !model->next || !model->parent || !model->root || !model->roots ||
	    !model->bridges) {
		gpupt_model_clear(model);
		return GPUPT_E_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		if (gpupt_is_bridge(&functions[i]))
			model->bridges[model->n_bridges++] = i;
		for (size_t b = 0; b < functions[i].n_bars; b++)
			model->has_vf_bars |= gpupt_is_vf_bar(&functions[i].bars[b]);
	}
	gpupt_model_reset(model);
	return 0;
}

/* Which root bus function i is on, now that it is on one. */
static void find_root(struct gpupt_mmio_model *model, size_t i)
{
	size_t parent = model->parent[i];
	bool is_root = gpupt_is_root(model, parent);
	model->root[i] = is_root ? parent : model->root[parent];
	if (!is_root || parent == model->n || model->buses[parent].first != GPUPT_MMIO_NONE)
		return;
	size_t k = model->n_roots++;
	for (; k > 1 && model->functions[model->roots[k - 1]].bus_number >
				model->functions[parent].bus_number; k--)
		model->roots[k] = model->roots[k - 1];
	model->roots[k] = parent;
}

void gpupt_model_reset(struct gpupt_mmio_model *model)
{
	size_t n = model->n;
	struct gpupt_mmio_function *functions = model->functions;
	model->firmware_aborted = false;
	model->roots[0] = model->root[n] = n;
	model->n_roots = 1;
	model->firmware_window = model->window = (struct gpupt_range){ 0 };
	for (size_t i = 0; i <= n; i++)
		model->buses[i] = (struct gpupt_mmio_bus){ GPUPT_MMIO_NONE, GPUPT_MMIO_NONE };
	for (size_t i = 0; i < n; i++) {
		struct gpupt_mmio_function *function = &functions[i];
		size_t parent = function->parent < 0 ? n : (size_t)function->parent;
		/* A bridge comes before what is behind it. */
		if (parent >= i || functions[parent].kind == GPUPT_MMIO_ENDPOINT)
			parent = n;
		model->parent[i] = parent;
		model->next[i] = GPUPT_MMIO_NONE;
		find_root(model, i);
		append(model, &model->buses[parent], i);
		for (size_t b = 0; b < function->n_bars; b++) {
			function->bars[b].placed_by = GPUPT_MMIO_NOBODY;
			function->bars[b].address = 0;
			function->bars[b].reason = NULL;
			function->bars[b].trapped = false;
		}
	}
}

void gpupt_model_clear(struct gpupt_mmio_model *model)
{
	free(model->buses);
	free(model->next);
	free(model->parent);
	free(model->root);
	free(model->roots);
	free(model->bridges);
	gpupt_ovmf_free(model->ovmf);
	gpupt_linux_free(model->kernel);
	*model = (struct gpupt_mmio_model){ 0 };
}

uint64_t gpupt_mmio_traits(const struct gpupt_mmio_guest *guest)
{
	uint64_t firmware = guest->firmware == GPUPT_FIRMWARE_OVMF ? gpupt_ovmf_traits(guest)
								   : gpupt_seabios_traits(guest);
	return firmware << 32 | (uint64_t)gpupt_linux_traits(guest) << 16 |
	       gpupt_qemu_traits(guest);
}

/* pci_dev_get_w64() in QEMU's hw/pci/pci.c. */
static void widen(struct gpupt_range *range, uint64_t start, uint64_t end)
{
	if (start < 4 * GPUPT_GIB)
		start = 4 * GPUPT_GIB;
	if (start >= end)
		return;
	if (gpupt_range_empty(*range) || start < range->start)
		range->start = start;
	if (end > range->end)
		range->end = end;
}

struct gpupt_range gpupt_model_programmed(const struct gpupt_mmio_model *model)
{
	struct gpupt_range range = { 0 };
	for (size_t i = model->buses[model->n].first; i != GPUPT_MMIO_NONE; i = model->next[i]) {
		const struct gpupt_mmio_function *function = &model->functions[i];
		for (size_t b = 0; b < function->n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function->bars[b];
			if (bar->placed_by != GPUPT_MMIO_NOBODY && gpupt_is_memory(bar))
				widen(&range, bar->address, gpupt_add(bar->address, bar->size));
		}
		if (gpupt_is_bridge(function))
			widen(&range, model->buses[i].pref.start, model->buses[i].pref.end);
	}
	return range;
}
