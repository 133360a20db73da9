/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host's PCI functions from sysfs, or from a saved copy of it, which may lack
 * most files. Links are read, not followed, except for the device directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pci/inventory.h"

#define SMALL_FILE ((struct gpupt_read){ .max = 64 * GPUPT_KIB })
#define CONFIG_HEADER_SIZE 64 /* all that others than root may read */

/* Configuration space, PCI 3.0, 6.1 */
#define CONFIG_COMMAND 0x04
#define COMMAND_IO 0x1
#define COMMAND_MEMORY 0x2
#define CONFIG_HEADER_TYPE 0x0e
#define HEADER_TYPE_MASK 0x7f
#define HEADER_TYPE_BRIDGE 1
#define CONFIG_BAR0 0x10
#define BAR_IO 0x1
#define BAR_TYPE_MASK 0x6
#define BAR_TYPE_64 0x4
#define BAR_PREFETCH 0x8

struct tree {
	struct gpupt_inventory *inventory;
	int sys;
	int proc;         /* -1: none */
	int devices;      /* bus/pci/devices */
	bool live;        /* a mounted sysfs, where an absent file is a fact */
	bool has_groups;  /* kernel/iommu_groups exists */
};

/* Paths relative to tree->devices, so that messages name the device too. */
#define ATTRIBUTE_MAX 300
static const char *attribute(char buffer[ATTRIBUTE_MAX], const char *device, const char *file)
{
	snprintf(buffer, ATTRIBUTE_MAX, "%s/%s", device, file);
	return buffer;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(close_fd)))

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int open_directory(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A file with one number, decimal or with 0x; *ret is untouched without it. */
static int read_number(const struct tree *tree, const char *device, const char *file,
		       uint64_t max, uint64_t *ret, bool *ret_present, struct gpupt_error **error)
{
	char path[ATTRIBUTE_MAX];
	GPUPT_AUTOFREE char *text = NULL;
	int r = gpupt_read_at(tree->devices, attribute(path, device, file), SMALL_FILE, &text,
			      NULL, error);
	if (ret_present)
		*ret_present = text;
	if (r < 0 || !text)
		return r;
	char *end;
	errno = 0;
	uint64_t number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	bool digits = end > text && text[0] >= '0' && text[0] <= '9';
	if (!digits || errno || (strcmp(end, "\n") != 0 && *end) || number > max)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "%s holds no number up to %#llx", path,
				  (unsigned long long)max);
	*ret = number;
	return 0;
}

static int read_config(const struct tree *tree, const char *device,
		       uint8_t config[CONFIG_HEADER_SIZE], bool *ret_present,
		       struct gpupt_error **error)
{
	char path[ATTRIBUTE_MAX];
	GPUPT_AUTOFREE char *data = NULL;
	size_t length = 0;
	struct gpupt_read header = { .max = CONFIG_HEADER_SIZE, .truncate = true };
	int r = gpupt_read_at(tree->devices, attribute(path, device, "config"), header, &data,
			      &length, error);
	if (r < 0)
		return r;
	*ret_present = false;
	if (!data || length < CONFIG_HEADER_SIZE)
		return 0;
	memcpy(config, data, CONFIG_HEADER_SIZE);
	/* all ones: the device does not answer */
	*ret_present = !(config[0] == 0xff && config[1] == 0xff);
	return 0;
}

static int read_identity(const struct tree *tree, const char *device,
			 struct gpupt_pci_function *function, const uint8_t *config,
			 struct gpupt_error **error)
{
	uint64_t vendor = 0, id = 0, class_code = 0;
	if (config) {
		vendor = config[0] | (uint64_t)config[1] << 8;
		id = config[2] | (uint64_t)config[3] << 8;
		class_code = config[9] | (uint64_t)config[10] << 8 | (uint64_t)config[11] << 16;
	}
	int r = read_number(tree, device, "vendor", 0xffff, &vendor, NULL, error);
	if (r == 0)
		r = read_number(tree, device, "device", 0xffff, &id, NULL, error);
	if (r == 0)
		r = read_number(tree, device, "class", 0xffffff, &class_code, NULL, error);
	if (r < 0)
		return r;
	function->vendor = (uint16_t)vendor;
	function->device = (uint16_t)id;
	function->class_code = (uint32_t)class_code;
	function->is_bridge = class_code >> 8 == GPUPT_CLASS_PCI_BRIDGE ||
			      (config && (config[CONFIG_HEADER_TYPE] & HEADER_TYPE_MASK) ==
						 HEADER_TYPE_BRIDGE);
	return 0;
}

/* BARs that Linux forgot (see resource.c) still show their kind in the low bits
 * of the register; which is 0 for an unplaced 32-bit non-prefetchable one. */
static void recall_lost_bars(struct gpupt_bar *bars, const uint8_t *config)
{
	for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
		const uint8_t *reg = config + CONFIG_BAR0 + 4 * i;
		bool upper_half = i > 0 && bars[i - 1].present && bars[i - 1].mem64;
		if (bars[i].present || upper_half || !(reg[0] | reg[1] | reg[2] | reg[3]))
			continue;
		bool io = reg[0] & BAR_IO;
		bool mem64 = !io && (reg[0] & BAR_TYPE_MASK) == BAR_TYPE_64;
		if (mem64 && (i + 1 == GPUPT_BAR_ROM || bars[i + 1].present))
			continue;
		bars[i] = (struct gpupt_bar){
			.present = true,
			.io = io,
			.mem64 = mem64,
			.prefetchable = !io && reg[0] & BAR_PREFETCH,
			.enabled = true,
		};
	}
}

/* Whether the function decodes at all: its command register, or whether a driver
 * enabled it where that cannot be read. A virtual function's register is fixed. */
static int read_enabled(const struct tree *tree, const char *device,
			struct gpupt_pci_function *function, const uint8_t *config,
			struct gpupt_error **error)
{
	bool io = true, memory = true;
	if (function->is_virtual_function)
		return 0;
	if (config) {
		io = config[CONFIG_COMMAND] & COMMAND_IO;
		memory = config[CONFIG_COMMAND] & COMMAND_MEMORY;
	} else {
		uint64_t enabled = 1;
		int r = read_number(tree, device, "enable", INT32_MAX, &enabled, NULL, error);
		if (r < 0)
			return r;
		io = memory = enabled;
	}
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		if (function->bars[i].present)
			function->bars[i].enabled &= function->bars[i].io ? io : memory;
	return 0;
}

/* resourceN_resize: bit n for 2^n MiB, hexadecimal without 0x (pci-sysfs.c,
 * __resource_resize_show(), since 6.1). */
static int read_resizable(const struct tree *tree, const char *device,
			  struct gpupt_bar bars[GPUPT_BAR_COUNT], struct gpupt_error **error)
{
	for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
		if (!bars[i].present || bars[i].io)
			continue;
		char path[ATTRIBUTE_MAX], file[32];
		GPUPT_AUTOFREE char *text = NULL;
		snprintf(file, sizeof(file), "resource%zu_resize", i);
		int r = gpupt_read_at(tree->devices, attribute(path, device, file), SMALL_FILE,
				      &text, NULL, error);
		if (r < 0)
			return r;
		if (!text)
			continue;
		const char *p = text;
		uint64_t sizes;
		if (!gpupt_take_hex(&p, 16, &sizes) || (strcmp(p, "\n") != 0 && *p) ||
		    sizes & ~GPUPT_REBAR_SIZES_MASK)
			return gpupt_fail(error, GPUPT_E_SYNTAX, "%s holds no set of sizes", path);
		bars[i].resizable_sizes = sizes;
	}
	return 0;
}

static int read_bars(const struct tree *tree, const char *device,
		     struct gpupt_pci_function *function, const uint8_t *config,
		     struct gpupt_error **error)
{
	char path[ATTRIBUTE_MAX];
	GPUPT_AUTOFREE char *text = NULL;
	size_t length = 0;
	uint64_t total_vfs = 0;
	int r = read_number(tree, device, "sriov_totalvfs", UINT16_MAX, &total_vfs, NULL, error);
	if (r < 0)
		return r;
	function->total_vfs = (uint16_t)total_vfs;
	r = gpupt_read_at(tree->devices, attribute(path, device, "resource"), SMALL_FILE, &text,
			  &length, error);
	if (r == 0 && text)
		r = gpupt_sysfs_parse_resource(text, length, path, function, error);
	if (r < 0)
		return r;
	if (config && !function->is_bridge && !function->is_virtual_function)
		recall_lost_bars(function->bars, config);
	r = read_enabled(tree, device, function, config, error);
	return r < 0 ? r : read_resizable(tree, device, function->bars, error);
}

/* The link `driver`, or DRIVER= in `uevent`, which copying keeps. */
static int read_driver(const struct tree *tree, const char *device,
		       struct gpupt_pci_function *function, struct gpupt_error **error)
{
	static const char key[] = "DRIVER=";
	char path[ATTRIBUTE_MAX], link[GPUPT_LINK_MAX];
	GPUPT_AUTOFREE char *uevent = NULL;
	const char *name = NULL;
	size_t length = 0;
	if (gpupt_readlink_at(tree->devices, attribute(path, device, "driver"), link)) {
		name = gpupt_basename(link);
		length = strlen(name);
	} else if (!tree->live) {
		int r = gpupt_read_at(tree->devices, attribute(path, device, "uevent"),
				      SMALL_FILE, &uevent, NULL, error);
		if (r < 0)
			return r;
		for (const char *line = uevent; line && *line; line = strchr(line, '\n')) {
			line += *line == '\n';
			if (strncmp(line, key, strlen(key)) == 0) {
				name = line + strlen(key);
				length = strcspn(name, "\n");
				break;
			}
		}
	}
	function->driver_known = name || uevent || tree->live;
	if (!name || !length)
		return 0;
	function->driver = gpupt_inventory_keep(tree->inventory, name, length);
	return function->driver ? 0 : gpupt_fail_nomem(error);
}

static int read_group(const struct tree *tree, const char *device,
		      struct gpupt_pci_function *function, struct gpupt_error **error)
{
	char path[ATTRIBUTE_MAX], link[GPUPT_LINK_MAX];
	function->iommu_group_known = tree->live || tree->has_groups;
	if (!gpupt_readlink_at(tree->devices, attribute(path, device, "iommu_group"), link))
		return 0;
	const char *name = gpupt_basename(link);
	char *end;
	errno = 0;
	long group = strtol(name, &end, 10);
	if (end == name || *end || errno || group < 0 || group > INT32_MAX)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "%s points to no IOMMU group", path);
	function->iommu_group = (int)group;
	function->iommu_group_known = true;
	return 0;
}

static int read_function(const struct tree *tree, const char *device,
			 struct gpupt_pci_address address, struct gpupt_error **error)
{
	struct gpupt_pci_function function =
		gpupt_pci_function_make(address, GPUPT_SOURCE_SYSFS);
	uint8_t config_buffer[CONFIG_HEADER_SIZE];
	bool has_config;
	int r = read_config(tree, device, config_buffer, &has_config, error);
	if (r < 0)
		return r;
	const uint8_t *config = has_config ? config_buffer : NULL;
	char path[ATTRIBUTE_MAX], link[GPUPT_LINK_MAX];
	function.is_virtual_function =
		gpupt_readlink_at(tree->devices, attribute(path, device, "physfn"), link);
	/* A virtual function's own id registers read as all ones (SR-IOV 1.1, 3.4.1);
	 * its sysfs files have the right ones, and no config is of use. */
	if (function.is_virtual_function)
		config = NULL;
	r = read_identity(tree, device, &function, config, error);
	if (r == 0)
		r = read_bars(tree, device, &function, config, error);
	if (r == 0)
		r = read_driver(tree, device, &function, error);
	if (r == 0)
		r = read_group(tree, device, &function, error);
	uint64_t boot_vga = 0;
	if (r == 0 && function.class_code >> 16 == 0x03)
		r = read_number(tree, device, "boot_vga", 1, &boot_vga, NULL, error);
	if (r < 0)
		return r;
	function.boot_vga = boot_vga;
	return gpupt_inventory_add(tree->inventory, &function, error);
}

static int fail_list(int number, struct gpupt_error **error)
{
	if (number == ENOMEM)
		return gpupt_fail_nomem(error);
	return gpupt_fail(error, GPUPT_E_IO, "cannot list bus/pci/devices: %s", strerror(number));
}

static int read_devices(const struct tree *tree, struct gpupt_error **error)
{
	int fd = dup(tree->devices);
	__attribute__((cleanup(close_dir))) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		return fail_list(saved, error);
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry && errno)
			return fail_list(errno, error);
		if (!entry)
			return 0;
		const char *p = entry->d_name;
		struct gpupt_pci_address address;
		if (!gpupt_take_pci_address(&p, &address) || *p)
			continue;
		int r = read_function(tree, entry->d_name, address, error);
		if (r < 0)
			return r;
	}
}

static bool is_filesystem(int fd, long magic)
{
	struct statfs st;
	return fstatfs(fd, &st) == 0 && (long)st.f_type == magic;
}

/* /proc for /sys; for a saved tree ROOT/proc or ROOT/../proc, but never this
 * machine's own: a tree saved as /saved must not get facts from /proc. */
static int open_proc(const char *root, int sys, bool live)
{
	if (!root)
		return open_directory(AT_FDCWD, "/proc");
	int proc = open_directory(sys, "proc");
	if (proc >= 0)
		return proc;
	proc = open_directory(sys, "../proc");
	if (proc >= 0 && is_filesystem(proc, PROC_SUPER_MAGIC) != live) {
		close(proc);
		return -1;
	}
	return proc;
}

static int read_tree(struct tree *tree, const char *name, struct gpupt_error **error)
{
	int r = read_devices(tree, error);
	if (r == 0)
		r = gpupt_inventory_seal(tree->inventory, GPUPT_DUPLICATES_REFUSE, name, error);
	if (r == 0 && tree->proc >= 0)
		r = gpupt_host_read_facts(tree->inventory, tree->proc, error);
	if (r == 0)
		r = gpupt_host_note_uses(tree->inventory, tree->sys, tree->proc, tree->live,
					 error);
	return r;
}

GPUPT_EXPORT int gpupt_inventory_read_sysfs(const char *root, struct gpupt_inventory **ret,
					    struct gpupt_error **error)
{
	const char *name = root ? root : "/sys";
	AUTO_CLOSE int sys = open_directory(AT_FDCWD, name);
	if (sys < 0)
		return gpupt_fail(error, errno == ENOENT || errno == ENOTDIR ? GPUPT_E_NOT_FOUND
									     : GPUPT_E_IO,
				  "cannot open %s: %s", name, strerror(errno));
	AUTO_CLOSE int devices = open_directory(sys, "bus/pci/devices");
	if (devices < 0)
		return gpupt_fail(error, errno == ENOENT || errno == ENOTDIR ? GPUPT_E_NOT_FOUND
									     : GPUPT_E_IO,
				  "no PCI devices in %s: cannot open bus/pci/devices: %s", name,
				  strerror(errno));
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	bool live = is_filesystem(sys, SYSFS_MAGIC);
	AUTO_CLOSE int proc = open_proc(root, sys, live);
	struct stat st;
	struct tree tree = {
		.inventory = made,
		.sys = sys,
		.proc = proc,
		.devices = devices,
		.live = live,
		.has_groups = fstatat(sys, "kernel/iommu_groups", &st, 0) == 0,
	};
	int r = read_tree(&tree, name, error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
