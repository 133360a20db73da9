/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files: those of the tests, and those that this machine has installed. */
#include "image.h"

#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/gpupt-firmware-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[100];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put_file(const char *name, const void *data, size_t length)
{
	FILE *file = fopen(path_of(name), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void assert_fails(const char *path, int status, const char *part)
{
	struct gpupt_firmware firmware;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_firmware_identify(path, &firmware, &error), status);
	assert_non_null(strstr(gpupt_error_get_message(error), part));
	assert_non_null(strstr(gpupt_error_get_message(error), path));
	gpupt_error_free(error);
}

static void test_files(void **state)
{
	(void)state;
	struct gpupt_firmware firmware;
	struct image image = image_with("2025.02-8", 100, 3000);
	put_file("code.fd", image.data, image.length);
	free(image.data);
	assert_int_equal(gpupt_firmware_identify(path_of("code.fd"), &firmware, NULL), 0);
	assert_string_equal(firmware.name, "edk2-stable202502");
	/* packages have links */
	char target[100];
	snprintf(target, sizeof(target), "%s", path_of("code.fd"));
	assert_int_equal(symlink(target, path_of("link.fd")), 0);
	assert_int_equal(gpupt_firmware_identify(path_of("link.fd"), &firmware, NULL), 0);

	put_file("empty", "", 0);
	put_file("qcow2", "QFI\xfb", 4);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	put_file("large", "", 0);
	assert_int_equal(truncate(path_of("large"), (64 << 20) + 1), 0);
	assert_fails(path_of("empty"), GPUPT_E_UNSUPPORTED, "neither OVMF's code nor SeaBIOS");
	assert_fails(path_of("qcow2"), GPUPT_E_UNSUPPORTED, "qemu-img convert");
	assert_fails(path_of("fifo"), GPUPT_E_UNSUPPORTED, "no regular file");
	assert_fails(directory, GPUPT_E_UNSUPPORTED, "no regular file");
	assert_fails(path_of("large"), GPUPT_E_LIMIT, "64 MiB");
	assert_fails(path_of("none"), GPUPT_E_NOT_FOUND, "No such file");
}

/* The version that dpkg says a package has; NULL where it is not installed. */
static char *package_version(const char *package)
{
	char line[1000], wanted[100];
	char *version = NULL;
	bool inside = false;
	FILE *status = fopen("/var/lib/dpkg/status", "r");
	snprintf(wanted, sizeof(wanted), "Package: %s\n", package);
	while (status && !version && fgets(line, sizeof(line), status)) {
		if (strncmp(line, "Package: ", 9) == 0)
			inside = strcmp(line, wanted) == 0;
		if (inside && strncmp(line, "Version: ", 9) == 0)
			version = strndup(line + 9, strcspn(line + 9, "\n"));
	}
	if (status)
		fclose(status);
	return version;
}

/* What the file says is what the package is called: up to the hyphen at least. */
static void check_installed(const char *file, const char *version, bool must_tell)
{
	struct gpupt_firmware firmware;
	assert_int_equal(gpupt_firmware_identify(file, &firmware, NULL), 0);
	print_message("%s: %s, \"%s\"; the package is %s\n", file, firmware.name,
		      firmware.version, version);
	if (firmware.release || must_tell)
		assert_non_null(memmem(firmware.version, strlen(firmware.version), version,
				       strcspn(version, "-+")));
}

static void look_at_installed(const char *file, const char *package, bool must_tell)
{
	char *version = package_version(package);
	bool here = version && access(file, R_OK) == 0;
	if (here)
		check_installed(file, version, must_tell);
	free(version);
	if (here)
		return;
	print_message("%s of dpkg's package %s is not here: not tested\n", file, package);
	skip();
}

static void test_installed_seabios(void **state)
{
	(void)state;
	look_at_installed("/usr/share/seabios/bios-256k.bin", "seabios", true);
}

/* Debian 12's OVMF tells nothing; those before and after do. */
static void test_installed_ovmf(void **state)
{
	(void)state;
	look_at_installed("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", false);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "code.fd", "link.fd", "empty", "qcow2", "fifo",
					     "large" };
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_installed_seabios),
		cmocka_unit_test(test_installed_ovmf),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
