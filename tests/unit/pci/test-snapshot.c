/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

#define HEAD "{\"format\": \"gpupt-snapshot\", \"version\": 1, "
#define DEVICE(members) HEAD "\"devices\": [{\"address\": \"0000:08:00.0\"" members "}]}"
#define HOST(firmware) HEAD "\"host\": {\"firmware\": [" firmware "]}, \"devices\": []}"
#define BAR(members) DEVICE(", \"bars\": [{\"index\": 1, \"type\": \"memory\"" members "}]")

static void test_example(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(SOURCE_ROOT "/examples/hosts/p10.json");
	const struct gpupt_pci_function *gpu = at(inventory, "0000:08:00.0");
	assert_int_equal(gpu->class_code, 0x030200);
	assert_memory_bar(&gpu->bars[0], false, false, 16 * GPUPT_MIB, 0xf5000000);
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0x383000000000);
	assert_memory_bar(&gpu->bars[3], true, true, 32 * GPUPT_MIB, 0x383800000000);
	assert_false(gpu->assumed);
	assert_int_equal(at(inventory, "04:00.0")->total_vfs, 7);
	assert_memory_bar(&at(inventory, "04:00.0")->vf_bars[3], true, true, 16 * GPUPT_KIB,
			  0xf7280000);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_known_none_and_unknown(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_text(
		HEAD "\"later\": {\"x\": [1.5]}, \"devices\": ["
		"{\"address\": \"1:00.0\", \"driver\": null, \"iommu_group\": null, \"new\": 1},"
		"{\"address\": \"pci_0000_00_00_0\"},"
		"{\"address\": \"2:00.0\", \"driver\": \"a\\\"\\\\b\", \"iommu_group\": 3}]}");
	const struct gpupt_pci_function *none = at(inventory, "1:00.0");
	assert_true(none->driver_known && none->iommu_group_known);
	assert_null(none->driver);
	assert_int_equal(none->iommu_group, -1);
	const struct gpupt_pci_function *unknown = at(inventory, "0:00.0");
	assert_false(unknown->driver_known || unknown->iommu_group_known);
	assert_int_equal(unknown->iommu_group, -1);
	assert_string_equal(at(inventory, "2:00.0")->driver, "a\"\\b");
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_firmware(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_text(
		HOST("{\"file\": \"/a\", \"name\": \"edk2-stable202211\"},"
		     "{\"file\": \"/b\", \"name\": \"seabios-1.16.3\", \"version\": \"x\"},"
		     "{\"file\": \"/a\", \"name\": \"edk2-stable202502\", \"version\": \"y\"}"));
	const struct gpupt_host *host = gpupt_inventory_get_host(inventory);
	assert_int_equal(host->n_firmware, 2);
	assert_string_equal(host->firmware[0].file, "/a"); /* the later one counts */
	assert_string_equal(host->firmware[0].name, "edk2-stable202502");
	assert_string_equal(host->firmware[1].version, "x");
	assert_round_trip(inventory);
	struct gpupt_inventory *more = NULL;
	assert_int_equal(gpupt_inventory_assume(inventory, "9:0.0=10de:2330", &more, NULL), 0);
	gpupt_inventory_free(inventory);
	host = gpupt_inventory_get_host(more);
	assert_int_equal(host->n_firmware, 2);
	assert_string_equal(host->firmware[0].version, "y");
	/* a file that says nothing adds nothing */
	inventory = NULL;
	assert_int_equal(gpupt_inventory_read_firmware(more, "/dev/null", &inventory, NULL), 0);
	assert_int_equal(gpupt_inventory_get_host(inventory)->n_firmware, 2);
	assert_int_equal(gpupt_inventory_count(inventory), 1);
	gpupt_inventory_free(more);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_spellings_of_a_bar(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_text(
		"\xef\xbb\xbf\n " BAR(", \"bits\": 64, \"size\": 34359738368, \"address\": "
				      "\"383000000000\", \"enabled\": false, "
				      "\"resizable\": [\"1MiB\", 1073741824, \"8 EiB\"]"));
	const struct gpupt_bar *bar = &at(inventory, "08:00.0")->bars[1];
	assert_memory_bar(bar, true, false, 32 * GPUPT_GIB, 0x383000000000);
	assert_false(bar->enabled);
	assert_int_equal(bar->resizable_sizes, UINT64_C(1) << 43 | 1024 | 1);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
	/* an odd size is kept: the plan reports it */
	inventory = parse_text(BAR(", \"size\": \"3 MiB\""));
	assert_memory_bar(&at(inventory, "08:00.0")->bars[1], false, false, 3 * GPUPT_MIB, 0);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_catalogue_fills_in(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory =
		parse_text(DEVICE(", \"vendor\": \"10de\", \"device\": \"0x1b39\""));
	const struct gpupt_pci_function *gpu = at(inventory, "08:00.0");
	assert_memory_bar(&gpu->bars[1], true, true, 32 * GPUPT_GIB, 0);
	assert_true(gpu->bars[1].size_from_catalogue && gpu->assumed);
	assert_int_equal(gpu->source, GPUPT_SOURCE_CATALOGUE);
	assert_round_trip(inventory);
	gpupt_inventory_free(inventory);
}

static void test_refuses_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "{}", "\"format\"" }, { "{\"format\": 1}", "\"format\"" },
		{ "{\"format\": \"other\", \"version\": 1}", "\"format\"" },
		{ "{\"format\": \"gpupt-snapshot\"}", "\"version\"" },
		{ "{\"format\": \"gpupt-snapshot\", \"version\": \"1\"}", "\"version\"" },
		{ "{\"format\": \"gpupt-snapshot\", \"version\": 0}", "\"version\"" },
		{ "{\"format\": \"gpupt-snapshot\", \"version\": 1.0}", "\"version\"" },
		{ "{\"format\": \"gpupt-snapshot\", \"version\": 1}", "\"devices\"" },
		{ HEAD "\"devices\": {}}", "\"devices\"" },
		{ HEAD "\"devices\": [1]}", "devices[0]: a device must be an object" },
		{ HEAD "\"devices\": [{}]}", "devices[0]: \"address\"" },
		{ HEAD "\"devices\": [{\"address\": \"08:20.0\"}]}", "\"address\"" },
		{ HEAD "\"devices\": [{\"address\": \"08:00.0\"}, {\"address\": "
		  "\"0000:08:00.0\"}]}", "device 0000:08:00.0 is listed twice" },
		{ HEAD "\"host\": [], \"devices\": []}", "host: must be an object" },
		{ HEAD "\"host\": {\"phys_bits\": 65}, \"devices\": []}", "host: \"phys_bits\"" },
		{ HEAD "\"host\": {\"hostname\": 1}, \"devices\": []}", "host: \"hostname\"" },
		{ DEVICE(", \"vendor\": 4318"), "\"vendor\" must be a string of up to 4" },
		{ DEVICE(", \"vendor\": \"10de0\""), "\"vendor\"" },
		{ DEVICE(", \"device\": \"-1\""), "\"device\"" },
		{ DEVICE(", \"class\": \"1030200\""), "\"class\"" },
		{ DEVICE(", \"driver\": \"\""), "\"driver\"" },
		{ DEVICE(", \"driver\": false"), "\"driver\"" },
		{ DEVICE(", \"iommu_group\": -1"), "\"iommu_group\"" },
		{ DEVICE(", \"iommu_group\": 2147483648"), "\"iommu_group\"" },
		{ DEVICE(", \"boot_vga\": 1"), "\"boot_vga\" must be true or false" },
		{ DEVICE(", \"assumed\": null"), "\"assumed\"" },
		{ DEVICE(", \"from_catalogue\": 1"), "\"from_catalogue\"" },
		{ DEVICE(", \"host_use\": null"), "\"host_use\"" },
		{ DEVICE(", \"bars\": {}"), "\"bars\" must be an array" },
		{ DEVICE(", \"bars\": [7]"), "devices[0].bars[0]: a BAR must be an object" },
		{ DEVICE(", \"bars\": [{\"type\": \"io\"}]"), "\"index\" is missing" },
		{ DEVICE(", \"bars\": [{\"index\": 7, \"type\": \"io\"}]"), "\"index\"" },
		{ DEVICE(", \"bars\": [{\"index\": 0}]"), "\"type\" must be" },
		{ DEVICE(", \"bars\": [{\"index\": 0, \"type\": \"mem\"}]"), "\"type\" must be" },
		{ DEVICE(", \"bars\": [{\"index\": 0, \"type\": \"io\"}, {\"index\": 0, "
			 "\"type\": \"io\"}]"), "bars[1]: BAR 0 is there twice" },
		{ DEVICE(", \"bars\": [{\"index\": 0, \"type\": \"io\", \"bits\": 64}]"),
		  "I/O ports" },
		{ DEVICE(", \"bars\": [{\"index\": 6, \"type\": \"memory\", \"bits\": 64}]"),
		  "expansion ROM" },
		{ DEVICE(", \"bars\": [{\"index\": 5, \"type\": \"memory\", \"bits\": 64}]"),
		  "upper half" },
		{ DEVICE(", \"bars\": [{\"index\": 2, \"type\": \"memory\"}, {\"index\": 1, "
			 "\"type\": \"memory\", \"bits\": 64}]"), "upper half" },
		{ BAR(", \"bits\": 48"), "\"bits\" must be 32 or 64" },
		{ BAR(", \"size\": 0"), "\"size\"" }, { BAR(", \"size\": -16"), "\"size\"" },
		{ BAR(", \"size\": \"9 EiB\""), "\"size\"" },
		{ BAR(", \"size\": 1e3"), "\"size\"" },
		{ BAR(", \"size\": \"16 elephants\""), "\"size\"" },
		{ BAR(", \"size\": 99999999999999999999"), "too big" },
		{ BAR(", \"address\": 1"), "\"address\"" },
		{ BAR(", \"address\": \"0x10000000000000000\""), "\"address\"" },
		{ BAR(", \"enabled\": \"yes\""), "\"enabled\"" },
		{ BAR(", \"resizable\": 1"), "\"resizable\" must be an array" },
		{ BAR(", \"resizable\": [\"3 MiB\"]"), "powers of two" },
		{ BAR(", \"resizable\": [\"512 KiB\"]"), "from 1 MiB" },
		{ BAR(", \"resizable\": [{}]"), "\"resizable\"" },
		{ HEAD "\"host\": {\"firmware\": {}}}", "host: \"firmware\" must be an array" },
		{ HOST("1"), "host.firmware[0]: must be an object" },
		{ HOST("{\"file\": \"/a\"}"), "host.firmware[0]: needs" },
		{ HOST("{\"name\": \"seabios-1.16.3\"}"), "host.firmware[0]: needs" },
		{ HOST("{\"file\": \"/a\", \"name\": \"ovmf\"}"), "\"edk2-stable202211\"" },
		{ HOST("{\"file\": 1}"), "\"file\" must be a string" },
		{ DEVICE(", \"sriov\": 1"), "\"sriov\" must be an object" },
		{ DEVICE(", \"sriov\": {}"), "\"sriov\" needs" },
		{ DEVICE(", \"sriov\": {\"total_vfs\": 65536}"), "\"total_vfs\"" },
		{ DEVICE(", \"sriov\": {\"total_vfs\": 1, \"bars\": [{\"index\": 6, \"type\": "
			 "\"memory\"}]}"), "devices[0].sriov.bars[0]: \"index\"" },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++)
		refuse_text(cases[i].text, GPUPT_E_SYNTAX, cases[i].part);
}

static void test_future_version(void **state)
{
	(void)state;
	refuse_text("{\"format\": \"gpupt-snapshot\", \"version\": 2, \"devices\": \"other\"}",
		    GPUPT_E_UNSUPPORTED, "version 2, this release reads up to 1");
}

static void refuse_at(const char *text, size_t length, size_t line, size_t column)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_inventory_parse(text, length, "snap", &inventory, &error),
			 GPUPT_E_SYNTAX);
	assert_int_equal(gpupt_error_get_line(error), line);
	assert_int_equal(gpupt_error_get_column(error), column);
	gpupt_error_free(error);
}

static void test_syntax_errors_have_a_place(void **state)
{
	(void)state;
	static const char comma[] = "{\n  \"format\": \"gpupt-snapshot\",\n  \"x\": 1,,\n}";
	static const char nul[] = "{\n \"a\": \0}";
	refuse_at(comma, strlen(comma), 3, 11);
	refuse_at(nul, sizeof(nul) - 1, 2, 7);
	refuse_at("{", 1, 1, 2);
	refuse_text("{\"format\": \"a\", \"format\": \"b\"}", GPUPT_E_SYNTAX, "duplicate");
	refuse_text(HEAD "\"devices\": []} {}", GPUPT_E_SYNTAX, "end of file expected");
	refuse_text("{\"a\": \"\xff\"}", GPUPT_E_SYNTAX, "byte 0xff");
	refuse_text("{\"a\": \"\\u0000\"}", GPUPT_E_SYNTAX, "\\u0000");
}

static void test_deep_nesting(void **state)
{
	(void)state;
	static char text[200001] = "{\"a\": ";
	memset(text + 6, '[', sizeof(text) - 7);
	refuse_text(text, GPUPT_E_LIMIT, "depth");
}

/* Every prefix of a good snapshot is refused, but the whole. */
static void test_truncated(void **state)
{
	(void)state;
	static const char text[] = BAR(", \"bits\": 64, \"size\": \"32 GiB\"");
	for (size_t length = 0; length + 1 < sizeof(text); length++) {
		struct gpupt_inventory *inventory = NULL;
		assert_int_equal(gpupt_inventory_parse(text, length, NULL, &inventory, NULL),
				 GPUPT_E_SYNTAX);
		assert_null(inventory);
	}
	gpupt_inventory_free(parse_text(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_known_none_and_unknown),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_spellings_of_a_bar),
		cmocka_unit_test(test_catalogue_fills_in),
		cmocka_unit_test(test_refuses_what_is_wrong),
		cmocka_unit_test(test_future_version),
		cmocka_unit_test(test_syntax_errors_have_a_place),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_truncated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
