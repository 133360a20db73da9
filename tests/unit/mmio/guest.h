/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_MMIO_GUEST_H
#define GPUPT_TESTS_MMIO_GUEST_H

/* Guests put together in a few words. */

#include "unit.h"

#include "mmio/mmio.h"

#define GIB GPUPT_GIB
#define MIB GPUPT_MIB
#define MAX_FUNCTIONS 80

struct machine {
	struct gpupt_mmio_guest guest;
	struct gpupt_mmio_function functions[MAX_FUNCTIONS];
	size_t n;
	struct gpupt_mmio_result result;
};

/* q35 with 512 MiB and 40 bits that say GenuineIntel: OVMF does not trust them. */
static inline struct machine machine(void)
{
	return (struct machine){ .guest = {
		.machine = GPUPT_MACHINE_Q35,
		.machine_version = 702,
		.qemu_version = 702,
		.ram_bytes = 512 * MIB,
		.phys_bits = 40,
		.vendor_intel = true,
		.firmware = GPUPT_FIRMWARE_OVMF,
		.firmware_version = 202211,
		.kernel_version = 601,
	} };
}

static inline struct gpupt_mmio_function *add_function(struct machine *machine,
						       enum gpupt_mmio_kind kind, int parent)
{
	struct gpupt_mmio_function *made = &machine->functions[machine->n++];
	*made = (struct gpupt_mmio_function){ .kind = kind, .parent = parent,
					      .class_code = 0x030200 };
	return made;
}

static inline int add_port(struct machine *machine)
{
	int index = (int)machine->n;
	struct gpupt_mmio_function *port = add_function(machine, GPUPT_MMIO_ROOT_PORT, -1);
	port->hotplug = true;
	port->class_code = 0x060400;
	return index;
}

static inline void add_bar(struct gpupt_mmio_function *function, unsigned int index,
			   uint64_t size, bool mem64, bool prefetchable)
{
	function->bars[function->n_bars++] = (struct gpupt_mmio_bar){
		.index = index, .size = size, .mem64 = mem64, .prefetchable = prefetchable };
}

/* A GPU behind `parent`; sizes of 0 are left out. */
static inline struct gpupt_mmio_function *add_gpu(struct machine *machine, int parent,
						  uint64_t bar0, uint64_t memory, uint64_t third)
{
	struct gpupt_mmio_function *gpu = add_function(machine, GPUPT_MMIO_ENDPOINT, parent);
	if (bar0)
		add_bar(gpu, 0, bar0, false, false);
	if (memory)
		add_bar(gpu, 1, memory, true, true);
	if (third)
		add_bar(gpu, 3, third, true, true);
	return gpu;
}

/* A port with a virtio device behind it. */
static inline void add_virtio(struct machine *machine)
{
	struct gpupt_mmio_function *virtio =
		add_function(machine, GPUPT_MMIO_ENDPOINT, add_port(machine));
	virtio->class_code = 0x00ff00;
	add_bar(virtio, 1, 4 * GPUPT_KIB, false, false);
	add_bar(virtio, 4, 16 * GPUPT_KIB, true, true);
}

static inline enum gpupt_mmio_outcome place(struct machine *machine)
{
	assert_int_equal(gpupt_mmio_place(&machine->guest, machine->functions, machine->n,
					  &machine->result), 0);
	return machine->result.outcome;
}

static inline enum gpupt_mmio_outcome place_with_hole(struct machine *machine, uint64_t hole)
{
	machine->guest.hole_set = true;
	machine->guest.hole_bytes = hole;
	return place(machine);
}

/* In GiB. */
static inline uint64_t minimal(struct machine *machine, bool *ret_all)
{
	uint64_t hole = 0;
	assert_int_equal(gpupt_mmio_minimal_hole(&machine->guest, machine->functions, machine->n,
						 &hole, ret_all), 0);
	assert_int_equal(hole % GIB, 0);
	return hole / GIB;
}

#endif
