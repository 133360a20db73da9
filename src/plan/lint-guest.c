/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What in a domain does nothing, or harm, as the guest shows that comes of it: its
 * devices, its address width, what its firmware and kernel make of them. */

#include <gpupt/size.h>

#include "pci/inventory.h"
#include "plan/making.h"

enum {
	CLASS_DISPLAY = 0x03, CLASS_ACCELERATOR = 0x12, /* base classes */
	CLASS_AUDIO = 0x0403, CLASS_USB = 0x0c03, CLASS_UCSI = 0x0c80, CLASS_CRYPTO = 0x1080,
	VENDOR_AMD = 0x1002, VENDOR_INTEL = 0x8086, VENDOR_NVIDIA = 0x10de,
	DEFAULT_PHYS_BITS = 40, /* as in guest.c */
	COMMON_PHYS_BITS = 46,  /* of servers, where nobody says */
};

static bool is_gpu(const struct gpupt_pci_function *function)
{
	unsigned int base = function ? function->class_code >> 16 : 0;
	return base == CLASS_DISPLAY || base == CLASS_ACCELERATOR;
}

/* ---- the hole */

/* Many times the size needed, and the upper half of the address space: what the guest
 * loses by it is room for memory, and hosts to migrate to. */
bool gpupt_hole_wastes_bits(const struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	uint64_t enough = gpupt_power_of_two_above(gpupt_align_up(making->needed, GPUPT_GIB));
	if (enough < gpupt_default_hole(making))
		enough = gpupt_default_hole(making);
	return root && root->n_holes && root->hole.valid && !making->has_commandline_hole &&
	       !hole->phys_bits_assumed && !making->device_unknown &&
	       hole->current <= making->startable && hole->phys_bits < 64 &&
	       hole->current >= gpupt_mul(enough, 4) &&
	       gpupt_add(hole->hole_start, hole->current) > UINT64_C(1) << (hole->phys_bits - 1);
}

static int check_wasted_bits(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	if (!gpupt_hole_wastes_bits(making) || hole->planned != hole->current)
		return 0;
	uint64_t rest = gpupt_align_down(making->startable - hole->current, GPUPT_GIB);
	const char *needed = gpupt_making_size(making, making->needed);
	gpupt_making_report(making, GPUPT_FINDING_HOLE_WASTES_BITS,
			    gpupt_making_hole_element(making), "pcihole64",
			    "<pcihole64> is %s where %s %s; with %u address bits that leaves %s "
			    "for memory to grow", gpupt_making_size(making, hole->current),
			    making->needed ? needed : "nothing", making->needed ? "would do" :
			    "needs it", hole->phys_bits, gpupt_making_size(making, rest));
	return 0;
}

/* ---- devices */

/* AMD's processors with graphics have functions of the platform beside it. */
static bool is_in_processor(struct gpupt_making *making, struct gpupt_pci_address address)
{
	for (unsigned int i = 0; i < 8; i++) {
		address.function = (uint8_t)i;
		const struct gpupt_pci_function *other =
			gpupt_inventory_find(making->inventory, address);
		if (other && other->class_code >> 8 == CLASS_CRYPTO)
			return true;
	}
	return false;
}

/* A function that a GPU of this vendor has to serve its connectors. */
static bool goes_along(const struct gpupt_pci_function *gpu,
		       const struct gpupt_pci_function *function)
{
	unsigned int class = function->class_code >> 8;
	bool usb = gpu->vendor == VENDOR_NVIDIA || gpu->vendor == VENDOR_AMD;
	return class == CLASS_AUDIO || (usb && (class == CLASS_USB || class == CLASS_UCSI));
}

/* One in the same IOMMU group that a host driver holds is worse, and told already. */
static bool is_left(struct gpupt_making *making, const struct gpupt_pci_function *gpu,
		    const struct gpupt_pci_function *other)
{
	if (!other || other == gpu || !goes_along(gpu, other) || !gpupt_pci_holds_group(other) ||
	    gpupt_making_find_wanted(making, other->address))
		return false;
	return gpu->iommu_group < 0 || other->iommu_group != gpu->iommu_group;
}

static void report_left(struct gpupt_making *making, const struct gpupt_wanted *wanted)
{
	struct gpupt_pci_address address = wanted->host;
	for (unsigned int i = 0; i < 8; i++) {
		address.function = (uint8_t)i;
		const struct gpupt_pci_function *other =
			gpupt_inventory_find(making->inventory, address);
		if (!is_left(making, wanted->function, other))
			continue;
		bool audio = other->class_code >> 8 == CLASS_AUDIO;
		gpupt_making_report(making, GPUPT_FINDING_SIBLING_LEFT, &wanted->existing->element,
				    gpupt_making_address(making, wanted->host),
				    "%s, the %s function of the same card, stays with the host",
				    gpupt_making_address(making, address), audio ? "audio" : "USB");
	}
}

static int check_siblings(struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_wanted && !making->request->no_siblings; i++) {
		const struct gpupt_wanted *wanted = &making->wanted[i];
		if (wanted->existing && is_gpu(wanted->function) &&
		    !wanted->function->is_virtual_function &&
		    !is_in_processor(making, wanted->host))
			report_left(making, wanted);
	}
	return 0;
}

/* Intel's own graphics belong there, mostly as 00:02.0 (QEMU, docs/igd-assign.txt). */
static int check_root_bus(struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_wanted; i++) {
		const struct gpupt_wanted *wanted = &making->wanted[i];
		if (making->machine != GPUPT_MACHINE_HAS_Q35 || !wanted->existing ||
		    !wanted->guest.present || wanted->guest.pci.domain ||
		    wanted->guest.pci.bus || !is_gpu(wanted->function) ||
		    (wanted->function->vendor == VENDOR_INTEL && !wanted->host.bus))
			continue;
		const char *text = gpupt_making_address(making, wanted->host);
		gpupt_making_report(making, GPUPT_FINDING_ON_ROOT_BUS, &wanted->existing->element,
				    text, "%s sits on the guest's root bus, in slot %02x.%x, and "
				    "not behind a root port", text, wanted->guest.pci.slot,
				    wanted->guest.pci.function);
	}
	return 0;
}

/* ---- OVMF's window */

static uint64_t size_of(struct gpupt_range range)
{
	return range.end > range.start ? range.end - range.start : 0;
}

static const char *why_ignored(struct gpupt_making *making, const struct gpupt_mmio_guest *guest)
{
	if (guest->firmware != GPUPT_FIRMWARE_OVMF)
		return "SeaBIOS does not read it";
	if (guest->window_override_mib > UINT64_C(0x1000000)) /* PlatformGetFirstNonAddress() */
		return "OVMF takes 16 TiB at most";
	return gpupt_making_text(making, "OVMF's own window is %s and counts",
				 gpupt_making_size(making, size_of(gpupt_firmware_window(guest))));
}

/* Only what holds whatever the guest runs on is worth a word: the versions are mostly
 * not known. */
static int check_window(struct gpupt_making *making)
{
	bool ignored = true, beyond = true;
	uint64_t end = 0;
	for (size_t i = 0; i < making->n_worlds; i++) {
		const struct gpupt_mmio_guest *guest = &making->worlds[i].guest;
		struct gpupt_range window = gpupt_firmware_window(guest);
		uint64_t wished = gpupt_align_up(gpupt_mul(guest->window_override_mib, GPUPT_MIB),
						 GPUPT_GIB);
		ignored &= guest->firmware != GPUPT_FIRMWARE_OVMF || size_of(window) != wished;
		beyond &= size_of(window) == wished &&
			  window.end > UINT64_C(1) << guest->phys_bits;
		end = window.end;
	}
	if (!making->guest.has_window_override || !making->n_worlds)
		return 0;
	const char *name = gpupt_making_text(making, "opt/ovmf/X-PciMmio64Mb (%llu MiB)",
					     (unsigned long long)making->guest.window_override_mib);
	if (ignored)
		gpupt_making_report(making, GPUPT_FINDING_WINDOW_IGNORED, making->window_place,
				    "qemu:commandline", "%s has no effect: %s", name,
				    why_ignored(making, &making->worlds[0].guest));
	else if (beyond && !making->plan->hole.phys_bits_assumed)
		gpupt_making_report(making, GPUPT_FINDING_WINDOW_UNREACHABLE, making->window_place,
				    "qemu:commandline", "%s makes a window up to %s, and the "
				    "guest has %u address bits", name,
				    gpupt_making_size(making, end), making->guest.phys_bits);
	return 0;
}

/* ---- what another CPU, or another kernel option, would do */

/* A GPU with half of its BARs works as little as one with none. */
static size_t count_incomplete(const struct gpupt_making *making)
{
	size_t count = 0;
	for (size_t i = 0; i < making->n_functions; i++) {
		bool complete = true;
		const struct gpupt_mmio_function *function = &making->functions[i];
		for (size_t b = 0; making->devices[i].wanted && b < function->n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function->bars[b];
			complete &= !gpupt_is_shown_bar(bar) ||
				    bar->placed_by != GPUPT_MMIO_NOBODY;
		}
		count += !complete;
	}
	return count;
}

/* How many passed-through functions lack an address in a world that is like one of
 * ours; all of them where QEMU does not start. */
static int try(struct gpupt_making *making, const struct gpupt_world *world,
	       size_t *ret_incomplete)
{
	struct gpupt_mmio_result result;
	int r = gpupt_making_place(making, world, gpupt_making_effective_hole(making), &result);
	if (r == 0)
		*ret_incomplete = result.outcome == GPUPT_MMIO_REFUSED ? SIZE_MAX :
				  count_incomplete(making);
	return r;
}

static bool has_default_width(const struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	return making->guest.phys_bits == DEFAULT_PHYS_BITS && domain->maxphysaddr ==
	       GPUPT_MAXPHYSADDR_NONE && (domain->cpu_mode == GPUPT_CPU_HOST_MODEL ||
	       domain->cpu_mode == GPUPT_CPU_CUSTOM || domain->cpu_mode == GPUPT_CPU_DEFAULT) &&
	       gpupt_is(domain->type, "kvm");
}

/* Whether more address bits bring up every BAR in a world in which no hole does. Where
 * one does, that is the smaller change. */
static int check_width(struct gpupt_making *making)
{
	unsigned int host = making->inventory ?
			    gpupt_inventory_get_host(making->inventory)->phys_bits : 0;
	unsigned int bits = host ? host : COMMON_PHYS_BITS;
	size_t cured = 0;
	if (!has_default_width(making) || bits <= DEFAULT_PHYS_BITS || making->device_unknown)
		return 0;
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_world world = making->worlds[i];
		size_t incomplete = 0;
		if (world.model != i || world.works || !world.verdict)
			continue;
		uint64_t window = size_of(gpupt_firmware_window(&world.guest));
		world.guest.phys_bits = bits;
		if (world.guest.guest_phys_bits)
			world.guest.guest_phys_bits = bits;
		if (window && window == size_of(gpupt_firmware_window(&world.guest)))
			continue; /* the hole stays as it is, so nothing changes */
		int r = try(making, &world, &incomplete);
		if (r < 0)
			return r;
		cured += incomplete ? 0 : world.weight;
	}
	if (!cured)
		return 0;
	const char *where = cured == making->n_worlds ? "" :
			    gpupt_making_text(making, " (in %zu of %zu possibilities)", cured,
					      making->n_worlds);
	gpupt_making_report(making, GPUPT_FINDING_CPU_AT_40_BITS, &making->domain->cpu, "cpu",
			    "the guest's CPU has %u address bits; with %s%u every BAR would find "
			    "room%s", making->guest.phys_bits, host ? "the host's " : "", bits,
			    where);
	return 0;
}

/* Linux releases what it has and may not get it back (pci_assign_unassigned_root_bus_-
 * resources(), drivers/pci/setup-bus.c). */
static int check_realloc(struct gpupt_making *making)
{
	size_t harmed = 0;
	if (!making->guest.realloc || making->device_unknown)
		return 0;
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_world world = making->worlds[i];
		size_t with = 0, without = 0;
		if (world.model != i || world.verdict != GPUPT_VERDICT_PARTIAL)
			continue;
		int r = try(making, &world, &with);
		world.guest.realloc = false;
		if (r == 0)
			r = try(making, &world, &without);
		if (r < 0)
			return r;
		if (without > with)
			return 0; /* it does good somewhere */
		harmed += without < with ? world.weight : 0;
	}
	if (harmed)
		gpupt_making_report(making, GPUPT_FINDING_REALLOC_HARMS,
				    &making->domain->cmdline_element, "cmdline", "pci=realloc "
				    "costs functions their addresses in %zu of %zu possibilities",
				    harmed, making->n_worlds);
	return 0;
}

int gpupt_lint_guest(struct gpupt_making *making)
{
	static int (*const checks[])(struct gpupt_making *making) = {
		check_siblings, check_root_bus, check_window, check_wasted_bits, check_width,
		check_realloc,
	};
	int r = 0;
	if (making->machine == GPUPT_MACHINE_OTHER)
		return 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(checks) && r == 0; i++)
		r = checks[i](making);
	return r;
}
