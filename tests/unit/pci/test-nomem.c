/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nomem.h"
#include "sysfs-tree.h"

struct text {
	char *data;
	size_t length;
};

static int parse(void *data, struct gpupt_error **error)
{
	const struct text *text = data;
	struct gpupt_inventory *inventory = NULL;
	int r = gpupt_inventory_parse(text->data, text->length, "text", &inventory, error);
	assert_int_equal(r == 0, inventory != NULL);
	gpupt_inventory_free(inventory);
	return r;
}

static void test_parse(void **state)
{
	(void)state;
	static const char *const files[] = {
		SOURCE_ROOT "/examples/hosts/p10.json",
		TEST_DATA "/lspci/h100-quoted.txt",
		TEST_DATA "/lspci/host-left-out.txt",
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(files); i++) {
		struct text text;
		text.data = read_test_file(files[i], &text.length);
		exhaust(parse, &text);
		free(text.data);
	}
}

static int assume(void *data, struct gpupt_error **error)
{
	struct gpupt_inventory *inventory = NULL;
	int r = gpupt_inventory_assume(data, "9:0.0=10de:2330", &inventory, error);
	assert_int_equal(r == 0, inventory != NULL);
	gpupt_inventory_free(inventory);
	return r;
}

static int read_firmware(void *data, struct gpupt_error **error)
{
	static const char path[] = "gpupt-nomem-firmware";
	struct gpupt_inventory *inventory = NULL;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("SeaBIOS (version %s)", file);
	fwrite("\0" "1.16.2", 1, 8, file);
	fclose(file);
	int r = gpupt_inventory_read_firmware(data, path, &inventory, error);
	assert_int_equal(r == 0, inventory != NULL);
	if (inventory)
		assert_int_equal(gpupt_inventory_get_host(inventory)->n_firmware, 1);
	gpupt_inventory_free(inventory);
	unlink(path);
	return r;
}

static int write_snapshot(void *data, struct gpupt_error **error)
{
	char *text = NULL;
	size_t length = 77;
	int r = gpupt_inventory_write_snapshot(data, &text, &length, error);
	assert_int_equal(r == 0, text != NULL);
	assert_int_equal(r == 0, length != 77);
	free(text);
	return r;
}

static int select_ids(void *data, struct gpupt_error **error)
{
	struct gpupt_pci_address *addresses = NULL;
	size_t count = 0;
	int r = gpupt_inventory_select(data, "8086:1521", &addresses, &count, error);
	assert_int_equal(r == 0, addresses != NULL);
	free(addresses);
	return r;
}

static int select_gpu(void *data, struct gpupt_error **error)
{
	struct gpupt_pci_address *addresses = NULL;
	size_t count = 0;
	int r = gpupt_inventory_select(data, "gpu", &addresses, &count, error);
	free(addresses);
	return r;
}

static void test_uses(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(SOURCE_ROOT "/examples/hosts/p10.json");
	exhaust(assume, inventory);
	exhaust(read_firmware, inventory);
	exhaust(write_snapshot, inventory);
	exhaust(select_ids, inventory);
	exhaust(select_gpu, inventory);
	gpupt_inventory_free(inventory);
}

static int read_sysfs(void *data, struct gpupt_error **error)
{
	struct gpupt_inventory *inventory = NULL;
	int r = gpupt_inventory_read_sysfs(data, &inventory, error);
	assert_int_equal(r == 0, inventory != NULL);
	gpupt_inventory_free(inventory);
	return r;
}

static void test_sysfs(void **state)
{
	(void)state;
	put_device("pci0000:00", "0000:03:00.0", "0x144d\n", "0xa804\n", "0x010802\n",
		   "0x0000000000000000 0x0000000000003fff 0x0000000000140204\n" NO_VF_BARS);
	put_device_link("0000:03:00.0", "driver", "../../../bus/pci/drivers/nvme");
	put_attribute("0000:03:00.0", "resource0_resize", "0000000000000001\n");
	put_link("dev/block/259:0", "../../devices/pci0000:00/0000:03:00.0/nvme/nvme0/nvme0n1");
	puts_at("proc/self/mountinfo", "28 1 259:0 / / rw - xfs /dev/nvme0n1 rw\n");
	puts_at("proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
	puts_at("proc/sys/kernel/hostname", "host\n");
	exhaust(read_sysfs, tree_root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_uses),
		cmocka_unit_test_setup_teardown(test_sysfs, make_tree, remove_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
