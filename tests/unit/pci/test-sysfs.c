/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sysfs-tree.h"

#define PORT "pci0000:00/0000:00:02.0"
#define GPU "0000:08:00.0"
#define GPU_RESOURCE                                                                           \
	"0x00000000b7000000 0x00000000b7ffffff 0x0000000000040200\n"                           \
	"0x0000383000000000 0x00003837ffffffff 0x000000000014220c\n" EMPTY                     \
	"0x0000383800000000 0x0000383801ffffff 0x000000000014220c\n" EMPTY EMPTY EMPTY

static void put_gpu(const char *resource)
{
	put_device(PORT, GPU, "0x10de\n", "0x1b39\n", "0x030200\n", resource);
}

/* A header with command register, header type and six BAR registers. */
static void put_config(const char *device, uint8_t command, uint8_t type,
		       const uint8_t low_bytes[6])
{
	uint8_t config[256] = { 0xde, 0x10, 0x39, 0x1b, command };
	char path[300];
	config[0x0e] = type;
	for (size_t i = 0; i < 6; i++)
		config[0x10 + 4 * i] = low_bytes[i];
	snprintf(path, sizeof(path), "bus/pci/devices/%s/config", device);
	put(path, (const char *)config, sizeof(config));
}

static void test_whole_device(void **state)
{
	(void)state;
	put_gpu(GPU_RESOURCE
		/* VF BARs: 16 of 256 MiB and of 32 MiB */
		"0x0000383900000000 0x00003839ffffffff 0x000000000014220c\n" EMPTY
		"0x0000383a00000000 0x0000383a1fffffff 0x000000000014220c\n" EMPTY EMPTY EMPTY);
	put_config(GPU, 0x02, 0x80, (const uint8_t[6]){ 0, 0x0c, 0, 0x0c, 0, 0 });
	put_device_link(GPU, "driver", "../../../../bus/pci/drivers/vfio-pci");
	put_device_link(GPU, "iommu_group", "../../../../kernel/iommu_groups/12");
	put_attribute(GPU, "sriov_totalvfs", "16\n");
	put_attribute(GPU, "resource1_resize", "000000000000ffc0\n");
	put_attribute(GPU, "boot_vga", "0\n");
	put_attribute(GPU, "enable", "0\n"); /* config knows better */
	put_device("pci0000:00", "0000:00:02.0", "0x8086\n", "0x6f04\n", "0x060400\n",
		   GPU_RESOURCE NO_VF_BARS EMPTY EMPTY);
	struct gpupt_inventory *inventory = read_tree();
	assert_int_equal(gpupt_inventory_count(inventory), 2);
	const struct gpupt_pci_function *gpu = at(inventory, GPU);
	assert_int_equal(gpu->vendor, 0x10de);
	assert_int_equal(gpu->device, 0x1b39);
	assert_int_equal(gpu->class_code, 0x030200);
	assert_int_equal(gpu->source, GPUPT_SOURCE_SYSFS);
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xb7000000);
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0x383000000000);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0x383800000000);
	assert_true(gpu->bars[1].enabled);
	assert_int_equal(gpu->bars[1].resizable_sizes, 0xffc0);
	assert_int_equal(gpu->total_vfs, 16);
	assert_memory_bar(&gpu->vf_bars[0], true, true, 256 * GPUPT_MIB, 0x383900000000);
	assert_memory_bar(&gpu->vf_bars[2], true, true, 32 * GPUPT_MIB, 0x383a00000000);
	assert_string_equal(gpu->driver, "vfio-pci");
	assert_int_equal(gpu->iommu_group, 12);
	assert_string_equal(gpu->known_as, "Tesla P10");
	assert_false(gpu->assumed || gpu->boot_vga || gpu->is_virtual_function);
	assert_true(at(inventory, "0000:00:02.0")->is_bridge);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_bar_without_room(void **state)
{
	(void)state;
	/* Linux cleared BAR1 and BAR3; their registers still show what they are */
	static const char lost[] = "0x00000000b7000000 0x00000000b7ffffff 0x0000000000040200\n"
				   NO_VF_BARS;
	put_gpu(lost);
	put_config(GPU, 0x00, 0, (const uint8_t[6]){ 0, 0x0c, 0, 0x0c, 0, 0x01 });
	/* a device that no catalogue knows: its size stays unknown */
	put_device(PORT, "0000:09:00.0", "0x1002\n", "0x74a1\n", "0x120000\n", lost);
	put_config("0000:09:00.0", 0x02, 0, (const uint8_t[6]){ 0, 0x0c, 0, 0x08, 0, 0x0c });
	struct gpupt_inventory *inventory = read_tree();
	const struct gpupt_pci_function *gpu = at(inventory, GPU);
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0);
	assert_true(gpu->bars[1].size_from_catalogue && gpu->assumed);
	assert_false(gpu->bars[0].size_from_catalogue || gpu->bars[0].enabled);
	assert_true(gpu->bars[5].present && gpu->bars[5].io);
	gpu = at(inventory, "0000:09:00.0");
	assert_memory_bar(&gpu->bars[1], true, true, 0, 0);
	assert_memory_bar(&gpu->bars[3], false, true, 0, 0);
	assert_false(gpu->bars[5].present); /* no slot for its upper half: nonsense */
	assert_false(gpu->bars[1].size_from_catalogue);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_virtual_function(void **state)
{
	(void)state;
	put_gpu(EMPTY "0x0000383900000000 0x000038390fffffff 0x000000000014220c\n" NO_VF_BARS);
	put_config(GPU, 0x00, 0, (const uint8_t[6]){ 0, 0, 0, 0x0c, 0, 0 });
	put_device_link(GPU, "physfn", "../0000:07:00.0");
	struct gpupt_inventory *inventory = read_tree();
	const struct gpupt_pci_function *function = at(inventory, GPU);
	assert_true(function->is_virtual_function);
	assert_memory_bar(&function->bars[1], true, true, 256 * GPUPT_MIB, 0x383900000000);
	assert_true(function->bars[1].enabled);
	assert_false(function->bars[3].present);
	gpupt_inventory_free(inventory);
}

/* What copying may leave of a tree. */
static void test_partial_tree(void **state)
{
	(void)state;
	put_attribute(GPU, "uevent", "PCI_CLASS=30200\nDRIVER=nvidia\nPCI_ID=10DE:1B39\n");
	put_attribute("0000:09:00.0", "uevent", "PCI_CLASS=30200\n");
	put_attribute("10000:e1:00.0", "vendor", "0x8086");
	put_config("10000:e1:00.0", 0, 1, (const uint8_t[6]){ 0x0c });
	put_attribute("0000:0a:00.0", "vendor", "0xffff\n");
	puts_at("bus/pci/devices/README", "not a device");
	struct gpupt_inventory *inventory = read_tree();
	assert_int_equal(gpupt_inventory_count(inventory), 4);
	assert_string_equal(at(inventory, GPU)->driver, "nvidia");
	assert_int_equal(at(inventory, GPU)->vendor, 0);
	assert_false(at(inventory, GPU)->iommu_group_known);
	assert_true(at(inventory, "0000:09:00.0")->driver_known);
	assert_null(at(inventory, "0000:09:00.0")->driver);
	const struct gpupt_pci_function *bridge = at(inventory, "10000:e1:00.0");
	assert_int_equal(bridge->vendor, 0x8086);
	assert_int_equal(bridge->device, 0x1b39); /* from config */
	assert_true(bridge->is_bridge);
	assert_false(bridge->driver_known || bridge->bars[0].present);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
	/* with the groups' directory, no link means no group */
	puts_at("kernel/iommu_groups/0/type", "DMA\n");
	inventory = read_tree();
	assert_true(at(inventory, GPU)->iommu_group_known);
	assert_int_equal(at(inventory, GPU)->iommu_group, -1);
	gpupt_inventory_free(inventory);
}

static void test_disabled_without_config(void **state)
{
	(void)state;
	put_gpu(GPU_RESOURCE);
	put_attribute(GPU, "enable", "0\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_true(at(inventory, GPU)->bars[1].assigned);
	assert_false(at(inventory, GPU)->bars[1].enabled);
	gpupt_inventory_free(inventory);
}

static void test_nonsense(void **state)
{
	(void)state;
	static const struct {
		const char *file, *bad, *good;
	} cases[] = {
		{ "vendor", "10de\n", "0x10de\n" }, { "vendor", "0x110de\n", "0x10de\n" },
		{ "device", "", "0x1b39\n" }, { "device", "-1\n", "0x1b39\n" },
		{ "class", "0x03020g\n", "0x030200\n" },
		{ "class", "0x99999999999999999999\n", "0x030200\n" },
		{ "sriov_totalvfs", "65536\n", "0\n" }, { "sriov_totalvfs", "many", "0\n" },
		{ "boot_vga", "2\n", "0\n" }, { "enable", "\n", "1\n" },
		{ "resource", "0x0 0x0 0x0\n", GPU_RESOURCE }, { "resource", "", GPU_RESOURCE },
		{ "resource1_resize", "ffffffffffffffff\n", "0\n" },
		{ "resource1_resize", "zz\n", "0\n" },
	};
	put_gpu(GPU_RESOURCE);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		char part[64];
		snprintf(part, sizeof(part), "%s/%s", GPU, cases[i].file);
		put_attribute(GPU, cases[i].file, cases[i].bad);
		refuse_tree(GPUPT_E_SYNTAX, part);
		put_attribute(GPU, cases[i].file, cases[i].good);
		gpupt_inventory_free(read_tree());
	}
	put_device_link(GPU, "iommu_group", "../../../kernel/iommu_groups/twelve");
	refuse_tree(GPUPT_E_SYNTAX, "iommu_group");
}

static void test_strange_files(void **state)
{
	(void)state;
	char path[512];
	put_gpu(NULL);
	assert_int_equal(mkfifo(tree_path(path, "bus/pci/devices/" GPU "/resource"), 0644), 0);
	refuse_tree(GPUPT_E_SYNTAX, "no regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	refuse_tree(GPUPT_E_SYNTAX, "no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	refuse_tree(GPUPT_E_SYNTAX, "no regular file");
	assert_int_equal(unlink(path), 0);
	char *big = malloc(70000);
	memset(big, '0', 70000);
	put("bus/pci/devices/" GPU "/resource", big, 70000);
	free(big);
	refuse_tree(GPUPT_E_LIMIT, "65536 bytes");
}

static void test_missing(void **state)
{
	(void)state;
	refuse_tree(GPUPT_E_NOT_FOUND, "bus/pci/devices");
	struct gpupt_inventory *inventory = NULL;
	assert_int_equal(gpupt_inventory_read_sysfs("/nonexistent", &inventory, NULL),
			 GPUPT_E_NOT_FOUND);
	assert_int_equal(gpupt_inventory_read_sysfs("/etc/passwd", &inventory, NULL),
			 GPUPT_E_NOT_FOUND);
	assert_null(inventory);
	puts_at("bus/pci/devices/README", "empty");
	inventory = read_tree();
	assert_int_equal(gpupt_inventory_count(inventory), 0);
	gpupt_inventory_free(inventory);
}

/* Whatever machine this runs on: it reads, and both ways to name it agree. */
static void test_this_machine(void **state)
{
	(void)state;
	struct gpupt_inventory *implied = NULL, *named = NULL;
	int r = gpupt_inventory_read_sysfs(NULL, &implied, NULL);
	if (r == GPUPT_E_NOT_FOUND)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(gpupt_inventory_read_sysfs("/sys", &named, NULL), 0);
	assert_int_equal(gpupt_inventory_count(implied), gpupt_inventory_count(named));
	for (size_t i = 0; i < gpupt_inventory_count(implied); i++)
		assert_same_function(gpupt_inventory_get(implied, i),
				     gpupt_inventory_get(named, i));
	assert_round_trip(implied);
	gpupt_inventory_free(implied);
	gpupt_inventory_free(named);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole_device, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_bar_without_room, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_virtual_function, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_partial_tree, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_disabled_without_config, make_tree,
						remove_tree),
		cmocka_unit_test_setup_teardown(test_nonsense, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_strange_files, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_missing, make_tree, remove_tree),
		cmocka_unit_test(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
