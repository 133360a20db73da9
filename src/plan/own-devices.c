/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The BARs of the devices QEMU itself makes, as far as they matter: every 64-bit
 * one, and the usual 32-bit ones. Read from QEMU 7.2 (files named per line) and
 * checked with `info pci`. */

#include "plan/making.h"

#define BAR32(n, bytes) { .index = (n), .size = (bytes) }
#define BAR32P(n, bytes) { .index = (n), .size = (bytes), .prefetchable = true }
#define BAR64(n, bytes) { .index = (n), .size = (bytes), .mem64 = true }
#define BAR64P(n, bytes) { .index = (n), .size = (bytes), .mem64 = true, .prefetchable = true }

struct model {
	const char *tag;   /* element */
	const char *key;   /* its model or bus; NULL: any */
	uint32_t class_code;
	struct gpupt_mmio_bar bars[4];
};

static const struct model models[] = {
	/* hw/usb/hcd-xhci-pci.c, hcd-ehci-pci.c */
	{ "controller", "qemu-xhci", 0x0c0330, { BAR64(0, 16 * GPUPT_KIB) } },
	{ "controller", "nec-xhci", 0x0c0330, { BAR64(0, 16 * GPUPT_KIB) } },
	{ "controller", "ich9-ehci1", 0x0c0320, { BAR32(0, 4 * GPUPT_KIB) } },
	{ "controller", "ehci", 0x0c0320, { BAR32(0, 4 * GPUPT_KIB) } },
	/* hw/scsi/lsi53c895a.c, mptsas.c */
	{ "controller", "lsilogic", 0x010000, { BAR32(1, GPUPT_KIB), BAR32(2, 8 * GPUPT_KIB) } },
	{ "controller", "lsisas1068", 0x010000,
	  { BAR32(1, 16 * GPUPT_KIB), BAR32(2, 64 * GPUPT_KIB) } },
	/* hw/nvme/ctrl.c */
	{ "controller", "nvme", 0x010802, { BAR64(0, 16 * GPUPT_KIB) } },
	/* hw/net/e1000.c, e1000e.c, rtl8139.c, vmxnet3.c, igb.c */
	{ "interface", "e1000", 0x020000, { BAR32(0, 128 * GPUPT_KIB) } },
	{ "interface", "e1000e", 0x020000,
	  { BAR32(0, 128 * GPUPT_KIB), BAR32(1, 128 * GPUPT_KIB), BAR32(3, 16 * GPUPT_KIB) } },
	{ "interface", "igb", 0x020000, { BAR32(0, 128 * GPUPT_KIB), BAR32(3, 16 * GPUPT_KIB) } },
	{ "interface", "rtl8139", 0x020000, { BAR32(1, 256) } },
	{ "interface", "vmxnet3", 0x020000,
	  { BAR32(0, 4 * GPUPT_KIB), BAR32(1, 4 * GPUPT_KIB), BAR32(2, 8 * GPUPT_KIB) } },
	/* hw/audio/intel-hda.c */
	{ "sound", "ich6", 0x040300, { BAR32(0, 16 * GPUPT_KIB) } },
	{ "sound", "ich9", 0x040300, { BAR32(0, 16 * GPUPT_KIB) } },
	/* hw/display/vga-pci.c, cirrus_vga.c, bochs-display.c, vmware_vga.c */
	{ "video", "vga", 0x030000, { BAR32P(0, 16 * GPUPT_MIB), BAR32(2, 4 * GPUPT_KIB) } },
	{ "video", "cirrus", 0x030000, { BAR32P(0, 32 * GPUPT_MIB), BAR32(1, 4 * GPUPT_KIB) } },
	{ "video", "bochs", 0x038000, { BAR32P(0, 16 * GPUPT_MIB), BAR32(2, 4 * GPUPT_KIB) } },
	{ "video", "vmvga", 0x030000, { BAR32P(1, 16 * GPUPT_MIB), BAR32(2, 64 * GPUPT_KIB) } },
	/* hw/watchdog/wdt_i6300esb.c */
	{ "watchdog", "i6300esb", 0x088000, { BAR32(0, 16) } },
};

/* hw/virtio/virtio-pci.c: MSI-X in BAR 1, the modern registers in BAR 4. */
static const struct model virtio = {
	.class_code = 0x00ff00,
	.bars = { BAR32(1, 4 * GPUPT_KIB), BAR64P(4, 16 * GPUPT_KIB) },
};

/* hw/display/virtio-vga.c: the frame buffer is BAR 0, the registers BAR 2. */
static const struct model virtio_vga = {
	.class_code = 0x030000,
	.bars = { BAR32P(0, 8 * GPUPT_MIB), BAR64P(2, 16 * GPUPT_KIB), BAR32(4, 4 * GPUPT_KIB) },
};

static bool starts(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is(const char *text, const char *other)
{
	return text && strcmp(text, other) == 0;
}

static bool is_virtio(const struct gpupt_device *device)
{
	const char *tag = device->tag;
	if (is(tag, "disk"))
		return is(device->bus, "virtio");
	if (is(tag, "interface"))
		return starts(device->model, "virtio");
	if (is(tag, "controller"))
		return is(device->type, "virtio-serial") || starts(device->model, "virtio");
	if (is(tag, "input"))
		return is(device->bus, "virtio");
	if (is(tag, "hostdev")) /* vhost-scsi-pci */
		return is(device->type, "scsi_host");
	if (is(tag, "filesystem"))
		return true; /* virtio-9p, vhost-user-fs */
	return (is(tag, "memballoon") || is(tag, "rng") || is(tag, "vsock") || is(tag, "crypto") ||
		is(tag, "sound") || is(tag, "iommu") || is(tag, "memory")) &&
	       starts(device->model, "virtio");
}

static size_t copy_bars(const struct model *model, uint32_t *ret_class,
			struct gpupt_mmio_bar *ret_bars)
{
	size_t count = 0;
	while (count < GPUPT_ARRAY_SIZE(model->bars) && model->bars[count].size) {
		ret_bars[count] = model->bars[count];
		count++;
	}
	*ret_class = model->class_code;
	return count;
}

/* hw/display/qxl.c qxl_init_ramsize(), qxl_realize_common(): RAM in BAR 0, video
 * RAM in BAR 1 and, when larger, as 64-bit BAR 4; ROM 8 KiB in BAR 2. libvirt
 * writes 64 MiB for either unless told otherwise. */
static size_t qxl_bars(const struct gpupt_device *device, uint32_t *ret_class,
		       struct gpupt_mmio_bar *bars)
{
	uint64_t ram = device->ram_bytes ? device->ram_bytes : 64 * GPUPT_MIB;
	uint64_t vram = device->vram_bytes ? device->vram_bytes : 64 * GPUPT_MIB;
	size_t count = 0;
	*ret_class = 0x030000;
	bars[count++] = (struct gpupt_mmio_bar)BAR32(0, gpupt_power_of_two_above(ram));
	bars[count++] = (struct gpupt_mmio_bar)BAR32(1, gpupt_power_of_two_above(vram));
	bars[count++] = (struct gpupt_mmio_bar)BAR32(2, 8 * GPUPT_KIB);
	uint64_t vram64 = gpupt_power_of_two_above(device->vram64_bytes);
	if (device->vram64_bytes > vram)
		bars[count++] = (struct gpupt_mmio_bar)BAR64P(4, vram64);
	return count;
}

/* hw/misc/ivshmem.c: registers, MSI-X (doorbell only), the memory itself. libvirt's
 * default size is 4 MiB. */
static size_t shmem_bars(const struct gpupt_device *device, uint32_t *ret_class,
			 struct gpupt_mmio_bar *bars)
{
	uint64_t size = device->size_bytes ? device->size_bytes : 4 * GPUPT_MIB;
	*ret_class = 0x050000;
	bars[0] = (struct gpupt_mmio_bar)BAR32(0, 256);
	bars[1] = (struct gpupt_mmio_bar)BAR64P(2, gpupt_power_of_two_above(size));
	return 2;
}

size_t gpupt_own_device_bars(const struct gpupt_device *device, enum gpupt_machine_kind machine,
			     uint32_t *ret_class, struct gpupt_mmio_bar *ret_bars)
{
	*ret_class = 0;
	if (device->other_address)
		return 0;
	if (is(device->tag, "shmem"))
		return shmem_bars(device, ret_class, ret_bars);
	if (is(device->tag, "video") && is(device->model, "qxl"))
		return qxl_bars(device, ret_class, ret_bars);
	if (is(device->tag, "video") && is(device->model, "virtio"))
		return copy_bars(&virtio_vga, ret_class, ret_bars);
	if (is_virtio(device))
		return copy_bars(&virtio, ret_class, ret_bars);
	if (is(device->tag, "controller") && is(device->type, "sata")) {
		/* hw/ide/ich.c */
		static const struct model ahci = { .class_code = 0x010601,
						   .bars = { BAR32(5, 4 * GPUPT_KIB) } };
		return machine == GPUPT_MACHINE_Q35 || device->address.present ?
			copy_bars(&ahci, ret_class, ret_bars) : 0;
	}
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(models); i++)
		if (is(device->tag, models[i].tag) && is(device->model, models[i].key))
			return copy_bars(&models[i], ret_class, ret_bars);
	return 0;
}
