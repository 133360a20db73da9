/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/file.h"

static const char old_text[] = "old\n";
static const char new_text[] = "something new\n";

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_file(const char *path, const char *expected)
{
	char *text;
	size_t length;
	assert_int_equal(cli_file_read(path, &text, &length, NULL), 0);
	assert_int_equal(length, strlen(expected));
	assert_string_equal(text, expected);
	free(text);
}

static int count_entries(void)
{
	int n = 0;
	DIR *directory = opendir(".");
	while (readdir(directory))
		n++;
	closedir(directory);
	return n - 2;
}

/* Every test has a directory to itself. */
static int enter(void **state)
{
	char *directory = strdup("gpupt-file-XXXXXX");
	*state = directory;
	return !mkdtemp(directory) || chdir(directory);
}

static int leave(void **state)
{
	DIR *directory = opendir(".");
	struct dirent *entry;
	while ((entry = readdir(directory)))
		unlink(entry->d_name);
	closedir(directory);
	int r = chdir("..") || rmdir(*state);
	free(*state);
	return r;
}

static void test_read(void **state)
{
	char *text = NULL;
	size_t length = 7;
	struct gpupt_error *error = NULL;
	(void)state;
	write_file("vm.xml", "");
	assert_file("vm.xml", "");
	write_file("vm.xml", "<domain/>");
	assert_file("vm.xml", "<domain/>");
	assert_int_equal(cli_file_read("none", &text, &length, &error), GPUPT_E_NOT_FOUND);
	assert_non_null(strstr(gpupt_error_get_message(error), "none"));
	assert_int_equal(cli_file_read(".", &text, &length, &error), GPUPT_E_IO);
	assert_null(text);
	assert_int_equal(length, 7);
	gpupt_error_free(error);
}

static void test_read_grows(void **state)
{
	(void)state;
	/* A pipe does not tell its size. */
	int ends[2];
	size_t total = 300000, length;
	char *text;
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[0]);
		for (size_t i = 0; i < total; i++)
			if (write(ends[1], &"abcdefghij"[i % 10], 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	int saved = dup(STDIN_FILENO);
	dup2(ends[0], STDIN_FILENO);
	assert_int_equal(cli_file_read("-", &text, &length, NULL), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(ends[0]);
	assert_int_equal(length, total);
	for (size_t i = 0; i < total; i++)
		assert_int_equal(text[i], "abcdefghij"[i % 10]);
	free(text);
}

static void test_read_limit(void **state)
{
	char *text = NULL;
	size_t length;
	struct gpupt_error *error = NULL;
	(void)state;
	write_file("huge.xml", "");
	assert_int_equal(truncate("huge.xml", (off_t)GPUPT_DOMAIN_MAX_BYTES + 1), 0);
	assert_int_equal(cli_file_read("huge.xml", &text, &length, &error), GPUPT_E_LIMIT);
	assert_null(text);
	gpupt_error_free(error);
}

static void test_replace_new(void **state)
{
	struct stat st;
	(void)state;
	mode_t mask = umask(027);
	assert_int_equal(cli_file_replace("vm.xml", new_text, strlen(new_text), NULL), 0);
	umask(mask);
	assert_file("vm.xml", new_text);
	assert_int_equal(stat("vm.xml", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_entries(), 1);
}

static void test_replace_keeps_metadata(void **state)
{
	struct stat before, after;
	char value[8] = "";
	(void)state;
	write_file("vm.xml", old_text);
	assert_int_equal(chmod("vm.xml", 0604), 0);
	bool owner = chown("vm.xml", 12345, 54321) == 0;
	bool xattr = setxattr("vm.xml", "user.note", "kept", 4, 0) == 0;
	stat("vm.xml", &before);
	assert_int_equal(cli_file_replace("vm.xml", new_text, strlen(new_text), NULL), 0);
	assert_file("vm.xml", new_text);
	stat("vm.xml", &after);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_not_equal(after.st_ino, before.st_ino);
	if (owner) {
		assert_int_equal(after.st_uid, 12345);
		assert_int_equal(after.st_gid, 54321);
	}
	if (xattr) {
		assert_int_equal(getxattr("vm.xml", "user.note", value, sizeof(value)), 4);
		assert_memory_equal(value, "kept", 4);
	}
}

static void test_replace_through_link(void **state)
{
	struct stat st;
	(void)state;
	write_file("real.xml", old_text);
	assert_int_equal(symlink("real.xml", "link.xml"), 0);
	assert_int_equal(cli_file_replace("link.xml", new_text, strlen(new_text), NULL), 0);
	assert_int_equal(lstat("link.xml", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file("real.xml", new_text);
	assert_int_equal(symlink("nothing", "dangling.xml"), 0);
	assert_int_equal(cli_file_replace("dangling.xml", new_text, strlen(new_text), NULL),
			 GPUPT_E_NOT_FOUND);
	assert_int_equal(access("nothing", F_OK), -1);
}

static void test_replace_refuses_devices(void **state)
{
	struct gpupt_error *error = NULL;
	struct stat st;
	(void)state;
	assert_int_equal(mkfifo("pipe.xml", 0600), 0);
	assert_int_equal(cli_file_replace("pipe.xml", new_text, strlen(new_text), &error),
			 GPUPT_E_UNSUPPORTED);
	assert_int_equal(stat("pipe.xml", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(cli_file_replace("no/such/vm.xml", new_text, strlen(new_text), &error),
			 GPUPT_E_NOT_FOUND);
	gpupt_error_free(error);
}

/* A limit on file size stands in for a full disk: write() comes up short, then
 * fails. The old file stays and nothing lies around. */
static void test_replace_fails_whole(void **state)
{
	struct gpupt_error *error = NULL;
	struct rlimit old, small;
	(void)state;
	write_file("vm.xml", old_text);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 5;
	setrlimit(RLIMIT_FSIZE, &small);
	int r = cli_file_replace("vm.xml", new_text, strlen(new_text), &error);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, GPUPT_E_IO);
	assert_non_null(strstr(gpupt_error_get_message(error), strerror(EFBIG)));
	assert_file("vm.xml", old_text);
	assert_int_equal(count_entries(), 1);
	gpupt_error_free(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, enter, leave),
		cmocka_unit_test_setup_teardown(test_read_grows, enter, leave),
		cmocka_unit_test_setup_teardown(test_read_limit, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_new, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_keeps_metadata, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_through_link, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_refuses_devices, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_fails_whole, enter, leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
