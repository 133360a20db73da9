/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_DOCTOR_TEST_H
#define GPUPT_TESTS_DOCTOR_TEST_H

/* Made-up hosts: a healthy one with one card, of which each test spoils a part. */

#include "sysfs-tree.h"

#include "base/str.h"
#include "doctor/doctor.h"
#include "domain/domain.h"

#define CARD "0000:17:00.0"
#define CARD_RESOURCE \
	"0x00000000aa000000 0x00000000aaffffff 0x0000000000040200\n" \
	"0x0000038000000000 0x00000387ffffffff 0x000000000014220c\n" EMPTY \
	"0x0000038800000000 0x0000038801ffffff 0x000000000014220c\n" EMPTY EMPTY EMPTY

#define PACKAGE(name, version) \
	"Package: " name "\nStatus: install ok installed\nVersion: " version "\n\n"

/* An Intel host with a card that waits for VFIO in a group of its own. */
static inline void put_healthy_host(void)
{
	put_device("pci0000:16", CARD, "0x10de\n", "0x1b39\n", "0x030200\n", CARD_RESOURCE);
	put_device_link(CARD, "driver", "../../../bus/pci/drivers/vfio-pci");
	put_device_link(CARD, "iommu_group", "../../../kernel/iommu_groups/17");
	puts_at("kernel/iommu_groups/17/type", "DMA\n");
	puts_at("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8192\n");
	puts_at("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "8192\n");
	puts_at("class/iommu/dmar0/intel-iommu/version", "1:0\n");
	puts_at("module/vfio_pci/parameters/disable_idle_d3", "N\n");
	puts_at("firmware/acpi/tables/DMAR", "");
	puts_at("../proc/cpuinfo", "vendor_id\t: GenuineIntel\n"
				   "address sizes\t: 46 bits physical, 48 bits virtual\n");
	puts_at("../proc/cmdline", "ro quiet intel_iommu=on\n");
	puts_at("../proc/meminfo", "MemTotal: 65536000 kB\nHugepagesize:       2048 kB\n");
	puts_at("../proc/iomem", "00000000-00000000 : System RAM\n");
	puts_at("../proc/sys/kernel/osrelease", "6.12.1\n");
	puts_at("../var/lib/dpkg/status",
		PACKAGE("qemu-system-x86", "1:10.1.0-1") PACKAGE("libvirt-daemon", "11.3.0-3")
		PACKAGE("seabios", "1.17.0-1") PACKAGE("ovmf", "2025.02-8"));
}

static inline int make_healthy_host(void **state)
{
	if (make_tree(state) < 0)
		return -1;
	put_healthy_host();
	return 0;
}

/* In place of what put_healthy_host() put; NULL: nothing. */
static inline void replace(const char *path, const char *text)
{
	char full[512];
	assert_int_equal(unlink(tree_path(full, path)), 0);
	if (text)
		puts_at(path, text);
}

static inline struct gpupt_checkup *examine(const struct gpupt_inventory *inventory,
					    const struct gpupt_checkup_options *options)
{
	struct gpupt_checkup *checkup = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_checkup_make(inventory, options, &checkup, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	assert_non_null(checkup);
	return checkup;
}

static inline struct gpupt_inventory *read_inventory(const char *sysfs)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_inventory_read_sysfs(sysfs, &inventory, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return inventory;
}

/* With what the options say beside `sysfs`. */
static inline struct gpupt_checkup *examine_tree(const char *sysfs,
						 struct gpupt_checkup_options options)
{
	struct gpupt_inventory *inventory = read_inventory(sysfs);
	options.sysfs = sysfs;
	struct gpupt_checkup *checkup = examine(inventory, &options);
	gpupt_inventory_free(inventory);
	return checkup;
}

static inline struct gpupt_domain *parse_domain(const char *text)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_domain_parse(text, strlen(text), "vm.xml", &domain, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return domain;
}

/* With the domain whose text that is. */
static inline struct gpupt_checkup *examine_for(const char *text,
						struct gpupt_checkup_options options)
{
	struct gpupt_domain *domain = parse_domain(text);
	options.domain = domain;
	struct gpupt_checkup *checkup = examine_tree(tree_root, options);
	gpupt_domain_free(domain);
	return checkup;
}

#define HOSTDEV_OF(bus, managed) \
	"<hostdev mode='subsystem' type='pci'" managed "><source><address domain='0x0000' " \
	"bus='" bus "' slot='0x00' function='0x0'/></source></hostdev>"
#define HOSTDEV HOSTDEV_OF("0x17", " managed='yes'")
#define DOMAIN(parts, devices) \
	"<domain type='kvm'>\n<name>vm</name><memory unit='GiB'>16</memory>" parts \
	"<os><type machine='q35'>hvm</type></os>\n<devices>\n" devices "</devices></domain>\n"

static inline const struct gpupt_check *check_named(const struct gpupt_checkup *checkup,
						    const char *name)
{
	size_t count;
	const struct gpupt_check *checks = gpupt_checkup_get_checks(checkup, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(checks[i].name, name) == 0)
			return &checks[i];
	fail_msg("there is no check %s", name);
	return NULL;
}

/* All that is not "ok": "groups=error(14) kernel=partly", and nothing else. */
static inline void assert_results(const struct gpupt_checkup *checkup, const char *expected)
{
	struct gpupt_str text = { 0 };
	size_t count;
	const struct gpupt_check *checks = gpupt_checkup_get_checks(checkup, &count);
	for (size_t i = 0; i < count; i++) {
		const struct gpupt_check *check = &checks[i];
		const char *result = gpupt_check_get_result(check);
		assert_true(check->seen || check->unseen);
		if (strcmp(result, "ok") == 0)
			continue;
		gpupt_str_addf(&text, "%s%s=%s", text.length ? " " : "", check->name, result);
		for (size_t f = 0; f < check->n_findings; f++)
			gpupt_str_addf(&text, "%s%u%s", f ? "," : "(", check->findings[f].number,
				       f + 1 == check->n_findings ? ")" : "");
	}
	assert_string_equal(text.data ? text.data : "", expected);
	gpupt_str_clear(&text);
}

/* The same, and done with it. */
static inline void assert_only(struct gpupt_checkup *checkup, const char *expected)
{
	assert_results(checkup, expected);
	gpupt_checkup_free(checkup);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" lacks \"%s\"", text ? text : "", part);
}

/* What the first finding of a check advises. */
static inline void assert_remedy(const struct gpupt_checkup *checkup, const char *check,
				 const char *part)
{
	assert_true(check_named(checkup, check)->n_findings > 0);
	assert_has(check_named(checkup, check)->findings[0].remedy, part);
}

#define TREE_TEST(function) \
	cmocka_unit_test_setup_teardown(function, make_healthy_host, remove_tree)

#endif
