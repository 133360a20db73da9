/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A copied tree may come from anybody. */
#include "doctor-test.h"

static const struct gpupt_checkup_options nothing;

static char *read_at(const char *path, struct gpupt_trouble *trouble)
{
	struct gpupt_tree tree;
	assert_int_equal(gpupt_tree_open(tree_root, &tree, NULL), 0);
	assert_false(tree.live);
	char *text = gpupt_tree_read_line(&tree, GPUPT_IN_ROOT, path, trouble);
	gpupt_tree_close(&tree);
	return text;
}

static void test_links(void **state)
{
	(void)state;
	struct gpupt_trouble trouble;
	puts_at("../etc/secret", "secret\n");
	put_link("../etc/link", "secret");
	put_link("../away", "/etc");
	put_link("../within", "etc");
	char *text = read_at("etc/secret", &trouble);
	assert_string_equal(text, "secret");
	free(text);
	static const char *const refused[] = { "etc/link", "away/passwd", "within/secret" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(refused); i++) {
		assert_null(read_at(refused[i], &trouble));
		assert_false(trouble.absent); /* that was not seen */
	}
	assert_null(read_at("etc/nothing", &trouble));
	assert_true(trouble.absent);
	assert_has(trouble.text, "etc/nothing: No such file");
}

static void test_odd_files(void **state)
{
	(void)state;
	char path[512];
	replace("../proc/cmdline", NULL);
	assert_int_equal(mkfifo(tree_path(path, "../proc/cmdline"), 0644), 0);
	replace("../var/lib/dpkg/status", NULL);
	put_link("../var/lib/dpkg/status", "/etc/passwd");
	replace("../proc/iomem", NULL);
	assert_int_equal(mkdir(tree_path(path, "../proc/iomem"), 0755), 0);
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_results(checkup, "use=partly versions=unknown kernel=unknown");
	assert_has(check_named(checkup, "kernel")->unseen, "cmdline is no regular file");
	gpupt_checkup_free(checkup);
}

/* Control characters neither reach a terminal nor JSON. */
static void test_odd_text(void **state)
{
	(void)state;
	replace("../proc/cmdline", "iommu=\x1b[2Jpt pci=\xff\n");
	puts_at("devices/virtual/dmi/id/sys_vendor", "E\x07vil\n");
	struct gpupt_checkup *checkup = examine_tree(tree_root, nothing);
	assert_string_equal(check_named(checkup, "kernel")->seen, "iommu=?[2Jpt pci=?");
	assert_has(gpupt_checkup_get_host(checkup), "E?vil, Linux");
	char *text = NULL;
	size_t length;
	assert_int_equal(gpupt_checkup_to_json(checkup, &text, &length, NULL), 0);
	free(text);
	gpupt_checkup_free(checkup);
}

/* Too long a line is no command line. */
static void test_large_file(void **state)
{
	(void)state;
	char *line = malloc(20000);
	assert_non_null(line);
	memset(line, 'x', 19999);
	line[19999] = '\0';
	replace("../proc/cmdline", line);
	free(line);
	assert_only(examine_tree(tree_root, nothing), "kernel=unknown");
}

/* Without proc nothing beside it is looked for: it might be this machine's. */
static void test_bare_sys(void **state)
{
	(void)state;
	char from[512], to[512];
	assert_int_equal(rename(tree_path(from, "../proc"), tree_path(to, "../elsewhere")), 0);
	assert_only(examine_tree(tree_root, nothing), "use=partly versions=unknown kernel=unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_links),	    TREE_TEST(test_odd_files), TREE_TEST(test_odd_text),
		TREE_TEST(test_large_file), TREE_TEST(test_bare_sys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
