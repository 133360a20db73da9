/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_PCI_TEST_H
#define GPUPT_TESTS_PCI_TEST_H

/* Shared by the tests of this room: inventories from text and from files. */

#include "unit.h"

#include "pci/inventory.h"

static inline char *read_test_file(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	char *data = malloc(1 << 20);
	assert_non_null(data);
	*ret_length = fread(data, 1, 1 << 20, file);
	fclose(file);
	return data;
}

/* Parses text that must be fine. */
static inline struct gpupt_inventory *parse_bytes(const char *data, size_t length)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	int r = gpupt_inventory_parse(data, length, "test", &inventory, &error);
	if (r < 0)
		fail_msg("line %zu: %s", gpupt_error_get_line(error),
			 gpupt_error_get_message(error));
	assert_non_null(inventory);
	return inventory;
}

static inline struct gpupt_inventory *parse_text(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static inline struct gpupt_inventory *parse_file(const char *path)
{
	size_t length;
	char *data = read_test_file(path, &length);
	struct gpupt_inventory *inventory = parse_bytes(data, length);
	free(data);
	return inventory;
}

/* Parses text that must be refused with `status`; the message has `part`. */
static inline void refuse_bytes(const char *data, size_t length, int status, const char *part)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_inventory_parse(data, length, "test", &inventory, &error), status);
	assert_null(inventory);
	assert_non_null(error);
	assert_int_equal(gpupt_error_get_status(error), status);
	assert_string_equal(gpupt_error_get_file(error), "test");
	if (!strstr(gpupt_error_get_message(error), part))
		fail_msg("\"%s\" lacks \"%s\"", gpupt_error_get_message(error), part);
	gpupt_error_free(error);
}

static inline void refuse_text(const char *text, int status, const char *part)
{
	refuse_bytes(text, strlen(text), status, part);
}

/* The function at an address, which must be there. */
static inline const struct gpupt_pci_function *at(const struct gpupt_inventory *inventory,
						  const char *text)
{
	struct gpupt_pci_address address;
	assert_int_equal(gpupt_pci_address_parse(text, &address, NULL), 0);
	const struct gpupt_pci_function *function = gpupt_inventory_find(inventory, address);
	assert_non_null(function);
	return function;
}

/* A memory BAR with an address. */
static inline void assert_memory_bar(const struct gpupt_bar *bar, bool mem64, bool prefetchable,
				     uint64_t size, uint64_t address)
{
	assert_true(bar->present);
	assert_false(bar->io);
	assert_int_equal(bar->mem64, mem64);
	assert_int_equal(bar->prefetchable, prefetchable);
	assert_int_equal(bar->size_bytes, size);
	assert_int_equal(bar->assigned, address != 0);
	assert_int_equal(bar->address, address);
}

static inline void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

/* All but the source. */
static inline void assert_same_function(const struct gpupt_pci_function *a,
					const struct gpupt_pci_function *b)
{
	assert_int_equal(gpupt_pci_address_compare(a->address, b->address), 0);
	assert_int_equal(a->vendor, b->vendor);
	assert_int_equal(a->device, b->device);
	assert_int_equal(a->class_code, b->class_code);
	assert_int_equal(a->is_bridge, b->is_bridge);
	assert_int_equal(a->total_vfs, b->total_vfs);
	assert_int_equal(a->is_virtual_function, b->is_virtual_function);
	assert_int_equal(a->iommu_group, b->iommu_group);
	assert_int_equal(a->iommu_group_known, b->iommu_group_known);
	assert_same_text(a->driver, b->driver);
	assert_int_equal(a->driver_known, b->driver_known);
	assert_int_equal(a->boot_vga, b->boot_vga);
	assert_same_text(a->host_use, b->host_use);
	assert_int_equal(a->assumed, b->assumed);
	assert_same_text(a->known_as, b->known_as);
	for (size_t i = 0; i < GPUPT_BAR_COUNT + 6; i++) {
		const struct gpupt_bar *x = i < 7 ? &a->bars[i] : &a->vf_bars[i - 7];
		const struct gpupt_bar *y = i < 7 ? &b->bars[i] : &b->vf_bars[i - 7];
		assert_int_equal(x->present, y->present);
		assert_int_equal(x->io, y->io);
		assert_int_equal(x->mem64, y->mem64);
		assert_int_equal(x->prefetchable, y->prefetchable);
		assert_int_equal(x->assigned, y->assigned);
		assert_int_equal(x->enabled, y->enabled);
		assert_int_equal(x->address, y->address);
		assert_int_equal(x->size_bytes, y->size_bytes);
		assert_int_equal(x->resizable_sizes, y->resizable_sizes);
		assert_int_equal(x->size_from_catalogue, y->size_from_catalogue);
	}
}

/* Writes a snapshot of the inventory, reads it back and compares. */
static inline void assert_round_trip(const struct gpupt_inventory *inventory)
{
	char *text = NULL;
	size_t length = 0;
	assert_int_equal(gpupt_inventory_write_snapshot(inventory, &text, &length, NULL), 0);
	struct gpupt_inventory *again = parse_bytes(text, length);
	assert_int_equal(gpupt_inventory_count(again), gpupt_inventory_count(inventory));
	for (size_t i = 0; i < gpupt_inventory_count(again); i++) {
		assert_same_function(gpupt_inventory_get(again, i),
				     gpupt_inventory_get(inventory, i));
		bool catalogue = gpupt_inventory_get(inventory, i)->source == GPUPT_SOURCE_CATALOGUE;
		assert_int_equal(gpupt_inventory_get(again, i)->source,
				 catalogue ? GPUPT_SOURCE_CATALOGUE : GPUPT_SOURCE_SNAPSHOT);
	}
	const struct gpupt_host *a = gpupt_inventory_get_host(inventory);
	const struct gpupt_host *b = gpupt_inventory_get_host(again);
	assert_int_equal(a->phys_bits, b->phys_bits);
	assert_same_text(a->cpu_vendor, b->cpu_vendor);
	assert_same_text(a->hostname, b->hostname);
	assert_same_text(a->kernel, b->kernel);
	gpupt_inventory_free(again);
	free(text);
}

#endif
