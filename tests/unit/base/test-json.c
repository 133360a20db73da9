/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json.h"

static bool fails;

/* As malloc() fails, errno included. */
static void *allocate(size_t size)
{
	if (fails) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(size);
}

static void test_load(void **state)
{
	static const char text[] = "{\"a\": [1, \"two\"]}";
	(void)state;
	json_error_t why;
	json_t *json = gpupt_json_load(text, strlen(text), 0, &why);
	assert_int_equal(json_array_size(json_object_get(json, "a")), 2);
	json_decref(json);
	assert_null(gpupt_json_load(text, strlen(text) - 1, 0, &why));
	assert_true(*why.text);
	errno = ENOMEM; /* from something else, long ago */
	assert_null(gpupt_json_load("{", 1, 0, &why));
	assert_true(*why.text);
	assert_int_equal(errno, ENOMEM);
}

static void test_memory_is_no_syntax(void **state)
{
	json_error_t why;
	(void)state;
	json_set_alloc_funcs(allocate, free);
	fails = true;
	assert_null(gpupt_json_load("[\"a\"]", 5, 0, &why));
	assert_false(*why.text);
	fails = false;
	json_set_alloc_funcs(malloc, free);
}

static void test_dump(void **state)
{
	(void)state;
	json_t *json = json_pack("{s:i}", "a", 1);
	char *text = gpupt_json_dump(json);
	assert_string_equal(text, "{\n  \"a\": 1\n}");
	free(text);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_memory_is_no_syntax),
		cmocka_unit_test(test_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
