/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

static void test_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "0000:08:00.0", "0000:08:00.0" }, { "08:00.0", "0000:08:00.0" },
		{ "pci_0000_08_00_0", "0000:08:00.0" }, { "8:1f.7", "0000:08:1f.7" },
		{ "ABCD:EF:1A.3", "abcd:ef:1a.3" }, { "10000:e1:00.0", "10000:e1:00.0" },
		{ "ffffffff:ff:1f.7", "ffffffff:ff:1f.7" }, { "0:0:0.0", "0000:00:00.0" },
		{ "00000000:4F:00.0", "0000:4f:00.0" },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct gpupt_pci_address address;
		char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
		assert_int_equal(gpupt_pci_address_parse(cases[i].text, &address, NULL), 0);
		assert_string_equal(gpupt_pci_address_format(address, text), cases[i].canonical);
	}
}

static void refuse(const char *text, const char *part)
{
	struct gpupt_pci_address address = { .domain = 77 };
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_pci_address_parse(text, &address, &error), GPUPT_E_SYNTAX);
	assert_int_equal(address.domain, 77);
	assert_non_null(strstr(gpupt_error_get_message(error), part));
	gpupt_error_free(error);
}

static void test_refuses(void **state)
{
	(void)state;
	static const char *const gibberish[] = {
		"", "0000", "0000:08", "0000:08:00", "0000:08:00.", "0000:08:00.0 ",
		" 0000:08:00.0", "0000:08:00.0.0", "0x08:00.0", "08.00.0", "100000000:08:00.0",
		"100:00.0:0", "pci_08_00_0", "pci_0000:08:00.0", "0000_08_00_0", "-1:08:00.0",
		"0000:100:00.0", "zz:00.0", "08:00.000",
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(gibberish); i++)
		refuse(gibberish[i], "expected something like");
	refuse("0000:08:20.0", "the slot goes to 1f");
	refuse("0000:08:20.9", "function to 7");
	refuse("08:00.8", "function to 7");
	refuse("08:00.10", "function to 7");
	refuse("pci_0000_08_20_0", "the slot goes to 1f");
}

static void test_order(void **state)
{
	(void)state;
	static const struct gpupt_pci_address ordered[] = {
		{ 0, 0, 0, 0 }, { 0, 0, 0, 7 }, { 0, 0, 31, 0 }, { 0, 1, 0, 0 },
		{ 0, 255, 0, 0 }, { 1, 0, 0, 0 }, { 0xffffffff, 0, 0, 0 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ordered); i++) {
		for (size_t k = 0; k < GPUPT_ARRAY_SIZE(ordered); k++) {
			int order = gpupt_pci_address_compare(ordered[i], ordered[k]);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
