/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/mmio.h"

#include "base/util.h"
#include "mmio/model.h"

/* QEMU: hw/i386/pc.c, pc_q35.c, pc_piix.c, hw/pci-host/{q35,i440fx}.c. The same
 * arithmetic from 5.2 to 10.2 but for what is marked with a version. */

/* AMD's HyperTransport range, [1012 GiB, 1 TiB): pc.c, AMD_HT_START. */
#define HT_START (1012 * GPUPT_GIB)

uint64_t gpupt_qemu_low_ram(const struct gpupt_mmio_guest *guest)
{
	/* pc_q35_init() and pc_init1(): RAM is split to leave a hole below 4 GiB. */
	if (guest->machine == GPUPT_MACHINE_Q35)
		return guest->ram_bytes >= 0xb0000000 ? 2 * GPUPT_GIB : guest->ram_bytes;
	return guest->ram_bytes >= 0xe0000000 ? 3 * GPUPT_GIB : guest->ram_bytes;
}

/* pc_pci_hole64_start() with the RAM above 4 GiB put at `base`. */
static uint64_t hole_start_from(const struct gpupt_mmio_guest *guest, uint64_t base)
{
	uint64_t end = gpupt_add(base, gpupt_sub(guest->ram_bytes, gpupt_qemu_low_ram(guest)));
	end = gpupt_add(end, guest->epc_bytes); /* sgx_epc_above_4g_end() */
	if (guest->max_ram_bytes > guest->ram_bytes) {
		/* pc_get_device_memory_range(): 1 GiB a slot for alignment. */
		end = gpupt_align_up(end, GPUPT_GIB);
		end = gpupt_add(end, guest->max_ram_bytes - guest->ram_bytes);
		end = gpupt_add(end, gpupt_mul(guest->memory_slots, GPUPT_GIB));
	}
	return gpupt_align_up(end, GPUPT_GIB);
}

/* QEMU 7.1 and machine type 7.1 keep an AMD guest's memory off the
 * HyperTransport range (pc.c: enforce_amd_1tb_hole). A version of 0, not known,
 * counts as new. */
static bool avoids_ht_range(const struct gpupt_mmio_guest *guest)
{
	return guest->vendor_amd && (!guest->qemu_version || guest->qemu_version >= 701) &&
	       (!guest->machine_version || guest->machine_version >= 701);
}

uint64_t gpupt_qemu_hole_bytes(const struct gpupt_mmio_guest *guest)
{
	if (guest->hole_set)
		return guest->hole_bytes;
	return guest->machine == GPUPT_MACHINE_Q35 ? 32 * GPUPT_GIB : 2 * GPUPT_GIB;
}

uint64_t gpupt_qemu_max_hole_below_ht(const struct gpupt_mmio_guest *guest)
{
	if (!avoids_ht_range(guest))
		return UINT64_MAX;
	return gpupt_sub(HT_START, hole_start_from(guest, 4 * GPUPT_GIB));
}

/* pc_memory_init(): RAM above 4 GiB starts at 1 TiB when the hole would reach
 * the HyperTransport range. */
static bool relocated(const struct gpupt_mmio_guest *guest)
{
	if (!avoids_ht_range(guest))
		return false;
	uint64_t start = hole_start_from(guest, 4 * GPUPT_GIB);
	return gpupt_add(start, gpupt_qemu_hole_bytes(guest)) > HT_START;
}

uint64_t gpupt_qemu_high_ram_start(const struct gpupt_mmio_guest *guest)
{
	return relocated(guest) ? GPUPT_TIB : 4 * GPUPT_GIB;
}

uint64_t gpupt_qemu_hole_start(const struct gpupt_mmio_guest *guest)
{
	return hole_start_from(guest, gpupt_qemu_high_ram_start(guest));
}

uint64_t gpupt_qemu_max_hole(const struct gpupt_mmio_guest *guest)
{
	/* pc_memory_init() checks pc_max_used_gpa() since 7.1. */
	if (guest->qemu_version && guest->qemu_version < 701)
		return UINT64_MAX;
	uint64_t limit = gpupt_address_limit(guest->phys_bits);
	uint64_t in_place = gpupt_sub(limit, hole_start_from(guest, 4 * GPUPT_GIB));
	if (!avoids_ht_range(guest))
		return in_place;
	uint64_t below = gpupt_qemu_max_hole_below_ht(guest);
	uint64_t moved = gpupt_sub(limit, hole_start_from(guest, GPUPT_TIB));
	if (in_place < below)
		below = in_place;
	return moved > below ? moved : below;
}

bool gpupt_qemu_refuses(const struct gpupt_mmio_guest *guest)
{
	bool checks = !guest->qemu_version || guest->qemu_version >= 701;
	return checks && (gpupt_qemu_hole_bytes(guest) > gpupt_qemu_max_hole(guest) ||
			  gpupt_qemu_hole_start(guest) > gpupt_address_limit(guest->phys_bits));
}

struct gpupt_mmio_memory gpupt_qemu_memory(const struct gpupt_mmio_guest *guest)
{
	uint64_t low = gpupt_qemu_low_ram(guest), high = gpupt_qemu_high_ram_start(guest);
	uint64_t end = gpupt_add(high, gpupt_sub(guest->ram_bytes, low));
	struct gpupt_mmio_memory memory = {
		.low = { 0, low },
		.high = { high, end },
		.reserved = gpupt_qemu_reserved(guest),
	};
	uint64_t plugged = gpupt_add(end, guest->epc_bytes);
	if (guest->max_ram_bytes > guest->ram_bytes)
		memory.hotplug = (struct gpupt_range){ gpupt_align_up(plugged, GPUPT_GIB),
						       gpupt_qemu_hole_start(guest) };
	return memory;
}

struct gpupt_range gpupt_qemu_reserved(const struct gpupt_mmio_guest *guest)
{
	if (!avoids_ht_range(guest) || guest->phys_bits < 40)
		return (struct gpupt_range){ 0 };
	return (struct gpupt_range){ HT_START, GPUPT_TIB };
}

uint64_t gpupt_mmconfig_start(const struct gpupt_mmio_guest *guest)
{
	/* PcdPciExpressBaseAddress in OvmfPkgX64.dsc; SeaBIOS: Q35_HOST_BRIDGE_PCIEXBAR_ADDR. */
	if (guest->firmware == GPUPT_FIRMWARE_OVMF && guest->firmware_version >= 202305)
		return 0xe0000000;
	return 0xb0000000;
}

struct gpupt_range gpupt_qemu_window(const struct gpupt_mmio_guest *guest,
				     struct gpupt_range firmware)
{
	/* q35_host_get_pci_hole64_start() and _end(); the extension past what the
	 * firmware programmed is off in machine types up to 2.10. */
	if (guest->machine_version && guest->machine_version < 211)
		return firmware;
	struct gpupt_range window = firmware;
	if (gpupt_range_empty(firmware))
		window = (struct gpupt_range){ gpupt_qemu_hole_start(guest), 0 };
	if (window.end == UINT64_MAX) /* one past it counts as 0 there */
		window.end = 0;
	uint64_t end = gpupt_add(window.start, gpupt_qemu_hole_bytes(guest));
	end = gpupt_align_up(end, GPUPT_GIB);
	if (end > window.end)
		window.end = end;
	return window;
}

unsigned int gpupt_qemu_traits(const struct gpupt_mmio_guest *guest)
{
	bool checks = !guest->qemu_version || guest->qemu_version >= 701;
	bool extends = !guest->machine_version || guest->machine_version >= 211;
	return avoids_ht_range(guest) | checks << 1 | extends << 2;
}
