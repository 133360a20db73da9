/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <unistd.h>

#include "rehearse/firmware.h"

static void make_file(const char *directory, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static int find(enum gpupt_firmware_kind kind, const char *directory, const char *loader,
		const char *template, struct gpupt_firmware_files *ret)
{
	char path[256];
	struct gpupt_planned_world world = { .guest = { .firmware = kind } };
	struct gpupt_planned planned = { .worlds = &world, .nvram_template = template };
	snprintf(path, sizeof(path), "%s/%s", directory, loader ? loader : "");
	planned.loader = loader ? path : NULL;
	return gpupt_firmware_find(&planned, ret, NULL);
}

/* Names that distributions give their builds, and the store without keys. */
static void variables_lie_beside_the_code(void **state)
{
	const char *directory = *state;
	static const char *const names[][2] = {
		{ "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd" },
		{ "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.fd" },
		{ "OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd" },
		{ "OVMF_CODE.secboot.fd", "OVMF_VARS.fd" },
		{ "ovmf-x86_64-ms-4m-code.bin", "ovmf-x86_64-4m-vars.bin" },
		{ "OVMF_CODE_4M.secboot.qcow2", "OVMF_VARS_4M.qcow2" },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++) {
		struct gpupt_firmware_files files;
		char expected[256];
		make_file(directory, names[i][0]);
		make_file(directory, names[i][1]);
		snprintf(expected, sizeof(expected), "%s/%s", directory, names[i][1]);
		assert_int_equal(find(GPUPT_FIRMWARE_OVMF, directory, names[i][0], "/template",
				      &files), 0);
		assert_string_equal(files.variables, expected);
		assert_false(files.is_rom);
		gpupt_firmware_clear(&files);
	}
}

static void there_may_be_none(void **state)
{
	const char *directory = *state;
	struct gpupt_firmware_files files;
	make_file(directory, "alone.fd");
	assert_int_equal(find(GPUPT_FIRMWARE_OVMF, directory, "alone.fd", NULL, &files), 0);
	assert_null(files.variables);
	gpupt_firmware_clear(&files);
	assert_int_equal(find(GPUPT_FIRMWARE_OVMF, directory, "alone.fd", "/template", &files), 0);
	assert_string_equal(files.variables, "/template");
	gpupt_firmware_clear(&files);
	assert_int_equal(find(GPUPT_FIRMWARE_OVMF, directory, "missing.fd", NULL, &files),
			 GPUPT_E_NOT_FOUND);
	assert_int_equal(find(GPUPT_FIRMWARE_SEABIOS, directory, NULL, NULL, &files), 0);
	assert_null(files.code);
	gpupt_firmware_clear(&files);
}

static int make_directory(void **state)
{
	char name[] = "/tmp/gpupt-firmware-XXXXXX";
	*state = mkdtemp(name) ? strdup(name) : NULL;
	return *state ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -r %s", (const char *)*state);
	int r = system(command);
	free(*state);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_lie_beside_the_code),
		cmocka_unit_test(there_may_be_none),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
