/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

#include "base/util.h"

/* OVMF's windows and per-port reservations. edk2, OvmfPkg/Library/PlatformInitLib
 * (MemDetect.c, Platform.c; in PlatformPei before stable202208) and
 * OvmfPkg/PciHotPlugInitDxe. Versions are stable tags; 0 counts as the oldest,
 * with the smallest window. */

#define CLASSIC_SIZE (32 * GPUPT_GIB) /* PcdPciMmio64Size */
#define OVERRIDE_MAX_MIB UINT64_C(0x1000000)

/* PlatformGetFirstNonAddress(): where the window could start at the earliest. */
static uint64_t first_non_address(const struct gpupt_mmio_guest *guest)
{
	/* etc/reserved-memory-end is there with memory to be plugged in. */
	if (guest->max_ram_bytes > guest->ram_bytes)
		return gpupt_qemu_hole_start(guest);
	uint64_t above = gpupt_sub(guest->ram_bytes, gpupt_qemu_low_ram(guest));
	if (!above)
		return 4 * GPUPT_GIB;
	return gpupt_add(gpupt_qemu_high_ram_start(guest), above);
}

/* OVMF reads the vendor from CPUID leaf 0x80000000, where machine types since 10.1
 * show none to Intel guests (QEMU, pc_compat_10_0: x-vendor-cpuid-only-v2). A
 * version of 0, not known, counts as new. */
static bool shows_intel(const struct gpupt_mmio_guest *guest)
{
	unsigned int version = guest->machine_version ? guest->machine_version
						      : guest->qemu_version;
	return guest->vendor_intel && version && version < 1001;
}

/* PlatformAddressWidthFromCpuid(): address bits OVMF believes in; 0: it does not
 * trust the CPU's number, which QEMU used to make up. */
static unsigned int trusted_bits(const struct gpupt_mmio_guest *guest)
{
	unsigned int version = guest->firmware_version;
	unsigned int bits = guest->phys_bits;
	unsigned int guest_bits = version >= 202408 ? guest->guest_phys_bits : 0;
	if (version < 202211)
		return 0;
	bool valid = guest_bits || bits >= 41 ||
		     (shows_intel(guest) && (bits == 36 || bits == 39)) ||
		     (guest->vendor_amd && bits == 40);
	if (!valid)
		return 0;
	if (guest_bits && bits > guest_bits)
		bits = guest_bits;
	unsigned int most = version >= 202308 ? 46 : 47;
	if (bits > most)
		bits = most;
	if (!guest->pages_1g && bits > 40)
		bits = 40;
	return bits;
}

/* PlatformDynamicMmioWindow(): an eighth of the address space at its top; a
 * quarter after stable202608. */
static struct gpupt_range dynamic_window(const struct gpupt_mmio_guest *guest, unsigned int bits,
					 struct gpupt_range classic)
{
	uint64_t limit = gpupt_address_limit(bits);
	uint64_t size = limit >> (guest->firmware_version > 202608 ? 2 : 3);
	if (classic.end - classic.start >= size || gpupt_add(classic.start, size) >= limit)
		return classic;
	struct gpupt_range window = { limit - size, limit };
	/* PlatformReservationConflictCB(), since stable202302. */
	struct gpupt_range reserved = gpupt_qemu_reserved(guest);
	if (guest->firmware_version >= 202302 && reserved.start < window.end &&
	    reserved.end > window.start) {
		window.start = gpupt_align_down(gpupt_sub(reserved.start, size), size);
		window.end = window.start + size;
	}
	return window;
}

struct gpupt_range gpupt_ovmf_window(const struct gpupt_mmio_guest *guest)
{
	uint64_t size = CLASSIC_SIZE;
	bool override = guest->has_window_override &&
			guest->window_override_mib <= OVERRIDE_MAX_MIB;
	if (override)
		size = guest->window_override_mib * GPUPT_MIB;
	if (!size)
		return (struct gpupt_range){ 0 };
	size = gpupt_align_up(size, GPUPT_GIB);
	uint64_t start = gpupt_align_up(first_non_address(guest), GPUPT_GIB);
	start = gpupt_align_up(start, gpupt_power_of_two_below(size));
	struct gpupt_range classic = { start, gpupt_add(start, size) };
	unsigned int bits = trusted_bits(guest);
	/* PcdPciMmio64Override, since stable202505: before, a trusted address
	 * width wins over an override smaller than the dynamic window. */
	if (!bits || (override && (guest->firmware_version >= 202505 ||
				   guest->firmware_keeps_override)))
		return classic;
	return dynamic_window(guest, bits, classic);
}

struct gpupt_range gpupt_ovmf_low_window(const struct gpupt_mmio_guest *guest)
{
	/* PlatformMemMapInitialization(), PlatformQemuUc32BaseInitialization(). */
	uint64_t size = gpupt_power_of_two_below(4 * GPUPT_GIB - gpupt_qemu_low_ram(guest));
	if (size > 2 * GPUPT_GIB)
		size = 2 * GPUPT_GIB;
	if (guest->machine == GPUPT_MACHINE_I440FX)
		return (struct gpupt_range){ 4 * GPUPT_GIB - size, 0xfc000000 };
	/* MMCONFIG lay below the window before stable202305. */
	if (guest->firmware_version < 202305)
		return (struct gpupt_range){ 0xc0000000, 0xfc000000 };
	return (struct gpupt_range){ 4 * GPUPT_GIB - size, 0xe0000000 };
}

struct gpupt_range gpupt_ovmf_io_window(const struct gpupt_mmio_guest *guest)
{
	if (guest->machine == GPUPT_MACHINE_I440FX)
		return (struct gpupt_range){ 0xc000, 0x10000 };
	return (struct gpupt_range){ 0x6000, 0x10000 };
}

/* GetResourcePadding() asks for 512 I/O ports for a port that takes hotplug, until
 * stable202305 (27727338b2). */
uint64_t gpupt_ovmf_padding_io(const struct gpupt_mmio_guest *guest,
			       const struct gpupt_mmio_function *port)
{
	return port->hotplug && guest->firmware_version < 202308 ? 512 : 0;
}

/* ... and this much 32-bit memory. */
uint64_t gpupt_ovmf_padding_mem(const struct gpupt_mmio_function *port)
{
	if (!port->hotplug)
		return 0;
	if (!port->has_mem_reserve)
		return 2 * GPUPT_MIB;
	uint64_t size = gpupt_power_of_two_above(port->mem_reserve);
	if (!port->mem_reserve)
		return 0;
	return size < 4 * GPUPT_GIB ? size : 2 * GPUPT_MIB;
}

/* ... and this much 64-bit prefetchable memory. The default came with
 * stable202211 (9e6b552b4c). */
uint64_t gpupt_ovmf_padding_pref(const struct gpupt_mmio_guest *guest,
				 const struct gpupt_mmio_function *port)
{
	if (!port->hotplug)
		return 0;
	if (port->has_pref64_reserve && port->pref64_reserve &&
	    port->pref64_reserve <= UINT64_C(1) << 63)
		return gpupt_power_of_two_above(port->pref64_reserve);
	struct gpupt_range window = gpupt_ovmf_window(guest);
	uint64_t size = window.end - window.start;
	if (guest->firmware_version < 202211 || size <= CLASSIC_SIZE)
		return 0;
	return gpupt_power_of_two_above(size >> 8);
}

unsigned int gpupt_ovmf_traits(const struct gpupt_mmio_guest *guest)
{
	unsigned int version = guest->firmware_version, bits = trusted_bits(guest);
	bool override = guest->has_window_override;
	bool reserves = !gpupt_range_empty(gpupt_qemu_reserved(guest));
	bool keeps = override && (version >= 202505 || guest->firmware_keeps_override);
	/* reservations behind ports come with a window larger than the classic one */
	bool pads = (bits || override) && version >= 202211;
	return bits | keeps << 6 | pads << 7 | (bits && version > 202608) << 8 |
	       (reserves && version >= 202302) << 9 | (version >= 202305) << 10 |
	       (version >= 202308) << 11;
}
