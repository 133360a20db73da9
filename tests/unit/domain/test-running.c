/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/running.h>

#include "domain/domain.h"
#include "domain/running.h"

#define PORT                                                                                   \
	"<controller type='pci' index='1' model='pcie-root-port'>"                             \
	"<address type='pci' bus='0' slot='1' function='2'/></controller>"
#define CARD                                                                                   \
	"<hostdev mode='subsystem' type='pci'><alias name='hostdev0'/>"                        \
	"<source><address bus='8'/></source>"                                                  \
	"<address type='pci' bus='1' slot='0' function='0'/></hostdev>"
#define GUEST(hole, port, card)                                                                \
	"<domain><devices><controller type='pci' index='0' model='pcie-root'>" hole            \
	"</controller>" port card "</devices></domain>"

static struct gpupt_domain *parse(const char *text)
{
	struct gpupt_domain *domain = NULL;
	assert_int_equal(gpupt_domain_parse(text, strlen(text), NULL, &domain, NULL), 0);
	return domain;
}

static unsigned int compare(const char *running, const char *defined)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *a = parse(running);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *b = parse(defined);
	unsigned int differences = gpupt_domain_compare_running(a, b);
	assert_int_equal(gpupt_domain_compare_running(b, a), differences);
	return differences;
}

static void test_compare(void **state)
{
	static const char base[] = GUEST("<pcihole64>67108864</pcihole64>", PORT, CARD);
	(void)state;
	assert_int_equal(compare(base, base), 0);
	/* another unit is no difference, another size or none at all is */
	assert_int_equal(compare(base, GUEST("<pcihole64 unit='GiB'>64</pcihole64>", PORT, CARD)),
			 0);
	assert_int_equal(compare(base, GUEST("<pcihole64 unit='GiB'>65</pcihole64>", PORT, CARD)),
			 GPUPT_DIFFERS_HOLE);
	assert_int_equal(compare(base, GUEST("", PORT, CARD)), GPUPT_DIFFERS_HOLE);
	assert_int_equal(compare(GUEST("", "", ""), GUEST("", PORT, "")),
			 GPUPT_DIFFERS_CONTROLLERS);
	assert_int_equal(compare(GUEST("", PORT, ""),
				 GUEST("", "<controller type='pci' index='1' model='pcie-root-port'>"
				       "<target hotplug='off'/>"
				       "<address type='pci' bus='0' slot='1' function='2'/>"
				       "</controller>", "")), GPUPT_DIFFERS_CONTROLLERS);
	assert_int_equal(compare(GUEST("", "", CARD), GUEST("", "", "")), GPUPT_DIFFERS_HOSTDEVS);
	assert_int_equal(compare(GUEST("", "", CARD),
				 GUEST("", "", "<hostdev mode='subsystem' type='pci'>"
				       "<source><address bus='8'/></source>"
				       "<address type='pci' bus='2' slot='0'/></hostdev>")),
			 GPUPT_DIFFERS_HOSTDEVS);
	/* names are given when a guest starts */
	assert_int_equal(compare(GUEST("", "", CARD),
				 GUEST("", "", "<hostdev mode='subsystem' type='pci'>"
				       "<source><address bus='8'/></source>"
				       "<address type='pci' bus='1' slot='0'/></hostdev>")), 0);
}

#define WITH(cpu, argument)                                                                    \
	"<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>" cpu                 \
	"<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg value='" argument "'/>"        \
	"</qemu:commandline></domain>"

static void test_compare_more(void **state)
{
	static const char narrow[] = "<cpu mode='custom'/>";
	static const char wide[] =
		"<cpu mode='custom'><maxphysaddr mode='emulate' bits='46'/></cpu>";
	char a[512], b[512];
	(void)state;
	snprintf(a, sizeof(a), WITH("%s", "a"), narrow);
	snprintf(b, sizeof(b), WITH("%s", "a"), wide);
	assert_int_equal(compare(a, b), GPUPT_DIFFERS_ADDRESS_WIDTH);
	assert_int_equal(compare(WITH("", "a"), WITH("", "b")), GPUPT_DIFFERS_COMMANDLINE);
	assert_int_equal(compare(WITH("", "a"), "<domain/>"), GPUPT_DIFFERS_COMMANDLINE);
	/* what libvirt makes of a host-model CPU is no difference */
	assert_int_equal(compare(b, WITH("<cpu mode='host-model'/>", "a")), 0);
}

static void expect_path(const char *text, const char *expected)
{
	char path[GPUPT_GUEST_PATH_MAX] = "untouched";
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(text);
	assert_int_equal(gpupt_domain_get_hostdev_path(domain, 0, path), expected != NULL);
	assert_string_equal(path, expected ? expected : "untouched");
}

static void test_path(void **state)
{
	(void)state;
	expect_path(GUEST("", PORT, CARD), "01.2/00.0");
	expect_path(GUEST("", "", CARD), NULL); /* its port is not there */
	expect_path(GUEST("", "", ""), NULL);
	expect_path(GUEST("", "", "<hostdev mode='subsystem' type='pci'>"
			  "<source><address bus='8'/></source>"
			  "<address type='pci' bus='0' slot='0x1f' function='7'/></hostdev>"),
		    "1f.7");
	expect_path(GUEST("", "<controller type='pci' index='1' model='pcie-expander-bus'>"
			  "<address type='pci' bus='0' slot='1' function='2'/></controller>",
			  CARD), NULL);
	/* a port that is behind itself */
	expect_path(GUEST("", "<controller type='pci' index='1' model='pcie-root-port'>"
			  "<address type='pci' bus='1' slot='1' function='2'/></controller>",
			  CARD), NULL);
}

static void test_alias(void **state)
{
	(void)state;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(GUEST("", PORT, CARD));
	assert_string_equal(gpupt_domain_get_hostdev_alias(domain, 0), "hostdev0");
	assert_null(gpupt_domain_get_hostdev_alias(domain, 1));
	assert_null(gpupt_domain_get_os_id(domain));
	assert_false(gpupt_domain_boots_kernel(domain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_more),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_alias),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
