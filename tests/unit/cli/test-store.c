/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/store.h"

#define URI "qemu:///session"
#define UUID "5f115f11-0000-4000-8000-000000000001"

/* Every test has a state directory, in a directory of its own. */
struct lab {
	char directory[64];
	struct cli_store store;
};

static int enter(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	strcpy(lab->directory, "/tmp/gpupt-store-XXXXXX");
	if (!mkdtemp(lab->directory) || setenv("XDG_STATE_HOME", lab->directory, 1))
		return -1;
	*state = lab;
	return cli_store_locate(URI, UUID, &lab->store, NULL);
}

static int leave(void **state)
{
	struct lab *lab = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", lab->directory);
	cli_store_clear(&lab->store);
	int r = system(command);
	free(lab);
	umask(022);
	return r;
}

static int keep(struct lab *lab, const char *old, const char *new, struct cli_kept *kept,
		struct gpupt_error **error)
{
	struct cli_text old_text = { old, strlen(old) }, new_text = { new, strlen(new) };
	return cli_store_keep(&lab->store, &old_text, &new_text, 1800000000, kept, error);
}

static int settle(struct lab *lab, const struct cli_kept *kept, const char *text)
{
	struct cli_text new = { text, strlen(text) };
	return cli_store_settle(&lab->store, kept, &new, NULL);
}

static void assert_kept(struct lab *lab, const struct cli_kept *kept, enum cli_kept_side side,
			const char *expected)
{
	char *text;
	size_t length;
	assert_int_equal(cli_store_read(&lab->store, kept, side, &text, &length, NULL), 0);
	assert_string_equal(text, expected);
	free(text);
}

static size_t count(struct lab *lab)
{
	struct cli_kept_list list;
	assert_int_equal(cli_store_list(&lab->store, &list, NULL), 0);
	free(list.items);
	return list.count;
}

static size_t count_files(const char *path)
{
	size_t n = 0;
	DIR *stream = opendir(path);
	while (readdir(stream))
		n++;
	closedir(stream);
	return n - 2;
}

static void touch(struct lab *lab, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", lab->store.path, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void test_nothing_yet(void **state)
{
	assert_int_equal(count(*state), 0);
	assert_int_equal(count_files(((struct lab *)*state)->directory), 0);
}

static void test_keep_and_settle(void **state)
{
	struct lab *lab = *state;
	struct cli_kept kept;
	assert_int_equal(keep(lab, "old", "meant", &kept, NULL), 0);
	assert_kept(lab, &kept, CLI_KEPT_OLD, "old");
	assert_kept(lab, &kept, CLI_KEPT_NEW, "meant");
	assert_int_equal(settle(lab, &kept, "made"), 0);
	assert_kept(lab, &kept, CLI_KEPT_OLD, "old");
	assert_kept(lab, &kept, CLI_KEPT_NEW, "made");
	assert_int_equal(count_files(lab->store.path), 2);
	char when[CLI_KEPT_TIME_MAX];
	assert_string_equal(cli_kept_format_time(&kept, when), "2027-01-15T08:00:00Z");
}

static void test_modes(void **state)
{
	struct lab *lab = *state;
	static const mode_t masks[] = { 0, 022, 0277 };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(masks); i++) {
		struct cli_kept kept;
		struct stat st;
		char text[8];
		snprintf(text, sizeof(text), "%zu", i);
		umask(masks[i]);
		assert_int_equal(keep(lab, text, "new", &kept, NULL), 0);
		assert_int_equal(stat(lab->store.root, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		assert_int_equal(stat(lab->store.path, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		for (int side = CLI_KEPT_OLD; side <= CLI_KEPT_NEW; side++) {
			char *path = cli_store_path(&lab->store, &kept, (enum cli_kept_side)side);
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(st.st_mode, S_IFREG | 0600);
			free(path);
		}
	}
	/* one that was opened to others is closed again */
	struct cli_kept kept;
	struct stat st;
	assert_int_equal(chmod(lab->store.root, 0755), 0);
	assert_int_equal(keep(lab, "again", "new", &kept, NULL), 0);
	assert_int_equal(stat(lab->store.root, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void test_rotation(void **state)
{
	struct lab *lab = *state;
	struct cli_kept kept;
	for (int i = 0; i < 3 * CLI_STORE_MAX; i++) {
		char old[16], new[16];
		snprintf(old, sizeof(old), "%d", i);
		snprintf(new, sizeof(new), "%d", i + 1);
		assert_int_equal(keep(lab, old, new, &kept, NULL), 0);
		/* whoever is killed before settling does not let it grow */
		assert_true(count(lab) <= CLI_STORE_MAX + 1);
		if (i % 3)
			assert_int_equal(settle(lab, &kept, new), 0);
	}
	assert_int_equal(count(lab), CLI_STORE_MAX);
	assert_int_equal(count_files(lab->store.path), 2 * CLI_STORE_MAX);
	struct cli_kept_list list;
	assert_int_equal(cli_store_list(&lab->store, &list, NULL), 0);
	assert_kept(lab, &list.items[0], CLI_KEPT_OLD, "20");
	assert_kept(lab, &list.items[CLI_STORE_MAX - 1], CLI_KEPT_OLD, "29");
	assert_int_equal(cli_store_drop(&lab->store, &list.items[7], NULL), 0);
	assert_int_equal(count(lab), 7);
	assert_int_equal(count_files(lab->store.path), 14);
	free(list.items);
}

/* The same old definition again: the change in between was not made, or taken back. */
static void test_unmade(void **state)
{
	struct lab *lab = *state;
	struct cli_kept kept;
	assert_int_equal(keep(lab, "first", "second", &kept, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(keep(lab, "second", "third", &kept, NULL), 0);
	assert_int_equal(count(lab), 2);
	assert_int_equal(kept.number, 4);
}

/* What is left of a killed process, and what is none of ours. */
static void test_left_behind(void **state)
{
	struct lab *lab = *state;
	struct cli_kept kept;
	assert_int_equal(keep(lab, "old", "new", &kept, NULL), 0);
	touch(lab, ".draft");
	touch(lab, "000007-20260101T000000Z.new.xml");
	touch(lab, "7-20260101T000000Z.old.xml");
	touch(lab, "000008-20261301T000000Z.old.xml");
	touch(lab, "notes");
	assert_int_equal(count(lab), 1);
	assert_int_equal(keep(lab, "new", "newer", &kept, NULL), 0);
	assert_int_equal(count(lab), 2);
	assert_int_equal(count_files(lab->store.path), 4 + 3);
}

static void test_odd_names(void **state)
{
	(void)state;
	static const char *const uris[][2] = {
		{ "qemu:///session", "/gpupt-xml/qemu-localhost-session_" UUID },
		{ "qemu+ssh://root@host.example:22/session?keyfile=/a/b",
		  "/gpupt-xml/qemu-host.example-session_" UUID },
		{ "qemu+tls://host.example/session",
		  "/gpupt-xml/qemu-host.example-session_" UUID },
		{ "qemu", "/gpupt-xml/qemu-localhost-_" UUID },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(uris); i++) {
		struct cli_store store;
		assert_int_equal(cli_store_locate(uris[i][0], UUID, &store, NULL), 0);
		const char *end = store.path + strlen(getenv("XDG_STATE_HOME"));
		assert_string_equal(end, uris[i][1]);
		cli_store_clear(&store);
	}
	static const char *const odd[] = { "../../etc", "..", ".", "", "a/b", "a_b", "a\nb",
					   "\xff\xfe", "[::1]:22", "%2f" };
	char *seen[GPUPT_ARRAY_SIZE(odd)];
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(odd); i++) {
		struct cli_store store;
		char uri[64];
		snprintf(uri, sizeof(uri), "test:///%s", odd[i]);
		assert_int_equal(cli_store_locate(uri, odd[i], &store, NULL), 0);
		size_t root = strlen(store.root);
		assert_memory_equal(store.path, store.root, root);
		assert_null(strchr(store.path + root + 1, '/'));
		assert_true(strlen(store.path + root + 1) <= 255);
		seen[i] = strdup(store.path);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
		cli_store_clear(&store);
	}
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(odd); i++)
		free(seen[i]);
	char *uri = calloc(1, 2000);
	memset(uri, 'a', 1999);
	struct cli_store store;
	assert_int_equal(cli_store_locate(uri, UUID, &store, NULL), 0);
	assert_true(strlen(strrchr(store.path, '/') + 1) <= 255);
	cli_store_clear(&store);
	free(uri);
}

static void test_root(void **state)
{
	(void)state;
	struct cli_store store;
	struct gpupt_error *error = NULL;
	assert_int_equal(cli_store_locate("qemu:///system", UUID, &store, NULL), 0);
	assert_int_equal(strcmp(store.root, "/var/lib/gpupt-xml") == 0, geteuid() == 0);
	cli_store_clear(&store);
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", "/home/of", 1);
	assert_int_equal(cli_store_locate(URI, UUID, &store, NULL), 0);
	assert_string_equal(store.root, "/home/of/.local/state/gpupt-xml");
	cli_store_clear(&store);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	const struct passwd *account = getpwuid(geteuid());
	int r = cli_store_locate(URI, UUID, &store, &error);
	if (account && account->pw_dir[0] == '/') {
		assert_int_equal(r, 0);
		assert_memory_equal(store.root, account->pw_dir, strlen(account->pw_dir));
		cli_store_clear(&store);
	} else {
		assert_int_equal(r, GPUPT_E_NOT_FOUND);
		gpupt_error_free(error);
	}
}

/* Directories that lead elsewhere, and files in their place. */
static void test_not_mine(void **state)
{
	struct lab *lab = *state;
	struct gpupt_error *error = NULL;
	struct cli_kept kept;
	struct cli_kept_list list = { 0 };
	char elsewhere[128];
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", lab->directory);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	const char *const places[] = { lab->store.root, lab->store.path };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(symlink(elsewhere, places[i]), 0);
		assert_int_equal(keep(lab, "old", "new", &kept, &error), GPUPT_E_REFUSED);
		assert_non_null(strstr(gpupt_error_get_message(error), places[i]));
		if (i == 1)
			assert_int_equal(cli_store_list(&lab->store, &list, NULL),
					 GPUPT_E_REFUSED);
		assert_int_equal(unlink(places[i]), 0);
		int fd = open(places[i], O_CREAT | O_WRONLY, 0600);
		close(fd);
		assert_int_equal(keep(lab, "old", "new", &kept, &error), GPUPT_E_REFUSED);
		assert_int_equal(unlink(places[i]), 0);
		assert_int_equal(mkdir(places[i], 0700), 0);
	}
	assert_int_equal(count_files(elsewhere), 0);
	/* a file, or a link, with a name of ours */
	assert_int_equal(keep(lab, "old", "new", &kept, NULL), 0);
	char *path = cli_store_path(&lab->store, &kept, CLI_KEPT_OLD);
	char *text = NULL;
	size_t length;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(cli_store_read(&lab->store, &kept, CLI_KEPT_OLD, &text, &length, NULL) < 0);
	assert_null(text);
	free(path);
	gpupt_error_free(error);
}

static void test_full_disk(void **state)
{
	struct lab *lab = *state;
	struct cli_kept kept, first;
	struct gpupt_error *error = NULL;
	char large[20000];
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(keep(lab, "old", "new", &first, NULL), 0);
	struct rlimit before, limit;
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 10000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int as_new = keep(lab, "x", large, &kept, NULL);
	int as_old = keep(lab, large, "x", &kept, &error);
	int settled = settle(lab, &first, large);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(as_old, GPUPT_E_IO);
	assert_int_equal(as_new, GPUPT_E_IO);
	assert_int_equal(settled, GPUPT_E_IO);
	assert_non_null(strstr(gpupt_error_get_message(error), "cannot write to /tmp/"));
	gpupt_error_free(error);
	/* all as it was */
	assert_int_equal(count_files(lab->store.path), 2);
	assert_kept(lab, &first, CLI_KEPT_OLD, "old");
	assert_kept(lab, &first, CLI_KEPT_NEW, "new");
}

/* Writers at the same time get numbers of their own. */
static void test_together(void **state)
{
	struct lab *lab = *state;
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			struct cli_kept kept;
			char text[8];
			snprintf(text, sizeof(text), "%d", i);
			_exit(keep(lab, text, "new", &kept, NULL) != 0);
		}
	}
	int status, failures = 0;
	while (wait(&status) > 0)
		failures += status != 0;
	assert_int_equal(failures, 0);
	assert_int_equal(count(lab), 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_yet),
		TEST(test_keep_and_settle),
		TEST(test_modes),
		TEST(test_rotation),
		TEST(test_unmade),
		TEST(test_left_behind),
		TEST(test_odd_names),
		TEST(test_root),
		TEST(test_not_mine),
		TEST(test_full_disk),
		TEST(test_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
