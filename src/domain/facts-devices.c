/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The children of <devices>: PCI controllers, passed-through functions, the rest. */

#include "domain/parse.h"

#include "base/arena.h"
#include "base/util.h"

/* libvirt's order of the children of <devices> (virDomainDefFormatInternal,
 * src/conf/domain_conf.c, 9.0), as far as it says where a controller or a hostdev
 * goes: behind the last one of its own kind or of a kind before it. */
static const char *const before_hostdev[] = {
	"emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard",
	"serial", "parallel", "console", "channel", "input", "tpm", "graphics", "sound",
	"audio", "video", "hostdev",
};
enum { BEFORE_CONTROLLER = 3 }; /* the first three of them */

static const struct {
	const char *name;
	enum gpupt_controller_model model;
} controller_models[] = {
	{ "pci-root", GPUPT_CONTROLLER_PCI_ROOT },
	{ "pcie-root", GPUPT_CONTROLLER_PCIE_ROOT },
	{ "pci-bridge", GPUPT_CONTROLLER_PCI_BRIDGE },
	{ "dmi-to-pci-bridge", GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE },
	{ "pcie-to-pci-bridge", GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE },
	{ "pcie-root-port", GPUPT_CONTROLLER_ROOT_PORT },
	{ "pcie-switch-upstream-port", GPUPT_CONTROLLER_SWITCH_UPSTREAM },
	{ "pcie-switch-downstream-port", GPUPT_CONTROLLER_SWITCH_DOWNSTREAM },
	{ "pci-expander-bus", GPUPT_CONTROLLER_EXPANDER },
	{ "pcie-expander-bus", GPUPT_CONTROLLER_PCIE_EXPANDER },
};

static void read_guest_address(const struct gpupt_attributes *attributes,
			       struct gpupt_guest_address *ret)
{
	/* 0000:00:00.0, the host bridge's, means none (virPCIDeviceAddressIsEmpty,
	 * src/util/virpci.c, 9.0) */
	ret->present = gpupt_attribute_pci_address(attributes, &ret->pci) &&
		       (ret->pci.domain || ret->pci.bus || ret->pci.slot || ret->pci.function);
	ret->multifunction = gpupt_attribute_switch(attributes, "multifunction");
}

/* <rom bar='off'/> shows the guest no ROM, <rom enabled='no'/> gives it none. */
static enum gpupt_tristate read_rom(const struct gpupt_attributes *attributes)
{
	if (gpupt_attribute_switch(attributes, "enabled") == GPUPT_NO)
		return GPUPT_NO;
	return gpupt_attribute_switch(attributes, "bar");
}

static enum gpupt_context start_controller(struct gpupt_parser *parser,
					   const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	if (!GPUPT_GROW(domain->controllers, domain->n_controllers, domain->c_controllers)) {
		parser->no_memory = true;
		return CTX_IGNORED;
	}
	struct gpupt_controller *controller = &domain->controllers[domain->n_controllers++];
	*controller = (struct gpupt_controller){ 0 };
	controller->model_text = gpupt_attribute(parser, attributes, "model");
	for (size_t i = 0; controller->model_text && i < GPUPT_ARRAY_SIZE(controller_models); i++)
		if (gpupt_is(controller->model_text, controller_models[i].name))
			controller->model = controller_models[i].model;
	uint64_t index = 0;
	controller->has_index = gpupt_attribute_number(attributes, "index", UINT32_MAX, &index);
	controller->index = (unsigned int)index;
	return CTX_CONTROLLER;
}

static enum gpupt_context start_hostdev(struct gpupt_parser *parser, enum gpupt_hostdev_kind kind,
					const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	if (!GPUPT_GROW(domain->hostdevs, domain->n_hostdevs, domain->c_hostdevs)) {
		parser->no_memory = true;
		return CTX_IGNORED;
	}
	struct gpupt_hostdev *hostdev = &domain->hostdevs[domain->n_hostdevs++];
	*hostdev = (struct gpupt_hostdev){ .kind = kind };
	hostdev->managed = gpupt_attribute_switch(attributes, "managed");
	return CTX_HOSTDEV;
}

static const struct gpupt_device *device_before(const struct gpupt_domain *domain)
{
	static const struct gpupt_device none;
	return domain->n_others > 1 ? &domain->others[domain->n_others - 2] : &none;
}

/* A value that is mostly that of the device before, which is there to stay. */
static const char *value_like(struct gpupt_parser *parser,
			      const struct gpupt_attributes *attributes, const char *name,
			      const char *before)
{
	if (before && gpupt_attribute_is(attributes, name, before))
		return before;
	return gpupt_attribute(parser, attributes, name);
}

static enum gpupt_context start_other(struct gpupt_parser *parser, const char *name,
				      const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	if (!GPUPT_GROW(domain->others, domain->n_others, domain->c_others)) {
		parser->no_memory = true;
		return CTX_IGNORED;
	}
	struct gpupt_device *device = &domain->others[domain->n_others++];
	const struct gpupt_device *before = device_before(domain);
	*device = (struct gpupt_device){ 0 };
	device->tag = gpupt_is(before->tag, name) ?
		before->tag : gpupt_arena_copy(&domain->arena, name, strlen(name));
	parser->no_memory |= !device->tag;
	device->type = value_like(parser, attributes, "type", before->type);
	device->model = value_like(parser, attributes, "model", before->model);
	device->bus = value_like(parser, attributes, "bus", before->bus);
	uint64_t index = 0;
	device->has_index = gpupt_attribute_number(attributes, "index", UINT32_MAX, &index);
	device->index = (unsigned int)index;
	return CTX_OTHER;
}

enum gpupt_context gpupt_facts_enter_device(struct gpupt_parser *parser, const char *name,
					    const struct gpupt_attributes *attributes)
{
	if (gpupt_is(name, "controller") && gpupt_attribute_is(attributes, "type", "pci"))
		return start_controller(parser, attributes);
	if (gpupt_is(name, "hostdev") && gpupt_attribute_is(attributes, "type", "pci") &&
	    !gpupt_attribute_is(attributes, "mode", "capabilities"))
		return start_hostdev(parser, GPUPT_HOSTDEV, attributes);
	if (gpupt_is(name, "interface") && gpupt_attribute_is(attributes, "type", "hostdev"))
		return start_hostdev(parser, GPUPT_HOSTDEV_INTERFACE, attributes);
	if (gpupt_is(name, "memballoon"))
		parser->domain->has_memballoon = true;
	return start_other(parser, name, attributes);
}

void gpupt_facts_enter_controller_child(struct gpupt_parser *parser, enum gpupt_context inside,
					const struct gpupt_attributes *attributes)
{
	struct gpupt_controller *controller =
		GPUPT_LAST(parser->domain->controllers, parser->domain->n_controllers);
	uint64_t value = 0;
	switch (inside) {
	case CTX_CONTROLLER_HOLE:
		if (controller->n_holes++ == 0)
			controller->hole.unit = gpupt_attribute(parser, attributes, "unit");
		break;
	case CTX_CONTROLLER_TARGET:
		controller->hotplug = gpupt_attribute_switch(attributes, "hotplug");
		if (gpupt_attribute_number(attributes, "memReserve", UINT64_MAX / 1024, &value)) {
			controller->has_mem_reserve = true;
			controller->mem_reserve_kib = value;
		}
		if (gpupt_attribute_number(attributes, "busNr", 255, &value)) {
			controller->has_bus_number = true;
			controller->bus_number = (unsigned int)value;
		}
		break;
	case CTX_CONTROLLER_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci"))
			read_guest_address(attributes, &controller->address);
		break;
	default:
		break;
	}
}

void gpupt_facts_enter_hostdev_child(struct gpupt_parser *parser, enum gpupt_context inside,
				     const struct gpupt_attributes *attributes)
{
	struct gpupt_hostdev *hostdev =
		GPUPT_LAST(parser->domain->hostdevs, parser->domain->n_hostdevs);
	switch (inside) {
	case CTX_HOSTDEV_SOURCE_ADDRESS: {
		/* a type is given in <interface> only, where it may be usb */
		const char *type = gpupt_attribute(parser, attributes, "type");
		hostdev->has_source = (!type || gpupt_is(type, "pci")) &&
				      gpupt_attribute_pci_address(attributes, &hostdev->source);
		break;
	}
	case CTX_HOSTDEV_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci"))
			read_guest_address(attributes, &hostdev->address);
		break;
	case CTX_HOSTDEV_ROM:
		hostdev->rom_bar = read_rom(attributes);
		break;
	case CTX_HOSTDEV_ALIAS:
		hostdev->alias = gpupt_attribute(parser, attributes, "name");
		break;
	default:
		break;
	}
}

/* The bus of a disk whose domain names none, and which of that bus's controllers it is on,
 * both by its name, "sda" (virDomainDiskDefPostParse(), src/conf/domain_postparse.c;
 * virDomainDiskDefAssignAddress(), src/conf/domain_conf.c, 9.0). */
static void name_disk(struct gpupt_device *device, const char *name)
{
	static const struct { const char *prefix, *bus; } by_prefix[] = {
		{ "hd", "ide" }, { "sd", "scsi" }, { "vd", "virtio" }, { "fd", "fdc" },
	};
	static const struct { const char *bus; unsigned int disks; } by_bus[] = {
		{ "scsi", 7 }, { "sata", 6 }, { "ide", 4 }, { "fdc", 2 },
	};
	unsigned int number = 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(by_prefix) && !device->bus; i++)
		if (strncmp(name, by_prefix[i].prefix, 2) == 0)
			device->bus = by_prefix[i].bus;
	if (strlen(name) < 2)
		return;
	for (const char *letter = name + 2; *letter >= 'a' && *letter <= 'z'; letter++)
		number = number < 1000000 ? number * 26 + (unsigned int)(*letter - 'a') + 1 : number;
	device->number = number;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(by_bus) && number && !device->other_address; i++)
		if (gpupt_is(device->bus, by_bus[i].bus))
			device->drive = (number - 1) / by_bus[i].disks;
}

void gpupt_facts_enter_other_child(struct gpupt_parser *parser, enum gpupt_context inside,
				   const struct gpupt_attributes *attributes)
{
	struct gpupt_device *device = GPUPT_LAST(parser->domain->others, parser->domain->n_others);
	const struct gpupt_device *before;
	const char *text;
	uint64_t number = 0;
	switch (inside) {
	case CTX_OTHER_MODEL:
		if ((text = gpupt_attribute(parser, attributes, "type")) ||
		    (text = gpupt_attribute(parser, attributes, "name")))
			device->model = text;
		device->ram_bytes = gpupt_attribute_kib(attributes, "ram");
		device->vram_bytes = gpupt_attribute_kib(attributes, "vram");
		device->vram64_bytes = gpupt_attribute_kib(attributes, "vram64");
		device->vgamem_bytes = gpupt_attribute_kib(attributes, "vgamem");
		break;
	case CTX_OTHER_TARGET: /* a disk's bus; what a channel or a serial port is */
		before = device_before(parser->domain);
		if ((text = value_like(parser, attributes, "bus", before->bus)) ||
		    (text = value_like(parser, attributes, "type", before->bus)))
			device->bus = text;
		if (gpupt_is(device->tag, "disk") &&
		    (text = gpupt_attribute(parser, attributes, "dev")))
			name_disk(device, text);
		break;
	case CTX_OTHER_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci")) {
			read_guest_address(attributes, &device->address);
			break;
		}
		device->other_address = true;
		device->drive = 0;
		if (gpupt_attribute_number(attributes, "controller", UINT32_MAX, &number))
			device->drive = (unsigned int)number;
		break;
	case CTX_OTHER_SOURCE_ADDRESS: /* that of <interface type='vdpa'> and the like is none */
		if (gpupt_is(device->tag, "disk") && gpupt_is(device->type, "nvme"))
			device->has_source = gpupt_attribute_pci_address(attributes, &device->source);
		break;
	case CTX_OTHER_ROM:
		device->rom_bar = read_rom(attributes);
		break;
	default:
		break;
	}
}

static void note_anchor(struct gpupt_domain *domain, const char *name,
			const struct gpupt_element *element)
{
	if (!domain->first_device.whole.end)
		domain->first_device = *element;
	domain->last_device = *element;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(before_hostdev); i++) {
		if (!gpupt_is(before_hostdev[i], name))
			continue;
		domain->hostdev_anchor = *element;
		if (i < BEFORE_CONTROLLER)
			domain->controller_anchor = *element;
	}
}

/* A child of <devices> ends. */
void gpupt_facts_leave_device(struct gpupt_parser *parser, enum gpupt_context context,
			      const char *name, const struct gpupt_element *element)
{
	struct gpupt_domain *domain = parser->domain;
	note_anchor(domain, name, element);
	if (context == CTX_CONTROLLER) {
		GPUPT_LAST(domain->controllers, domain->n_controllers)->element = *element;
	} else if (context == CTX_HOSTDEV) {
		struct gpupt_hostdev *hostdev = GPUPT_LAST(domain->hostdevs, domain->n_hostdevs);
		hostdev->element = *element;
		/* <interface type='hostdev'> may hold a USB device: none of ours */
		if (hostdev->kind == GPUPT_HOSTDEV_INTERFACE && !hostdev->has_source)
			domain->n_hostdevs--;
	} else if (context == CTX_OTHER) {
		struct gpupt_device *device = GPUPT_LAST(domain->others, domain->n_others);
		device->element = *element;
		if (gpupt_is(name, "memory") && gpupt_is(device->model, "sgx-epc"))
			domain->sgx_epc_kib =
				gpupt_add(domain->sgx_epc_kib, device->size_bytes / 1024);
	}
}
