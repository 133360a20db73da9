/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

static int open_example(void **state)
{
	*state = parse_file(SOURCE_ROOT "/examples/hosts/p10.json");
	return 0;
}

static int close_example(void **state)
{
	gpupt_inventory_free(*state);
	return 0;
}

static void select_one(const struct gpupt_inventory *inventory, const char *selector,
		       const char *expected)
{
	struct gpupt_pci_address *addresses = NULL;
	size_t count = 0;
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	assert_int_equal(gpupt_inventory_select(inventory, selector, &addresses, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_string_equal(gpupt_pci_address_format(addresses[0], text), expected);
	free(addresses);
}

static void refuse(const struct gpupt_inventory *inventory, const char *selector, int status,
		   const char *part)
{
	struct gpupt_pci_address *addresses = NULL;
	size_t count = 7;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_inventory_select(inventory, selector, &addresses, &count, &error),
			 status);
	assert_null(addresses);
	assert_int_equal(count, 7);
	if (!strstr(gpupt_error_get_message(error), part))
		fail_msg("\"%s\" lacks \"%s\"", gpupt_error_get_message(error), part);
	gpupt_error_free(error);
}

static void test_container(void **state)
{
	const struct gpupt_inventory *inventory = *state;
	size_t count = gpupt_inventory_count(inventory);
	assert_int_equal(count, 9);
	for (size_t i = 0; i < count; i++) {
		const struct gpupt_pci_function *function = gpupt_inventory_get(inventory, i);
		assert_ptr_equal(gpupt_inventory_find(inventory, function->address), function);
		if (i)
			assert_true(gpupt_pci_address_compare(
				gpupt_inventory_get(inventory, i - 1)->address,
				function->address) < 0);
	}
	assert_null(gpupt_inventory_get(inventory, count));
	struct gpupt_pci_address elsewhere = { .domain = 1 };
	assert_null(gpupt_inventory_find(inventory, elsewhere));
	gpupt_inventory_free(NULL);
}

static void test_select(void **state)
{
	const struct gpupt_inventory *inventory = *state;
	select_one(inventory, "gpu", "0000:08:00.0");
	select_one(inventory, "10de:1b39", "0000:08:00.0");
	select_one(inventory, "10DE:1B39", "0000:08:00.0");
	select_one(inventory, "08:00.0", "0000:08:00.0");
	select_one(inventory, "pci_0000_06_00_0", "0000:06:00.0");
	struct gpupt_pci_address *addresses = NULL;
	size_t count = 0;
	assert_int_equal(gpupt_inventory_select(inventory, "8086:1521", &addresses, &count, NULL),
			 0);
	assert_int_equal(count, 2);
	assert_int_equal(addresses[0].function, 0);
	assert_int_equal(addresses[1].function, 1);
	free(addresses);
}

static void test_select_refuses(void **state)
{
	const struct gpupt_inventory *inventory = *state;
	refuse(inventory, "0000:09:00.0", GPUPT_E_NOT_FOUND,
	       "no device 0000:09:00.0 on this host; nearest: 0000:08:00.0 (10de:1b39), "
	       "0000:06:00.0 (1a03:2000), 0000:04:00.1 (8086:1521)");
	refuse(inventory, "0000:05:00.0", GPUPT_E_NOT_FOUND,
	       "nearest: 0000:04:00.1 (8086:1521), 0000:04:00.0 (8086:1521), 0000:06:00.0");
	refuse(inventory, "0000:08:20.9", GPUPT_E_SYNTAX,
	       "the slot goes to 1f and the function to 7");
	refuse(inventory, "10de:1b38", GPUPT_E_NOT_FOUND,
	       "no device 10de:1b38 on this host; of that vendor: 0000:08:00.0 (10de:1b39)");
	refuse(inventory, "dead:beef", GPUPT_E_NOT_FOUND, "no device dead:beef on this host");
	refuse(inventory, "", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse(inventory, "GPU", GPUPT_E_SYNTAX, "VENDOR:DEVICE");
	refuse(inventory, "10de:1b3", GPUPT_E_SYNTAX, "no PCI address");
	refuse(inventory, "10de:1b39:", GPUPT_E_SYNTAX, "no PCI address");
}

/* What is left out, and why; VFIO's own boot display is not the host's any more. */
static void test_console(void **state)
{
	(void)state;
#define VGA(driver)                                                                            \
	"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"devices\": [{\"address\": "        \
	"\"01:00.0\", \"vendor\": \"1a03\", \"device\": \"2000\", \"class\": \"030000\", "     \
	"\"boot_vga\": true, \"driver\": \"" driver "\"}]}"
	struct gpupt_inventory *inventory = parse_text(VGA("ast"));
	refuse(inventory, "gpu", GPUPT_E_NOT_FOUND,
	       "left out because it drives the host's console: 0000:01:00.0 (1a03:2000)");
	gpupt_inventory_free(inventory);
	inventory = parse_text(VGA("vfio-pci"));
	select_one(inventory, "gpu", "0000:01:00.0");
	gpupt_inventory_free(inventory);
#undef VGA
}

static void test_nothing_there(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory =
		parse_text("{\"format\": \"gpupt-snapshot\", \"version\": 1, \"devices\": []}");
	struct gpupt_pci_address address = { 0 };
	assert_null(gpupt_inventory_find(inventory, address));
	refuse(inventory, "08:00.0", GPUPT_E_NOT_FOUND, "no device 0000:08:00.0 on this host");
	refuse(inventory, "gpu", GPUPT_E_NOT_FOUND, "no GPU on this host");
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_too_many(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = gpupt_inventory_new();
	struct gpupt_error *error = NULL;
	struct gpupt_pci_function function = { 0 };
	assert_non_null(inventory);
	for (uint32_t i = 0; i < GPUPT_PCI_FUNCTIONS_MAX; i++) {
		function.address.domain = GPUPT_PCI_FUNCTIONS_MAX - i;
		assert_int_equal(gpupt_inventory_add(inventory, &function, NULL), 0);
	}
	assert_int_equal(gpupt_inventory_add(inventory, &function, &error), GPUPT_E_LIMIT);
	gpupt_error_free(error);
	assert_int_equal(gpupt_inventory_seal(inventory, GPUPT_DUPLICATES_REFUSE, "x", NULL), 0);
	assert_int_equal(gpupt_inventory_get(inventory, 0)->address.domain, 1);
	gpupt_inventory_free(inventory);
	refuse_bytes("", GPUPT_PCI_TEXT_MAX + 1, GPUPT_E_LIMIT, "64 MiB");
}

static void test_strings_are_presentable(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *kept;
	} cases[] = {
		{ "donn\xc3\xa9" "es", "donn\xc3\xa9" "es" }, { "a\x1b[2Jb", "a?[2Jb" },
		{ "\xe9", "?" }, { "\xed\xa0\x80", "???" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xc2\x9b" "x", "??x" }, { "\xc0\xaf", "??" }, { "\xf4\x90\x80\x80", "????" },
		{ "\xe2\x82", "??" }, { "\x7f\n", "??" },
	};
	struct gpupt_inventory *inventory = gpupt_inventory_new();
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++)
		assert_string_equal(gpupt_inventory_keep(inventory, cases[i].raw,
							 strlen(cases[i].raw)), cases[i].kept);
	gpupt_inventory_free(inventory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_container, open_example, close_example),
		cmocka_unit_test_setup_teardown(test_select, open_example, close_example),
		cmocka_unit_test_setup_teardown(test_select_refuses, open_example, close_example),
		cmocka_unit_test(test_console),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_strings_are_presentable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
