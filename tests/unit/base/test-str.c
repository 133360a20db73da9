/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/str.h"

static void test_grows(void **state)
{
	(void)state;
	struct gpupt_str str = { 0 };
	for (int i = 0; i < 1000; i++)
		gpupt_str_addf(&str, "%d,", i % 10);
	gpupt_str_adds(&str, "end");
	gpupt_str_add(&str, "\0x", 2);
	size_t length = 0;
	char *text = gpupt_str_steal(&str, &length);
	assert_int_equal(length, 2005);
	assert_memory_equal(text + 2000, "end\0x", 6);
	free(text);
}

static void test_empty_and_failed(void **state)
{
	(void)state;
	struct gpupt_str str = { 0 };
	char *text = gpupt_str_steal(&str, NULL);
	assert_string_equal(text, "");
	free(text);
	gpupt_str_adds(&str, "x");
	gpupt_str_add(&str, "y", SIZE_MAX - 2); /* no such room: sticks */
	gpupt_str_adds(&str, "z");
	assert_true(str.failed);
	assert_null(gpupt_str_steal(&str, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_empty_and_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
