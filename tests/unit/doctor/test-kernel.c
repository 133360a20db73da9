/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-test.h"

static const struct gpupt_checkup_options nothing;

static void remove_at(const char *path)
{
	char full[512];
	assert_int_equal(nftw(tree_path(full, path), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void empty_directory(const char *path)
{
	char full[512];
	struct stat st;
	if (stat(tree_path(full, path), &st) == 0)
		remove_at(path);
	assert_int_equal(mkdir(tree_path(full, path), 0755), 0);
}

static void test_cmdline(void **state)
{
	(void)state;
	static const char text[] = "ro vfio_pci.ids=10de:1b39,8086:1 pci=noaer,realloc quiet "
				   "iommu=pt iommu=soft empty= pcie_acs_override";
	const char *value;
	size_t length;
	assert_true(gpupt_cmdline_get(text, "iommu", &value, &length));
	assert_int_equal(length, 4);
	assert_memory_equal(value, "soft", 4); /* the last */
	assert_true(gpupt_cmdline_get(text, "quiet", &value, &length));
	assert_int_equal(length, 0);
	assert_true(gpupt_cmdline_get(text, "empty", &value, &length));
	assert_int_equal(length, 0);
	assert_true(gpupt_cmdline_get(text, "pcie-acs-override", &value, &length));
	assert_false(gpupt_cmdline_get(text, "pc", &value, &length));
	assert_false(gpupt_cmdline_get(text, "intel_iommu", &value, &length));
	assert_false(gpupt_cmdline_get(NULL, "iommu", &value, &length));
	assert_true(gpupt_cmdline_has(text, "vfio-pci.ids", "8086:1"));
	assert_true(gpupt_cmdline_has(text, "vfio-pci.ids", "10DE:1B39"));
	assert_false(gpupt_cmdline_has(text, "vfio-pci.ids", "8086:10"));
	assert_true(gpupt_cmdline_has(text, "pci", "realloc"));
	assert_false(gpupt_cmdline_has(text, "pci", "real"));
	assert_false(gpupt_cmdline_has(text, "iommu", "pt"));
}

static void spoil_iommu(const char *cmdline)
{
	empty_directory("class/iommu");
	remove_at("devices/pci0000:16/" CARD "/iommu_group");
	empty_directory("kernel/iommu_groups");
	replace("../proc/cmdline", cmdline);
}

static void test_iommu_off(void **state)
{
	(void)state;
	spoil_iommu("quiet\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "iommu=error(60) groups=unknown");
	assert_remedy(checkup, "iommu", "Boot the host's kernel with intel_iommu=on");
	gpupt_checkup_free(checkup);
}

static void test_iommu_turned_off(void **state)
{
	(void)state;
	spoil_iommu("intel_iommu=off\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_remedy(checkup, "iommu", "Remove intel_iommu=off");
	gpupt_checkup_free(checkup);
}

static void test_iommu_not_offered(void **state)
{
	(void)state;
	spoil_iommu("quiet\n");
	replace("../proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_remedy(checkup, "iommu", "Enable the IOMMU (AMD-Vi)");
	gpupt_checkup_free(checkup);
	replace("firmware/acpi/tables/DMAR", NULL);
	puts_at("firmware/acpi/tables/FACP", "");
	checkup = examine_tree(tree_root, nothing);
	assert_remedy(checkup, "iommu", "firmware offers none: enable the IOMMU in its setup.");
	gpupt_checkup_free(checkup);
}

/* VFIO's no-IOMMU mode has groups without an IOMMU. */
static void test_no_iommu_mode(void **state)
{
	(void)state;
	empty_directory("class/iommu");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "iommu=error(60)");
	assert_has(check_named(checkup, "iommu")->findings[0].text, "no-IOMMU mode");
	gpupt_checkup_free(checkup);
}

/* A copy without class/iommu: the groups tell, and without those nothing does. */
static void test_iommu_unknown(void **state)
{
	(void)state;
	remove_at("class/iommu");
	assert_only(examine_tree(tree_root, nothing), "");
	remove_at("devices/pci0000:16/" CARD "/iommu_group");
	remove_at("kernel/iommu_groups");
	assert_only(examine_tree(tree_root, nothing), "iommu=unknown groups=unknown");
	empty_directory("kernel/iommu_groups");
	assert_only(examine_tree(tree_root, nothing), "iommu=error(60) groups=unknown");
}

#define MODULES "../usr/lib/modules/6.12.1/"

static void test_vfio(void **state)
{
	(void)state;
	remove_at("module/vfio_pci");
	assert_only(examine_tree(tree_root, nothing), "vfio=unknown");
	puts_at(MODULES "modules.dep", "kernel/vfio/pci/vfio-pci-core.ko: kernel/vfio/vfio.ko\n");
	assert_only(examine_tree(tree_root, nothing), "vfio=unknown"); /* may be built in */
	puts_at(MODULES "modules.builtin", "kernel/fs/ext4/ext4.ko\n");
	assert_only(examine_tree(tree_root, nothing), "vfio=error(69)");
	replace(MODULES "modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko");
	assert_only(examine_tree(tree_root, nothing), "");
	replace(MODULES "modules.builtin", "");
	replace(MODULES "modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.zst:\n");
	assert_only(examine_tree(tree_root, nothing), "");
}

/* Another kernel's modules are not the running one's; nor is a file elsewhere. */
static void test_vfio_other_kernel(void **state)
{
	(void)state;
	remove_at("module/vfio_pci");
	puts_at(MODULES "modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko:\n");
	puts_at(MODULES "modules.builtin", "");
	replace("../proc/sys/kernel/osrelease", "6.12.2\n");
	assert_only(examine_tree(tree_root, nothing), "vfio=unknown");
	replace("../proc/sys/kernel/osrelease", "../modules/6.12.1\n");
	assert_only(examine_tree(tree_root, nothing), "vfio=unknown");
}

static void test_kernel(void **state)
{
	(void)state;
	replace("../proc/cmdline", "intel_iommu=on pcie_acs_override=downstream,multifunction "
				   "video=efifb:off\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "kernel=warning(66,79)");
	assert_has(check_named(checkup, "kernel")->seen, "intel_iommu=on");
	gpupt_checkup_free(checkup);
	/* the card is with vfio-pci as it should */
	replace("../proc/cmdline", "vfio-pci.ids=10de:1b39 video=efifb:1024x768\n");
	assert_only(examine_tree(tree_root, nothing), "");
	puts_at("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	assert_only(examine_tree(tree_root, nothing), "");
	replace("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	assert_only(examine_tree(tree_root, nothing), "kernel=warning(68)");
	replace("../proc/cmdline", NULL);
	assert_only(examine_tree(tree_root, nothing), "kernel=warning(68)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cmdline),
		TREE_TEST(test_iommu_off),
		TREE_TEST(test_iommu_turned_off),
		TREE_TEST(test_iommu_not_offered),
		TREE_TEST(test_no_iommu_mode),
		TREE_TEST(test_iommu_unknown),
		TREE_TEST(test_vfio),
		TREE_TEST(test_vfio_other_kernel),
		TREE_TEST(test_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
