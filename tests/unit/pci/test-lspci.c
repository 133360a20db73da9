/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

#define DATA TEST_DATA "/lspci/"

static void test_v100(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "v100.txt");
	assert_int_equal(gpupt_inventory_count(inventory), 1);
	const struct gpupt_pci_function *gpu = at(inventory, "3b:00.0");
	assert_int_equal(gpu->class_code, 0x030200);
	assert_int_equal(gpu->source, GPUPT_SOURCE_LSPCI);
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xb7000000);
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0x383000000000);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0x383800000000);
	assert_false(gpu->bars[2].present || gpu->bars[4].present || gpu->bars[6].present);
	assert_true(gpu->bars[1].enabled);
	assert_string_equal(gpu->driver, "vfio-pci");
	assert_true(gpu->iommu_group_known);
	assert_int_equal(gpu->iommu_group, 12);
	assert_int_equal(gpu->vendor, 0); /* without -nn there are no ids */
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_h100_in_a_mail(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "h100-quoted.txt");
	assert_int_equal(gpupt_inventory_count(inventory), 2);
	const struct gpupt_pci_function *port = at(inventory, "0000:4e:00.0");
	assert_true(port->is_bridge);
	assert_int_equal(port->class_code, 0x060400);
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		assert_false(port->bars[i].present);
	const struct gpupt_pci_function *gpu = at(inventory, "0000:4f:00.0");
	assert_int_equal(gpu->vendor, 0x10de);
	assert_int_equal(gpu->device, 0x2330);
	assert_string_equal(gpu->known_as, "H100 SXM5 80GB");
	assert_memory_bar(&gpu->bars[0], true, true, 16 * GPUPT_MIB, 0x204042000000);
	assert_memory_bar(&gpu->bars[2], true, true, 128 * GPUPT_GIB, 0x202000000000);
	assert_memory_bar(&gpu->bars[4], true, true, 32 * GPUPT_MIB, 0x204040000000);
	assert_int_equal(gpu->total_vfs, 20);
	assert_memory_bar(&gpu->vf_bars[0], true, true, 0, 0x204043000000);
	assert_memory_bar(&gpu->vf_bars[2], true, true, 0, 0);
	assert_string_equal(gpu->driver, "nvidia");
	assert_int_equal(gpu->iommu_group, 71);
	assert_false(gpu->assumed);
	gpupt_inventory_free(inventory);
}

static void test_resizable_bar(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "p10-rebar.txt");
	const struct gpupt_pci_function *gpu = at(inventory, "08:00.0");
	assert_int_equal(gpu->device, 0x1b39);
	assert_memory_bar(&gpu->bars[1], true, true, 256 * GPUPT_MIB, 0x383000000000);
	assert_false(gpu->bars[1].enabled);
	assert_int_equal(gpu->bars[1].resizable_sizes, 0xffc0);
	assert_int_equal(gpu->bars[0].resizable_sizes, 0x10);
	assert_memory_bar(&gpu->bars[6], false, false, 512 * GPUPT_KIB, 0xf6000000);
	assert_false(gpu->bars[6].enabled);
	/* modules, but no driver in use */
	assert_true(gpu->driver_known);
	assert_null(gpu->driver);
	assert_false(gpu->iommu_group_known);
	/* the sizes were told, so nothing is assumed */
	assert_false(gpu->assumed || gpu->bars[1].size_from_catalogue);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_left_out_by_the_host(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "host-left-out.txt");
	const struct gpupt_pci_function *gpu = at(inventory, "08:00.0");
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0);
	gpu = at(inventory, "09:00.0");
	assert_int_equal(gpu->device, 0x2684);
	assert_int_equal(gpu->class_code, 0x030000);
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xa4000000);
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0x6000000000);
	assert_true(gpu->bars[1].enabled);
	assert_false(gpu->bars[3].enabled);
	assert_true(gpu->bars[5].io);
	assert_int_equal(gpu->bars[5].size_bytes, 128);
	assert_memory_bar(&gpu->bars[6], false, false, 512 * GPUPT_KIB, 0xa5000000);
	assert_int_equal(at(inventory, "09:00.1")->class_code, 0x040300);
	gpupt_inventory_free(inventory);
}

/* -v numbers no BAR. */
static void test_unnumbered(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "t4-short.txt");
	const struct gpupt_pci_function *gpu = at(inventory, "3d:00.0");
	assert_string_equal(gpu->known_as, "Tesla T4");
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xb7000000);
	assert_memory_bar(&gpu->bars[1], true, true, 256 * GPUPT_MIB, 0x38bfc0000000);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0x38bff0000000);
	assert_int_equal(gpu->iommu_group, 41);
	const struct gpupt_pci_function *nvswitch = at(inventory, "3e:00.0");
	assert_int_equal(nvswitch->class_code, 0x068000);
	assert_false(nvswitch->is_bridge);
	assert_string_equal(nvswitch->known_as, "A100 NVSwitch");
	assert_memory_bar(&nvswitch->bars[0], false, false, 32 * GPUPT_MIB, 0xb8000000);
	gpupt_inventory_free(inventory);
}

/* The host found no room for BAR1, and lspci -v says nothing of it. */
static void test_unnumbered_with_a_gap(void **state)
{
	(void)state;
	static const char text[] =
		"09:00.0 VGA compatible controller [0300]: NVIDIA Corporation [10de:26b1]\n"
		"\tMemory at a4000000 (32-bit, non-prefetchable) [size=16M]\n"
		"\tMemory at 6800000000 (64-bit, prefetchable) [size=32M]\n"
		"\tI/O ports at 4000 [size=128]\n";
	struct gpupt_inventory *inventory = parse_text(text);
	const struct gpupt_pci_function *gpu = at(inventory, "09:00.0");
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xa4000000);
	assert_memory_bar(&gpu->bars[1], true, true, 64 * GPUPT_GIB, 0);
	assert_true(gpu->bars[1].size_from_catalogue);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0x6800000000);
	assert_false(gpu->bars[3].size_from_catalogue);
	assert_true(gpu->bars[5].io);
	gpupt_inventory_free(inventory);
}

static void test_without_details(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "bare.txt");
	const struct gpupt_pci_function *gpu = at(inventory, "3b:00.0");
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0);
	assert_true(gpu->bars[1].size_from_catalogue);
	assert_false(gpu->driver_known || gpu->assumed);
	assert_int_equal(at(inventory, "5e:00.0")->class_code, 0x020000);
	assert_int_equal(at(inventory, "5e:00.0")->device, 0x101d);
	assert_int_equal(at(inventory, "5e:00.1")->class_code, 0x020700);
	assert_int_equal(at(inventory, "ff:1f.7")->class_code, 0xffff00);
	assert_int_equal(at(inventory, "ff:1f.7")->vendor, 0x1234);
	gpupt_inventory_free(inventory);
}

/* No indentation left, bold marks, one line wrapped. */
static void test_flattened(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(DATA "flat.txt");
	const struct gpupt_pci_function *nic = at(inventory, "67:00.0");
	assert_memory_bar(&nic->bars[0], true, true, 16 * GPUPT_MIB, 0xbc000000);
	assert_memory_bar(&nic->bars[3], true, true, 32 * GPUPT_KIB, 0xc1000000);
	assert_int_equal(nic->total_vfs, 32);
	assert_memory_bar(&nic->vf_bars[3], true, true, 0, 0xc1160000);
	assert_string_equal(nic->driver, "i40e");
	gpupt_inventory_free(inventory);
}

static void test_listed_twice(void **state)
{
	(void)state;
	static const char text[] =
		"08:00.0 3D controller [0302]: NVIDIA Corporation Device [10de:1b39]\n"
		"$ lspci -vv -s 8:\n"
		"\xc2\xa0 08:00.0 3D controller: NVIDIA Corporation Tesla P10\n"
		"\xc2\xa0\tRegion 1: Memory at <unassigned> (64-bit, prefetchable) [size=32G]\n"
		"\tKernel driver in use: nvidia\n";
	struct gpupt_inventory *inventory = parse_text(text);
	assert_int_equal(gpupt_inventory_count(inventory), 1);
	const struct gpupt_pci_function *gpu = at(inventory, "08:00.0");
	assert_int_equal(gpu->device, 0x1b39);
	assert_int_equal(gpu->bars[1].size_bytes, 32 * GPUPT_GIB);
	assert_false(gpu->bars[1].size_from_catalogue);
	assert_string_equal(gpu->driver, "nvidia");
	gpupt_inventory_free(inventory);
}

static void test_refuses(void **state)
{
	(void)state;
#define GPU "08:00.0 3D controller: NVIDIA Corporation\n"
	static const struct {
		const char *text;
		size_t line;
	} cases[] = {
		{ GPU "\tRegion 1: Memory at 38300000\n", 2 },
		{ GPU "\tRegion 6: Memory at 3830 (64-bit, prefetchable) [size=1G]\n", 2 },
		{ GPU "\tRegion 1: Memory at 3830 (64-bit, prefetchable) [size=-1]\n", 2 },
		{ GPU "\tRegion 1: Memory at 3830 (64-bit, prefetchable) [size=1Z]\n", 2 },
		{ GPU "\tRegion 1: I/O ports at 3830 [size=99999999999T]\n", 2 },
		{ GPU "\tRegion 1: I/O ports at 3830 [size=18446744073709551617]\n", 2 },
		{ GPU "\tRegion 1: Memory at 11111111111111111 (64-bit, prefetchable)\n", 2 },
		{ GPU "\tRegion 1: Memory at <unass", 2 },
		{ GPU "\tRegion 0: I/O ports at 10\n\tRegion 0: I/O ports at 20\n", 3 },
		{ GPU "\tRegion 5: Memory at 3830 (64-bit, prefetchable) [size=1G]\n", 1 },
		{ "\n" GPU "\tRegion 0: Memory at 3830 (64-bit, prefetchable) [size=1G]\n"
		  "\tRegion 1: I/O ports at 20\n", 2 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct gpupt_inventory *inventory = NULL;
		struct gpupt_error *error = NULL;
		assert_int_equal(gpupt_inventory_parse(cases[i].text, strlen(cases[i].text),
						       "paste", &inventory, &error),
				 GPUPT_E_SYNTAX);
		assert_int_equal(gpupt_error_get_line(error), cases[i].line);
		gpupt_error_free(error);
	}
	refuse_text("", GPUPT_E_SYNTAX, "no PCI device");
	refuse_text("hello\nworld\n", GPUPT_E_SYNTAX, "no PCI device");
	refuse_text("08:00.0 is in use: by someone\n", GPUPT_E_SYNTAX, "no PCI device");
	refuse_text("[]", GPUPT_E_SYNTAX, "no PCI device");
	refuse_bytes(GPU "\0", sizeof(GPU), GPUPT_E_SYNTAX, "NUL");
	refuse_bytes(NULL, 0, GPUPT_E_SYNTAX, "no PCI device");
#undef GPU
}

/* Text that would be a BAR with other tools' words in it stays words. */
static void test_tolerates(void **state)
{
	(void)state;
	static char text[200000];
	strcpy(text, "08:00.0 3D controller: x\nMemory at 64% of 12G\nBAR 1: current size: 7MB\n"
		     "Capabilities: [1] Physical Resizable BAR\n"
		     "BAR 9: current size: 1MB\nBAR 1: current size: <unknown>, supported: 3MB\n"
		     "I/O ports at the back\n[size=1G]\nInitial VFs: x, Total VFs: 99999999\n"
		     "IOMMU group: 99999999999999\nKernel driver in use: \n");
	memset(text + strlen(text), '[', 100000);
	struct gpupt_inventory *inventory = parse_text(text);
	const struct gpupt_pci_function *function = at(inventory, "08:00.0");
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		assert_false(function->bars[i].present);
	assert_false(function->iommu_group_known || function->driver_known);
	assert_int_equal(function->total_vfs, 0);
	gpupt_inventory_free(inventory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v100),
		cmocka_unit_test(test_h100_in_a_mail),
		cmocka_unit_test(test_resizable_bar),
		cmocka_unit_test(test_left_out_by_the_host),
		cmocka_unit_test(test_unnumbered),
		cmocka_unit_test(test_unnumbered_with_a_gap),
		cmocka_unit_test(test_without_details),
		cmocka_unit_test(test_flattened),
		cmocka_unit_test(test_listed_twice),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_tolerates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
