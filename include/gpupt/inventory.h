/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_INVENTORY_H
#define GPUPT_INVENTORY_H

/**
 * @file
 * What a host has: PCI functions, their BARs, drivers and IOMMU groups.
 *
 * An inventory is the same value whatever it was read from: sysfs, a snapshot
 * file, pasted `lspci -vv` text or the catalogue of known GPUs. It is immutable;
 * everything a getter returns is borrowed and valid until
 * gpupt_inventory_free().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gpupt/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a PCI function is: domain:bus:slot.function. Since 0.1. */
struct gpupt_pci_address {
	uint32_t domain; /**< 0 to 0xffffffff; VMD and Hyper-V go past 16 bits */
	uint8_t bus;
	uint8_t slot;     /**< 0 to 31 */
	uint8_t function; /**< 0 to 7 */
};

/** Enough room for any text gpupt_pci_address_format() writes. Since 0.1. */
#define GPUPT_PCI_ADDRESS_TEXT_MAX 20

/**
 * Reads "0000:08:00.0", "08:00.0" or libvirt's "pci_0000_08_00_0".
 * @return 0, or GPUPT_E_SYNTAX also for a slot past 1f or a function past 7.
 *         Since 0.1.
 */
int gpupt_pci_address_parse(const char *text, struct gpupt_pci_address *ret_address,
			    struct gpupt_error **error);

/** Writes "0000:08:00.0" into @p buffer and returns it. Since 0.1. */
const char *gpupt_pci_address_format(struct gpupt_pci_address address,
				     char buffer[GPUPT_PCI_ADDRESS_TEXT_MAX]);

/** Orders by domain, bus, slot, function: negative, 0 or positive. Since 0.1. */
int gpupt_pci_address_compare(struct gpupt_pci_address a, struct gpupt_pci_address b);

/** BAR 0 to 5, then the expansion ROM. Since 0.1. */
#define GPUPT_BAR_ROM 6
#define GPUPT_BAR_COUNT 7

/** One base address register. A 64-bit BAR fills its own slot and leaves the
 *  next one empty (size_bytes 0 and not present). Since 0.1. */
struct gpupt_bar {
	bool present;      /**< the function implements this BAR */
	bool io;           /**< I/O ports, not memory */
	bool mem64;        /**< 64-bit memory BAR */
	bool prefetchable; /**< prefetchable memory BAR */
	bool assigned;     /**< the host gave it an address */
	bool enabled;      /**< false where the source shows it disabled */
	uint64_t address;  /**< host physical address; 0 when not assigned */
	uint64_t size_bytes; /**< 0 when the source does not tell */
	/** Resizable BAR: bit n set when a size of 2^n MiB is offered (PCIe 6.0,
	 *  7.8.6); 0 when the BAR cannot be resized or the source does not tell. */
	uint64_t resizable_sizes;
	/** The source does not tell size_bytes; it is the catalogue's for this
	 *  vendor:device. */
	bool size_from_catalogue;
};

/** Which reader a function came from. Since 0.1. */
enum gpupt_source {
	GPUPT_SOURCE_SYSFS,
	GPUPT_SOURCE_SNAPSHOT,
	GPUPT_SOURCE_LSPCI,
	GPUPT_SOURCE_CATALOGUE,
};

/** One PCI function of the host. May grow at its end. Since 0.1. */
struct gpupt_pci_function {
	struct gpupt_pci_address address;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code; /**< 24 bits: base class, subclass, interface: 0x030200 */
	bool is_bridge;      /**< header type 1: its BARs stay with the host */
	struct gpupt_bar bars[GPUPT_BAR_COUNT];
	struct gpupt_bar vf_bars[6]; /**< SR-IOV: BARs of ONE virtual function */
	uint16_t total_vfs;          /**< SR-IOV TotalVFs; 0 without SR-IOV */
	bool is_virtual_function;    /**< an SR-IOV VF (has a physfn) */
	int iommu_group;             /**< -1: none, or the source does not tell */
	bool iommu_group_known;      /**< false where the source cannot tell */
	const char *driver;          /**< bound host driver, or NULL */
	bool driver_known;           /**< false where the source cannot tell */
	bool boot_vga;               /**< drives the host's console */
	/** What the host uses the device for, such as "mounted file system /srv
	 *  (nvme0n1p1)" or "boot display"; NULL when nothing is known. */
	const char *host_use;
	enum gpupt_source source;
	/** Sizes come from a catalogue entry that has no published source. */
	bool assumed;
	/** Name from the catalogue, e.g. "Tesla V100"; NULL when not listed. */
	const char *known_as;
};

/** What one of the host's firmware files says of itself. Since 0.1. */
struct gpupt_host_firmware {
	const char *file;    /**< its path on the host */
	const char *name;    /**< "edk2-stable202502", "seabios-1.16.2" */
	const char *version; /**< in its own words, "2025.02-8+deb13u1", or NULL */
};

/** Facts about the host itself; zero or NULL where unknown. May grow at its
 *  end. Since 0.1. */
struct gpupt_host {
	unsigned int phys_bits;  /**< CPU physical address width, /proc/cpuinfo */
	const char *cpu_vendor;  /**< CPUID vendor string: "GenuineIntel" */
	const char *hostname;
	const char *kernel;      /**< uname release */
	/** Distribution and release, ID and VERSION_ID of os-release(5): "debian-12",
	 *  "ubuntu-24.04", "rhel-9.4". Tells which QEMU and firmware it ships. */
	const char *os;
	/** Firmware files that tell their release; see
	 *  gpupt_inventory_read_firmware(). */
	const struct gpupt_host_firmware *firmware;
	size_t n_firmware;
};

/** An inventory of one host. */
struct gpupt_inventory;

/**
 * Reads a running host's devices.
 * @param root  a directory laid out as /sys (it may hold "proc/cpuinfo" beside
 *              "bus/pci" for a saved tree); NULL means "/sys" and /proc
 * @return 0, GPUPT_E_NOT_FOUND (no bus/pci/devices there), GPUPT_E_IO,
 *         GPUPT_E_SYNTAX (a file says nonsense), GPUPT_E_LIMIT. Since 0.1.
 */
int gpupt_inventory_read_sysfs(const char *root, struct gpupt_inventory **ret,
			       struct gpupt_error **error);

/**
 * Reads a snapshot (JSON, see gpupt-snapshot(5)) or `lspci -vv` text; the format
 * is detected. @p name stands in error messages.
 * @return 0, GPUPT_E_SYNTAX, GPUPT_E_UNSUPPORTED (a future version),
 *         GPUPT_E_LIMIT. Since 0.1.
 */
int gpupt_inventory_parse(const char *data, size_t length, const char *name,
			  struct gpupt_inventory **ret, struct gpupt_error **error);

/**
 * Returns a copy of @p base (NULL: an empty host) with one function more, or
 * replaced, taken from the catalogue: "0000:08:00.0=10de:2330".
 * @return 0, GPUPT_E_SYNTAX, GPUPT_E_NOT_FOUND (not in the catalogue; the
 *         message names near entries). Since 0.1.
 */
int gpupt_inventory_assume(const struct gpupt_inventory *base, const char *assumption,
			   struct gpupt_inventory **ret, struct gpupt_error **error);

/**
 * Returns a copy of @p base that does not tell which distribution the host runs
 * (gpupt_host's os): for a program in a container, where os-release(5) is the
 * container's, and neither tells of the QEMU and firmware that the guest gets.
 * @return 0 or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_inventory_without_os(const struct gpupt_inventory *base, struct gpupt_inventory **ret,
			       struct gpupt_error **error);

/**
 * Returns a copy of @p base that also knows what this machine's firmware file @p file
 * says of itself. A file that is not there, that is no firmware or that does not tell
 * its release adds nothing.
 * @param file  NULL: the files that distributions install
 * @return 0, GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_inventory_read_firmware(const struct gpupt_inventory *base, const char *file,
				  struct gpupt_inventory **ret, struct gpupt_error **error);

/** Writes the inventory as a snapshot; *ret_text is freed with free().
 *  @return 0 or GPUPT_E_NOMEM. Since 0.1. */
int gpupt_inventory_write_snapshot(const struct gpupt_inventory *inventory, char **ret_text,
				   size_t *ret_length, struct gpupt_error **error);

/** Frees @p inventory. NULL is fine. Since 0.1. */
void gpupt_inventory_free(struct gpupt_inventory *inventory);

/** Returns how many functions there are, ordered by address. Since 0.1. */
size_t gpupt_inventory_count(const struct gpupt_inventory *inventory);

/** Returns function @p i, counted from 0; NULL past the end. Since 0.1. */
const struct gpupt_pci_function *gpupt_inventory_get(const struct gpupt_inventory *inventory,
						     size_t i);

/** Returns the function at @p address, or NULL. Since 0.1. */
const struct gpupt_pci_function *gpupt_inventory_find(const struct gpupt_inventory *inventory,
						      struct gpupt_pci_address address);

/** Returns whether a function is worth passing through: a display controller, an
 *  accelerator, what has a 64-bit BAR of 256 MiB or more, or what waits for VFIO
 *  already. Since 0.1. */
bool gpupt_pci_function_is_candidate(const struct gpupt_pci_function *function);

/** Returns facts about the host; never NULL. Since 0.1. */
const struct gpupt_host *gpupt_inventory_get_host(const struct gpupt_inventory *inventory);

/**
 * Returns the functions a selector means, ordered by address: an address in any
 * spelling of gpupt_pci_address_parse(), "VENDOR:DEVICE" (all that match), or
 * "gpu" (all display controllers, class 0x03, that do not drive the host's
 * console; those that do are left out).
 * @param ret_addresses  freed with free(); never NULL on success
 * @return 0, GPUPT_E_SYNTAX, GPUPT_E_NOT_FOUND. Since 0.1.
 */
int gpupt_inventory_select(const struct gpupt_inventory *inventory, const char *selector,
			   struct gpupt_pci_address **ret_addresses, size_t *ret_count,
			   struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
