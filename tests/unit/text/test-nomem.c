/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/diff.h>

#include "text/same.h"

/* Every allocation of the text room fails once: the call says so, touches none
 * of its out parameters and leaks nothing. Linked with -Wl,--wrap=... */

void *__real_realloc(void *pointer, size_t size);
void *__real_reallocarray(void *pointer, size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);

static int until_failure = -1; /* allocations that still succeed; negative: all */

static bool fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return fails() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_reallocarray(void *pointer, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(pointer, count, size);
}

static const char old_text[] = "<d>\n<graphics passwd='a'/>\n1\n2\n3\n4\n5\n6\n7\n8\n9\n</d>\n";
static const char new_text[] = "<d>\n<graphics passwd='b'/>\n1\n2\n3\n4\n5\n6\n7\n8\n0\n</d>\n";

static int diff(char **ret_text, size_t *ret_length, struct gpupt_error **error)
{
	struct gpupt_diff_options options = { "a/vm.xml", "b/vm.xml", 3, true };
	return gpupt_diff(old_text, strlen(old_text), new_text, strlen(new_text), &options,
			  ret_text, ret_length, NULL, error);
}

static int redact(char **ret_text, size_t *ret_length, struct gpupt_error **error)
{
	return gpupt_redact(old_text, strlen(old_text), ret_text, ret_length, error);
}

static void check(int (*call)(char **, size_t *, struct gpupt_error **), int expected_failures)
{
	int failures = 0;
	for (;; failures++) {
		char *text = NULL;
		size_t length = 12345;
		struct gpupt_error *error = NULL;
		until_failure = failures;
		int r = call(&text, &length, &error);
		bool reached = until_failure < 0;
		until_failure = -1;
		if (!reached) {
			assert_int_equal(r, 0);
			assert_null(strstr(text, "passwd='a'"));
			free(text);
			break;
		}
		assert_int_equal(r, GPUPT_E_NOMEM);
		assert_null(text);
		assert_int_equal(length, 12345);
		assert_int_equal(gpupt_error_get_status(error), GPUPT_E_NOMEM);
		gpupt_error_free(error);
	}
	assert_true(failures >= expected_failures);
}

static void test_diff(void **state)
{
	(void)state;
	check(diff, 5); /* points, changes, the diff, secrets of both texts */
}

static void test_redact(void **state)
{
	(void)state;
	check(redact, 2);
}

static void test_same(void **state)
{
	(void)state;
	for (int failures = 0; failures < 2; failures++) {
		struct gpupt_error *error = NULL;
		until_failure = failures;
		int r = gpupt_same_definition(old_text, new_text, &error);
		assert_int_equal(until_failure, -1);
		assert_int_equal(r, GPUPT_E_NOMEM);
		gpupt_error_free(error);
	}
	assert_int_equal(gpupt_same_definition(old_text, new_text, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_redact),
		cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
