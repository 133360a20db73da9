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

/* Each byte that is no part of a character becomes one U+FFFD. */
static void test_text(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "" },
		{ "caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600" },
		{ "caf\xe9", "caf\ufffd" },
		{ "\xe9\xe9x", "\ufffd\ufffdx" },
		{ "\u00e9\xe9\U0001f600\xf0\x9f", "\u00e9\ufffd\U0001f600\ufffd\ufffd" },
	};
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		json_t *json = gpupt_json_text(cases[i].text);
		assert_string_equal(json_string_value(json), cases[i].expected);
		json_decref(json);
	}
	assert_true(json_is_null(gpupt_json_text(NULL)));
}

static void test_dump(void **state)
{
	(void)state;
	json_t *json = json_pack("{s:i}", "a", 1);
	char *text = gpupt_json_dump(json, JSON_INDENT(2));
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
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
