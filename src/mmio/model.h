/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_MMIO_MODEL_H
#define GPUPT_MMIO_MODEL_H

/* What the actors share while they place one guest's BARs. */

#include "mmio/mmio.h"
#include "mmio/space.h"

#define GPUPT_MMIO_NONE SIZE_MAX

/* A bus: the one behind functions[i], or the main root bus. Behind an expander it is a
 * root bus too. */
struct gpupt_mmio_bus {
	size_t first; /* functions on it, in order, through model.next[] */
	size_t last;
	/* The bridge's two memory windows as they stand; unused on root buses. */
	struct gpupt_range mem;
	struct gpupt_range pref;
};

struct gpupt_mmio_model {
	const struct gpupt_mmio_guest *guest;
	struct gpupt_mmio_function *functions;
	size_t n;
	struct gpupt_mmio_bus *buses; /* n + 1: the last is the main root bus */
	size_t *next;
	size_t *parent; /* bus a function is on */
	size_t *root;   /* root bus a function is on or behind */
	size_t *roots;  /* root buses in order: the main one, then those with functions */
	size_t n_roots;
	size_t *bridges; /* those of the functions that are, in order */
	size_t n_bridges;
	bool has_vf_bars;
	bool firmware_aborted;
	struct gpupt_range firmware_window; /* the firmware's own, above 4 GiB */
	struct gpupt_range window; /* the kernel's, above 4 GiB, on the main root bus */
	/* What OVMF and Linux work with: kept, since guests are placed again and again. */
	struct gpupt_ovmf *ovmf;
	struct gpupt_linux *kernel;
};

int gpupt_model_init(struct gpupt_mmio_model *model, const struct gpupt_mmio_guest *guest,
		     struct gpupt_mmio_function *functions, size_t n);
/* Back to nothing placed. */
void gpupt_model_reset(struct gpupt_mmio_model *model);
void gpupt_model_clear(struct gpupt_mmio_model *model);

/* First address past what a CPU with so many bits can reach; saturates. */
uint64_t gpupt_address_limit(unsigned int bits);

static inline bool gpupt_is_bridge(const struct gpupt_mmio_function *function)
{
	return function->kind != GPUPT_MMIO_ENDPOINT && function->kind != GPUPT_MMIO_EXPANDER;
}

/* A 64-bit prefetchable BAR: what goes into a bridge's prefetchable window. */
static inline bool gpupt_is_pref64(const struct gpupt_mmio_bar *bar)
{
	return bar->mem64 && bar->prefetchable;
}

/* A memory BAR that wants an address; the ROM and those of VFs apart. */
static inline bool gpupt_is_memory(const struct gpupt_mmio_bar *bar)
{
	return !bar->io && bar->index < 6 && bar->size && !(bar->size & (bar->size - 1));
}

#define GPUPT_MMIO_ROM 6

/* What SR-IOV virtual functions are to have: OVMF leaves room for it, SeaBIOS does not,
 * and the kernel makes do without. */
static inline bool gpupt_is_vf_bar(const struct gpupt_mmio_bar *bar)
{
	return bar->index > GPUPT_MMIO_ROM;
}

static inline bool gpupt_is_root(const struct gpupt_mmio_model *model, size_t bus)
{
	return bus == model->n || model->functions[bus].kind == GPUPT_MMIO_EXPANDER;
}

/* [start, end) that the firmware programmed above 4 GiB on the main root bus. */
struct gpupt_range gpupt_model_programmed(const struct gpupt_mmio_model *model);

/* QEMU. */
uint64_t gpupt_qemu_low_ram(const struct gpupt_mmio_guest *guest);
uint64_t gpupt_qemu_high_ram_start(const struct gpupt_mmio_guest *guest);
uint64_t gpupt_qemu_hole_bytes(const struct gpupt_mmio_guest *guest);
/* The largest hole that leaves an AMD guest's memory below 1 TiB; UINT64_MAX
 * where nothing is moved. */
uint64_t gpupt_qemu_max_hole_below_ht(const struct gpupt_mmio_guest *guest);
/* What the e820 map reserves above 4 GiB; may be empty. */
struct gpupt_range gpupt_qemu_reserved(const struct gpupt_mmio_guest *guest);
/* The 64-bit window of the ACPI tables, given what the firmware programmed. */
struct gpupt_range gpupt_qemu_window(const struct gpupt_mmio_guest *guest,
				     struct gpupt_range firmware);
/* What the ACPI tables give the kernel for a root bus, below and above 4 GiB. 0 or
 * GPUPT_E_NOMEM. */
int gpupt_acpi_windows(const struct gpupt_mmio_model *model, size_t root,
		       struct gpupt_space *ret);

/* The firmware: places BARs and windows. 0 or GPUPT_E_NOMEM. */
struct gpupt_range gpupt_ovmf_window(const struct gpupt_mmio_guest *guest);
struct gpupt_range gpupt_ovmf_low_window(const struct gpupt_mmio_guest *guest);
struct gpupt_range gpupt_ovmf_io_window(const struct gpupt_mmio_guest *guest);
uint64_t gpupt_ovmf_padding_io(const struct gpupt_mmio_guest *guest,
			       const struct gpupt_mmio_function *port);
uint64_t gpupt_ovmf_padding_pref(const struct gpupt_mmio_guest *guest,
				 const struct gpupt_mmio_function *port);
uint64_t gpupt_ovmf_padding_mem(const struct gpupt_mmio_function *port);
int gpupt_ovmf_place(struct gpupt_mmio_model *model);
void gpupt_ovmf_free(struct gpupt_ovmf *ovmf);
struct gpupt_range gpupt_seabios_low_window(const struct gpupt_mmio_guest *guest);
int gpupt_seabios_place(struct gpupt_mmio_model *model);

/* Each actor's part of gpupt_mmio_traits(), at most 16 bits: whatever version or CPU
 * flag it asks for has to show in it. */
#define GPUPT_MMIO_KERNEL_TRAITS (UINT64_C(0xffff) << 16)
unsigned int gpupt_qemu_traits(const struct gpupt_mmio_guest *guest);
unsigned int gpupt_ovmf_traits(const struct gpupt_mmio_guest *guest);
unsigned int gpupt_seabios_traits(const struct gpupt_mmio_guest *guest);
unsigned int gpupt_linux_traits(const struct gpupt_mmio_guest *guest);

/* Where OVMF and SeaBIOS put MMCONFIG on q35; 256 MiB. */
uint64_t gpupt_mmconfig_start(const struct gpupt_mmio_guest *guest);

/* The kernel: keeps what is sound and places the rest. 0 or GPUPT_E_NOMEM. */
int gpupt_linux_place(struct gpupt_mmio_model *model);
void gpupt_linux_free(struct gpupt_linux *kernel);

#endif
