/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
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

/* With the new text; old may be NULL. */
static int replace(const char *path, const char *old, struct gpupt_error **error)
{
	struct cli_text expected = { old, old ? strlen(old) : 0 };
	struct cli_text new = { new_text, strlen(new_text) };
	return cli_file_replace(path, old ? &expected : NULL, &new, error);
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
	assert_int_equal(replace("vm.xml", NULL, NULL), 0);
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
	assert_int_equal(replace("vm.xml", NULL, NULL), 0);
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
	assert_int_equal(replace("link.xml", NULL, NULL), 0);
	assert_int_equal(lstat("link.xml", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file("real.xml", new_text);
	assert_int_equal(symlink("nothing", "dangling.xml"), 0);
	assert_int_equal(replace("dangling.xml", NULL, NULL),
			 GPUPT_E_NOT_FOUND);
	assert_int_equal(access("nothing", F_OK), -1);
}

static void test_replace_refuses_devices(void **state)
{
	struct gpupt_error *error = NULL;
	struct stat st;
	(void)state;
	assert_int_equal(mkfifo("pipe.xml", 0600), 0);
	assert_int_equal(replace("pipe.xml", NULL, &error),
			 GPUPT_E_UNSUPPORTED);
	assert_int_equal(stat("pipe.xml", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(replace("no/such/vm.xml", NULL, &error),
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
	int r = replace("vm.xml", NULL, &error);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, GPUPT_E_IO);
	assert_non_null(strstr(gpupt_error_get_message(error), strerror(EFBIG)));
	assert_file("vm.xml", old_text);
	assert_int_equal(count_entries(), 1);
	gpupt_error_free(error);
}

/* An editor that saved between our reading and our writing wins. */
static void test_replace_changed(void **state)
{
	struct gpupt_error *error = NULL;
	(void)state;
	write_file("vm.xml", "mine\n");
	assert_int_equal(replace("vm.xml", old_text, &error), GPUPT_E_CONFLICT);
	assert_file("vm.xml", "mine\n");
	assert_int_equal(count_entries(), 1);
	assert_int_equal(replace("vm.xml", "mine\n", NULL), 0);
	assert_file("vm.xml", new_text);
	gpupt_error_free(error);
}

/* What a killed process leaves is not locked; what one at work has is. */
static void test_replace_left_behind(void **state)
{
	struct gpupt_error *error = NULL;
	(void)state;
	write_file("vm.xml", old_text);
	write_file(".vm.xml.gpupt-xml", "some");
	assert_int_equal(replace("vm.xml", old_text, NULL), 0);
	assert_file("vm.xml", new_text);
	assert_int_equal(count_entries(), 1);

	write_file("vm.xml", old_text);
	write_file(".vm.xml.gpupt-xml", "some");
	int fd = open(".vm.xml.gpupt-xml", O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(replace("vm.xml", old_text, &error), GPUPT_E_CONFLICT);
	assert_non_null(strstr(gpupt_error_get_message(error), ".vm.xml.gpupt-xml"));
	close(fd);
	assert_file("vm.xml", old_text);
	assert_file(".vm.xml.gpupt-xml", "some");
	gpupt_error_free(error);
	error = NULL;

	/* a link that somebody put there is not followed */
	unlink(".vm.xml.gpupt-xml");
	write_file("elsewhere", "theirs");
	assert_int_equal(symlink("elsewhere", ".vm.xml.gpupt-xml"), 0);
	assert_int_equal(replace("vm.xml", old_text, &error), GPUPT_E_CONFLICT);
	assert_file("elsewhere", "theirs");
	gpupt_error_free(error);
}

static void test_replace_longest_name(void **state)
{
	char name[256] = "";
	(void)state;
	memset(name, 'x', 255);
	write_file(name, old_text);
	assert_int_equal(replace(name, old_text, NULL), 0);
	assert_file(name, new_text);
}

/* A default ACL of the directory must not open the new file to somebody whom the
 * old one kept out. linux/posix_acl_xattr.h: version, then tag, rights, id. */
static void test_replace_inherits_no_acl(void **state)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entries[5];
	} acl = { 2, { { 0x01, 6, -1u }, { 0x02, 6, 12345 }, { 0x04, 6, -1u }, { 0x10, 6, -1u },
		       { 0x20, 0, -1u } } };
	(void)state;
	write_file("vm.xml", old_text);
	assert_int_equal(chmod("vm.xml", 0660), 0);
	if (setxattr(".", "system.posix_acl_default", &acl, sizeof(acl), 0) < 0)
		skip();
	assert_int_equal(replace("vm.xml", old_text, NULL), 0);
	assert_true(getxattr("vm.xml", "system.posix_acl_access", NULL, 0) < 0);
	/* and one that it had stays */
	assert_int_equal(setxattr("vm.xml", "system.posix_acl_access", &acl, sizeof(acl), 0), 0);
	assert_int_equal(replace("vm.xml", new_text, NULL), 0);
	assert_int_equal(getxattr("vm.xml", "system.posix_acl_access", NULL, 0), sizeof(acl));
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
		cmocka_unit_test_setup_teardown(test_replace_changed, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_left_behind, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_longest_name, enter, leave),
		cmocka_unit_test_setup_teardown(test_replace_inherits_no_acl, enter, leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
