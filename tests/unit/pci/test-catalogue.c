/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

static struct gpupt_inventory *assume(const struct gpupt_inventory *base, const char *text)
{
	struct gpupt_inventory *inventory = NULL;
	assert_int_equal(gpupt_inventory_assume(base, text, &inventory, NULL), 0);
	assert_non_null(inventory);
	return inventory;
}

/* Of every entry: what a device can be, and nothing else. */
static void test_entries_make_sense(void **state)
{
	(void)state;
	static const uint16_t ids[] = {
#define GPUPT_GPU(device, ...) device,
#include "pci/catalogue.def"
#undef GPUPT_GPU
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ids); i++) {
		char text[64];
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(ids[i], ids[k]);
		snprintf(text, sizeof(text), "1:00.0=10de:%04x", ids[i]);
		struct gpupt_inventory *inventory = assume(NULL, text);
		const struct gpupt_pci_function *gpu = at(inventory, "1:00.0");
		assert_int_equal(gpu->vendor, 0x10de);
		assert_int_equal(gpu->device, ids[i]);
		assert_int_equal(gpu->source, GPUPT_SOURCE_CATALOGUE);
		assert_non_null(gpu->known_as);
		assert_null(gpupt_pci_bars_problem(gpu->bars, GPUPT_BAR_COUNT));
		size_t present = 0;
		for (size_t b = 0; b < GPUPT_BAR_COUNT; b++) {
			const struct gpupt_bar *bar = &gpu->bars[b];
			present += bar->present;
			assert_int_equal(bar->present, gpupt_is_power_of_two(bar->size_bytes));
			assert_false(bar->assigned);
			uint64_t mib = bar->size_bytes / GPUPT_MIB;
			assert_true(!bar->resizable_sizes || (bar->resizable_sizes & mib));
		}
		assert_int_equal(present, gpu->class_code == 0x068000 ? 1 : 3);
		assert_int_equal(gpu->assumed, ids[i] == 0x1b39);
		gpupt_inventory_free(inventory);
	}
}

static void test_layouts(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = assume(NULL, "0000:08:00.0=10de:2330");
	const struct gpupt_pci_function *h100 = at(inventory, "08:00.0");
	assert_int_equal(h100->class_code, 0x030200);
	assert_memory_bar(&h100->bars[0], true, true, 16 * GPUPT_MIB, 0);
	assert_memory_bar(&h100->bars[2], true, true, 128 * GPUPT_GIB, 0);
	assert_memory_bar(&h100->bars[4], true, true, 32 * GPUPT_MIB, 0);
	gpupt_inventory_free(inventory);
	inventory = assume(NULL, "pci_0000_09_00_0=10DE:1B39");
	const struct gpupt_pci_function *p10 = at(inventory, "09:00.0");
	assert_memory_bar(&p10->bars[0], false, false, 16 * GPUPT_MIB, 0);
	assert_memory_bar(&p10->bars[1], true, true, 32 * GPUPT_GIB, 0);
	assert_memory_bar(&p10->bars[3], true, true, 32 * GPUPT_MIB, 0);
	assert_true(p10->assumed);
	gpupt_inventory_free(inventory);
	inventory = assume(NULL, "9:0.0=10de:2204");
	assert_int_equal(at(inventory, "9:0.0")->class_code, 0x030000);
	assert_int_equal(at(inventory, "9:0.0")->bars[1].size_bytes, 256 * GPUPT_MIB);
	assert_true(at(inventory, "9:0.0")->bars[1].resizable_sizes & 32768);
	gpupt_inventory_free(inventory);
}

static void test_replaces(void **state)
{
	(void)state;
	struct gpupt_inventory *host = parse_file(SOURCE_ROOT "/examples/hosts/p10.json");
	size_t count = gpupt_inventory_count(host);
	struct gpupt_inventory *inventory = assume(host, "0000:08:00.0=10de:20b5");
	assert_int_equal(gpupt_inventory_count(inventory), count);
	assert_string_equal(at(inventory, "08:00.0")->known_as, "A100 PCIe 80GB");
	assert_null(at(inventory, "08:00.0")->driver);
	struct gpupt_inventory *more = assume(inventory, "0000:09:00.0=10de:20b5");
	gpupt_inventory_free(inventory);
	gpupt_inventory_free(host);
	/* strings are the copy's own */
	assert_int_equal(gpupt_inventory_count(more), count + 1);
	assert_string_equal(at(more, "06:00.0")->host_use, "boot display");
	assert_string_equal(at(more, "03:00.0")->driver, "nvme");
	assert_string_equal(gpupt_inventory_get_host(more)->cpu_vendor, "GenuineIntel");
	assert_int_equal(gpupt_inventory_get_host(more)->phys_bits, 46);
	assert_round_trip(more);
	gpupt_inventory_free(more);
}

static void refuse(const char *text, int status, const char *part)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_inventory_assume(NULL, text, &inventory, &error), status);
	assert_null(inventory);
	if (!strstr(gpupt_error_get_message(error), part))
		fail_msg("\"%s\" lacks \"%s\"", gpupt_error_get_message(error), part);
	gpupt_error_free(error);
}

static void test_refuses(void **state)
{
	(void)state;
	refuse("", GPUPT_E_SYNTAX, "ADDRESS=VENDOR:DEVICE");
	refuse("08:00.0", GPUPT_E_SYNTAX, "ADDRESS=VENDOR:DEVICE");
	refuse("08:00.0=", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse("08:00.0=10de", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse("08:00.0=10de:", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse("08:00.0=10de:2330x", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse("08:00.0=10de:02330", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse("08:20.9=10de:2330", GPUPT_E_SYNTAX, "slot goes to 1f");
	refuse("=10de:2330", GPUPT_E_SYNTAX, "no PCI address");
	refuse("1111111111111111111111111111111111111111111111111111111111111111111111111=1:1",
	       GPUPT_E_SYNTAX, "ADDRESS=VENDOR:DEVICE");
	refuse("08:00.0=10de:2332", GPUPT_E_NOT_FOUND,
	       "nearest: 10de:2331 (H100 PCIe), 10de:2330 (H100 SXM5 80GB), 10de:2335");
	refuse("08:00.0=1002:74a1", GPUPT_E_NOT_FOUND, "NVIDIA");
}

static void complete(struct gpupt_pci_function *function)
{
	function->vendor = 0x10de;
	function->device = 0x1b39;
	gpupt_catalogue_complete(function);
}

static void test_completes_what_is_lost(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { 0 };
	/* one with its size, one without, one that the kernel cleared */
	function.bars[0] = (struct gpupt_bar){ .present = true, .size_bytes = 1, .address = 2 };
	function.bars[1] = (struct gpupt_bar){ .present = true, .mem64 = true };
	complete(&function);
	assert_int_equal(function.bars[0].size_bytes, 1);
	assert_false(function.bars[0].size_from_catalogue);
	assert_memory_bar(&function.bars[1], true, false, 32 * GPUPT_GIB, 0);
	assert_true(function.bars[1].size_from_catalogue);
	assert_memory_bar(&function.bars[3], true, true, 32 * GPUPT_MIB, 0);
	assert_true(function.bars[3].size_from_catalogue);
	assert_true(function.assumed);
}

static void test_leaves_alone_what_is_told(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { 0 };
	/* another layout than the catalogue's: its BARs 1 and 3 have no room */
	for (size_t i = 0; i < 6; i += 2)
		function.bars[i] = (struct gpupt_bar){ .present = true, .mem64 = true,
						       .size_bytes = GPUPT_MIB };
	complete(&function);
	assert_false(function.bars[1].present || function.bars[3].present || function.assumed);
	function = (struct gpupt_pci_function){ .is_virtual_function = true };
	complete(&function);
	assert_string_equal(function.known_as, "Tesla P10");
	for (size_t i = 0; i < 6; i++)
		assert_false(function.bars[i].present);
	function = (struct gpupt_pci_function){ .vendor = 0x8086, .device = 0x1b39 };
	gpupt_catalogue_complete(&function);
	assert_null(function.known_as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_make_sense),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_completes_what_is_lost),
		cmocka_unit_test(test_leaves_alone_what_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
