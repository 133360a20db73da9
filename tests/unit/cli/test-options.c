/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/options.h"

static const struct cli_command diff_command = {
	.name = "diff", .bit = CLI_DIFF, .operand = "TARGET"
};
static const struct cli_command patch_command = {
	.name = "patch", .bit = CLI_PATCH, .operand = "FILE"
};
static const struct cli_command devices_command = { .name = "devices", .bit = CLI_DEVICES };

/* Splits a line at blanks and parses it; the settings point into argv. */
static int parse(const struct cli_command *command, char *line, struct cli_settings *settings,
		 struct gpupt_error **error)
{
	static char *argv[32];
	int argc = 0;
	argv[argc++] = (char *)command->name;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	cli_settings_clear(settings);
	settings->command = command;
	return cli_options_parse(argc, argv, settings, error);
}

static void assert_fails(const struct cli_command *command, const char *line,
			 const char *expected)
{
	struct cli_settings settings = { 0 };
	struct gpupt_error *error = NULL;
	char *copy = strdup(line);
	assert_true(parse(command, copy, &settings, &error) < 0);
	if (!strstr(gpupt_error_get_message(error), expected))
		fail_msg("\"%s\" gives \"%s\", not \"%s\"", line, gpupt_error_get_message(error),
			 expected);
	gpupt_error_free(error);
	cli_settings_clear(&settings);
	free(copy);
}

static void test_defaults(void **state)
{
	struct cli_settings settings = { 0 };
	char line[] = "vm.xml";
	(void)state;
	assert_int_equal(parse(&diff_command, line, &settings, NULL), 0);
	assert_string_equal(settings.operand, "vm.xml");
	assert_int_equal(settings.hole, GPUPT_HOLE_AUTO);
	assert_int_equal(settings.rounding, GPUPT_ROUND_POWER_OF_TWO);
	assert_int_equal(settings.headroom_bytes, 0);
	assert_int_equal(settings.color, CLI_COLOR_AUTO);
	assert_false(settings.no_siblings);
	cli_settings_clear(&settings);
}

static void test_everything(void **state)
{
	struct cli_settings settings = { 0 };
	char line[] = "--add-device gpu -c qemu:///system z --add-device=10de:1b39 --pcihole64 "
		      "64GiB --headroom 1g --rounding gib --allow-shrink --force --color never "
		      "--remove-device 08:00.0 --assume 0000:08:00.0=10de:2330 -q --domain "
		      "--firmware debian-12 --guest-kernel 6.12";
	(void)state;
	assert_int_equal(parse(&diff_command, line, &settings, NULL), 0);
	assert_string_equal(settings.operand, "z");
	assert_string_equal(settings.uri, "qemu:///system");
	assert_int_equal(settings.added.count, 2);
	assert_string_equal(settings.added.items[0], "gpu");
	assert_string_equal(settings.added.items[1], "10de:1b39");
	assert_int_equal(settings.removed.count, 1);
	assert_int_equal(settings.assumptions.count, 1);
	assert_int_equal(settings.hole, GPUPT_HOLE_SIZE);
	assert_true(settings.hole_bytes == 64 * GPUPT_GIB);
	assert_true(settings.headroom_bytes == GPUPT_GIB);
	assert_int_equal(settings.rounding, GPUPT_ROUND_GIB);
	assert_int_equal(settings.color, CLI_COLOR_NEVER);
	assert_true(settings.allow_shrink && settings.force && settings.quiet);
	assert_true(settings.as_domain && !settings.as_file);
	assert_string_equal(settings.firmware, "debian-12");
	assert_string_equal(settings.guest_kernel, "6.12");
	cli_settings_clear(&settings);
}

static void test_sizes_need_units(void **state)
{
	struct cli_settings settings = { 0 };
	char zero[] = "vm.xml --pcihole64 0", bytes[] = "vm.xml --pcihole64 1024b";
	(void)state;
	assert_fails(&diff_command, "vm.xml --pcihole64 64", "--pcihole64 64: a size needs a unit");
	assert_fails(&diff_command, "vm.xml --headroom 1", "a size needs a unit");
	assert_fails(&diff_command, "vm.xml --pcihole64 64Gib8", "unknown unit");
	assert_fails(&diff_command, "vm.xml --pcihole64 -1", "expected auto, keep or a size");
	assert_fails(&diff_command, "vm.xml --pcihole64 none", "expected auto, keep or a size");
	assert_fails(&diff_command, "vm.xml --pcihole64 99999999999EiB", "64 bits");
	/* nothing is nothing, in any unit */
	assert_int_equal(parse(&diff_command, zero, &settings, NULL), 0);
	assert_int_equal(settings.hole, GPUPT_HOLE_SIZE);
	assert_true(settings.hole_bytes == 0);
	assert_int_equal(parse(&diff_command, bytes, &settings, NULL), 0);
	assert_true(settings.hole_bytes == 1024);
	cli_settings_clear(&settings);
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_fails(&diff_command, "vm.xml --ad-device gpu", "did you mean --add-device?");
	assert_fails(&diff_command, "vm.xml --inventroy=x", "unknown option --inventroy; did you "
							    "mean --inventory?");
	assert_fails(&diff_command, "vm.xml --frobnicate", "unknown option --frobnicate");
	assert_fails(&diff_command, "vm.xml -x", "diff has no option -x");
	assert_fails(&diff_command, "vm.xml --in-place", "diff has no option --in-place");
	assert_fails(&patch_command, "vm.xml -c qemu:///system", "patch has no option -c");
	assert_fails(&diff_command, "vm.xml --inventory", "--inventory needs an argument: FILE");
	assert_fails(&diff_command, "vm.xml --force=yes", "--force takes no argument");
	assert_fails(&diff_command, "vm.xml --color sometimes", "expected auto|always|never");
	assert_fails(&devices_command, "--format svg", "expected text|json");
	assert_fails(&patch_command, "vm.xml --format json", "patch has no option --format");
	assert_fails(&diff_command, "", "diff needs a TARGET");
	assert_fails(&diff_command, "a.xml b.xml", "\"b.xml\" is one argument too many");
	assert_fails(&diff_command, "a --file --domain", "exclude each other");
	assert_fails(&patch_command, "a -i -o b", "exclude each other");
	assert_fails(&diff_command, "a --sysfs /x --inventory y", "exclude each other");
}

/* Every option has help, and no command has two options of one name or letter. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_n_options; i++) {
		assert_true(*cli_options[i].help);
		assert_true(cli_options[i].commands != 0);
		for (size_t j = 0; j < i; j++) {
			if (cli_options[i].commands & cli_options[j].commands)
				assert_string_not_equal(cli_options[i].name,
							cli_options[j].name);
			assert_int_not_equal(cli_options[i].id, cli_options[j].id);
		}
	}
}

static void test_help_fits_a_terminal(void **state)
{
	char *text = NULL;
	size_t length, column = 0;
	(void)state;
	FILE *out = open_memstream(&text, &length);
	cli_options_print_help(CLI_DIFF, out);
	fclose(out);
	assert_non_null(strstr(text, "--pcihole64 auto|keep|SIZE"));
	assert_null(strstr(text, "--in-place"));
	for (size_t i = 0; i < length; i++) {
		column = text[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 80);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_sizes_need_units),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_help_fits_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
