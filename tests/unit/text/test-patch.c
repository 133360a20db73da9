/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gpupt/diff.h>

/* patch(1) and git apply, given a diff, make the new text of the old one. */

static char directory[] = "/tmp/gpupt-test-patch-XXXXXX";

static void write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void check_file(const char *path, const char *text, size_t length)
{
	static char read[1 << 16];
	FILE *file = fopen(path, "r");
	if (!file && length == 0) /* patch removes a file that becomes empty */
		return;
	assert_non_null(file);
	assert_int_equal(fread(read, 1, sizeof(read), file), length);
	assert_memory_equal(read, text, length);
	fclose(file);
}

static bool has_program(const char *name)
{
	char command[64];
	snprintf(command, sizeof(command), "%s --version >/dev/null 2>&1", name);
	return system(command) == 0;
}

static void check(const char *command, const char *name, const char *old_text, size_t old_length,
		  const char *new_text, size_t new_length)
{
	char old_name[64], new_name[64];
	snprintf(old_name, sizeof(old_name), "a/%s", name);
	snprintf(new_name, sizeof(new_name), "b/%s", name);
	struct gpupt_diff_options options = { old_name, new_name, 3, false };
	char *diff;
	size_t length;
	assert_int_equal(gpupt_diff(old_text, old_length, new_text, new_length, &options, &diff,
				    &length, NULL, NULL), 0);
	if (length > 0) {
		write_file(name, old_text, old_length);
		write_file("diff", diff, length);
		int status = system(command);
		if (status != 0)
			fprintf(stderr, "%s\n", diff);
		assert_int_equal(status, 0);
		check_file(name, new_text, new_length);
		unlink(name);
	}
	free(diff);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static size_t random_text(uint32_t *seed, char *text)
{
	size_t length = 0;
	for (uint32_t lines = next_random(seed) % 30; lines > 0; lines--)
		length += (size_t)sprintf(text + length, "line %u%s\n", next_random(seed) % 8,
					  next_random(seed) % 8 ? "" : "\r");
	return length && next_random(seed) % 3 == 0 ? length - 1 : length;
}

static void check_texts(const char *command)
{
	uint32_t seed = 7;
	char old_text[1024], new_text[1024];
	for (int i = 0; i < 100; i++) {
		size_t old_length = random_text(&seed, old_text);
		size_t new_length = random_text(&seed, new_text);
		check(command, "vm.xml", old_text, old_length, new_text, new_length);
	}
}

static void check_file_names(const char *command)
{
	static const char *const names[] = { "a b.xml", "tab\t.xml", "quote\".xml", "back\\.xml",
					     "line\nend.xml", "\xc3\xa4.xml", "\x01.xml", "it's" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++)
		check(command, names[i], "1\n2\n", 4, "1\n3", 3);
}

#define PATCH "patch --quiet --binary -p1 <diff"
#define GIT_APPLY "git apply --whitespace=nowarn -p1 diff"

static void test_patch(void **state)
{
	(void)state;
	if (!has_program("patch"))
		skip();
	check_texts(PATCH);
	check_file_names(PATCH);
}

static void test_git_apply(void **state)
{
	(void)state;
	if (!has_program("git"))
		skip();
	check_texts(GIT_APPLY);
	check_file_names(GIT_APPLY);
}

int main(void)
{
	if (!mkdtemp(directory) || chdir(directory) != 0)
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_git_apply),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink("diff");
	if (chdir("/") == 0)
		rmdir(directory);
	return failed;
}
