/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sysfs-tree.h"

#define NVME "0000:03:00.0"
#define NVME_PATH "devices/pci0000:00/0000:00:01.0/" NVME "/nvme/nvme0/nvme0n1"
#define HBA "0000:04:00.0"
#define DISK_PATH "devices/pci0000:00/" HBA "/ata1/host0/block/sda"

static void put_hosts_disks(void)
{
	put_device("pci0000:00/0000:00:01.0", NVME, "0x144d\n", "0xa804\n", "0x010802\n", NULL);
	put_device("pci0000:00", HBA, "0x8086\n", "0xa102\n", "0x010601\n", NULL);
	puts_at(NVME_PATH "/nvme0n1p2/partition", "2\n");
	puts_at(DISK_PATH "/size", "1\n");
	put_link("dev/block/259:0", "../../" NVME_PATH);
	put_link("dev/block/259:2", "../../" NVME_PATH "/nvme0n1p2");
	put_link("class/block/nvme0n1p2", "../../" NVME_PATH "/nvme0n1p2");
	put_link("class/block/sda", "../../" DISK_PATH);
	put_link("dev/block/8:0", "../../" DISK_PATH);
}

static const char *use_of(const struct gpupt_inventory *inventory, const char *address)
{
	return at(inventory, address)->host_use;
}

static void test_mounts_and_swap(void **state)
{
	(void)state;
	put_hosts_disks();
	puts_at("proc/self/mountinfo",
		"21 1 0:20 / /proc rw - proc proc rw\n"
		"28 1 259:2 / /srv/my\\040data rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
		"29 1 259:2 /sub /again rw - ext4 /dev/nvme0n1p2 rw\n"
		"nonsense\n30 1 x:y / / rw - a b c\n");
	puts_at("proc/swaps", "Filename\t\tType\t\tSize\tUsed\tPriority\n"
			      "/dev/sda                partition\t1\t0\t-2\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_string_equal(use_of(inventory, NVME),
			    "mounted file system /srv/my data (nvme0n1p2)");
	assert_string_equal(use_of(inventory, HBA), "swap space (sda)");
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

/* LVM on LUKS on a partition, and md with a partition of its own. */
static void test_stacked(void **state)
{
	(void)state;
	put_hosts_disks();
	puts_at("devices/virtual/block/dm-0/size", "1\n");
	puts_at("devices/virtual/block/dm-1/size", "1\n");
	put_link("devices/virtual/block/dm-0/slaves/dm-1", "../../dm-1");
	put_link("devices/virtual/block/dm-1/slaves/nvme0n1p2",
		 "../../../../pci0000:00/0000:00:01.0/" NVME "/nvme/nvme0/nvme0n1/nvme0n1p2");
	put_link("dev/block/253:0", "../../devices/virtual/block/dm-0");
	puts_at("devices/virtual/block/md0/md0p1/partition", "1\n");
	put_link("devices/virtual/block/md0/slaves/sda",
		 "../../../../pci0000:00/" HBA "/ata1/host0/block/sda");
	put_link("dev/block/259:9", "../../devices/virtual/block/md0/md0p1");
	puts_at("proc/self/mountinfo", "28 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n"
				       "29 1 259:9 / /data rw - ext4 /dev/md0p1 rw\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_string_equal(use_of(inventory, NVME), "mounted file system / (nvme0n1p2)");
	assert_string_equal(use_of(inventory, HBA), "mounted file system /data (sda)");
	gpupt_inventory_free(inventory);
}

/* btrfs shows an anonymous device number; proc lies beside sys here. */
static void test_btrfs(void **state)
{
	(void)state;
	put_hosts_disks();
	puts_at("../proc/self/mountinfo",
		"28 1 0:30 /@ / rw shared:1 - btrfs /dev/nvme0n1p2 rw,subvol=/@\n"
		"29 1 0:31 / /tank rw - zfs tank rw\n30 1 0:32 / /x rw - btrfs /dev/mapper/y rw\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_string_equal(use_of(inventory, NVME), "mounted file system / (nvme0n1p2)");
	assert_null(use_of(inventory, HBA));
	gpupt_inventory_free(inventory);
}

static void test_nvme_multipath(void **state)
{
	(void)state;
	put_device("pci0000:00", NVME, "0x144d\n", "0xa804\n", "0x010802\n", NULL);
	puts_at("devices/pci0000:00/" NVME "/nvme/nvme0/state", "live\n");
	puts_at("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1/partition", "1\n");
	put_link("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		 "../../../pci0000:00/" NVME "/nvme/nvme0");
	put_link("dev/block/259:1",
		 "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	puts_at("proc/self/mountinfo", "28 1 259:1 / / rw - xfs /dev/nvme0n1p1 rw\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_string_equal(use_of(inventory, NVME), "mounted file system / (nvme0n1p1)");
	gpupt_inventory_free(inventory);
}

/* Links that go in circles end. */
static void test_circle(void **state)
{
	(void)state;
	put_hosts_disks();
	puts_at("devices/virtual/block/dm-0/size", "1\n");
	put_link("devices/virtual/block/dm-0/slaves/dm-0", "../../dm-0");
	put_link("dev/block/253:0", "../../devices/virtual/block/dm-0");
	put_link("dev/block/253:1", "../../dev/block/253:1");
	puts_at("proc/self/mountinfo", "28 1 253:0 / / rw - ext4 /dev/dm-0 rw\n"
				       "28 1 253:1 / / rw - ext4 /dev/dm-1 rw\n");
	struct gpupt_inventory *inventory = read_tree();
	assert_null(use_of(inventory, NVME));
	gpupt_inventory_free(inventory);
}

static void test_boot_display(void **state)
{
	(void)state;
	static const char *const gpus[] = { "0000:06:00.0", "0000:07:00.0" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(gpus); i++) {
		put_device("pci0000:00", gpus[i], "0x10de\n", "0x2204\n", "0x030000\n", NULL);
		put_attribute(gpus[i], "boot_vga", "1\n");
	}
	put_device_link(gpus[0], "driver", "../../../bus/pci/drivers/nvidia");
	put_device_link(gpus[1], "driver", "../../../bus/pci/drivers/vfio-pci");
	struct gpupt_inventory *inventory = read_tree();
	assert_string_equal(use_of(inventory, gpus[0]), "boot display");
	assert_true(at(inventory, gpus[1])->boot_vga);
	assert_null(use_of(inventory, gpus[1]));
	gpupt_inventory_free(inventory);
}

static void test_host_facts(void **state)
{
	(void)state;
	puts_at("bus/pci/devices/x", "");
	puts_at("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: x\n"
				"address sizes\t: 46 bits physical, 48 bits virtual\n\n"
				"processor\t: 1\nvendor_id\t: AuthenticAMD\n");
	puts_at("proc/sys/kernel/hostname", "z-host\n");
	puts_at("proc/sys/kernel/osrelease", "6.1.0\n");
	puts_at("usr/lib/os-release", "NAME=x\nVERSION_ID=\"12\"\nXID=no\nID=debian\n");
	struct gpupt_inventory *inventory = read_tree();
	const struct gpupt_host *host = gpupt_inventory_get_host(inventory);
	assert_int_equal(host->phys_bits, 46);
	assert_string_equal(host->cpu_vendor, "GenuineIntel");
	assert_string_equal(host->hostname, "z-host");
	assert_string_equal(host->kernel, "6.1.0");
	assert_string_equal(host->os, "debian-12");
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
	/* an ARM machine has neither line */
	puts_at("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\naddress sizes: 99999999\n");
	inventory = read_tree();
	assert_int_equal(gpupt_inventory_get_host(inventory)->phys_bits, 0);
	assert_null(gpupt_inventory_get_host(inventory)->cpu_vendor);
	gpupt_inventory_free(inventory);
}

/* This machine's /proc is not taken for a saved tree's. */
static void test_foreign_proc(void **state)
{
	(void)state;
	char path[512];
	puts_at("bus/pci/devices/x", "");
	assert_int_equal(symlink("/proc", tree_path(path, "../proc")), 0);
	struct gpupt_inventory *inventory = read_tree();
	assert_null(gpupt_inventory_get_host(inventory)->hostname);
	gpupt_inventory_free(inventory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mounts_and_swap, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_stacked, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_btrfs, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_nvme_multipath, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_circle, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_boot_display, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_host_facts, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_foreign_proc, make_tree, remove_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
