/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/size.h>

static void test_parse_units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "1025", 1025 * GPUPT_KIB }, { "64GiB", 64 * GPUPT_GIB }, { "64 g", 64 * GPUPT_GIB },
		{ " 1 \n kib ", 1024 }, { "1b", 1 }, { "7 Bytes", 7 }, { "1 byte", 1 },
		{ "1GB", 1000000000 }, { "2TB", 2000000000000 }, { "15EiB", 15 * (GPUPT_TIB << 20) },
		{ "0", 0 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 12345;
		assert_int_equal(gpupt_size_parse(cases[i].text, 1024, &bytes, NULL), 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void test_parse_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-1", "1.5", "foo", "1 foo", "1 GiBs", "GiB",
					   "1 2", "0x10", "1 Gb ib", "16EiB",
					   "99999999999999999999999" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(bad); i++) {
		uint64_t bytes = 7;
		struct gpupt_error *error = NULL;
		assert_true(gpupt_size_parse(bad[i], 1024, &bytes, &error) < 0);
		assert_int_equal(bytes, 7);
		assert_non_null(error);
		gpupt_error_free(error);
	}
}

static void test_format(void **state)
{
	(void)state;
	char buffer[GPUPT_SIZE_TEXT_MAX];
	assert_string_equal(gpupt_size_format(0, buffer), "0 bytes");
	assert_string_equal(gpupt_size_format(4097, buffer), "4097 bytes");
	assert_string_equal(gpupt_size_format(33 * GPUPT_MIB, buffer), "33 MiB");
	assert_string_equal(gpupt_size_format(GPUPT_TIB << 20, buffer), "1 EiB");
}

static void test_arithmetic_saturates(void **state)
{
	(void)state;
	assert_true(gpupt_add(UINT64_MAX, 1) == UINT64_MAX);
	assert_true(gpupt_mul(UINT64_MAX, 2) == UINT64_MAX);
	assert_true(gpupt_sub(1, 2) == 0);
	assert_true(gpupt_align_up(UINT64_MAX - 1, GPUPT_GIB) == UINT64_MAX);
	assert_true(gpupt_align_up(1, GPUPT_GIB) == GPUPT_GIB);
	assert_true(gpupt_align_up(GPUPT_GIB, GPUPT_GIB) == GPUPT_GIB);
	assert_true(gpupt_power_of_two_above(33) == 64);
	assert_true(gpupt_power_of_two_above(64) == 64);
	assert_true(gpupt_power_of_two_above(0) == 1);
	assert_true(gpupt_power_of_two_above(UINT64_MAX) == UINT64_MAX);
	assert_true(gpupt_power_of_two_below(33) == 32);
	assert_true(gpupt_power_of_two_below(0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_units),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_arithmetic_saturates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
