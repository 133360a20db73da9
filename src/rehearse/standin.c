/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Emulated functions and their BARs. Sizes were read off QEMU 7.2 with query-pci; what
 * a guest really shows is compared with them in look.c, so that another release's
 * device that differs is noticed. */

#include "rehearse/standin.h"

#include <stdio.h>

#include "base/util.h"

#define BAR32(n, bytes) { .index = (n), .size = (bytes) }
#define BAR32P(n, bytes) { .index = (n), .size = (bytes), .prefetchable = true }
#define BAR64(n, bytes) { .index = (n), .size = (bytes), .mem64 = true }
#define BAR64P(n, bytes) { .index = (n), .size = (bytes), .mem64 = true, .prefetchable = true }
#define PORTS(n, bytes) { .index = (n), .size = (bytes), .io = true }

enum { VGA_CLASS = 0x030000 };

static const struct fixed {
	const char *driver;
	uint32_t class_code;
	struct gpupt_mmio_bar bars[6];
} fixed[] = {
	/* hw/misc/pci-testdev.c, edu.c */
	{ "pci-testdev", 0x00ff00, { BAR32(0, 4 * GPUPT_KIB), PORTS(1, 256) } },
	{ "edu", 0x00ff00, { BAR32(0, GPUPT_MIB) } },
	/* hw/virtio/virtio-pci.c, virtio-vga.c */
	{ "virtio-balloon-pci,disable-legacy=on", 0x00ff00, { BAR64P(4, 16 * GPUPT_KIB) } },
	{ "virtio-balloon-pci,disable-legacy=off", 0x00ff00,
	  { PORTS(0, 64), BAR64P(4, 16 * GPUPT_KIB) } },
	{ "virtio-serial-pci,disable-legacy=on", 0x078000,
	  { BAR32(1, 4 * GPUPT_KIB), BAR64P(4, 16 * GPUPT_KIB) } },
	{ "virtio-serial-pci,disable-legacy=off", 0x078000,
	  { PORTS(0, 64), BAR32(1, 4 * GPUPT_KIB), BAR64P(4, 16 * GPUPT_KIB) } },
	{ "virtio-vga", VGA_CLASS,
	  { BAR32P(0, 8 * GPUPT_MIB), BAR64P(2, 16 * GPUPT_KIB), BAR32(4, 4 * GPUPT_KIB) } },
	/* hw/usb/hcd-xhci-pci.c, hcd-ohci-pci.c, hcd-uhci.c */
	{ "qemu-xhci", 0x0c0330, { BAR64(0, 16 * GPUPT_KIB) } },
	{ "pci-ohci", 0x0c0310, { BAR32(0, 256) } },
	{ "piix3-usb-uhci", 0x0c0300, { PORTS(4, 32) } },
	/* hw/scsi/lsi53c895a.c, mptsas.c, megasas.c, vmw_pvscsi.c, esp-pci.c */
	{ "lsi53c895a", 0x010000, { PORTS(0, 256), BAR32(1, GPUPT_KIB), BAR32(2, 8 * GPUPT_KIB) } },
	{ "mptsas1068", 0x010000,
	  { PORTS(0, 256), BAR32(1, 16 * GPUPT_KIB), BAR32(2, 64 * GPUPT_KIB) } },
	{ "megasas", 0x010400,
	  { BAR64(0, 16 * GPUPT_KIB), PORTS(2, 256), BAR64(3, 256 * GPUPT_KIB) } },
	{ "pvscsi", 0x010000, { BAR32(0, 32 * GPUPT_KIB) } },
	{ "am53c974", 0x010000, { PORTS(0, 128) } },
	/* hw/ide/ich.c */
	{ "ich9-ahci", 0x010601, { PORTS(4, 32), BAR32(5, 4 * GPUPT_KIB) } },
	/* hw/net/e1000.c, e1000e.c, rtl8139.c, pcnet-pci.c, vmxnet3.c */
	{ "e1000", 0x020000, { BAR32(0, 128 * GPUPT_KIB), PORTS(1, 64) } },
	{ "e1000e", 0x020000, { BAR32(0, 128 * GPUPT_KIB), BAR32(1, 128 * GPUPT_KIB), PORTS(2, 32),
				BAR32(3, 16 * GPUPT_KIB) } },
	{ "rtl8139", 0x020000, { PORTS(0, 256), BAR32(1, 256) } },
	{ "pcnet", 0x020000, { PORTS(0, 32), BAR32(1, 32) } },
	{ "vmxnet3", 0x020000, { BAR32(0, 4 * GPUPT_KIB), BAR32(1, 4 * GPUPT_KIB),
				 BAR32(2, 8 * GPUPT_KIB) } },
	/* hw/audio/intel-hda.c, ac97.c; hw/watchdog/wdt_i6300esb.c */
	{ "intel-hda", 0x040300, { BAR32(0, 16 * GPUPT_KIB) } },
	{ "AC97", 0x040100, { PORTS(0, 1024), PORTS(1, 256) } },
	{ "i6300esb", 0x088000, { BAR32(0, 16) } },
	/* hw/display/cirrus_vga.c */
	{ "cirrus-vga", VGA_CLASS, { BAR32P(0, 32 * GPUPT_MIB), BAR32(1, 4 * GPUPT_KIB) } },
	/* hw/ipack/tpci200.c */
	{ "tpci200", 0x068000, { BAR32(0, 128), PORTS(1, 128), BAR32(2, 256), BAR32(3, GPUPT_KIB),
				 BAR32(4, 32 * GPUPT_MIB), BAR32(5, 16 * GPUPT_MIB) } },
};

/* ---- how close two sets of BARs are */

static bool is_wide(const struct gpupt_mmio_bar *bar)
{
	return bar->mem64 && bar->prefetchable && !bar->io;
}

/* Behind a bridge a 64-bit BAR that is not prefetchable shares the window of the
 * 32-bit ones; small ones may be larger than they should. */
static bool stands_for(const struct gpupt_mmio_bar *candidate, const struct gpupt_mmio_bar *bar,
		       bool behind_bridge)
{
	if (candidate->io != bar->io || candidate->prefetchable != bar->prefetchable)
		return false;
	if (candidate->mem64 != bar->mem64 && (bar->prefetchable || !behind_bridge))
		return false;
	return candidate->size == bar->size ||
	       (!bar->io && bar->size < candidate->size && candidate->size <= GPUPT_MIB);
}

/* What it costs to have no stand-in for a BAR. */
static unsigned int loss(const struct gpupt_mmio_bar *bar, uint64_t widest,
			 enum gpupt_standin_aim aim)
{
	if (bar->io)
		return 3;
	if (bar->size < GPUPT_MIB)
		return is_wide(bar) ? 40 : 20;
	if (!is_wide(bar))
		return aim == GPUPT_STANDIN_NARROW ? 10000 : 1000;
	return bar->size == widest ? 100000 : aim == GPUPT_STANDIN_NARROW ? 1000 : 10000;
}

static unsigned int surplus(const struct gpupt_mmio_bar *bar)
{
	if (bar->io)
		return 2;
	return bar->size < GPUPT_MIB ? 4 : 200;
}

/* Pairs the BARs, exact ones first, and returns what is left over on either side. */
static unsigned int pair(const struct gpupt_mmio_function *function,
			 enum gpupt_standin_aim aim, struct gpupt_standin *standin)
{
	bool taken[6] = { false };
	unsigned int cost = 0;
	uint64_t widest = 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(standin->bar_of); i++)
		standin->bar_of[i] = GPUPT_STANDIN_NONE;
	for (size_t i = 0; i < function->n_bars; i++)
		if (is_wide(&function->bars[i]) && function->bars[i].size > widest)
			widest = function->bars[i].size;
	for (int exact = 1; exact >= 0; exact--)
		for (size_t i = 0; i < function->n_bars; i++) {
			const struct gpupt_mmio_bar *bar = &function->bars[i];
			for (size_t j = 0; j < standin->n_bars && bar->index < 6; j++) {
				if (taken[j] || standin->bar_of[bar->index] >= 0 ||
				    (exact && standin->bars[j].size != bar->size) ||
				    !stands_for(&standin->bars[j], bar, function->parent >= 0))
					continue;
				taken[j] = true;
				standin->bar_of[bar->index] = (int)standin->bars[j].index;
				cost += !exact + (standin->bars[j].mem64 != bar->mem64);
			}
		}
	for (size_t i = 0; i < function->n_bars; i++)
		if (function->bars[i].index < 6 && standin->bar_of[function->bars[i].index] < 0)
			cost += loss(&function->bars[i], widest, aim);
	for (size_t j = 0; j < standin->n_bars; j++)
		cost += taken[j] ? 0 : surplus(&standin->bars[j]);
	return cost + gpupt_standin_is_other_class(function, standin);
}

/* ---- functions that can be had in many sizes */

static void add(struct gpupt_standin *standin, struct gpupt_mmio_bar bar)
{
	standin->bars[standin->n_bars++] = bar;
}

/* The two largest 64-bit prefetchable BARs, and the two largest others. */
struct wants {
	uint64_t wide[2];
	uint64_t narrow[2];
	uint64_t frame_buffer; /* 32-bit prefetchable */
};

static void note(uint64_t largest[2], uint64_t size)
{
	if (size > largest[0]) {
		largest[1] = largest[0];
		largest[0] = size;
	} else if (size > largest[1]) {
		largest[1] = size;
	}
}

static struct wants wants_of(const struct gpupt_mmio_function *function)
{
	struct wants wants = { 0 };
	for (size_t i = 0; i < function->n_bars; i++) {
		const struct gpupt_mmio_bar *bar = &function->bars[i];
		if (bar->io || bar->index > 5)
			continue;
		if (is_wide(bar))
			note(wants.wide, bar->size);
		else if (!bar->prefetchable)
			note(wants.narrow, bar->size);
		else if (bar->size > wants.frame_buffer)
			wants.frame_buffer = bar->size;
	}
	return wants;
}

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes / GPUPT_MIB);
}

static unsigned long long whole(uint64_t bytes)
{
	return (unsigned long long)bytes;
}

/* hw/misc/pci-testdev.c */
static bool make_testdev(const struct wants *wants, struct gpupt_standin *ret)
{
	*ret = (struct gpupt_standin){ .driver = "pci-testdev", .class_code = 0x00ff00 };
	snprintf(ret->properties, sizeof(ret->properties), ",membar=%llu", whole(wants->wide[0]));
	add(ret, (struct gpupt_mmio_bar)BAR32(0, 4 * GPUPT_KIB));
	add(ret, (struct gpupt_mmio_bar)PORTS(1, 256));
	add(ret, (struct gpupt_mmio_bar)BAR64P(2, wants->wide[0]));
	return wants->wide[0] >= 4 * GPUPT_KIB;
}

/* hw/nvme/ctrl.c: registers in BAR 0, a controller's memory buffer in BAR 2, persistent
 * memory in BAR 4 */
static bool make_nvme(const struct wants *wants, struct gpupt_standin *ret)
{
	uint64_t second = wants->wide[1] < GPUPT_MIB ? GPUPT_MIB : wants->wide[1];
	*ret = (struct gpupt_standin){ .driver = "nvme", .class_code = 0x010802 };
	snprintf(ret->properties, sizeof(ret->properties),
		 ",serial=standin,cmb_size_mb=%llu", mib(second));
	ret->backend_property = "pmrdev";
	snprintf(ret->backend, sizeof(ret->backend),
		 "memory-backend-ram,size=%llu,reserve=off,prealloc=off", whole(wants->wide[0]));
	add(ret, (struct gpupt_mmio_bar)BAR64(0, 16 * GPUPT_KIB));
	add(ret, (struct gpupt_mmio_bar)BAR64P(2, second));
	add(ret, (struct gpupt_mmio_bar)BAR64P(4, wants->wide[0]));
	return wants->wide[1] != 0;
}

/* hw/misc/ivshmem.c */
static bool make_ivshmem(const struct wants *wants, struct gpupt_standin *ret)
{
	*ret = (struct gpupt_standin){ .driver = "ivshmem-plain", .class_code = 0x050000 };
	ret->backend_property = "memdev";
	snprintf(ret->backend, sizeof(ret->backend),
		 "memory-backend-ram,size=%llu,reserve=off,prealloc=off", whole(wants->wide[0]));
	add(ret, (struct gpupt_mmio_bar)BAR32(0, 256));
	add(ret, (struct gpupt_mmio_bar)BAR64P(2, wants->wide[0]));
	return wants->wide[0] >= 4 * GPUPT_KIB;
}

/* hw/display/qxl.c qxl_init_ramsize(): at least 16 MiB of RAM; BAR 4 only where it is
 * larger than BAR 1. */
static bool make_qxl(const struct wants *wants, struct gpupt_standin *ret)
{
	uint64_t ram = wants->narrow[0] < 16 * GPUPT_MIB ? 16 * GPUPT_MIB : wants->narrow[0];
	uint64_t vram = wants->narrow[1] < GPUPT_MIB ? 4 * GPUPT_KIB : wants->narrow[1];
	uint64_t wide = wants->wide[0] < GPUPT_MIB ? 0 : wants->wide[0];
	*ret = (struct gpupt_standin){ .driver = "qxl", .class_code = 0x038000 };
	snprintf(ret->properties, sizeof(ret->properties),
		 ",vgamem_mb=8,ram_size_mb=%llu,vram_size_mb=%llu,vram64_size_mb=%llu", mib(ram),
		 mib(vram), mib(wide));
	add(ret, (struct gpupt_mmio_bar)BAR32(0, ram));
	add(ret, (struct gpupt_mmio_bar)BAR32(1, vram));
	add(ret, (struct gpupt_mmio_bar)BAR32(2, 8 * GPUPT_KIB));
	add(ret, (struct gpupt_mmio_bar)PORTS(3, 32));
	if (wide > vram)
		add(ret, (struct gpupt_mmio_bar)BAR64P(4, wide));
	ret->needs_memory = true;
	return wants->narrow[0] >= GPUPT_MIB && wants->narrow[0] <= 512 * GPUPT_MIB;
}

/* hw/display/vga-pci.c */
static bool make_vga(const struct wants *wants, const char *driver, uint32_t class_code,
		     struct gpupt_standin *ret)
{
	*ret = (struct gpupt_standin){ .driver = driver, .class_code = class_code };
	snprintf(ret->properties, sizeof(ret->properties), ",vgamem_mb=%llu",
		 mib(wants->frame_buffer));
	add(ret, (struct gpupt_mmio_bar)BAR32P(0, wants->frame_buffer));
	add(ret, (struct gpupt_mmio_bar)BAR32(2, 4 * GPUPT_KIB));
	return wants->frame_buffer >= GPUPT_MIB && wants->frame_buffer <= 512 * GPUPT_MIB;
}

enum { N_MADE = 6 };

/* The i-th of them; false where it makes no sense for these BARs. */
static bool make(size_t i, const struct wants *wants, struct gpupt_standin *ret)
{
	switch (i) {
	case 0: return make_testdev(wants, ret);
	case 1: return make_nvme(wants, ret);
	case 2: return make_ivshmem(wants, ret);
	case 3: return make_qxl(wants, ret);
	case 4: return make_vga(wants, "VGA", VGA_CLASS, ret);
	default: return make_vga(wants, "secondary-vga", 0x038000, ret);
	}
}

static void take_fixed(const struct fixed *from, struct gpupt_standin *ret)
{
	*ret = (struct gpupt_standin){ .driver = from->driver, .class_code = from->class_code };
	while (ret->n_bars < GPUPT_ARRAY_SIZE(from->bars) && from->bars[ret->n_bars].size)
		add(ret, from->bars[ret->n_bars]);
}

void gpupt_standin_choose(const struct gpupt_mmio_function *function, enum gpupt_standin_aim aim,
			  struct gpupt_standin *ret)
{
	struct wants wants = wants_of(function);
	struct gpupt_standin candidate;
	unsigned int least = UINT32_MAX;
	for (size_t i = 0; i < N_MADE + GPUPT_ARRAY_SIZE(fixed); i++) {
		if (i < N_MADE && !make(i, &wants, &candidate))
			continue;
		if (i >= N_MADE)
			take_fixed(&fixed[i - N_MADE], &candidate);
		unsigned int cost = pair(function, aim, &candidate);
		if (cost >= least)
			continue;
		least = cost;
		*ret = candidate;
	}
}

void gpupt_standin_self(const struct gpupt_mmio_function *function, struct gpupt_standin *ret)
{
	*ret = (struct gpupt_standin){ .driver = "", .class_code = function->class_code };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ret->bar_of); i++)
		ret->bar_of[i] = GPUPT_STANDIN_NONE;
	for (size_t i = 0; i < function->n_bars && ret->n_bars < 6; i++) {
		if (function->bars[i].index > 5)
			continue;
		ret->bar_of[function->bars[i].index] = (int)function->bars[i].index;
		add(ret, function->bars[i]);
	}
}

bool gpupt_standin_is_other_class(const struct gpupt_mmio_function *function,
				  const struct gpupt_standin *standin)
{
	return (function->class_code == VGA_CLASS) != (standin->class_code == VGA_CLASS);
}
