/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts about the host from /proc, and what it uses its devices for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/str.h"
#include "pci/inventory.h"

#define STACK_MAX 8       /* block devices on top of each other */
#define USES_LENGTH_MAX 240
#define NVME_SUBSYSTEMS "devices/virtual/nvme-subsystem/"
#define FIRST_CPU ((struct gpupt_read){ .max = 64 * GPUPT_KIB, .truncate = true })
#define MOUNTS ((struct gpupt_read){ .max = 16 * GPUPT_MIB })

/* The value of a "key : value" line of /proc/cpuinfo; NULL when there is none. */
static const char *cpu_value(const char *text, const char *key, size_t *ret_length)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t length = strcspn(line, "\n");
		const char *colon = memchr(line, ':', length);
		if (!colon || strncmp(line, key, strlen(key)) != 0 ||
		    line + strlen(key) + strspn(line + strlen(key), " \t") != colon)
			continue;
		const char *value = colon + 1 + strspn(colon + 1, " \t");
		*ret_length = strcspn(value, "\n");
		return value;
	}
	return NULL;
}

static int read_line(struct gpupt_inventory *inventory, int proc, const char *path,
		     const char **ret, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	int r = gpupt_read_at(proc, path, FIRST_CPU, &text, NULL, error);
	if (r < 0 || !text || !text[strcspn(text, "\n")])
		return r;
	*ret = gpupt_inventory_keep(inventory, text, strcspn(text, "\n"));
	return *ret ? 0 : gpupt_fail_nomem(error);
}

/* The value of KEY= in os-release(5), quotes taken off; false when there is none. */
static bool os_value(const char *text, const char *key, const char **ret, size_t *ret_length)
{
	size_t key_length = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, key_length) != 0 || line[key_length] != '=')
			continue;
		const char *value = line + key_length + 1;
		size_t length = strcspn(value, "\n");
		if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
			value++;
			length -= 2;
		}
		*ret = value;
		*ret_length = length;
		return length > 0;
	}
	return false;
}

/* Which distribution this is: the one whose /usr is beside /proc. */
static int read_os(struct gpupt_inventory *inventory, int proc, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	int r = gpupt_read_at(proc, "../usr/lib/os-release", FIRST_CPU, &text, NULL, error);
	const char *id, *release;
	size_t id_length, release_length;
	if (r < 0 || !text || !os_value(text, "ID", &id, &id_length) ||
	    !os_value(text, "VERSION_ID", &release, &release_length))
		return r;
	GPUPT_AUTOFREE char *os = NULL;
	int length = asprintf(&os, "%.*s-%.*s", (int)id_length, id, (int)release_length, release);
	if (length < 0) {
		os = NULL;
		return gpupt_fail_nomem(error);
	}
	struct gpupt_host *host = gpupt_inventory_edit_host(inventory);
	host->os = gpupt_inventory_keep(inventory, os, (size_t)length);
	return host->os ? 0 : gpupt_fail_nomem(error);
}

int gpupt_host_read_facts(struct gpupt_inventory *inventory, int proc,
			  struct gpupt_error **error)
{
	struct gpupt_host *host = gpupt_inventory_edit_host(inventory);
	GPUPT_AUTOFREE char *cpuinfo = NULL;
	int r = gpupt_read_at(proc, "cpuinfo", FIRST_CPU, &cpuinfo, NULL, error);
	if (r < 0)
		return r;
	size_t length = 0;
	const char *vendor = cpu_value(cpuinfo, "vendor_id", &length);
	if (vendor && length) {
		host->cpu_vendor = gpupt_inventory_keep(inventory, vendor, length);
		if (!host->cpu_vendor)
			return gpupt_fail_nomem(error);
	}
	/* "46 bits physical, 48 bits virtual" */
	const char *sizes = cpu_value(cpuinfo, "address sizes", &length);
	unsigned long bits = sizes ? strtoul(sizes, NULL, 10) : 0;
	if (bits <= 64)
		host->phys_bits = (unsigned int)bits;
	r = read_line(inventory, proc, "sys/kernel/hostname", &host->hostname, error);
	if (r == 0)
		r = read_line(inventory, proc, "sys/kernel/osrelease", &host->kernel, error);
	return r < 0 ? r : read_os(inventory, proc, error);
}

struct uses {
	struct gpupt_inventory *inventory;
	int sys;
	bool live;
	struct gpupt_str *texts; /* one per function */
};

static void add_use(struct uses *uses, struct gpupt_pci_address address, const char *what,
		    const char *device)
{
	const struct gpupt_pci_function *function = gpupt_inventory_find(uses->inventory, address);
	if (!function)
		return;
	struct gpupt_str *text =
		&uses->texts[function - gpupt_inventory_get(uses->inventory, 0)];
	char in_parentheses[300];
	snprintf(in_parentheses, sizeof(in_parentheses), "(%s)", device);
	if (text->length > USES_LENGTH_MAX || (text->data && strstr(text->data, in_parentheses)))
		return;
	gpupt_str_addf(text, "%s%s %s", text->length ? ", " : "", what, in_parentheses);
}

/* The last component of a path that is a PCI address: the function itself, behind
 * all bridges. */
static bool last_pci_address(const char *path, struct gpupt_pci_address *ret)
{
	bool found = false;
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		struct gpupt_pci_address address;
		const char *end = p;
		if (gpupt_take_pci_address(&end, &address) && (*end == '/' || !*end)) {
			*ret = address;
			found = true;
		}
	}
	return found;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
#define AUTO_CLOSE_DIR __attribute__((cleanup(close_dir)))

static DIR *list(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* With native multipath a namespace hangs below no controller, but its subsystem
 * links to them (drivers/nvme/host/core.c, nvme_init_subsystem()). */
static void follow_nvme_subsystem(struct uses *uses, const char *subsystems, const char *what,
				  const char *device)
{
	char path[GPUPT_LINK_MAX];
	size_t length = strlen(NVME_SUBSYSTEMS);
	length += strcspn(subsystems + length, "/");
	snprintf(path, sizeof(path), "%.*s", (int)length, subsystems);
	AUTO_CLOSE_DIR DIR *dir = list(uses->sys, path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char controller[GPUPT_LINK_MAX];
		struct gpupt_pci_address address;
		if (gpupt_readlink_at(dirfd(dir), entry->d_name, controller) &&
		    last_pci_address(controller, &address))
			add_use(uses, address, what, device);
	}
}

/* Finds the functions below a block device, given as a link in sysfs; stacked
 * ones (device mapper, md) name what they are made of in slaves/. */
static void follow_block_device(struct uses *uses, int at, const char *path, const char *what,
				unsigned int depth)
{
	char link[GPUPT_LINK_MAX];
	struct gpupt_pci_address address;
	if (depth == STACK_MAX || !gpupt_readlink_at(at, path, link))
		return;
	const char *device = gpupt_basename(link);
	if (last_pci_address(link, &address)) {
		add_use(uses, address, what, device);
		return;
	}
	const char *subsystems = strstr(link, NVME_SUBSYSTEMS);
	if (subsystems) {
		follow_nvme_subsystem(uses, subsystems, what, device);
		return;
	}
	/* a partition's slaves are its disk's */
	static const char *const places[] = { "slaves", "../slaves" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(places); i++) {
		char slaves[GPUPT_LINK_MAX];
		if (snprintf(slaves, sizeof(slaves), "%s/%s", path, places[i]) >=
		    (int)sizeof(slaves))
			return;
		AUTO_CLOSE_DIR DIR *dir = list(at, slaves);
		for (struct dirent *entry; dir && (entry = readdir(dir));)
			if (entry->d_name[0] != '.')
				follow_block_device(uses, dirfd(dir), entry->d_name, what,
						    depth + 1);
		if (dir)
			return;
	}
}

static void follow_number(struct uses *uses, unsigned long major_number,
			  unsigned long minor_number, const char *what)
{
	char path[64];
	snprintf(path, sizeof(path), "dev/block/%lu:%lu", major_number, minor_number);
	follow_block_device(uses, uses->sys, path, what, 0);
}

/* "/dev/nvme0n1p2"; names such as /dev/mapper/root only the live system knows. */
static void follow_node(struct uses *uses, const char *node, const char *what)
{
	char path[GPUPT_LINK_MAX];
	struct stat st;
	if (strncmp(node, "/dev/", 5) != 0)
		return;
	if (uses->live && stat(node, &st) == 0 && S_ISBLK(st.st_mode)) {
		follow_number(uses, major(st.st_rdev), minor(st.st_rdev), what);
	} else if (!strchr(node + 5, '/') &&
		   snprintf(path, sizeof(path), "class/block/%s", node + 5) < (int)sizeof(path)) {
		follow_block_device(uses, uses->sys, path, what, 0);
	}
}

/* Undoes the kernel's \040 and the like (fs/seq_file.c, mangle_path()), in place;
 * a space is all that is common, the rest stays escaped. */
static void unescape(char *text)
{
	char *out = text;
	for (const char *p = text; *p;) {
		if (p[0] == '\\' && p[1] == '0' && p[2] == '4' && p[3] == '0') {
			*out++ = ' ';
			p += 4;
		} else {
			*out++ = *p++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /mount/point rw - ext4 /dev/sda1 rw" (proc(5)) */
static void note_mount(struct uses *uses, char *line)
{
	char *fields[5], *save = NULL;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(fields); i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return;
	}
	char *end;
	unsigned long major_number = strtoul(fields[2], &end, 10);
	if (*end != ':')
		return;
	unsigned long minor_number = strtoul(end + 1, NULL, 10);
	unescape(fields[4]);
	char what[200];
	snprintf(what, sizeof(what), "mounted file system %.120s", fields[4]);
	if (major_number) {
		follow_number(uses, major_number, minor_number, what);
		return;
	}
	/* btrfs has an anonymous device number; its source tells */
	char *dash = save ? strstr(save, "- ") : NULL;
	if (!dash || !strtok_r(dash + 2, " ", &save))
		return;
	const char *source = strtok_r(NULL, " ", &save);
	if (source)
		follow_node(uses, source, what);
}

static void note_swap(struct uses *uses, char *line)
{
	line[strcspn(line, " \t")] = '\0';
	follow_node(uses, line, "swap space");
}

static int for_each_line(struct uses *uses, int proc, const char *path,
			 void (*note)(struct uses *uses, char *line), struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	int r = gpupt_read_at(proc, path, MOUNTS, &text, NULL, error);
	if (r < 0 || !text)
		return r;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		note(uses, line);
	return 0;
}

static int store_uses(struct uses *uses, size_t count, struct gpupt_error **error)
{
	for (size_t i = 0; i < count; i++) {
		struct gpupt_str *text = &uses->texts[i];
		struct gpupt_pci_function *function = gpupt_inventory_edit(uses->inventory, i);
		if (gpupt_pci_drives_console(function))
			gpupt_str_addf(text, "%sboot display", text->length ? ", " : "");
		if (text->failed)
			return gpupt_fail_nomem(error);
		if (!text->length)
			continue;
		function->host_use =
			gpupt_inventory_keep(uses->inventory, text->data, text->length);
		if (!function->host_use)
			return gpupt_fail_nomem(error);
	}
	return 0;
}

int gpupt_host_note_uses(struct gpupt_inventory *inventory, int sys, int proc, bool live,
			 struct gpupt_error **error)
{
	size_t count = gpupt_inventory_count(inventory);
	struct uses uses = { .inventory = inventory, .sys = sys, .live = live };
	uses.texts = calloc(count ? count : 1, sizeof(*uses.texts));
	if (!uses.texts)
		return gpupt_fail_nomem(error);
	int r = 0;
	if (proc >= 0)
		r = for_each_line(&uses, proc, "self/mountinfo", note_mount, error);
	if (r == 0 && proc >= 0)
		r = for_each_line(&uses, proc, "swaps", note_swap, error);
	if (r == 0)
		r = store_uses(&uses, count, error);
	for (size_t i = 0; i < count; i++)
		gpupt_str_clear(&uses.texts[i]);
	free(uses.texts);
	return r;
}
