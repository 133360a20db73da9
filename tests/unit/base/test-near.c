/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/near.h"

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(gpupt_edit_distance("", ""), 0);
	assert_int_equal(gpupt_edit_distance("abc", ""), 3);
	assert_int_equal(gpupt_edit_distance("", "abcd"), 4);
	assert_int_equal(gpupt_edit_distance("kitten", "sitting"), 3);
	assert_int_equal(gpupt_edit_distance("APPLY", "apply"), 0);
	/* one swap of neighbours */
	assert_int_equal(gpupt_edit_distance("aplpy", "apply"), 1);
	assert_int_equal(gpupt_edit_distance("ab", "ba"), 1);
	/* more than a swap */
	assert_int_equal(gpupt_edit_distance("abc", "cba"), 2);
}

static void test_distance_is_symmetric(void **state)
{
	static const char *const words[] = { "diff", "dif", "explain", "exlpain", "x", "snapshot" };
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(words); i++)
		for (size_t j = 0; j < GPUPT_ARRAY_SIZE(words); j++)
			assert_int_equal(gpupt_edit_distance(words[i], words[j]),
					 gpupt_edit_distance(words[j], words[i]));
}

static void test_long_words(void **state)
{
	char longest[GPUPT_NEAR_MAX + 1], longer[GPUPT_NEAR_MAX + 2];
	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(gpupt_edit_distance(longest, "a"), GPUPT_NEAR_MAX - 1);
	assert_int_equal(gpupt_edit_distance(longest, longest), 0);
	assert_true(gpupt_edit_distance(longer, "a") == (size_t)-1);
	assert_true(gpupt_edit_distance("a", longer) == (size_t)-1);
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "apply", NULL, "diff", "explain", "z-k8s-n-1" };
	size_t n = GPUPT_ARRAY_SIZE(words);
	(void)state;
	assert_string_equal(gpupt_nearest("aply", words, n), "apply");
	assert_string_equal(gpupt_nearest("idff", words, n), "diff");
	assert_string_equal(gpupt_nearest("exp", words, n), "explain");
	assert_string_equal(gpupt_nearest("z-k8s-n1", words, n), "z-k8s-n-1");
	assert_null(gpupt_nearest("frobnicate", words, n));
	assert_null(gpupt_nearest("", words, n));
	assert_null(gpupt_nearest("q", words, n));
	assert_null(gpupt_nearest("apply", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_distance_is_symmetric),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
