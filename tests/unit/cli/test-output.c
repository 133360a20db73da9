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

static void assert_size(uint64_t bytes, const char *expected)
{
	char buffer[GPUPT_SIZE_TEXT_MAX];
	assert_string_equal(cli_format_size(bytes, buffer), expected);
}

static void test_size(void **state)
{
	(void)state;
	assert_size(0, "0 bytes");
	assert_size(4096, "4 KiB");
	assert_size(64 * GPUPT_GIB, "64 GiB");
	assert_size(GPUPT_TIB, "1 TiB");
	assert_size(1056 * GPUPT_GIB, "1056 GiB");
	assert_size(99999 * GPUPT_GIB, "99999 GiB");
	assert_size(9999 * GPUPT_MIB, "9999 MiB");
	/* what is longer is rounded, in GiB while that is readable */
	assert_size(32800 * GPUPT_MIB, "32.0 GiB");
	assert_size(0xc0a06000, "3.0 GiB");
	assert_size(1472 * GPUPT_GIB + 32 * GPUPT_MIB, "1472.0 GiB");
	assert_size(2048 * GPUPT_TIB + GPUPT_GIB, "2.0 PiB");
	assert_size(UINT64_MAX, "16.0 EiB");
}

static void assert_paragraph(int indent, int first, const char *text, const char *expected)
{
	char *printed = NULL;
	size_t length;
	FILE *out = open_memstream(&printed, &length);
	cli_print_paragraph(out, indent, first, "%s", text);
	fclose(out);
	assert_string_equal(printed, expected);
	free(printed);
}

static void test_paragraph(void **state)
{
	(void)state;
	assert_paragraph(2, 0, "short", "short\n");
	assert_paragraph(0, 4, "", "    \n");
	/* the 80th column is used, the 81st is not */
	assert_paragraph(2, 0, "0123456789012345678901234567890123456789012345678901234567890123456"
			       "789 123456789 next", "0123456789012345678901234567890123456789"
			       "012345678901234567890123456789 123456789\n  next\n");
	assert_paragraph(0, 0, "\033[2J", "^[[2J\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_paragraph),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
