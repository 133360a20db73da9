/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PCI_INVENTORY_H
#define GPUPT_PCI_INVENTORY_H

/* How the readers fill an inventory: gpupt_inventory_new(), gpupt_inventory_add()
 * for every function, gpupt_inventory_seal(). After that nothing changes. */

#include <gpupt/inventory.h>

#include "base/error.h"
#include "base/util.h"

/* Limits on what is read; past them is GPUPT_E_LIMIT. */
#define GPUPT_PCI_FUNCTIONS_MAX 65536
#define GPUPT_PCI_TEXT_MAX (64 * GPUPT_MIB)

/* PCIe 6.0, 7.8.6: sizes go from 1 MiB (bit 0) to 8 EiB (bit 43). */
#define GPUPT_REBAR_SIZES_MASK ((UINT64_C(1) << 44) - 1)

#define GPUPT_CLASS_PCI_BRIDGE 0x0604u /* base class and subclass */
#define GPUPT_CLASS_DISPLAY 0x03u      /* base classes */
#define GPUPT_CLASS_ACCELERATOR 0x12u

GPUPT_DEFINE_CLEANUP(struct gpupt_inventory, gpupt_inventory_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_error, gpupt_error_free)

/* --- address.c --- */

/* Reads 1 to max_digits hexadecimal digits from *text and moves it past them;
 * false, and nothing moves, when there is none or one too many. */
bool gpupt_take_hex(const char **text, size_t max_digits, uint64_t *ret);

/* Moves *text past `prefix` when that is there. */
static inline bool gpupt_skip(const char **text, const char *prefix)
{
	size_t length = strlen(prefix);
	if (strncmp(*text, prefix, length) != 0)
		return false;
	*text += length;
	return true;
}

/* Reads "[domain:]bus:slot.function" at *text and moves it past. */
bool gpupt_take_pci_address(const char **text, struct gpupt_pci_address *ret);

/* --- inventory.c --- */

/* NULL when memory is short. */
struct gpupt_inventory *gpupt_inventory_new(void);

/* A copy of text[0..length) that lives as long as the inventory; NULL when
 * memory is short. It is fit for a terminal and for JSON: what is no UTF-8 and
 * what is a control character becomes '?'. */
const char *gpupt_inventory_keep(struct gpupt_inventory *inventory, const char *text,
				 size_t length);

/* Makes text from a file fit for a terminal and for JSON, in place. */
void gpupt_make_presentable(char *text, size_t length);

/* To be filled before sealing. */
struct gpupt_host *gpupt_inventory_edit_host(struct gpupt_inventory *inventory);
struct gpupt_pci_function *gpupt_inventory_edit(struct gpupt_inventory *inventory, size_t i);

/* A function about which nothing is known but where it is. */
struct gpupt_pci_function gpupt_pci_function_make(struct gpupt_pci_address address,
						  enum gpupt_source source);

/* Appends a copy; its strings must be gpupt_inventory_keep()s. */
int gpupt_inventory_add(struct gpupt_inventory *inventory,
			const struct gpupt_pci_function *function, struct gpupt_error **error);

/* Keeps a copy of what a file of the host says; one with the same path goes. */
int gpupt_inventory_add_firmware(struct gpupt_inventory *inventory,
				 const struct gpupt_host_firmware *firmware,
				 struct gpupt_error **error);

enum gpupt_duplicates {
	GPUPT_DUPLICATES_REFUSE,
	GPUPT_DUPLICATES_MERGE, /* the one that tells more about BARs wins */
};

/* Sorts, deals with functions listed twice, and fills in what the catalogue
 * knows. `name` stands in error messages. */
int gpupt_inventory_seal(struct gpupt_inventory *inventory, enum gpupt_duplicates duplicates,
			 const char *name, struct gpupt_error **error);

/* A boot display that already belongs to VFIO is no longer the host's console. */
static inline bool gpupt_pci_drives_console(const struct gpupt_pci_function *function)
{
	return function->boot_vga && !(function->driver && strstr(function->driver, "vfio"));
}

/* --- driver.c --- */

/* Whether VFIO holds the function, so that a guest can have it as it is. */
bool gpupt_pci_is_with_vfio(const struct gpupt_pci_function *function);

/* Whether a host driver holds the function, or may hold it, so that VFIO hands out
 * nothing of its IOMMU group (Linux drivers/vfio/group.c). */
bool gpupt_pci_holds_group(const struct gpupt_pci_function *function);

/* NULL, or why no device can have such BARs: static text. */
const char *gpupt_pci_bars_problem(const struct gpupt_bar *bars, size_t count);

/* --- catalogue.c --- */

/* Adds known_as, and the sizes of BARs of which the source does not tell. */
void gpupt_catalogue_complete(struct gpupt_pci_function *function);

/* For BARs whose numbers were guessed from their order: where the host lost the
 * large one, the one behind it (and the I/O ports) were counted in its place. */
void gpupt_catalogue_renumber(struct gpupt_pci_function *function);

/* --- copy.c --- */

/* Fills a new inventory with the host and the functions of another one, but for the
 * one at `but`, which may be NULL. */
int gpupt_inventory_copy(struct gpupt_inventory *to, const struct gpupt_inventory *from,
			 const struct gpupt_pci_address *but, struct gpupt_error **error);

/* --- resource.c --- */

/* Reads the text of a sysfs `resource` file into function->bars and, but for
 * bridges, ->vf_bars; is_bridge and total_vfs must be filled before. `name`
 * stands in error messages. */
int gpupt_sysfs_parse_resource(const char *text, size_t length, const char *name,
			       struct gpupt_pci_function *function, struct gpupt_error **error);

/* --- host.c --- */

/* Reads what /proc (open as proc) says about the host; absent files are fine. */
int gpupt_host_read_facts(struct gpupt_inventory *inventory, int proc,
			  struct gpupt_error **error);

/* Fills host_use: which functions hold mounted file systems or swap space, or
 * drive the boot display. sys is open on /sys; `live` tells that it is this
 * machine's own, so that device nodes can be asked too. proc may be -1. */
int gpupt_host_note_uses(struct gpupt_inventory *inventory, int sys, int proc, bool live,
			 struct gpupt_error **error);

/* --- file.c --- */

/* Reads a file below the directory `at`. 0 with *ret_text NULL when there is no
 * such file or it may not be read; GPUPT_E_LIMIT past max bytes unless truncate;
 * GPUPT_E_SYNTAX for what is no regular file. *ret_text gets a final NUL. */
struct gpupt_read {
	size_t max;
	bool truncate;
};
int gpupt_read_at(int at, const char *path, struct gpupt_read how, char **ret_text,
		  size_t *ret_length, struct gpupt_error **error);

/* Reads a symbolic link; false when there is none. */
#define GPUPT_LINK_MAX 1024
bool gpupt_readlink_at(int at, const char *path, char buffer[GPUPT_LINK_MAX]);

/* The part of path behind the last '/'. */
const char *gpupt_basename(const char *path);

/* --- snapshot.c, lspci.c --- */

int gpupt_snapshot_parse(const char *data, size_t length, const char *name,
			 struct gpupt_inventory **ret, struct gpupt_error **error);
int gpupt_lspci_parse(const char *data, size_t length, const char *name,
		      struct gpupt_inventory **ret, struct gpupt_error **error);

/* --- lspci-header.c --- */

/* The first line of a device; false when it is not one. */
bool gpupt_lspci_read_header(const char *line, struct gpupt_pci_function *ret);

/* "10de:1b39" at p */
bool gpupt_lspci_take_ids(const char *p, struct gpupt_pci_function *function);

#endif
