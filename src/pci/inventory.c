/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "pci/inventory.h"

#include "base/str.h"

struct gpupt_inventory {
	struct gpupt_host host;
	struct gpupt_pci_function *functions;
	size_t count, capacity;
	struct gpupt_host_firmware *firmware; /* the host's */
	size_t n_firmware, c_firmware;
	char **strings; /* what every const char * above points into */
	size_t n_strings, c_strings;
};

struct gpupt_inventory *gpupt_inventory_new(void)
{
	return calloc(1, sizeof(struct gpupt_inventory));
}

GPUPT_EXPORT void gpupt_inventory_free(struct gpupt_inventory *inventory)
{
	if (!inventory)
		return;
	for (size_t i = 0; i < inventory->n_strings; i++)
		free(inventory->strings[i]);
	free(inventory->strings);
	free(inventory->functions);
	free(inventory->firmware);
	free(inventory);
}

void gpupt_make_presentable(char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t step = gpupt_utf8_length(text + i, length - i);
		bool c1_control = step == 2 && (unsigned char)text[i] == 0xc2 &&
				  (unsigned char)text[i + 1] < 0xa0;
		if (!step || (unsigned char)text[i] < ' ' || text[i] == 0x7f || c1_control)
			memset(text + i, '?', step ? step : 1);
		i += step ? step : 1;
	}
}

const char *gpupt_inventory_keep(struct gpupt_inventory *inventory, const char *text,
				 size_t length)
{
	if (!GPUPT_GROW(inventory->strings, inventory->n_strings, inventory->c_strings))
		return NULL;
	char *copy = malloc(length + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	gpupt_make_presentable(copy, length);
	inventory->strings[inventory->n_strings++] = copy;
	return copy;
}

struct gpupt_host *gpupt_inventory_edit_host(struct gpupt_inventory *inventory)
{
	return &inventory->host;
}

struct gpupt_pci_function *gpupt_inventory_edit(struct gpupt_inventory *inventory, size_t i)
{
	return &inventory->functions[i];
}

struct gpupt_pci_function gpupt_pci_function_make(struct gpupt_pci_address address,
						  enum gpupt_source source)
{
	return (struct gpupt_pci_function){
		.address = address,
		.iommu_group = -1,
		.source = source,
	};
}

int gpupt_inventory_add(struct gpupt_inventory *inventory,
			const struct gpupt_pci_function *function, struct gpupt_error **error)
{
	if (inventory->count == GPUPT_PCI_FUNCTIONS_MAX)
		return gpupt_fail(error, GPUPT_E_LIMIT, "more than %d PCI functions",
				  GPUPT_PCI_FUNCTIONS_MAX);
	if (!GPUPT_GROW(inventory->functions, inventory->count, inventory->capacity))
		return gpupt_fail_nomem(error);
	inventory->functions[inventory->count++] = *function;
	return 0;
}

static bool keep(struct gpupt_inventory *inventory, const char **text)
{
	if (*text)
		*text = gpupt_inventory_keep(inventory, *text, strlen(*text));
	return *text;
}

int gpupt_inventory_add_firmware(struct gpupt_inventory *inventory,
				 const struct gpupt_host_firmware *firmware,
				 struct gpupt_error **error)
{
	struct gpupt_host_firmware copy = *firmware;
	size_t i = 0;
	if (!keep(inventory, &copy.file) || !keep(inventory, &copy.name) ||
	    (copy.version && !keep(inventory, &copy.version)) ||
	    !GPUPT_GROW(inventory->firmware, inventory->n_firmware, inventory->c_firmware))
		return gpupt_fail_nomem(error);
	while (i < inventory->n_firmware && strcmp(inventory->firmware[i].file, copy.file) != 0)
		i++;
	inventory->firmware[i] = copy;
	inventory->n_firmware += i == inventory->n_firmware;
	inventory->host.firmware = inventory->firmware;
	inventory->host.n_firmware = inventory->n_firmware;
	return 0;
}

static int compare_functions(const void *a, const void *b)
{
	const struct gpupt_pci_function *left = a, *right = b;
	return gpupt_pci_address_compare(left->address, right->address);
}

static size_t count_bars(const struct gpupt_pci_function *function)
{
	size_t count = 0;
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		count += function->bars[i].present;
	return count;
}

/* `lspci -nn; lspci -vv` lists everything twice: ids here, BARs there. */
static void merge(struct gpupt_pci_function *into, const struct gpupt_pci_function *other)
{
	struct gpupt_pci_function less = *other;
	if (count_bars(other) > count_bars(into)) {
		less = *into;
		*into = *other;
	}
	if (!into->vendor && !into->device) {
		into->vendor = less.vendor;
		into->device = less.device;
	}
	if (!into->class_code)
		into->class_code = less.class_code;
	if (!into->driver_known) {
		into->driver = less.driver;
		into->driver_known = less.driver_known;
	}
	if (!into->iommu_group_known) {
		into->iommu_group = less.iommu_group;
		into->iommu_group_known = less.iommu_group_known;
	}
}

int gpupt_inventory_seal(struct gpupt_inventory *inventory, enum gpupt_duplicates duplicates,
			 const char *name, struct gpupt_error **error)
{
	struct gpupt_pci_function *functions = inventory->functions;
	if (inventory->count)
		qsort(functions, inventory->count, sizeof(*functions), compare_functions);
	size_t kept = 0;
	for (size_t i = 0; i < inventory->count; i++) {
		if (!kept || compare_functions(&functions[kept - 1], &functions[i]) != 0) {
			functions[kept++] = functions[i];
		} else if (duplicates == GPUPT_DUPLICATES_MERGE) {
			merge(&functions[kept - 1], &functions[i]);
		} else {
			char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
			struct gpupt_place place = { .file = name };
			return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place,
					     "device %s is listed twice",
					     gpupt_pci_address_format(functions[i].address,
								      text));
		}
	}
	inventory->count = kept;
	for (size_t i = 0; i < kept; i++)
		gpupt_catalogue_complete(&functions[i]);
	return 0;
}

const char *gpupt_pci_bars_problem(const struct gpupt_bar *bars, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!bars[i].present || !bars[i].mem64)
			continue;
		if (i >= 5)
			return "a 64-bit BAR in a last slot, which has no upper half";
		if (bars[i + 1].present)
			return "a BAR in the slot of a 64-bit BAR's upper half";
	}
	return NULL;
}

GPUPT_EXPORT size_t gpupt_inventory_count(const struct gpupt_inventory *inventory)
{
	return inventory->count;
}

GPUPT_EXPORT const struct gpupt_pci_function *
gpupt_inventory_get(const struct gpupt_inventory *inventory, size_t i)
{
	return i < inventory->count ? &inventory->functions[i] : NULL;
}

GPUPT_EXPORT const struct gpupt_pci_function *
gpupt_inventory_find(const struct gpupt_inventory *inventory, struct gpupt_pci_address address)
{
	const struct gpupt_pci_function key = { .address = address };
	if (!inventory->count)
		return NULL;
	return bsearch(&key, inventory->functions, inventory->count,
		       sizeof(*inventory->functions), compare_functions);
}

GPUPT_EXPORT const struct gpupt_host *
gpupt_inventory_get_host(const struct gpupt_inventory *inventory)
{
	return &inventory->host;
}

GPUPT_EXPORT int gpupt_inventory_parse(const char *data, size_t length, const char *name,
				       struct gpupt_inventory **ret, struct gpupt_error **error)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct gpupt_place place = { .file = name };
	if (length > GPUPT_PCI_TEXT_MAX)
		return gpupt_fail_at(error, GPUPT_E_LIMIT, &place,
				     "an inventory may have 64 MiB, this one has %zu bytes",
				     length);
	const char *nul = length ? memchr(data, '\0', length) : NULL;
	if (nul) {
		place = gpupt_place_of(name, data, length, (size_t)(nul - data));
		return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place,
				     "a NUL byte: neither a snapshot nor lspci output (UTF-16 "
				     "text must be saved as UTF-8)");
	}
	size_t start = 0;
	if (length >= strlen(bom) && memcmp(data, bom, strlen(bom)) == 0)
		start = strlen(bom);
	size_t first = start;
	while (first < length && strchr(" \t\r\n", data[first]))
		first++;
	if (first < length && data[first] == '{')
		return gpupt_snapshot_parse(data + start, length - start, name, ret, error);
	return gpupt_lspci_parse(data + start, length - start, name, ret, error);
}
