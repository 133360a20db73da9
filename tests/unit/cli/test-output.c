/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/output.h"
#include "cli/table.h"

static void assert_safe(const char *text, bool newlines, const char *expected)
{
	char *printed = NULL;
	size_t length;
	FILE *out = open_memstream(&printed, &length);
	cli_print_safe(out, text, strlen(text), newlines);
	fclose(out);
	assert_string_equal(printed, expected);
	free(printed);
}

static void test_safe(void **state)
{
	(void)state;
	assert_safe("plain <text/>\tand tab", false, "plain <text/>\tand tab");
	assert_safe("\033[31mred\033[0m", true, "^[[31mred^[[0m");
	assert_safe("a\nb", true, "a\nb");
	assert_safe("a\nb\r", false, "a^Jb^M");
	assert_safe("\x7f\x01", true, "^?^A");
	/* UTF-8 stays, C1 controls do not */
	assert_safe("z\xc3\xbcrich \xe2\x82\xac", true, "z\xc3\xbcrich \xe2\x82\xac");
	assert_safe("\xc2\x9b" "31m", true, "<9b>31m");
	assert_safe("\xc2\xa0", true, "\xc2\xa0");
	assert_safe("\xc2", true, "\xc2");
}

static void test_table(void **state)
{
	static const char *const headings[] = { "A", "LONG", "C" };
	struct cli_table table = { .headings = headings, .n_columns = 3 };
	char *printed = NULL;
	size_t length;
	(void)state;
	cli_table_add(&table, "%s", "wide cell");
	cli_table_add(&table, "%d", 1);
	cli_table_add(&table, "last");
	cli_table_add(&table, "z\xc3\xbcrich");
	cli_table_add(&table, "2");
	cli_table_add(&table, "\033[2J");
	FILE *out = open_memstream(&printed, &length);
	assert_int_equal(cli_table_print(&table, out, NULL), 0);
	fclose(out);
	assert_string_equal(printed, "A          LONG  C\n"
				     "wide cell  1     last\n"
				     "z\xc3\xbcrich     2     ^[[2J\n");
	free(printed);
	cli_table_clear(&table);
	assert_null(table.cells);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
