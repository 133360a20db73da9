/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "text/same.h"

#define HEAD "<domain>\n  <devices>\n"
#define TAIL "  </devices>\n</domain>\n"
#define DISK "    <disk type='file'>\n      <target dev='vda'/>\n    </disk>\n"
#define OTHER_DISK "    <disk type='block'/>\n"
#define USB "    <controller type='usb' index='0'>\n      <address bus='1'/>\n    </controller>\n"
#define SATA "    <controller type='sata' index='0'>\n      <address bus='2'/>\n    </controller>\n"
#define ROOT "    <controller type='pci' index='0' model='pcie-root'/>\n"

static void test_same(void **state)
{
	static const char *const texts[] = {
		HEAD DISK ROOT USB SATA TAIL,
		HEAD DISK SATA USB ROOT TAIL,
		HEAD ROOT DISK SATA USB TAIL,
	};
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(gpupt_same_definition(texts[i], texts[k], NULL), 1);
	assert_int_equal(gpupt_same_definition("", "", NULL), 1);
	assert_int_equal(gpupt_same_definition(SATA USB, USB SATA, NULL), 1);
}

static void test_different(void **state)
{
	static const char *const texts[] = {
		HEAD DISK OTHER_DISK USB SATA TAIL,
		HEAD OTHER_DISK DISK USB SATA TAIL, /* disks have an order */
		HEAD DISK OTHER_DISK USB TAIL,
		HEAD DISK OTHER_DISK USB USB TAIL,
		/* two controllers with each other's address */
		HEAD DISK OTHER_DISK
		"    <controller type='usb' index='0'>\n      <address bus='2'/>\n    </controller>\n"
		"    <controller type='sata' index='0'>\n      <address bus='1'/>\n    </controller>\n"
		TAIL,
		HEAD DISK OTHER_DISK USB "    <controller type='sata' index='0'>\n",
		HEAD DISK OTHER_DISK USB SATA "  </devices>\n</domain>",
		"",
	};
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(texts); i++)
		for (size_t k = 0; k < GPUPT_ARRAY_SIZE(texts); k++)
			assert_int_equal(gpupt_same_definition(texts[i], texts[k], NULL), i == k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_different),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
