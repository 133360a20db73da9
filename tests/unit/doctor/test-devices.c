/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-test.h"

static const struct gpupt_checkup_options nothing;

#define UNASSIGNED \
	"0x00000000aa000000 0x00000000aaffffff 0x0000000000040200\n" \
	"0x0000000000000000 0x00000007ffffffff 0x000000002014220c\n" EMPTY EMPTY EMPTY EMPTY EMPTY

static void spoil_bar(const char *vendor, const char *cmdline)
{
	replace("devices/pci0000:16/" CARD "/resource", UNASSIGNED);
	if (vendor)
		puts_at("devices/virtual/dmi/id/sys_vendor", vendor);
	replace("../proc/cmdline", cmdline);
}

static void test_unassigned_on_hpe(void **state)
{
	(void)state;
	spoil_bar("HPE\n", "quiet\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "bars=error(7,7)"); /* BAR 3 the host lost in full */
	const char *remedy = check_named(checkup, "bars")->findings[0].remedy;
	assert_has(remedy, "\"PCI Express 64-Bit BAR Support\"");
	assert_null(strstr(remedy, "Above 4G"));
	assert_has(remedy, "with pci=realloc, or");
	gpupt_checkup_free(checkup);
}

static void test_unassigned_elsewhere(void **state)
{
	(void)state;
	spoil_bar("Dell Inc.\n", "quiet pci=realloc\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	const char *remedy = check_named(checkup, "bars")->findings[0].remedy;
	assert_has(remedy, "Above 4G Decoding");
	assert_null(strstr(remedy, "HPE"));
	assert_null(strstr(remedy, "64-Bit BAR Support"));
	assert_has(remedy, "try pci=realloc=off");
	gpupt_checkup_free(checkup);
}

/* A maker that could not be read is no maker ruled out. */
static void test_unassigned_somewhere(void **state)
{
	(void)state;
	spoil_bar(NULL, "pci=noaer,realloc=off\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	const char *remedy = check_named(checkup, "bars")->findings[0].remedy;
	assert_has(remedy, "Above 4G Decoding");
	assert_has(remedy, "64-Bit BAR Support");
	assert_has(remedy, "try pci=realloc.");
	gpupt_checkup_free(checkup);
}

static void test_domain_device_missing(void **state)
{
	(void)state;
	const char *text = DOMAIN("", HOSTDEV "\n" HOSTDEV_OF("0x99", ""));
	struct gpupt_checkup *checkup = examine_for(text, nothing);
	assert_results(checkup, "bars=error(3)");
	assert_int_equal(check_named(checkup, "bars")->findings[0].line, 5);
	gpupt_checkup_free(checkup);
	/* none at all: nothing is said of devices */
	assert_only(examine_for(DOMAIN("", HOSTDEV_OF("0x99", "")), nothing),
		    "bars=error(3) groups=unknown drivers=unknown use=unknown");
}

/* A guest without devices: as without a guest. */
static void test_domain_without_devices(void **state)
{
	(void)state;
	struct gpupt_checkup *checkup = examine_for(DOMAIN("", ""), nothing);
	size_t count;
	assert_results(checkup, "");
	gpupt_checkup_get_devices(checkup, &count);
	assert_int_equal(count, 1);
	gpupt_checkup_free(checkup);
}

static void put_neighbour(const char *address, const char *class_code, const char *driver)
{
	char target[300];
	put_device("pci0000:16", address, "0x1b21\n", "0x2142\n", class_code, NULL);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	if (*driver)
		put_device_link(address, "driver", target);
	else
		put_attribute(address, "uevent", "PCI_CLASS=C0330\n"); /* without DRIVER= */
	put_device_link(address, "iommu_group", "../../../kernel/iommu_groups/17");
}

static void test_group_held(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		char address[32];
		snprintf(address, sizeof(address), "0000:18:00.%d", i);
		put_neighbour(address, "0x0c0330\n", "xhci_hcd");
	}
	put_neighbour("0000:16:00.0", "0x060400\n", "pcieport");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "groups=error(14)");
	assert_has(check_named(checkup, "groups")->findings[0].text,
		   "0000:18:00.2 (xhci_hcd) and 2 more");
	gpupt_checkup_free(checkup);
}

/* Nobody holds it, but two guests cannot share. */
static void test_group_wide(void **state)
{
	(void)state;
	put_neighbour("0000:18:00.0", "0x0c0330\n", "");
	assert_only(examine_tree(tree_root, nothing), "groups=note(67)");
}

/* A copy may not tell who holds it. */
static void test_group_unknown(void **state)
{
	(void)state;
	put_neighbour("0000:18:00.0", "0x0c0330\n", "");
	replace("devices/pci0000:16/0000:18:00.0/uevent", NULL);
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "groups=partly");
	assert_has(check_named(checkup, "groups")->unseen, "0000:18:00.0");
	gpupt_checkup_free(checkup);
}

/* The bridge on the way stays with the host, and does not count. */
static void test_group_with_bridge(void **state)
{
	(void)state;
	put_neighbour("0000:16:00.0", "0x060400\n", "pcieport");
	assert_only(examine_tree(tree_root, nothing), "");
}

static void replace_driver(const char *driver)
{
	char path[512], target[300];
	assert_int_equal(unlink(tree_path(path, "devices/pci0000:16/" CARD "/driver")), 0);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	put_device_link(CARD, "driver", target);
}

static void test_drivers(void **state)
{
	(void)state;
	replace_driver("nouveau");
	assert_only(examine_tree(tree_root, nothing), "drivers=warning(62)");
	assert_only(examine_for(DOMAIN("", HOSTDEV), nothing), "drivers=warning(62)");
	assert_only(examine_for(DOMAIN("", HOSTDEV_OF("0x17", "")), nothing), "drivers=error(61)");
	assert_only(examine_for(DOMAIN("", HOSTDEV_OF("0x17", " managed='no'")), nothing),
		    "drivers=error(61)");
	/* no display: libvirt takes it away */
	replace("devices/pci0000:16/" CARD "/class", "0x010802\n");
	assert_only(examine_for(DOMAIN("", HOSTDEV), nothing), "drivers=note(63)");
	/* managed='no' is right where VFIO has it already */
	replace_driver("vfio-pci");
	assert_only(examine_for(DOMAIN("", HOSTDEV_OF("0x17", " managed='no'")), nothing), "");
}

static void test_persistence_daemon(void **state)
{
	(void)state;
	puts_at("../proc/812/comm", "nvidia-persiste\n");
	assert_only(examine_tree(tree_root, nothing), ""); /* not in this card's way */
	replace_driver("nvidia");
	assert_only(examine_tree(tree_root, nothing), "drivers=warning(62,64)");
	replace("../proc/812/comm", "nvidia-smi\n");
	assert_only(examine_tree(tree_root, nothing), "drivers=warning(62)");
}

static void test_framebuffer(void **state)
{
	(void)state;
	replace("../proc/iomem", "00000000-00000000 : PCI Bus 0000:16\n"
				 "  00000000-00000000 : " CARD "\n"
				 "    00000000-00000000 : vfio-pci\n"
				 "  00000000-00000000 : 0000:18:00.0\n"
				 "    00000000-00000000 : efifb\n"
				 "00000000-00000000 : BOOTFB\n");
	assert_only(examine_tree(tree_root, nothing), ""); /* another's */
	replace("../proc/iomem", "00000000-00000000 : PCI Bus 0000:02\n"
				 "  00000000-00000000 : 0000:02:00.0\n"
				 "    00000000-00000000 : simpledrm\n"
				 "  00000000-00000000 : " CARD "\n"
				 "  00000000-00000000 : " CARD "\n"
				 "    00000000-00000000 : efifb");
	assert_only(examine_tree(tree_root, nothing), "use=warning(65)");
	replace("../proc/iomem", NULL);
	assert_only(examine_tree(tree_root, nothing), "use=partly");
}

static void test_use(void **state)
{
	(void)state;
	put_attribute(CARD, "boot_vga", "1\n");
	assert_only(examine_tree(tree_root, nothing), ""); /* VFIO has it: no console */
	replace_driver("ast");
	assert_only(examine_tree(tree_root, nothing), "drivers=warning(62) use=warning(16)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_unassigned_on_hpe),
		TREE_TEST(test_unassigned_elsewhere),
		TREE_TEST(test_unassigned_somewhere),
		TREE_TEST(test_domain_device_missing),
		TREE_TEST(test_domain_without_devices),
		TREE_TEST(test_group_held),
		TREE_TEST(test_group_wide),
		TREE_TEST(test_group_unknown),
		TREE_TEST(test_group_with_bridge),
		TREE_TEST(test_drivers),
		TREE_TEST(test_persistence_daemon),
		TREE_TEST(test_framebuffer),
		TREE_TEST(test_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
