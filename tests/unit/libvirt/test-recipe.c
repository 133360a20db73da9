/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/tuning.h>

static void test_systems(void **state)
{
	static const struct {
		const char *os, *name;
		bool automatic;
	} cases[] = {
		{ "debian", "Debian", true },
		{ "ubuntu", "Debian", true },
		{ "http://debian.org/debian/12", "Debian", true },
		{ "http://ubuntu.com/ubuntu/24.04", "Debian", true },
		{ "http://fedoraproject.org/fedora/40", "Fedora", true },
		{ "http://redhat.com/rhel/9.4", "Fedora", true },
		{ "http://centos.org/centos-stream/9", "Fedora", true },
		{ "rocky", "Fedora", true },
		{ "sles", "SUSE", true },
		{ "opensuse-leap", "SUSE", true },
		{ "http://suse.com/sle/15.5", "SUSE", true },
		{ "http://microsoft.com/win/11", "Windows", false },
		{ "mswindows", "Windows", false },
		{ "arch", "another", false },
		{ "debianish", "another", false },
		{ "", "another", false },
		{ NULL, "another", false },
	};
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		const struct gpupt_recipe *recipe = gpupt_recipe_for(cases[i].os);
		if (strncmp(recipe->name, cases[i].name, strlen(cases[i].name)) != 0)
			fail_msg("%s: %s", cases[i].os, recipe->name);
		assert_int_equal(recipe->automatic, cases[i].automatic);
		/* what is carried out can be seen to have worked, and undone */
		if (recipe->automatic) {
			assert_true(recipe->check_file || recipe->check_argv);
			assert_true(recipe->n_undo);
			assert_string_equal(recipe->steps[0].argv[0], "cp");
		}
	}
	assert_int_equal(gpupt_recipe_for("mswindows")->n_steps, 0);
}

/* What sed is told changes the line once, and leaves all others alone. */
static void test_sed(void **state)
{
	static const char before[] = "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
				     "GRUB_CMDLINE_LINUX=\"a=b\"\n#GRUB_CMDLINE_LINUX=\"\"\n";
	static const char after[] = "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
				    "GRUB_CMDLINE_LINUX=\"a=b pci=realloc\"\n"
				    "#GRUB_CMDLINE_LINUX=\"\"\n";
	const struct gpupt_recipe *suse = gpupt_recipe_for("sles");
	char command[1024], result[1024] = "", path[] = "/tmp/gpupt-recipe-XXXXXX";
	(void)state;
	const char *const *argv = suse->steps[1].argv;
	assert_string_equal(argv[0], "sed");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	fputs(before, file);
	fclose(file);
	for (int times = 0; times < 2; times++) {
		snprintf(command, sizeof(command), "%s '%s' '%s' '%s' %s", argv[0], argv[1],
			 argv[2], argv[3], path);
		assert_int_equal(system(command), 0);
		file = fopen(path, "r");
		result[fread(result, 1, sizeof(result) - 1, file)] = '\0';
		fclose(file);
		assert_string_equal(result, after);
	}
	snprintf(command, sizeof(command), "rm -f %s %s.before-gpupt-xml", path, path);
	assert_int_equal(system(command), 0);
}

static void test_is_in(void **state)
{
	(void)state;
	assert_true(gpupt_recipe_is_in("BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro pci=realloc quiet"));
	assert_true(gpupt_recipe_is_in("pci=realloc\n"));
	assert_true(gpupt_recipe_is_in("pci=nommconf,realloc=on ro"));
	assert_true(gpupt_recipe_is_in("pci=noaer pci=realloc"));
	assert_false(gpupt_recipe_is_in(""));
	assert_false(gpupt_recipe_is_in("ro quiet"));
	assert_false(gpupt_recipe_is_in("xpci=realloc"));
	assert_false(gpupt_recipe_is_in("pci=reallocate"));
	assert_false(gpupt_recipe_is_in("pci=realloc=off"));
	assert_false(gpupt_recipe_is_in("pci=realloc pci=realloc=off"));
	assert_false(gpupt_recipe_is_in("pci= realloc"));
	assert_false(gpupt_recipe_is_in("pci=,,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_systems),
		cmocka_unit_test(test_sed),
		cmocka_unit_test(test_is_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
