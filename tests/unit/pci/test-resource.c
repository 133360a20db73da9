/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci-test.h"

#define EMPTY "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define EMPTY_5 EMPTY EMPTY EMPTY EMPTY EMPTY

static int parse(const char *text, struct gpupt_pci_function *function,
		 struct gpupt_error **error)
{
	return gpupt_sysfs_parse_resource(text, strlen(text), "res", function, error);
}

static void test_v100(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { 0 };
	assert_int_equal(parse("0x00000000b7000000 0x00000000b7ffffff 0x0000000000040200\n"
			       "0x0000383000000000 0x00003837ffffffff 0x000000000014220c\n"
			       EMPTY
			       "0x0000383800000000 0x0000383801ffffff 0x000000000014220c\n"
			       EMPTY
			       "0x000000000000f000 0x000000000000f07f 0x0000000000040101\n"
			       "0x00000000b8000000 0x00000000b807ffff 0x0000000000046200\n",
			       &function, NULL), 0);
	assert_memory_bar(&function.bars[0], false, false, 16 * GPUPT_MIB, 0xb7000000);
	assert_memory_bar(&function.bars[1], true, true, 32 * GPUPT_GIB, 0x383000000000);
	assert_false(function.bars[2].present);
	assert_memory_bar(&function.bars[3], true, true, 32 * GPUPT_MIB, 0x383800000000);
	assert_true(function.bars[5].io);
	assert_int_equal(function.bars[5].size_bytes, 128);
	assert_true(function.bars[1].enabled);
	/* IORESOURCE_ROM_ENABLE is not set */
	assert_memory_bar(&function.bars[GPUPT_BAR_ROM], false, true, 512 * GPUPT_KIB, 0xb8000000);
	assert_false(function.bars[GPUPT_BAR_ROM].enabled);
}

static void test_unassigned(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { 0 };
	assert_int_equal(parse(/* no address, IORESOURCE_UNSET */
			       "0x0000000000000000 0x00000007ffffffff 0x000000002014220c\n"
			       EMPTY
			       /* the same before there was such a flag */
			       "0x0000000000000000 0x0000000001ffffff 0x000000000014220c\n"
			       EMPTY
			       /* size lost too */
			       "0x0000000000000000 0x0000000000000000 0x000000002014220c\n"
			       EMPTY
			       /* a claim that failed before the address was cleared */
			       "0x00000000b8000000 0x00000000b807ffff 0x0000000020046200\n",
			       &function, NULL), 0);
	assert_memory_bar(&function.bars[0], true, true, 32 * GPUPT_GIB, 0);
	assert_memory_bar(&function.bars[2], true, true, 32 * GPUPT_MIB, 0);
	assert_memory_bar(&function.bars[4], true, true, 0, 0);
	assert_memory_bar(&function.bars[6], false, true, 512 * GPUPT_KIB, 0);
}

static const char with_vfs[] =
	EMPTY EMPTY_5 EMPTY
	/* 16 x 256 MiB, then 16 x 3 MiB, which no BAR can be */
	"0x0000383900000000 0x00003839ffffffff 0x000000000014220c\n" EMPTY
	"0x0000383a00000000 0x0000383a02ffffff 0x000000000014220c\n" EMPTY EMPTY EMPTY;

static void test_virtual_functions(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { .total_vfs = 16 };
	assert_int_equal(parse(with_vfs, &function, NULL), 0);
	assert_memory_bar(&function.vf_bars[0], true, true, 256 * GPUPT_MIB, 0x383900000000);
	assert_memory_bar(&function.vf_bars[2], true, true, 0, 0x383a00000000);
	assert_false(function.bars[0].present);
	function = (struct gpupt_pci_function){ 0 };
	assert_int_equal(parse(with_vfs, &function, NULL), 0);
	assert_false(function.vf_bars[0].present);
}

static void test_bridge_windows(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { .is_bridge = true, .total_vfs = 16 };
	char text[2048];
	snprintf(text, sizeof(text), "%s%s", with_vfs,
		 "0x0000000000001000 0x0000000000001fff 0x0000000000000101\n" EMPTY);
	assert_int_equal(parse(text, &function, NULL), 0);
	for (size_t i = 0; i < 6; i++)
		assert_false(function.vf_bars[i].present);
}

/* A size that is no power of two is not guessed away here. */
static void test_odd_size(void **state)
{
	(void)state;
	struct gpupt_pci_function function = { 0 };
	assert_int_equal(parse("0x0000000001000000 0x0000000003ffffff 0x0000000000040200\n" EMPTY_5
			       EMPTY, &function, NULL), 0);
	assert_memory_bar(&function.bars[0], false, false, 48 * GPUPT_MIB, 0x1000000);
}

static void test_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t line;
	} cases[] = {
		{ "", 0 }, { EMPTY_5, 0 }, { EMPTY_5 EMPTY "0x0 0x0", 7 },
		{ EMPTY_5 EMPTY "0x0 0x0 0x0", 7 }, { EMPTY "0 0 0\n" EMPTY_5, 2 },
		{ EMPTY "0x0 0x0 0x0 \n" EMPTY_5, 2 }, { "0x0 -0x1 0x0\n" EMPTY_5 EMPTY, 1 },
		{ "0x00000000000000000 0x0 0x200\n" EMPTY_5 EMPTY, 1 },
		/* ends before it starts; larger than a BAR can be */
		{ "0x2000 0x1000 0x200\n" EMPTY_5 EMPTY, 1 },
		{ "0x1 0x8000000000000001 0x100200\n" EMPTY_5 EMPTY, 1 },
		/* no slot left for the upper half, or another BAR in it */
		{ EMPTY_5 "0x1000 0x1fff 0x100200\n" EMPTY, 0 },
		{ "0x1000 0x1fff 0x100200\n0x2000 0x2fff 0x200\n" EMPTY_5, 0 },
		{ "\xff\xfe", 1 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct gpupt_pci_function function = { 0 };
		struct gpupt_error *error = NULL;
		assert_int_equal(parse(cases[i].text, &function, &error), GPUPT_E_SYNTAX);
		assert_string_equal(gpupt_error_get_file(error), "res");
		assert_int_equal(gpupt_error_get_line(error), cases[i].line);
		for (size_t k = 0; k < GPUPT_BAR_COUNT; k++)
			assert_false(function.bars[k].present);
		gpupt_error_free(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v100),
		cmocka_unit_test(test_unassigned),
		cmocka_unit_test(test_virtual_functions),
		cmocka_unit_test(test_bridge_windows),
		cmocka_unit_test(test_odd_size),
		cmocka_unit_test(test_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
