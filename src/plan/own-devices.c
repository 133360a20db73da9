/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices QEMU itself makes: their BARs as far as they matter (every 64-bit one,
 * the usual 32-bit ones) and what they plug into. BARs were read off QEMU 7.2 with
 * query-pci, in the files named; the bus is libvirt's choice
 * (qemuDomainDeviceCalculatePCIConnectFlags, src/qemu/qemu_domain_address.c, 9.0). */

#include "plan/tree.h"

#define BAR32(n, bytes) { .index = (n), .size = (bytes) }
#define BAR32P(n, bytes) { .index = (n), .size = (bytes), .prefetchable = true }
#define BAR64(n, bytes) { .index = (n), .size = (bytes), .mem64 = true }
#define BAR64P(n, bytes) { .index = (n), .size = (bytes), .mem64 = true, .prefetchable = true }
#define PORTS(n, bytes) { .index = (n), .size = (bytes), .io = true }
/* of all VFs */
#define VFS64P(n, bytes) BAR64P(GPUPT_BAR_ROM + 1 + (n), bytes)
#define ROM(bytes) { .index = GPUPT_BAR_ROM, .size = (bytes) }

enum { MODEL_BARS = 6 };

struct model {
	const char *tag; /* element */
	const char *key; /* its model */
	enum gpupt_plug plug;
	uint32_t class_code;
	struct gpupt_mmio_bar bars[MODEL_BARS];
};

static const struct model models[] = {
	/* hw/usb/hcd-xhci-pci.c, hcd-ehci-pci.c, hcd-uhci.c, hcd-ohci-pci.c */
	{ "controller", "qemu-xhci", GPUPT_PLUG_EXPRESS, 0x0c0330, { BAR64(0, 16 * GPUPT_KIB) } },
	{ "controller", "nec-xhci", GPUPT_PLUG_EXPRESS, 0x0c0330, { BAR64(0, 16 * GPUPT_KIB) } },
	{ "controller", "ich9-ehci1", GPUPT_PLUG_PCI, 0x0c0320, { BAR32(0, 4 * GPUPT_KIB) } },
	{ "controller", "ehci", GPUPT_PLUG_PCI, 0x0c0320, { BAR32(0, 4 * GPUPT_KIB) } },
	{ "controller", "pci-ohci", GPUPT_PLUG_PCI, 0x0c0310, { BAR32(0, 256) } },
	{ "controller", "piix3-uhci", GPUPT_PLUG_PCI, 0x0c0300, { PORTS(4, 32) } },
	{ "controller", "piix4-uhci", GPUPT_PLUG_PCI, 0x0c0300, { PORTS(4, 32) } },
	{ "controller", "ich9-uhci1", GPUPT_PLUG_PCI, 0x0c0300, { PORTS(4, 32) } },
	{ "controller", "ich9-uhci2", GPUPT_PLUG_PCI, 0x0c0300, { PORTS(4, 32) } },
	{ "controller", "ich9-uhci3", GPUPT_PLUG_PCI, 0x0c0300, { PORTS(4, 32) } },
	/* hw/scsi/lsi53c895a.c, mptsas.c, megasas.c, vmw_pvscsi.c, esp-pci.c */
	{ "controller", "lsilogic", GPUPT_PLUG_PCI, 0x010000,
	  { PORTS(0, 256), BAR32(1, GPUPT_KIB), BAR32(2, 8 * GPUPT_KIB) } },
	{ "controller", "lsisas1068", GPUPT_PLUG_PCI, 0x010000,
	  { PORTS(0, 256), BAR32(1, 16 * GPUPT_KIB), BAR32(2, 64 * GPUPT_KIB) } },
	{ "controller", "lsisas1078", GPUPT_PLUG_PCI, 0x010400,
	  { BAR64(0, 16 * GPUPT_KIB), PORTS(2, 256), BAR64(3, 256 * GPUPT_KIB) } },
	{ "controller", "vmpvscsi", GPUPT_PLUG_PCI, 0x010000, { BAR32(0, 32 * GPUPT_KIB) } },
	{ "controller", "am53c974", GPUPT_PLUG_PCI, 0x010000, { PORTS(0, 128) } },
	{ "controller", "dc390", GPUPT_PLUG_PCI, 0x010000, { PORTS(0, 128) } },
	/* hw/nvme/ctrl.c */
	{ "controller", "nvme", GPUPT_PLUG_EXPRESS, 0x010802, { BAR64(0, 16 * GPUPT_KIB) } },
	/* hw/net/e1000.c, e1000e.c, rtl8139.c, vmxnet3.c, pcnet-pci.c, ne2000-pci.c; igb.c of
	 * QEMU 8.0, with 8 VFs (igb_pci_realize(), igb_common.h). libvirt's default on x86 is
	 * rtl8139 */
	{ "interface", "e1000", GPUPT_PLUG_PCI, 0x020000,
	  { BAR32(0, 128 * GPUPT_KIB), PORTS(1, 64) } },
	{ "interface", "e1000e", GPUPT_PLUG_EXPRESS, 0x020000,
	  { BAR32(0, 128 * GPUPT_KIB), BAR32(1, 128 * GPUPT_KIB), PORTS(2, 32),
	    BAR32(3, 16 * GPUPT_KIB) } },
	{ "interface", "igb", GPUPT_PLUG_EXPRESS, 0x020000,
	  { BAR32(0, 128 * GPUPT_KIB), BAR32(1, 128 * GPUPT_KIB), PORTS(2, 32),
	    BAR64(3, 16 * GPUPT_KIB), VFS64P(0, 128 * GPUPT_KIB), VFS64P(3, 128 * GPUPT_KIB) } },
	{ "interface", "rtl8139", GPUPT_PLUG_PCI, 0x020000, { PORTS(0, 256), BAR32(1, 256) } },
	{ "interface", "pcnet", GPUPT_PLUG_EXPRESS, 0x020000, { PORTS(0, 32), BAR32(1, 32) } },
	{ "interface", "ne2k_pci", GPUPT_PLUG_EXPRESS, 0x020000, { PORTS(0, 256) } },
	{ "interface", "vmxnet3", GPUPT_PLUG_PCI, 0x020000,
	  { BAR32(0, 4 * GPUPT_KIB), BAR32(1, 4 * GPUPT_KIB), BAR32(2, 8 * GPUPT_KIB) } },
	/* hw/audio/intel-hda.c, ac97.c, es1370.c */
	{ "sound", "ich6", GPUPT_PLUG_PCI, 0x040300, { BAR32(0, 16 * GPUPT_KIB) } },
	{ "sound", "ich9", GPUPT_PLUG_PCI, 0x040300, { BAR32(0, 16 * GPUPT_KIB) } },
	{ "sound", "ac97", GPUPT_PLUG_PCI, 0x040100, { PORTS(0, 1024), PORTS(1, 256) } },
	{ "sound", "es1370", GPUPT_PLUG_PCI, 0x040100, { PORTS(0, 256) } },
	/* hw/display/cirrus_vga.c */
	{ "video", "cirrus", GPUPT_PLUG_PCI, 0x030000,
	  { BAR32P(0, 32 * GPUPT_MIB), BAR32(1, 4 * GPUPT_KIB) } },
	/* hw/watchdog/wdt_i6300esb.c */
	{ "watchdog", "i6300esb", GPUPT_PLUG_PCI, 0x088000, { BAR32(0, 16) } },
	/* hw/char/serial-pci.c */
	{ "serial", NULL, GPUPT_PLUG_PCI, 0x070002, { PORTS(0, 8) } },
};

/* hw/virtio/virtio-pci.c: MSI-X in BAR 1, where there are vectors, and the modern
 * registers in BAR 4. Balloon, memory and IOMMU devices have no vectors. */
static const struct model virtio = {
	.plug = GPUPT_PLUG_EXPRESS,
	.class_code = 0x00ff00,
	.bars = { BAR32(1, 4 * GPUPT_KIB), BAR64P(4, 16 * GPUPT_KIB) },
};
static const struct model virtio_plain = {
	.plug = GPUPT_PLUG_EXPRESS,
	.class_code = 0x00ff00,
	.bars = { BAR64P(4, 16 * GPUPT_KIB) },
};

/* hw/display/virtio-vga.c: the frame buffer is BAR 0, the registers BAR 2. */
static const struct model virtio_vga = {
	.plug = GPUPT_PLUG_EXPRESS,
	.class_code = 0x030000,
	.bars = { BAR32P(0, 8 * GPUPT_MIB), BAR64P(2, 16 * GPUPT_KIB), BAR32(4, 4 * GPUPT_KIB) },
};

/* hw/ide/ich.c */
static const struct model ahci = {
	.plug = GPUPT_PLUG_PCI,
	.class_code = 0x010601,
	.bars = { PORTS(4, 32), BAR32(5, 4 * GPUPT_KIB) },
};

static bool starts(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

static void take(const struct model *model, struct gpupt_own_device *ret)
{
	ret->plug = model->plug;
	ret->class_code = model->class_code;
	while (ret->n_bars < MODEL_BARS && model->bars[ret->n_bars].size) {
		ret->bars[ret->n_bars] = model->bars[ret->n_bars];
		ret->n_bars++;
	}
}

static void add(struct gpupt_own_device *device, struct gpupt_mmio_bar bar)
{
	device->bars[device->n_bars++] = bar;
}

static const struct model *virtio_model(const struct gpupt_device *device)
{
	static const char *const with_model[] = { "rng", "vsock", "crypto", "sound" };
	static const char *const plain[] = { "memballoon", "memory", "iommu" };
	const char *tag = device->tag;
	if (gpupt_is(tag, "disk") || gpupt_is(tag, "input"))
		return gpupt_is(device->bus, "virtio") ? &virtio : NULL;
	if (gpupt_is(tag, "interface"))
		return starts(device->model, "virtio") ? &virtio : NULL;
	if (gpupt_is(tag, "controller") && gpupt_is(device->type, "virtio-serial"))
		return &virtio;
	if (gpupt_is(tag, "controller"))
		return starts(device->model, "virtio") ? &virtio : NULL;
	if (gpupt_is(tag, "hostdev")) /* vhost-scsi-pci */
		return gpupt_is(device->type, "scsi_host") ? &virtio : NULL;
	if (gpupt_is(tag, "filesystem")) /* virtio-9p, vhost-user-fs */
		return &virtio;
	if (!starts(device->model, "virtio"))
		return NULL;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(with_model); i++)
		if (gpupt_is(tag, with_model[i]))
			return &virtio;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(plain); i++)
		if (gpupt_is(tag, plain[i]))
			return &virtio_plain;
	return NULL;
}

/* I/O ports of a virtio device that can be driven the old way, which is so on a
 * conventional bus and on the root bus (hw/virtio/virtio-pci.c
 * virtio_pci_device_plugged(), with the device's configuration); 0: it cannot be. */
static unsigned int legacy_ports(const struct gpupt_device *device)
{
	static const struct { const char *tag; unsigned int bytes; } legacy[] = {
		{ "disk", 128 }, { "controller", 64 }, { "interface", 32 }, { "filesystem", 32 },
		{ "memballoon", 64 }, { "rng", 32 }, { "hostdev", 64 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(legacy); i++)
		if (gpupt_is(device->tag, legacy[i].tag) && !gpupt_is(device->model, "virtio-non-transitional"))
			return legacy[i].bytes;
	return 0;
}

static void take_virtio(const struct gpupt_device *device, const struct model *model,
			struct gpupt_own_device *ret)
{
	take(model, ret);
	ret->legacy_ports = legacy_ports(device);
	if (gpupt_is(device->model, "virtio-transitional"))
		ret->plug = GPUPT_PLUG_PCI;
}

/* hw/display/qxl.c qxl_init_ramsize(), qxl_realize_common(): RAM in BAR 0, video
 * RAM in BAR 1 and, when larger, as 64-bit BAR 4; ROM 8 KiB in BAR 2. libvirt
 * writes 64 MiB for either unless told otherwise. */
static void take_qxl(const struct gpupt_device *device, struct gpupt_own_device *ret)
{
	uint64_t ram = device->ram_bytes ? device->ram_bytes : 64 * GPUPT_MIB;
	uint64_t vram = device->vram_bytes ? device->vram_bytes : 64 * GPUPT_MIB;
	uint64_t vram32 = gpupt_power_of_two_above(vram);
	uint64_t vram64 = gpupt_power_of_two_above(device->vram64_bytes);
	add(ret, (struct gpupt_mmio_bar)BAR32(0, gpupt_power_of_two_above(ram)));
	add(ret, (struct gpupt_mmio_bar)BAR32(1, vram32));
	add(ret, (struct gpupt_mmio_bar)BAR32(2, 8 * GPUPT_KIB));
	add(ret, (struct gpupt_mmio_bar)PORTS(3, 32));
	if (vram64 > vram32)
		add(ret, (struct gpupt_mmio_bar)BAR64P(4, vram64));
}

/* hw/display/vga-pci.c, bochs-display.c, vmware_vga.c: the frame buffer, 16 MiB
 * unless the domain says otherwise, and registers. */
static void take_vga(const struct gpupt_device *device, struct gpupt_own_device *ret)
{
	uint64_t memory = device->vram_bytes ? device->vram_bytes : 16 * GPUPT_MIB;
	bool vmvga = gpupt_is(device->model, "vmvga");
	if (vmvga)
		add(ret, (struct gpupt_mmio_bar)PORTS(0, 16));
	add(ret, (struct gpupt_mmio_bar)BAR32P(vmvga ? 1 : 0, gpupt_power_of_two_above(memory)));
	if (vmvga)
		add(ret, (struct gpupt_mmio_bar)BAR32P(2, 64 * GPUPT_KIB));
	else
		add(ret, (struct gpupt_mmio_bar)BAR32(2, 4 * GPUPT_KIB));
}

static void take_video(const struct gpupt_device *device, bool primary,
		       struct gpupt_own_device *ret)
{
	if (gpupt_is(device->model, "virtio")) {
		take(primary ? &virtio_vga : &virtio, ret);
		ret->class_code = primary ? 0x030000 : 0x038000;
		return;
	}
	bool bochs = gpupt_is(device->model, "bochs");
	ret->plug = bochs ? GPUPT_PLUG_EXPRESS : GPUPT_PLUG_PCI;
	ret->class_code = primary && !bochs ? 0x030000 : 0x038000;
	if (gpupt_is(device->model, "qxl"))
		take_qxl(device, ret);
	else
		take_vga(device, ret);
}

/* hw/misc/ivshmem.c: registers, MSI-X (doorbell only), the memory itself. libvirt's
 * default size is 4 MiB. */
static void take_shmem(const struct gpupt_device *device, struct gpupt_own_device *ret)
{
	uint64_t size = device->size_bytes ? device->size_bytes : 4 * GPUPT_MIB;
	ret->plug = GPUPT_PLUG_PCI;
	ret->class_code = 0x050000;
	add(ret, (struct gpupt_mmio_bar)BAR32(0, 256));
	add(ret, (struct gpupt_mmio_bar)BAR64P(2, gpupt_power_of_two_above(size)));
}

/* Option ROMs as QEMU's packages bring them: iPXE for network cards, a VGA BIOS for
 * the first video card. They lie below 4 GiB too. */
static void add_rom(const struct gpupt_device *device, bool primary,
		    struct gpupt_own_device *ret)
{
	bool card = gpupt_is(device->tag, "interface") && !gpupt_is(ret->model, "igb");
	bool video = gpupt_is(device->tag, "video") && (primary || gpupt_is(ret->model, "bochs"));
	if (device->rom_bar == GPUPT_NO || !ret->plug || !(card || video))
		return;
	uint64_t size = card ? 256 : gpupt_is(ret->model, "bochs") ? 32 : 64;
	add(ret, (struct gpupt_mmio_bar)ROM(size * GPUPT_KIB));
}

/* The model libvirt takes where the domain names none. */
static const char *model_of(const struct gpupt_device *device)
{
	if (device->model)
		return device->model;
	if (gpupt_is(device->tag, "interface"))
		return "rtl8139";
	if (gpupt_is(device->tag, "controller") && gpupt_is(device->type, "usb"))
		return "piix3-uhci";
	if (gpupt_is(device->tag, "controller") && gpupt_is(device->type, "scsi"))
		return "lsilogic";
	return NULL;
}

void gpupt_own_device(const struct gpupt_device *device, bool primary,
		      struct gpupt_own_device *ret)
{
	const char *name = model_of(device);
	*ret = (struct gpupt_own_device){ .plug = GPUPT_PLUG_NONE, .model = name };
	/* a console has the address of the serial port that it stands for, no video none */
	if (device->other_address || gpupt_is(device->tag, "console") ||
	    (gpupt_is(device->tag, "video") && gpupt_is(name, "none")))
		return;
	const struct model *model = NULL;
	if (virtio_model(device))
		take_virtio(device, virtio_model(device), ret);
	else if (gpupt_is(device->tag, "controller") && gpupt_is(device->type, "sata"))
		model = &ahci;
	else if (gpupt_is(device->tag, "shmem"))
		take_shmem(device, ret);
	else if (gpupt_is(device->tag, "video") && !gpupt_is(name, "cirrus") && !gpupt_is(name, "none") &&
		 !gpupt_is(name, "ramfb"))
		take_video(device, primary, ret);
	else if (gpupt_is(device->tag, "hostdev") && gpupt_is(device->type, "mdev"))
		ret->plug = GPUPT_PLUG_EXPRESS;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(models) && !model && !ret->plug; i++)
		if (gpupt_is(device->tag, models[i].tag) &&
		    (models[i].key ? gpupt_is(name, models[i].key) : gpupt_is(device->bus, "pci-serial")))
			model = &models[i];
	if (model)
		take(model, ret);
	add_rom(device, primary, ret);
	/* whatever it is, it takes the place that the domain gives it */
	if (ret->plug == GPUPT_PLUG_NONE && device->address.present)
		ret->plug = GPUPT_PLUG_PCI;
	if (gpupt_is(device->tag, "iommu") && ret->plug)
		ret->plug = GPUPT_PLUG_ROOT; /* an integrated endpoint */
}
