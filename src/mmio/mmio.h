/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_MMIO_MMIO_H
#define GPUPT_MMIO_MMIO_H

/* Where QEMU, the firmware and Linux put a guest's BARs: arithmetic only. One
 * file per actor. Knows nothing of XML, libvirt or the host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gpupt/firmware.h> /* enum gpupt_firmware_kind */

enum gpupt_machine_kind { GPUPT_MACHINE_Q35, GPUPT_MACHINE_I440FX };

/* The guest, but for its devices. Sizes in bytes. Versions as one number:
 * QEMU and machine types 7.2 -> 702, Linux 6.12 -> 612, edk2 stable202211 ->
 * 202211, SeaBIOS 1.16.3 -> 11603. */
struct gpupt_mmio_guest {
	enum gpupt_machine_kind machine;
	unsigned int machine_version; /* of the machine type */
	unsigned int qemu_version;
	uint64_t ram_bytes;
	uint64_t max_ram_bytes; /* <maxMemory>; 0 when there is none */
	unsigned int memory_slots;
	uint64_t epc_bytes; /* SGX enclave page cache, behind the RAM above 4 GiB */
	bool hole_set;       /* false: QEMU's default, 32 GiB on q35, 2 GiB on i440fx */
	uint64_t hole_bytes; /* pci-hole64-size as configured; QEMU takes it unrounded */
	unsigned int phys_bits;       /* the guest CPU's physical address width */
	unsigned int guest_phys_bits; /* CPUID 0x80000008 EAX[23:16]; 0: not reported */
	bool vendor_amd;   /* CPUID vendor string AuthenticAMD */
	bool vendor_intel; /* CPUID vendor string GenuineIntel */
	bool pages_1g;     /* CPUID pdpe1gb */
	enum gpupt_firmware_kind firmware;
	unsigned int firmware_version;
	bool has_window_override;     /* opt/ovmf/X-PciMmio64Mb is given */
	uint64_t window_override_mib; /* its value */
	bool firmware_keeps_override; /* an older OVMF with edk2 9ac1704af6 backported */
	unsigned int kernel_version;
	bool realloc; /* pci=realloc on the guest kernel's command line */
};

/* Addresses [start, end); empty unless start < end. */
struct gpupt_range {
	uint64_t start;
	uint64_t end;
};

static inline bool gpupt_range_empty(struct gpupt_range range)
{
	return range.start >= range.end;
}

/* One BAR of a guest function. `trapped` and the last three are results. */
enum gpupt_mmio_placer { GPUPT_MMIO_NOBODY, GPUPT_MMIO_FIRMWARE, GPUPT_MMIO_KERNEL };

struct gpupt_mmio_bar {
	uint64_t size;      /* power of two; that of all VFs together */
	unsigned int index; /* 0 to 5; 6 is the ROM; 7 to 12 are those of its SR-IOV VFs */
	bool io;
	bool mem64;
	bool prefetchable;
	bool trapped; /* nobody places it: its bridge's window stays as the firmware left it */
	enum gpupt_mmio_placer placed_by;
	uint64_t address;   /* nobody's but for one that the kernel gives and no bridge passes on */
	const char *reason; /* static text: why nobody places it; NULL otherwise */
};

enum gpupt_mmio_kind {
	GPUPT_MMIO_ENDPOINT,
	GPUPT_MMIO_ROOT_PORT,  /* pcie-root-port */
	GPUPT_MMIO_SWITCH,     /* pcie-switch-upstream-port and -downstream-port */
	GPUPT_MMIO_PCI_BRIDGE, /* pcie-to-pci-bridge, pci-bridge, dmi-to-pci-bridge */
	GPUPT_MMIO_EXPANDER,   /* pxb, pxb-pcie: what is behind it is on a root bus of its own */
};

/* One function of the guest. Ordered by bus (a bridge before what is behind
 * it), slot and function, as firmware and kernel enumerate. */
struct gpupt_mmio_function {
	enum gpupt_mmio_kind kind;
	int parent; /* index of the bridge it is behind; -1: the root bus */
	unsigned int slot;
	unsigned int function;
	uint32_t class_code; /* 24 bits */
	/* bridges only */
	bool hotplug;                /* slot with hotplug (a root port's default) */
	bool has_mem_reserve;        /* mem-reserve given */
	uint64_t mem_reserve;        /* bytes */
	bool has_pref64_reserve;     /* pref64-reserve given */
	uint64_t pref64_reserve;     /* bytes */
	unsigned int bus_number;     /* expanders only: their bus's, which orders them */
	struct gpupt_mmio_bar bars[7];
	size_t n_bars;
	void *cookie; /* the caller's: which device this is */
	/* results, bridges only: what they pass on, as the kernel leaves it */
	struct gpupt_range window_mem;  /* below 4 GiB */
	struct gpupt_range window_pref; /* 64-bit prefetchable */
};

/* What came of it. */
enum gpupt_mmio_outcome {
	GPUPT_MMIO_REFUSED,   /* QEMU does not start: phys-bits too low */
	GPUPT_MMIO_ALL_FIRMWARE, /* the firmware placed every BAR */
	GPUPT_MMIO_ALL,       /* the kernel placed what the firmware left */
	GPUPT_MMIO_SOME,      /* BARs are left without an address */
};

struct gpupt_mmio_result {
	enum gpupt_mmio_outcome outcome;
	bool firmware_aborted;  /* it programmed no PCI device at all: no boot from disk */
	bool firmware_stopped;  /* nor does it hand over to a kernel: no boot at all (SeaBIOS) */
	uint64_t hole_start;    /* pc_pci_hole64_start(): H */
	uint64_t max_hole;      /* largest pci-hole64-size QEMU starts with */
	uint64_t window_start;  /* 64-bit window the guest kernel gets: [S, E) */
	uint64_t window_end;
	uint64_t firmware_window_start; /* the firmware's own 64-bit window */
	uint64_t firmware_window_end;
	uint64_t highest_end;   /* end of the highest 64-bit BAR or bridge window in use */
};

/* A set of functions that is placed again and again, in this guest and that. Remembers
 * what the firmware did, for the kernel and the size of the hole come after it, and what
 * became of it in the end. */
struct gpupt_mmio_session {
	struct gpupt_mmio_function *functions;
	size_t n_functions;
	struct gpupt_mmio_session_state *state;
	uint64_t last_minimum; /* that was found: where to look first the next time */
};

/* 0 or GPUPT_E_NOMEM. The functions stay the caller's. */
int gpupt_mmio_session_init(struct gpupt_mmio_session *session,
			    struct gpupt_mmio_function *functions, size_t n_functions);
/* Forgets what was found out: a function is not what it was. */
void gpupt_mmio_session_forget(struct gpupt_mmio_session *session);
void gpupt_mmio_session_clear(struct gpupt_mmio_session *session);

/* Predicts where every BAR ends up; fills the results inside functions[].bars.
 * 0 or GPUPT_E_NOMEM. */
int gpupt_mmio_session_place(struct gpupt_mmio_session *session,
			     const struct gpupt_mmio_guest *guest,
			     struct gpupt_mmio_result *ret);

/* The smallest hole, in whole GiB, with which as many 64-bit BARs get an address
 * as with any size that QEMU starts with; 0 when none is needed. *ret_all tells
 * whether that places every 64-bit prefetchable BAR. The results inside functions[]
 * are then those of some other size. 0 or GPUPT_E_NOMEM. */
int gpupt_mmio_session_minimal_hole(struct gpupt_mmio_session *session,
				    const struct gpupt_mmio_guest *guest, uint64_t *ret_hole,
				    bool *ret_all);

/* The largest hole worth trying, in bytes and whole GiB: that QEMU starts with and
 * addresses reach. */
uint64_t gpupt_mmio_largest_hole(const struct gpupt_mmio_guest *guest);

/* The same for once; functions[] are left as they are with the hole found. */
int gpupt_mmio_place(const struct gpupt_mmio_guest *guest, struct gpupt_mmio_function *functions,
		     size_t n_functions, struct gpupt_mmio_result *ret);
int gpupt_mmio_minimal_hole(const struct gpupt_mmio_guest *guest,
			    struct gpupt_mmio_function *functions, size_t n_functions,
			    uint64_t *ret_hole, bool *ret_all);

/* What versions and CPU make of a difference to the model, as one number: guests
 * with the same one, and equal in machine type, memory, hole, address width, kind of
 * firmware, window override and realloc, are placed alike. */
uint64_t gpupt_mmio_traits(const struct gpupt_mmio_guest *guest);

/* QEMU alone: where the hole starts, and the largest hole it starts with
 * (UINT64_MAX: no check in this version). */
uint64_t gpupt_qemu_hole_start(const struct gpupt_mmio_guest *guest);
uint64_t gpupt_qemu_max_hole(const struct gpupt_mmio_guest *guest);
/* Whether QEMU does not start: for the hole, or as memory alone reaches too far. */
bool gpupt_qemu_refuses(const struct gpupt_mmio_guest *guest);

/* What of the guest's address space is taken before any BAR is placed. Ranges may
 * be empty. */
struct gpupt_mmio_memory {
	struct gpupt_range low;      /* RAM below 4 GiB */
	struct gpupt_range high;     /* RAM above it */
	struct gpupt_range hotplug;  /* kept for memory that is plugged in later */
	struct gpupt_range reserved; /* AMD's HyperTransport range */
};
struct gpupt_mmio_memory gpupt_qemu_memory(const struct gpupt_mmio_guest *guest);

/* The firmware's own 64-bit window, where it is settled beforehand (OVMF); else empty. */
struct gpupt_range gpupt_firmware_window(const struct gpupt_mmio_guest *guest);
/* Where the firmware puts BARs below 4 GiB. */
struct gpupt_range gpupt_firmware_low_window(const struct gpupt_mmio_guest *guest);

#endif
