/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_SYSFS_TREE_H
#define GPUPT_TESTS_SYSFS_TREE_H

/* Builds a tree laid out as /sys (and /proc beside it) below a temporary
 * directory: devices in devices/, links to them in bus/pci/devices/. */

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci-test.h"

#define EMPTY "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define NO_VF_BARS EMPTY EMPTY EMPTY EMPTY EMPTY EMPTY

static char tree_root[64]; /* .../sys */

static inline void make_parents(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static inline char *tree_path(char buffer[512], const char *path)
{
	assert_true(snprintf(buffer, 512, "%s/%s", tree_root, path) < 512);
	return buffer;
}

static inline void put(const char *path, const char *data, size_t length)
{
	char full[512];
	make_parents(tree_path(full, path));
	FILE *file = fopen(full, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void puts_at(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static inline void put_link(const char *path, const char *target)
{
	char full[512];
	make_parents(tree_path(full, path));
	assert_int_equal(symlink(target, full), 0);
}

/* One file of a device that put_device() made. */
static inline void put_attribute(const char *device, const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", device, name);
	puts_at(path, text);
}

/* parents: "pci0000:00/0000:00:02.0" */
static inline void put_device(const char *parents, const char *device, const char *vendor,
			      const char *id, const char *class_code, const char *resource)
{
	char path[300], target[300];
	snprintf(path, sizeof(path), "devices/%s/%s/vendor", parents, device);
	puts_at(path, vendor);
	snprintf(path, sizeof(path), "bus/pci/devices/%s", device);
	snprintf(target, sizeof(target), "../../../devices/%s/%s", parents, device);
	put_link(path, target);
	put_attribute(device, "device", id);
	put_attribute(device, "class", class_code);
	if (resource)
		put_attribute(device, "resource", resource);
}

static inline void put_device_link(const char *device, const char *name, const char *target)
{
	char path[300];
	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", device, name);
	put_link(path, target);
}

static inline int make_tree(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(tree_root, sizeof(tree_root), "%.40s/gpupt-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(tree_root))
		return -1;
	strcat(tree_root, "/sys");
	return mkdir(tree_root, 0755);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int remove_tree(void **state)
{
	(void)state;
	tree_root[strlen(tree_root) - strlen("/sys")] = '\0';
	return nftw(tree_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct gpupt_inventory *read_tree(void)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_inventory_read_sysfs(tree_root, &inventory, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return inventory;
}

static inline void refuse_tree(int status, const char *part)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_inventory_read_sysfs(tree_root, &inventory, &error), status);
	assert_null(inventory);
	GPUPT_AUTOFREE char *text = NULL;
	assert_true(asprintf(&text, "%s: %s",
			     gpupt_error_get_file(error) ? gpupt_error_get_file(error) : "",
			     gpupt_error_get_message(error)) > 0);
	if (!strstr(text, part))
		fail_msg("\"%s\" lacks \"%s\"", text, part);
	gpupt_error_free(error);
}

#endif
