/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_MMIO_LINUX_H
#define GPUPT_MMIO_LINUX_H

/* How Linux keeps the firmware's addresses and places what has none:
 * arch/x86/pci/i386.c, drivers/pci/setup-bus.c and setup-res.c. Shared by
 * linux.c (the order of events), linux-size.c (how large a bridge's windows
 * are) and linux-assign.c (where things go). */

#include "base/util.h"
#include "mmio/model.h"

enum { GPUPT_WINDOW_MEM, GPUPT_WINDOW_PREF, GPUPT_N_WINDOWS };

/* A bridge window that is to be placed. */
struct gpupt_linux_want {
	uint64_t size;
	uint64_t extra; /* size with what would be nice to have */
	uint64_t align;
	uint64_t extra_align;
	uint64_t old;	    /* a released window never shrinks, until 7.0 */
	bool from_firmware; /* the window as it stands is the firmware's */
	bool released;      /* since the last try */
};

/* Something on a bus that is to be placed. */
struct gpupt_linux_request {
	size_t function;
	unsigned int slot; /* index into bars[], or GPUPT_SLOT_WINDOW + which window */
	uint64_t size;
	uint64_t extra;
	uint64_t align;
	uint64_t extra_align;
	size_t next;
};
#define GPUPT_SLOT_WINDOW 7

struct gpupt_linux {
	struct gpupt_mmio_model *model;
	struct gpupt_linux_want (*wants)[GPUPT_N_WINDOWS];
	size_t root;                  /* the root bus whose turn it is */
	struct gpupt_space windows;   /* what its ACPI tables allow it */
	struct gpupt_space high, low; /* what is free of that, above and below 4 GiB */
	struct gpupt_space mem, pref; /* the bus at hand, behind a bridge */
	/* what a root bus had free before it was tried with all extras */
	struct gpupt_space saved_high, saved_low;
	struct gpupt_linux_request *requests;
	size_t n_requests, c_requests;
	bool *failed; /* by gpupt_linux_slot(): found no room this time */
	bool optional; /* this time there are things that would be nice to have */
};

/* Windows are sized without slack since 7.0 (3958bf16e2fe, bc75c8e50711, and
 * 9036bd0efcb6 in its stable releases). */
static inline bool gpupt_linux_is_tight(const struct gpupt_linux *kernel)
{
	return kernel->model->guest->kernel_version >= 700;
}

/* Larger ones are refused: "disabling BAR ...: bad alignment". pbus_size_mem()
 * counted up to 128 GiB until 5.18 and its stable releases, 5.15 the oldest. */
static inline bool gpupt_linux_too_large(const struct gpupt_linux *kernel, uint64_t align)
{
	unsigned int version = kernel->model->guest->kernel_version;
	if (version && version < 515)
		return align > 128 * GPUPT_GIB;
	return align > (gpupt_linux_is_tight(kernel) ? 128 : 8) * GPUPT_TIB;
}

static inline size_t gpupt_linux_slot(size_t function, unsigned int slot)
{
	return function * (GPUPT_SLOT_WINDOW + GPUPT_N_WINDOWS) + slot;
}

static inline struct gpupt_range *gpupt_linux_window(struct gpupt_linux *kernel, size_t bridge,
						     unsigned int which)
{
	struct gpupt_mmio_bus *bus = &kernel->model->buses[bridge];
	return which == GPUPT_WINDOW_PREF ? &bus->pref : &bus->mem;
}

/* 64-bit prefetchable ones go into the prefetchable window, all others into the
 * other one: __pci_bus_size_bridges(). */
static inline unsigned int gpupt_linux_window_for(const struct gpupt_mmio_bar *bar)
{
	return gpupt_is_pref64(bar) ? GPUPT_WINDOW_PREF : GPUPT_WINDOW_MEM;
}

/* Not those that size_window() disabled; they have their reason. */
static inline bool gpupt_linux_wanted(const struct gpupt_mmio_bar *bar)
{
	return bar->placed_by == GPUPT_MMIO_NOBODY && !bar->io && !bar->reason &&
	       gpupt_is_power_of_two(bar->size);
}

/* What VFs want is nice to have, and so are ROMs since 6.15: pci_resource_is_optional(). */
static inline bool gpupt_linux_is_must(const struct gpupt_linux *kernel,
				       const struct gpupt_mmio_bar *bar)
{
	if (gpupt_is_vf_bar(bar))
		return !kernel->optional;
	return bar->index != GPUPT_MMIO_ROM || !gpupt_linux_is_tight(kernel);
}

static inline struct gpupt_range gpupt_bar_range(const struct gpupt_mmio_bar *bar)
{
	return (struct gpupt_range){ bar->address, gpupt_add(bar->address, bar->size) };
}

/* A bridge on or behind the root bus at hand. */
static inline bool gpupt_linux_is_bridge_here(const struct gpupt_linux *kernel, size_t i)
{
	return kernel->model->root[i] == kernel->root &&
	       gpupt_is_bridge(&kernel->model->functions[i]);
}

/* The root bus, or one right behind it whose bridge decodes subtractively (of QEMU's only
 * i82801b11-bridge): to the kernel the root bus's windows are its own too. */
static inline bool gpupt_linux_is_open(const struct gpupt_linux *kernel, size_t bus)
{
	const struct gpupt_mmio_model *model = kernel->model;
	return bus == kernel->root ||
	       (model->parent[bus] == kernel->root && model->functions[bus].class_code == 0x060401);
}

/* Is the range inside the bridge's windows? Nothing is in those of a root bus. */
static inline bool gpupt_linux_in_windows(const struct gpupt_linux *kernel, size_t bus,
					  struct gpupt_range range)
{
	const struct gpupt_mmio_bus *windows = &kernel->model->buses[bus];
	return bus != kernel->root && (gpupt_range_holds(windows->pref, range.start, range.end) ||
				       gpupt_range_holds(windows->mem, range.start, range.end));
}

/* Fills in what the windows of every bridge there want. `optional`: with room for
 * hotplug as something nice to have; else it is a must. */
void gpupt_linux_size_windows(struct gpupt_linux *kernel, bool optional);

/* Places what is without an address on the bus behind function `bus`, or on a root
 * bus. 0 or GPUPT_E_NOMEM. */
int gpupt_linux_assign_bus(struct gpupt_linux *kernel, size_t bus);

#endif
