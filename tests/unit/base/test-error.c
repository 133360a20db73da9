/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/error.h"

static void test_place(void **state)
{
	(void)state;
	static const char text[] = "one\ntwo\nthree";
	struct gpupt_place place = gpupt_place_of("f", text, strlen(text), 9);
	assert_int_equal(place.line, 3);
	assert_int_equal(place.column, 2);
	place = gpupt_place_of("f", text, strlen(text), 1000);
	assert_int_equal(place.offset, strlen(text));
	assert_int_equal(place.line, 3);
}

static void test_fail_fills_and_replaces(void **state)
{
	(void)state;
	struct gpupt_error *error = NULL;
	struct gpupt_place place = { "vm.xml", 3, 7, 42 };
	assert_int_equal(gpupt_fail_at(&error, GPUPT_E_SYNTAX, &place, "bad %d", 5),
			 GPUPT_E_SYNTAX);
	assert_string_equal(gpupt_error_get_message(error), "bad 5");
	assert_string_equal(gpupt_error_get_file(error), "vm.xml");
	assert_int_equal(gpupt_error_get_line(error), 3);
	assert_int_equal(gpupt_error_get_column(error), 7);
	assert_int_equal(gpupt_error_get_offset(error), 42);
	gpupt_fail(&error, GPUPT_E_IO, "other");
	assert_int_equal(gpupt_error_get_status(error), GPUPT_E_IO);
	assert_null(gpupt_error_get_file(error));
	gpupt_fail_nomem(&error);
	assert_int_equal(gpupt_error_get_status(error), GPUPT_E_NOMEM);
	gpupt_error_free(error);
	gpupt_error_free(NULL);
	assert_int_equal(gpupt_fail(NULL, GPUPT_E_IO, "nobody listens"), GPUPT_E_IO);
}

static void test_status_names_differ(void **state)
{
	(void)state;
	for (int a = GPUPT_E_INTERNAL; a <= 0; a++)
		for (int b = GPUPT_E_INTERNAL; b < a; b++)
			assert_string_not_equal(gpupt_status_name(a), gpupt_status_name(b));
	assert_string_equal(gpupt_status_name((enum gpupt_status)-99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_fail_fills_and_replaces),
		cmocka_unit_test(test_status_names_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
