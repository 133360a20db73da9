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

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t left, length;
	} cases[] = {
		{ "a", 0, 0 }, { "a", 1, 1 }, { "", 1, 1 }, /* NUL is a character as well */
		{ "\xd0\xb6", 2, 2 }, { "\xd0\xb6", 1, 0 }, { "\xe2\x82\xac", 3, 3 },
		{ "\xf0\x9f\x90\xa7", 4, 4 }, { "\xf0\x9f\x90\xa7", 3, 0 },
		{ "\x80", 1, 0 }, { "\xe9t", 2, 0 }, { "\xff", 1, 0 },
		/* overlong */
		{ "\xc0\x80", 2, 0 }, { "\xe0\x9f\xbf", 3, 0 }, { "\xf0\x8f\xbf\xbf", 4, 0 },
		/* on either side of the surrogates, and one; the last character, and past it */
		{ "\xed\x9f\xbf", 3, 3 }, { "\xed\xa0\x80", 3, 0 }, { "\xee\x80\x80", 3, 3 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 }, { "\xf4\x90\x80\x80", 4, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(gpupt_utf8_length(cases[i].text, cases[i].left), cases[i].length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_empty_and_failed),
		cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
