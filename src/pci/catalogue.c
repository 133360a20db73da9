/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/str.h"
#include "pci/inventory.h"

#define NVIDIA 0x10de
#define NEAR_MAX 3

enum layout { GEFORCE, HOPPER, NVSWITCH };

struct gpu {
	uint16_t device;
	const char *name;
	uint32_t class_code;
	enum layout layout;
	uint64_t bar0_mib, memory_mib, third_mib;
	uint64_t resizable;
	bool assumed;
};

static const struct gpu gpus[] = {
#define GPUPT_GPU(device, name, class_code, layout, bar0, memory, third, resizable, assumed)   \
	{ device, name, class_code, layout, bar0, memory, third, resizable, assumed },
#include "pci/catalogue.def"
#undef GPUPT_GPU
};

static const struct gpu *find(uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; vendor == NVIDIA && i < GPUPT_ARRAY_SIZE(gpus); i++)
		if (gpus[i].device == device)
			return &gpus[i];
	return NULL;
}

static size_t memory_slot(const struct gpu *gpu)
{
	return gpu->layout == HOPPER ? 2 : 1;
}

static size_t third_slot(const struct gpu *gpu)
{
	return gpu->layout == HOPPER ? 4 : 3;
}

static void fill_bars(const struct gpu *gpu, struct gpupt_bar bars[GPUPT_BAR_COUNT])
{
	size_t memory = memory_slot(gpu), third = third_slot(gpu);
	bool wide = gpu->layout == HOPPER;
	const struct gpupt_bar blank = { .present = true, .enabled = true };
	const struct gpupt_bar wide_blank = {
		.present = true, .enabled = true, .mem64 = true, .prefetchable = true,
	};
	bars[0] = wide ? wide_blank : blank;
	bars[0].size_bytes = gpu->bar0_mib * GPUPT_MIB;
	if (gpu->layout == NVSWITCH)
		return;
	bars[memory] = wide_blank;
	bars[memory].size_bytes = gpu->memory_mib * GPUPT_MIB;
	bars[memory].resizable_sizes = gpu->resizable;
	bars[third] = wide_blank;
	bars[third].size_bytes = gpu->third_mib * GPUPT_MIB;
}

/* The catalogue's BAR i is no other BAR's upper half on the device at hand. */
static bool slot_is_free(const struct gpupt_bar *bars, size_t i, bool mem64)
{
	return !(i > 0 && bars[i - 1].present && bars[i - 1].mem64) &&
	       !(mem64 && bars[i + 1].present);
}

/* Linux clears a BAR's resource where it finds no room (reset_resource() in
 * drivers/pci/setup-bus.c, 6.1 to 6.18), and lspci without -v never had it. What
 * a source does tell stays, also where the catalogue disagrees. Virtual functions
 * share their physical function's ids, not its BARs. */
void gpupt_catalogue_complete(struct gpupt_pci_function *function)
{
	const struct gpu *gpu = find(function->vendor, function->device);
	if (!gpu)
		return;
	function->known_as = gpu->name;
	if (function->is_virtual_function || function->source == GPUPT_SOURCE_CATALOGUE)
		return;
	struct gpupt_bar known[GPUPT_BAR_COUNT] = { 0 };
	fill_bars(gpu, known);
	for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
		struct gpupt_bar *bar = &function->bars[i];
		if (!known[i].present || (bar->present && (bar->size_bytes || bar->io)))
			continue;
		if (!bar->present && !slot_is_free(function->bars, i, known[i].mem64))
			continue;
		if (!bar->present)
			*bar = known[i];
		bar->size_bytes = known[i].size_bytes;
		bar->size_from_catalogue = true;
		function->assumed |= gpu->assumed;
	}
}

static uint64_t distance(const struct gpu *gpu, uint64_t device)
{
	return gpu->device > device ? gpu->device - device : device - gpu->device;
}

/* The entry nearest to a device id, but for those up to `last`. The catalogue
 * has more entries than are ever asked for. */
static const struct gpu *next_nearest(uint64_t device, const struct gpu *last)
{
	const struct gpu *best = NULL;
	for (const struct gpu *gpu = gpus; gpu < gpus + GPUPT_ARRAY_SIZE(gpus); gpu++) {
		uint64_t d = distance(gpu, device);
		uint64_t past = last ? distance(last, device) : 0;
		if (last && (d < past || (d == past && gpu <= last)))
			continue;
		if (!best || d < distance(best, device))
			best = gpu;
	}
	return best;
}

void gpupt_catalogue_renumber(struct gpupt_pci_function *function)
{
	const struct gpu *gpu = find(function->vendor, function->device);
	if (!gpu || gpu->layout == NVSWITCH)
		return;
	struct gpupt_bar *memory = &function->bars[memory_slot(gpu)];
	struct gpupt_bar *third = &function->bars[third_slot(gpu)];
	struct gpupt_bar *last = &function->bars[5];
	if (!memory->mem64 || memory->size_bytes != gpu->third_mib * GPUPT_MIB ||
	    (third->present && (!third->io || last->present)))
		return;
	if (third->present)
		*last = *third;
	*third = *memory;
	*memory = (struct gpupt_bar){ 0 };
}

static int not_in_catalogue(uint64_t vendor, uint64_t device, struct gpupt_error **error)
{
	if (vendor != NVIDIA)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND,
				  "%04x:%04x is not in the catalogue, which has NVIDIA GPUs "
				  "(10de) only", (unsigned int)vendor, (unsigned int)device);
	struct gpupt_str near = { 0 };
	const struct gpu *best = NULL;
	for (size_t n = 0; n < NEAR_MAX; n++) {
		best = next_nearest(device, best);
		gpupt_str_addf(&near, "%s10de:%04x (%s)", n ? ", " : "", best->device,
			       best->name);
	}
	GPUPT_AUTOFREE char *text = gpupt_str_steal(&near, NULL);
	if (!text)
		return gpupt_fail_nomem(error);
	return gpupt_fail(error, GPUPT_E_NOT_FOUND,
			  "%04x:%04x is not in the catalogue; nearest: %s",
			  (unsigned int)vendor, (unsigned int)device, text);
}

/* "0000:08:00.0=10de:2330" */
static int parse_assumption(const char *text, struct gpupt_pci_function *ret,
			    struct gpupt_error **error)
{
	const char *p = text;
	struct gpupt_pci_address address;
	uint64_t vendor, device;
	char spelled[64];
	const char *equals = strchr(text, '=');
	if (!equals || (size_t)(equals - text) >= sizeof(spelled))
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%.60s\": expected ADDRESS=VENDOR:DEVICE such as "
				  "0000:08:00.0=10de:2330", text);
	memcpy(spelled, text, (size_t)(equals - text));
	spelled[equals - text] = '\0';
	int r = gpupt_pci_address_parse(spelled, &address, error);
	if (r < 0)
		return r;
	p = equals + 1;
	if (!gpupt_take_hex(&p, 4, &vendor) || *p++ != ':' || !gpupt_take_hex(&p, 4, &device) ||
	    *p)
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%.60s\": expected VENDOR:DEVICE such as 10de:2330 after "
				  "the =", text);
	const struct gpu *gpu = find((uint16_t)vendor, (uint16_t)device);
	if (!gpu)
		return not_in_catalogue(vendor, device, error);
	*ret = gpupt_pci_function_make(address, GPUPT_SOURCE_CATALOGUE);
	ret->vendor = NVIDIA;
	ret->device = gpu->device;
	ret->class_code = gpu->class_code;
	ret->assumed = gpu->assumed;
	fill_bars(gpu, ret->bars);
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		ret->bars[i].size_from_catalogue = ret->bars[i].present;
	return 0;
}

GPUPT_EXPORT int gpupt_inventory_assume(const struct gpupt_inventory *base,
					const char *assumption, struct gpupt_inventory **ret,
					struct gpupt_error **error)
{
	struct gpupt_pci_function assumed;
	int r = parse_assumption(assumption, &assumed, error);
	if (r < 0)
		return r;
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	if (base)
		r = gpupt_inventory_copy(made, base, &assumed.address, error);
	if (r == 0)
		r = gpupt_inventory_add(made, &assumed, error);
	if (r == 0)
		r = gpupt_inventory_seal(made, GPUPT_DUPLICATES_REFUSE, assumption, error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
