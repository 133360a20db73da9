/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/diff.h>

#include "apply-diff.h"

static char *diff_with(const char *old_text, size_t old_length, const char *new_text,
		       size_t new_length, unsigned int context, size_t *ret_length)
{
	struct gpupt_diff_options options = { "a/vm.xml", "b/vm.xml", context, false };
	char *text = NULL;
	bool redacted = true;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_diff(old_text, old_length, new_text, new_length, &options, &text,
				    ret_length, &redacted, &error), 0);
	assert_null(error);
	assert_false(redacted);
	return text;
}

static void check(const char *old_text, const char *new_text, unsigned int context,
		  const char *expected)
{
	size_t length;
	char *diff = diff_with(old_text, strlen(old_text), new_text, strlen(new_text), context,
			       &length);
	assert_string_equal(diff, expected);
	assert_int_equal(length, strlen(expected));
	free(diff);
}

#define HEADER "--- a/vm.xml\n+++ b/vm.xml\n"

static void test_equal_is_empty(void **state)
{
	(void)state;
	check("", "", 3, "");
	check("a\nb", "a\nb", 3, "");
	size_t length;
	char *diff = diff_with(NULL, 0, NULL, 0, 3, &length);
	assert_string_equal(diff, "");
	free(diff);
}

static void test_hunks(void **state)
{
	(void)state;
	check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", 3,
	      HEADER "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	check("1\n2\n3\n", "1\n2\nx\n3\n", 0, HEADER "@@ -2,0 +3 @@\n+x\n");
	check("1\n2\n3\n", "1\n3\n", 0, HEADER "@@ -2 +1,0 @@\n-2\n");
	check("", "x\n", 3, HEADER "@@ -0,0 +1 @@\n+x\n");
	check("x\n", "", 3, HEADER "@@ -1 +0,0 @@\n-x\n");
}

/* Two changes share a hunk when at most twice the context is between them. */
static void test_hunks_join(void **state)
{
	(void)state;
	check("a\n1\n2\nb\n", "A\n1\n2\nB\n", 1,
	      HEADER "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n-b\n+B\n");
	check("a\n1\n2\n3\nb\n", "A\n1\n2\n3\nB\n", 1,
	      HEADER "@@ -1,2 +1,2 @@\n-a\n+A\n 1\n@@ -4,2 +4,2 @@\n 3\n-b\n+B\n");
	check("a\n1\n2\n3\nb\n", "A\n1\n2\n3\nB\n", UINT32_MAX,
	      HEADER "@@ -1,5 +1,5 @@\n-a\n+A\n 1\n 2\n 3\n-b\n+B\n");
}

static void test_last_line(void **state)
{
	(void)state;
	check("a\nb", "a\nb\n", 3,
	      HEADER "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
	check("a\nb\n", "a\nb", 3,
	      HEADER "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n");
	check("a\nb", "c\nb", 3,
	      HEADER "@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n");
	check("b", "bc", 3,
	      HEADER "@@ -1 +1 @@\n-b\n\\ No newline at end of file\n"
	      "+bc\n\\ No newline at end of file\n");
}

static void test_bytes_pass_through(void **state)
{
	(void)state;
	check("a\r\nb\r\n", "a\r\n\xc3\xa4\xff\r\n", 3,
	      HEADER "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+\xc3\xa4\xff\r\n");
	size_t length;
	char *diff = diff_with("a\0b\n", 4, "a\0c\n", 4, 3, &length);
	assert_memory_equal(diff + strlen(HEADER "@@ -1 +1 @@\n"), "-a\0b\n+a\0c\n", 10);
	free(diff);
}

static void check_names(const char *name, const char *expected)
{
	struct gpupt_diff_options options = { name, name, 3, false };
	char *text = NULL;
	size_t length;
	assert_int_equal(gpupt_diff("a\n", 2, "b\n", 2, &options, &text, &length, NULL, NULL), 0);
	char *all = NULL;
	assert_true(asprintf(&all, "--- %s\n+++ %s\n@@ -1 +1 @@\n-a\n+b\n", expected,
			     expected) > 0);
	assert_string_equal(text, all);
	free(all);
	free(text);
}

static void test_names(void **state)
{
	(void)state;
	check_names("a/vm.xml", "a/vm.xml");
	check_names("a/my vm.xml", "a/my vm.xml\t");
	check_names("a/\xc3\xa4.xml", "a/\xc3\xa4.xml");
	check_names("a\tb\n\"\\\x01", "\"a\\tb\\n\\\"\\\\\\001\"");
}

/* A new block that starts like the one behind it is shown whole. */
static void test_blocks_stay_whole(void **state)
{
	(void)state;
	check("<d>\n  <h>\n    <s n='2'/>\n  </h>\n</d>\n",
	      "<d>\n  <h>\n    <s n='1'/>\n  </h>\n  <h>\n    <s n='2'/>\n  </h>\n</d>\n", 0,
	      HEADER "@@ -1,0 +2,3 @@\n+  <h>\n+    <s n='1'/>\n+  </h>\n");
	check("<d>\n  <h>\n    <s n='1'/>\n  </h>\n  <h>\n    <s n='2'/>\n  </h>\n</d>\n",
	      "<d>\n  <h>\n    <s n='2'/>\n  </h>\n</d>\n", 0,
	      HEADER "@@ -2,3 +1,0 @@\n-  <h>\n-    <s n='1'/>\n-  </h>\n");
}

/* ---- random texts ---- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Few different lines, so that much is equal in many ways. */
static size_t random_text(uint32_t *seed, size_t lines, uint32_t kinds, char *text)
{
	size_t length = 0;
	for (size_t i = 0; i < lines; i++)
		length += (size_t)sprintf(text + length, "%.*s%u\n",
					  (int)(next_random(seed) % 3), "  ",
					  next_random(seed) % kinds);
	if (length && next_random(seed) % 4 == 0)
		length--;
	text[length] = '\0';
	return length;
}

static size_t split(const char *text, const char **lines)
{
	size_t n = 0;
	for (const char *p = text; *p;) {
		lines[n++] = p;
		p = strchr(p, '\n');
		if (!p)
			break;
		p++;
	}
	lines[n] = text + strlen(text);
	return n;
}

static bool same_line(const char **a, size_t i, const char **b, size_t j)
{
	size_t length = (size_t)(a[i + 1] - a[i]);
	return length == (size_t)(b[j + 1] - b[j]) && memcmp(a[i], b[j], length) == 0;
}

/* Longest common subsequence, the slow and plain way. */
static size_t fewest_edits(const char *old_text, const char *new_text)
{
	static const char *a[128], *b[128];
	static size_t common[128][128];
	size_t n = split(old_text, a), m = split(new_text, b);
	memset(common, 0, sizeof(common));
	for (size_t i = n; i-- > 0;)
		for (size_t j = m; j-- > 0;) {
			size_t skip = common[i + 1][j] > common[i][j + 1] ? common[i + 1][j]
									  : common[i][j + 1];
			common[i][j] = same_line(a, i, b, j) ? common[i + 1][j + 1] + 1 : skip;
		}
	return n + m - 2 * common[0][0];
}

static size_t count_edits(const char *diff)
{
	size_t n = 0;
	for (const char *p = strstr(diff, "\n@@"); p && *p; p = strchr(p + 1, '\n'))
		n += p[1] == '-' || p[1] == '+';
	return n;
}

static void check_property(const char *old_text, const char *new_text, unsigned int context)
{
	size_t length, applied_length = 0;
	char *diff = diff_with(old_text, strlen(old_text), new_text, strlen(new_text), context,
			       &length);
	char *applied = apply_diff(old_text, strlen(old_text), diff, length, &applied_length);
	assert_non_null(applied);
	assert_int_equal(applied_length, strlen(new_text));
	assert_memory_equal(applied, new_text, applied_length);
	free(applied);
	assert_int_equal(count_edits(diff), fewest_edits(old_text, new_text));
	free(diff);
}

static void test_random_texts(void **state)
{
	(void)state;
	uint32_t seed = 1;
	char old_text[1024], new_text[1024];
	for (int i = 0; i < 4000; i++) {
		uint32_t kinds = 1 + next_random(&seed) % 30;
		random_text(&seed, next_random(&seed) % 40, kinds, old_text);
		random_text(&seed, next_random(&seed) % 40, kinds, new_text);
		check_property(old_text, new_text, next_random(&seed) % 4);
	}
}

/* More edits than are searched for: still a diff that applies. */
static void test_too_many_edits(void **state)
{
	(void)state;
	enum { LINES = 5000 };
	char *old_text = malloc(LINES * 16), *new_text = malloc(LINES * 16);
	size_t old_length = 0, new_length = 0, length, applied_length = 0;
	for (int i = 0; i < LINES; i++) {
		old_length += (size_t)sprintf(old_text + old_length, "%d\n", i);
		new_length += (size_t)sprintf(new_text + new_length, "%d%s\n", i,
					      i % 3 ? "x" : "");
	}
	char *diff = diff_with(old_text, old_length, new_text, new_length, 3, &length);
	char *applied = apply_diff(old_text, old_length, diff, length, &applied_length);
	assert_non_null(applied);
	assert_int_equal(applied_length, new_length);
	assert_memory_equal(applied, new_text, new_length);
	free(applied);
	free(diff);
	free(old_text);
	free(new_text);
}

/* ---- secrets ---- */

static void test_redacts_shown_lines_only(void **state)
{
	(void)state;
	static const char old_text[] = "<d>\n<graphics passwd='hush'/>\n1\n2\n3\n4\n<x/>\n</d>\n";
	static const char near[] = "<d>\n<graphics passwd='hush'/>\n1\n+\n2\n3\n4\n<x/>\n</d>\n";
	static const char far[] = "<d>\n<graphics passwd='hush'/>\n1\n2\n3\n4\n<y/>\n</d>\n";
	struct gpupt_diff_options options = { "a", "b", 3, true };
	char *text;
	size_t length;
	bool redacted = false;
	assert_int_equal(gpupt_diff(old_text, strlen(old_text), near, strlen(near), &options,
				    &text, &length, &redacted, NULL), 0);
	assert_true(redacted);
	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "\n <graphics passwd='[redacted]'/>\n"));
	free(text);
	assert_int_equal(gpupt_diff(old_text, strlen(old_text), far, strlen(far), &options,
				    &text, &length, &redacted, NULL), 0);
	assert_false(redacted);
	free(text);
}

static void test_changed_secret_is_a_change(void **state)
{
	(void)state;
	static const char old_text[] = "<graphics passwd='one'/>\n";
	static const char new_text[] = "<graphics passwd='two'/>\n";
	struct gpupt_diff_options options = { "a", "b", 3, true };
	char *text;
	size_t length;
	bool redacted = false;
	assert_int_equal(gpupt_diff(old_text, strlen(old_text), new_text, strlen(new_text),
				    &options, &text, &length, &redacted, NULL), 0);
	assert_true(redacted);
	assert_string_equal(text, "--- a\n+++ b\n@@ -1 +1 @@\n-<graphics passwd='[redacted]'/>\n"
			    "+<graphics passwd='[redacted]'/>\n");
	free(text);
}

/* The same line means something else behind what changed: it is read for each. */
static void test_line_behind_new_append(void **state)
{
	(void)state;
	static const char old_text[] = "<q:arg value='x'/>\n<q:arg value='password=a,b'/>\n";
	static const char new_text[] = "<q:arg value='-append'/>\n<q:arg value='password=a,b'/>\n";
	struct gpupt_diff_options options = { "a", "b", 3, true };
	char *text;
	size_t length;
	assert_int_equal(gpupt_diff(old_text, strlen(old_text), new_text, strlen(new_text),
				    &options, &text, &length, NULL, NULL), 0);
	assert_non_null(strstr(text, "\n <q:arg value='password=[redacted]"));
	assert_null(strstr(text, ",b"));
	free(text);
}

/* What is in front of both is read once, and counts for both. */
static void test_added_argument_is_behind_append(void **state)
{
	(void)state;
	static const char old_text[] = "<q:arg value='-append'/>\n<q:arg value='a'/>\n";
	static const char new_text[] = "<q:arg value='-append'/>\n<q:arg value='password=a,b'/>\n";
	struct gpupt_diff_options options = { "a", "b", 0, true };
	char *text;
	size_t length;
	assert_int_equal(gpupt_diff(old_text, strlen(old_text), new_text, strlen(new_text),
				    &options, &text, &length, NULL, NULL), 0);
	assert_non_null(strstr(text, "\n+<q:arg value='password=[redacted]'/>\n"));
	free(text);
}

/* A line that is no secret before the change, and one after it. */
static void test_context_is_secret_in_either_text(void **state)
{
	(void)state;
	static const char old_text[] = "<d>\nhush\n</d>\n";
	static const char new_text[] = "<d>\n<user-data>\nhush\n</user-data>\n</d>\n";
	struct gpupt_diff_options options = { "a", "b", 3, true };
	char *text;
	size_t length;
	for (int swap = 0; swap < 2; swap++) {
		const char *from = swap ? new_text : old_text, *to = swap ? old_text : new_text;
		assert_int_equal(gpupt_diff(from, strlen(from), to, strlen(to), &options, &text,
					    &length, NULL, NULL), 0);
		assert_null(strstr(text, "hush"));
		assert_non_null(strstr(text, "\n [redacted]\n"));
		free(text);
	}
}

static const char sample[] =
	"<!-- don't <x a=' -->\n"
	"<domain>\n"
	" <description>password: hush\n"
	"  none</description>\n"
	" <graphics type='vnc'\n"
	"  passwd='hush\n"
	"  hush'/>\n"
	" <!-- <graphics passwd='hush'\n"
	"  a='>'/> -->\n"
	" <user-data>hush\n"
	"  <![CDATA[</user-data>\n"
	"  hush ]]>\n"
	"  <user-data/>\n"
	"  hush</user-data>\n"
	" <initenv name='A_PASSWORD'>\n"
	"  <!-- hush -->\n"
	"  hush\n"
	" </initenv>\n"
	" <oemStrings>\n"
	"  <entry>hush</entry>\n"
	"  <entry>\n"
	"   hush\n"
	"  </entry>\n"
	" </oemStrings>\n"
	" <entry>plain</entry>\n"
	" <qemu:env value='hush'\n"
	"  name='A_SECRET'/>\n"
	" <a b='&gt;'>plain</a>\n"
	" <qemu:arg value='-append'/>\n"
	" <qemu:arg\n"
	"  value='password=a,hush'/>\n"
	" <qemu:arg value='-append'/>\n"
	" <!-- <qemu:arg value='plain,b'/> -->\n"
	" <qemu:arg value='password=a,hush'/>\n"
	" <title>password: |\n"
	"\n"
	"   hush</title>\n"
	" <title>-----BEGIN PRIVATE KEY-----\n"
	"hush\n"
	"-----END PRIVATE KEY-----</title>\n"
	"</domain>\n";

static const char *line_of(const char *text, size_t number, size_t *ret_length)
{
	for (; number > 0; number--)
		text = strchr(text, '\n') + 1;
	*ret_length = (size_t)(strchr(text, '\n') - text);
	return text;
}

/* Reading only what a hunk shows finds what reading all of the text finds. */
static void test_every_line_as_in_the_whole(void **state)
{
	(void)state;
	char *whole, *diff;
	size_t length, line_length, shown_length;
	assert_int_equal(gpupt_redact(sample, strlen(sample), &whole, &length, NULL), 0);
	assert_null(strstr(whole, "hush"));
	struct gpupt_diff_options options = { "a", "b", 0, true };
	size_t lines = 0;
	for (const char *p = sample; *p; p++)
		lines += *p == '\n';
	for (size_t i = 0; i < lines; i++) {
		const char *line = line_of(sample, i, &line_length);
		const char *shown = line_of(whole, i, &shown_length);
		char new_text[sizeof(sample)];
		size_t before = (size_t)(line - sample);
		memcpy(new_text, sample, before);
		strcpy(new_text + before, line + line_length + 1);
		assert_int_equal(gpupt_diff(sample, strlen(sample), new_text, strlen(new_text),
					    &options, &diff, &length, NULL, NULL), 0);
		const char *removed = strstr(diff, "@@\n-");
		assert_non_null(removed);
		removed += strlen("@@\n-");
		assert_int_equal(strlen(removed), shown_length + 1);
		assert_memory_equal(removed, shown, shown_length);
		free(diff);
	}
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_is_empty),
		cmocka_unit_test(test_hunks),
		cmocka_unit_test(test_hunks_join),
		cmocka_unit_test(test_last_line),
		cmocka_unit_test(test_bytes_pass_through),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_blocks_stay_whole),
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_too_many_edits),
		cmocka_unit_test(test_redacts_shown_lines_only),
		cmocka_unit_test(test_changed_secret_is_a_change),
		cmocka_unit_test(test_line_behind_new_append),
		cmocka_unit_test(test_added_argument_is_behind_append),
		cmocka_unit_test(test_context_is_secret_in_either_text),
		cmocka_unit_test(test_every_line_as_in_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
