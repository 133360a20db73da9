/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor-test.h"

static const struct gpupt_checkup_options nothing;
#define STATUS "../var/lib/dpkg/status"

static void assert_version(const char *text, unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int numbers[3];
	assert_true(gpupt_version_parse(text, numbers));
	assert_int_equal(numbers[0], a);
	assert_int_equal(numbers[1], b);
	assert_int_equal(numbers[2], c);
}

static void test_parse(void **state)
{
	(void)state;
	assert_version("1:10.0.2+ds-2+deb13u1", 10, 0, 2);
	assert_version("2022.11-6+deb12u2", 2022, 11, 0);
	assert_version("1.16.3-2", 1, 16, 3);
	assert_version("9.0.0-4", 9, 0, 0);
	assert_version("8.2.2.1", 8, 2, 2);
	unsigned int numbers[3] = { 7, 7, 7 };
	static const char *const bad[] = { "", "1:", "10", "x.1", "9999999999999999.1", "-1.2" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(bad); i++)
		assert_false(gpupt_version_parse(bad[i], numbers));
	assert_int_equal(numbers[0], 7);
}

static void test_dpkg(void **state)
{
	(void)state;
	static const char status[] =
		"Package: ovmf-ia32\nStatus: install ok installed\nVersion: 1.0-1\n\n"
		"Package: seabios\nStatus: deinstall ok config-files\nVersion: 1.16.3-1\n\n"
		"Package: half\nStatus: install ok half-installed\nVersion: 1.2-3\n\n"
		"Package: ovmf\nStatus: install ok installed\nDescription: x\n Version: 9.9\n"
		"Version: 2025.02-8\n\n"
		"Package: last\nStatus: hold ok installed\nVersion: 3.4\x1b[m";
	char version[GPUPT_VERSION_MAX];
	assert_true(gpupt_dpkg_find(status, "ovmf", version));
	assert_string_equal(version, "2025.02-8");
	assert_false(gpupt_dpkg_find(status, "seabios", version));
	assert_false(gpupt_dpkg_find(status, "half", version));
	assert_false(gpupt_dpkg_find(status, "absent", version));
	assert_true(gpupt_dpkg_find(status, "last", version));
	assert_string_equal(version, "3.4?[m");
	assert_false(gpupt_dpkg_find("", "last", version));
	assert_false(gpupt_dpkg_find("\n\n\n", "last", version));
}

static void test_seabios(void **state)
{
	(void)state;
	/* 32 GiB is the most that is aligned right with 46 bits: this card is fine */
	replace(STATUS, PACKAGE("seabios", "1.16.3-2"));
	assert_only(examine_tree(tree_root, nothing), "versions=partly");
	replace("../proc/cpuinfo", "address sizes\t: 45 bits physical, 48 bits virtual\n");
	assert_only(examine_tree(tree_root, nothing), "versions=warning(74)");
	replace(STATUS, PACKAGE("seabios", "1.16.2-1"));
	assert_only(examine_tree(tree_root, nothing), "versions=partly");
	replace(STATUS, PACKAGE("seabios", "1.17.0-1"));
	assert_only(examine_tree(tree_root, nothing), "versions=partly");
}

/* A guest has one firmware, and the other's faults are not its own. */
static void test_firmware_of_guest(void **state)
{
	(void)state;
	replace("../proc/cpuinfo", "address sizes\t: 39 bits physical, 48 bits virtual\n");
	replace(STATUS, PACKAGE("seabios", "1.16.3-2") PACKAGE("ovmf", "2022.02-3")
			PACKAGE("qemu-system-x86", "1:10.1.0-1") PACKAGE("libvirt0", "11.3.0-3"));
	assert_only(examine_tree(tree_root, nothing), "versions=warning(74,76)");
	assert_only(examine_for(DOMAIN("", HOSTDEV), nothing), "versions=warning(74)");
	assert_only(examine_for("<domain><memory>1048576</memory><os firmware='efi'>"
				"<type>hvm</type></os><devices>" HOSTDEV "</devices></domain>",
				nothing),
		    "versions=note(76)");
	assert_only(examine_for("<domain><memory>1048576</memory><os><type>hvm</type><loader>/x.fd"
				"</loader></os><devices>" HOSTDEV "</devices></domain>", nothing),
		    "versions=note(76)");
}

static void test_qemu(void **state)
{
	(void)state;
	struct gpupt_checkup_options options = { .qemu_version = 10000002 };
	assert_only(examine_tree(tree_root, options), "versions=note(75)");
	options.qemu_version = 10001000;
	assert_only(examine_tree(tree_root, options), "");
	/* what runs counts, not what is installed */
	replace(STATUS, PACKAGE("qemu-system-x86", "1:7.2+dfsg-7") PACKAGE("libvirt0", "11.3.0-3")
			PACKAGE("seabios", "1.17.0-1") PACKAGE("ovmf", "2025.02-8"));
	assert_only(examine_tree(tree_root, options), "");
	options.qemu_version = 0;
	assert_only(examine_tree(tree_root, options), "versions=note(75)");
}

static void test_libvirt(void **state)
{
	(void)state;
	static const struct {
		unsigned int version;
		const char *lacks, *has;
	} cases[] = {
		{ 6002000, "hotplug='off'", NULL },
		{ 6003000, "<maxphysaddr>", "hotplug='off'" },
		{ 8006000, "<maxphysaddr>", "hotplug='off'" },
		{ 8007000, "memReserve", "<maxphysaddr>" },
		{ 10002000, "memReserve", "<maxphysaddr>" },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct gpupt_checkup_options options = { .libvirt_version = cases[i].version };
		struct gpupt_checkup *checkup = examine_tree(tree_root, options);
		assert_results(checkup, "versions=note(77)");
		const char *text = check_named(checkup, "versions")->findings[0].text;
		assert_has(text, cases[i].lacks);
		if (cases[i].has)
			assert_null(strstr(text, cases[i].has));
		gpupt_checkup_free(checkup);
	}
	struct gpupt_checkup_options options = { .libvirt_version = 10003000 };
	assert_only(examine_tree(tree_root, options), "");
}

static void test_no_packages(void **state)
{
	(void)state;
	replace(STATUS, NULL);
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "versions=unknown");
	assert_has(check_named(checkup, "versions")->unseen, "var/lib/dpkg/status: No such file");
	gpupt_checkup_free(checkup);
	puts_at("../usr/lib/sysimage/rpm/rpmdb.sqlite", "");
	checkup = examine_tree(tree_root, nothing);
	assert_has(check_named(checkup, "versions")->unseen, "RPM's database is not read");
	gpupt_checkup_free(checkup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_dpkg),
		TREE_TEST(test_seabios),      TREE_TEST(test_firmware_of_guest),
		TREE_TEST(test_qemu),	      TREE_TEST(test_libvirt),
		TREE_TEST(test_no_packages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
