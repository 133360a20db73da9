/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOCTOR_DOCTOR_H
#define GPUPT_DOCTOR_DOCTOR_H

/* What the checks share. A check writes what it saw, what it could not see, and
 * findings; it never fails: memory that is short sticks in `no_memory`. */

#include <dirent.h>

#include <gpupt/doctor.h>

#include "base/arena.h"
#include "base/str.h"
#include "pci/inventory.h"
#include "plan/finding.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_checkup, gpupt_checkup_free)

/* ---- tree.c: files below the directories of one host, links not followed */

enum gpupt_place_in_host { GPUPT_IN_SYS, GPUPT_IN_PROC, GPUPT_IN_ROOT, GPUPT_N_PLACES };

struct gpupt_tree {
	int places[GPUPT_N_PLACES];  /* -1: cannot be opened */
	int numbers[GPUPT_N_PLACES]; /* errno: why; 0: nobody tried */
	bool live;                  /* this machine's own */
	bool no_memory;             /* sticks */
};

/* No files at all: what an inventory records is all there is. */
static inline struct gpupt_tree gpupt_tree_none(void)
{
	return (struct gpupt_tree){ .places = { -1, -1, -1 } };
}

/* Opens a directory laid out as /sys, and what is beside it. */
int gpupt_tree_open(const char *sysfs, struct gpupt_tree *ret, struct gpupt_error **error);
void gpupt_tree_close(struct gpupt_tree *tree);

/* Why a file was not read. */
struct gpupt_trouble {
	bool absent; /* there is no such file, and that was seen */
	char text[160]; /* "/proc/cmdline: Permission denied" */
};

/* The text of a file, NUL-terminated, to be freed with free(); NULL: see *trouble. */
char *gpupt_tree_read(struct gpupt_tree *tree, enum gpupt_place_in_host place,
		      const char *path, size_t max, struct gpupt_trouble *trouble);
/* The same for a file of one line, without its newline, fit for a terminal and JSON. */
char *gpupt_tree_read_line(struct gpupt_tree *tree, enum gpupt_place_in_host place,
			   const char *path, struct gpupt_trouble *trouble);
/* A directory, to be closed by closedir(). */
DIR *gpupt_tree_list(const struct gpupt_tree *tree, enum gpupt_place_in_host place,
		     const char *path, struct gpupt_trouble *trouble);
/* The next entry that is not hidden; NULL at the end, and where dir is NULL. */
const char *gpupt_tree_next(DIR *dir);
void gpupt_tree_close_dir(DIR **dir);
#define GPUPT_AUTO_CLOSE_DIR __attribute__((cleanup(gpupt_tree_close_dir)))

/* ---- doctor.c */

struct gpupt_examined {
	const struct gpupt_pci_function *function;
	const struct gpupt_hostdev *hostdev; /* the domain's entry; NULL: not its device */
};

/* A check in the making. */
struct gpupt_writing {
	const char *name;
	struct gpupt_str seen, unseen;
	struct gpupt_findings findings;
};

struct gpupt_making_checkup {
	const struct gpupt_inventory *inventory; /* may be NULL */
	const struct gpupt_checkup_options *options;
	const struct gpupt_domain *domain; /* may be NULL */
	const struct gpupt_host *host;     /* may be NULL */
	struct gpupt_tree tree;
	struct gpupt_arena **arena;
	struct gpupt_examined *devices; /* by address */
	size_t n_devices, c_devices;
	char *cmdline; /* the host kernel's; NULL: see cmdline_trouble */
	struct gpupt_trouble cmdline_trouble;
	char *vendor, *product; /* DMI's; may be NULL */
	struct gpupt_writing *check; /* the one being made */
	bool no_memory;
};

/* For "%zu function%s" */
#define GPUPT_PLURAL(n) ((n) == 1 ? "" : "s")

#define GPUPT_FOR_EACH_DEVICE(making, device) \
	for (const struct gpupt_examined *device = (making)->devices; \
	     device < (making)->devices + (making)->n_devices; device++)

/* What the check saw, and what it did not: parts of one sentence, "; " between. */
void gpupt_checkup_saw(struct gpupt_making_checkup *making, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gpupt_checkup_missed(struct gpupt_making_checkup *making, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A finding; its place is that of the device's entry in the domain, if any. */
void gpupt_checkup_found(struct gpupt_making_checkup *making, enum gpupt_finding_number number,
			 const struct gpupt_examined *device, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* What to do about the newest finding, where more is known than findings.def says. */
void gpupt_checkup_advise(struct gpupt_making_checkup *making, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says what every check of devices has to say where there is none; true: nothing to do. */
bool gpupt_checkup_lacks_devices(struct gpupt_making_checkup *making);
/* NULL: not one of those looked at. */
const struct gpupt_examined *gpupt_examined_find(const struct gpupt_making_checkup *making,
						 struct gpupt_pci_address address);
/* The size of the device's largest 64-bit BAR. */
uint64_t gpupt_examined_largest_bar(const struct gpupt_examined *device);

/* ---- kernel.c: the host kernel's command line, its drivers */

/* The value of the last NAME=VALUE of the command line, "" for a bare NAME; - and _
 * are the same. False without such an option. */
bool gpupt_cmdline_get(const char *cmdline, const char *name, const char **ret_value,
		       size_t *ret_length);
/* Whether the value of an option, a list with commas, has that word. */
bool gpupt_cmdline_has(const char *cmdline, const char *name, const char *word);

void gpupt_check_iommu(struct gpupt_making_checkup *making);
void gpupt_check_vfio(struct gpupt_making_checkup *making);
void gpupt_check_kernel(struct gpupt_making_checkup *making);

/* ---- devices.c */
void gpupt_check_bars(struct gpupt_making_checkup *making);
void gpupt_check_drivers(struct gpupt_making_checkup *making);
void gpupt_check_use(struct gpupt_making_checkup *making);

/* ---- groups.c */
void gpupt_check_groups(struct gpupt_making_checkup *making);

/* ---- memory.c */
void gpupt_check_memory(struct gpupt_making_checkup *making);

/* ---- versions.c, packages.c */
void gpupt_check_versions(struct gpupt_making_checkup *making);

/* The first three numbers of a version, "1:10.0.2+ds-2" or "2022.11-6"; false where
 * there are not two at least. An epoch is skipped. */
bool gpupt_version_parse(const char *text, unsigned int ret_numbers[3]);

/* The version of an installed package in the text of dpkg's status file, copied into
 * the buffer; false: not installed. */
#define GPUPT_VERSION_MAX 64
bool gpupt_dpkg_find(const char *status, const char *package, char version[GPUPT_VERSION_MAX]);

#endif
