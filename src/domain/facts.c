/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Elements become facts. What counts is the path from <domain>, so that decoys
 * in <metadata>, comments and CDATA are not taken for the real thing. */

#include "domain/parse.h"

#include <gpupt/size.h>

#include "base/arena.h"
#include "base/util.h"

/* The grammar: which child of which element means what. Devices are not here,
 * see enter_device(). */
static const struct rule {
	enum gpupt_context parent;
	const char *name;
	enum gpupt_context inside;
} rules[] = {
	{ CTX_DOCUMENT, "domain", CTX_DOMAIN },
	{ CTX_DOMAIN, "name", CTX_NAME },
	{ CTX_DOMAIN, "uuid", CTX_UUID },
	{ CTX_DOMAIN, "memory", CTX_MEMORY },
	{ CTX_DOMAIN, "maxMemory", CTX_MAX_MEMORY },
	{ CTX_DOMAIN, "os", CTX_OS },
	{ CTX_DOMAIN, "cpu", CTX_CPU },
	{ CTX_DOMAIN, "devices", CTX_DEVICES },
	{ CTX_DOMAIN, "metadata", CTX_METADATA },
	{ CTX_METADATA, "libosinfo:libosinfo", CTX_LIBOSINFO },
	{ CTX_LIBOSINFO, "libosinfo:os", CTX_LIBOSINFO_OS },
	{ CTX_DOMAIN, "qemu:commandline", CTX_QEMU_COMMANDLINE },
	{ CTX_OS, "type", CTX_OS_TYPE },
	{ CTX_OS, "loader", CTX_OS_LOADER },
	{ CTX_OS, "kernel", CTX_OS_KERNEL },
	{ CTX_OS, "cmdline", CTX_OS_CMDLINE },
	{ CTX_CPU, "model", CTX_CPU_MODEL },
	{ CTX_CPU, "vendor", CTX_CPU_VENDOR },
	{ CTX_CPU, "maxphysaddr", CTX_MAXPHYSADDR },
	{ CTX_QEMU_COMMANDLINE, "qemu:arg", CTX_QEMU_ARG },
	{ CTX_CONTROLLER, "pcihole64", CTX_CONTROLLER_HOLE },
	{ CTX_CONTROLLER, "target", CTX_CONTROLLER_TARGET },
	{ CTX_CONTROLLER, "address", CTX_CONTROLLER_ADDRESS },
	{ CTX_HOSTDEV, "source", CTX_HOSTDEV_SOURCE },
	{ CTX_HOSTDEV, "address", CTX_HOSTDEV_ADDRESS },
	{ CTX_HOSTDEV, "rom", CTX_HOSTDEV_ROM },
	{ CTX_HOSTDEV_SOURCE, "address", CTX_HOSTDEV_SOURCE_ADDRESS },
	{ CTX_OTHER, "model", CTX_OTHER_MODEL },
	{ CTX_OTHER, "target", CTX_OTHER_TARGET },
	{ CTX_OTHER, "size", CTX_OTHER_SIZE },
	{ CTX_OTHER, "address", CTX_OTHER_ADDRESS },
	{ CTX_OTHER_TARGET, "size", CTX_OTHER_TARGET_SIZE },
};

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

/* ---- devices */

#define LAST(items, count) ((count) ? &(items)[(count)-1] : NULL)

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
		if (strcmp(controller->model_text, controller_models[i].name) == 0)
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

static enum gpupt_context start_other(struct gpupt_parser *parser, const char *name,
				      const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	if (!GPUPT_GROW(domain->others, domain->n_others, domain->c_others)) {
		parser->no_memory = true;
		return CTX_IGNORED;
	}
	struct gpupt_device *device = &domain->others[domain->n_others++];
	*device = (struct gpupt_device){ 0 };
	device->tag = gpupt_arena_copy(&domain->arena, name, strlen(name));
	parser->no_memory |= !device->tag;
	device->type = gpupt_attribute(parser, attributes, "type");
	device->model = gpupt_attribute(parser, attributes, "model");
	device->bus = gpupt_attribute(parser, attributes, "bus");
	uint64_t index = 0;
	gpupt_attribute_number(attributes, "index", UINT32_MAX, &index);
	device->index = (unsigned int)index;
	return CTX_OTHER;
}

static enum gpupt_context enter_device(struct gpupt_parser *parser, const char *name,
				       const struct gpupt_attributes *attributes)
{
	if (strcmp(name, "controller") == 0 && gpupt_attribute_is(attributes, "type", "pci"))
		return start_controller(parser, attributes);
	if (strcmp(name, "hostdev") == 0 && gpupt_attribute_is(attributes, "type", "pci") &&
	    !gpupt_attribute_is(attributes, "mode", "capabilities"))
		return start_hostdev(parser, GPUPT_HOSTDEV, attributes);
	if (strcmp(name, "interface") == 0 && gpupt_attribute_is(attributes, "type", "hostdev"))
		return start_hostdev(parser, GPUPT_HOSTDEV_INTERFACE, attributes);
	if (strcmp(name, "memballoon") == 0)
		parser->domain->has_memballoon = true;
	return start_other(parser, name, attributes);
}

/* ---- start tags */

static void read_maxphysaddr(struct gpupt_parser *parser, const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	const char *mode = gpupt_attribute(parser, attributes, "mode");
	uint64_t value = 0;
	if (mode && strcmp(mode, "passthrough") == 0)
		domain->maxphysaddr = GPUPT_MAXPHYSADDR_PASSTHROUGH;
	else if (mode && strcmp(mode, "emulate") == 0)
		domain->maxphysaddr = GPUPT_MAXPHYSADDR_EMULATE;
	if (gpupt_attribute_number(attributes, "bits", 64, &value))
		domain->maxphysaddr_bits = (unsigned int)value;
	if (gpupt_attribute_number(attributes, "limit", 64, &value))
		domain->maxphysaddr_limit = (unsigned int)value;
}

static void read_cpu(struct gpupt_parser *parser, const struct gpupt_attributes *attributes)
{
	static const struct {
		const char *name;
		enum gpupt_cpu_mode mode;
	} modes[] = {
		{ "custom", GPUPT_CPU_CUSTOM },
		{ "host-model", GPUPT_CPU_HOST_MODEL },
		{ "host-passthrough", GPUPT_CPU_HOST_PASSTHROUGH },
		{ "maximum", GPUPT_CPU_MAXIMUM },
	};
	const char *mode = gpupt_attribute(parser, attributes, "mode");
	for (size_t i = 0; mode && i < GPUPT_ARRAY_SIZE(modes); i++)
		if (strcmp(mode, modes[i].name) == 0)
			parser->domain->cpu_mode = modes[i].mode;
}

/* "-global q35-pcihost.pci-hole64-size=2048G" and "-fw_cfg
 * name=opt/ovmf/X-PciMmio64Mb,string=65536", each in two arguments. */
static void read_qemu_argument(struct gpupt_parser *parser,
			       const struct gpupt_attributes *attributes)
{
	static const char hole[] = "pci-hole64-size=";
	static const char window[] = "opt/ovmf/X-PciMmio64Mb,";
	const char *value = gpupt_attribute(parser, attributes, "value");
	if (!value)
		return;
	const char *found = strstr(value, hole);
	if (found)
		parser->domain->cmdline_hole = found + strlen(hole);
	found = strstr(value, window);
	if (found && (found = strstr(found, "string=")))
		parser->domain->cmdline_window = found + strlen("string=");
}

static void enter_controller_child(struct gpupt_parser *parser, enum gpupt_context inside,
				   const struct gpupt_attributes *attributes)
{
	struct gpupt_controller *controller =
		LAST(parser->domain->controllers, parser->domain->n_controllers);
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
		break;
	case CTX_CONTROLLER_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci"))
			read_guest_address(attributes, &controller->address);
		break;
	default:
		break;
	}
}

static void enter_hostdev_child(struct gpupt_parser *parser, enum gpupt_context inside,
				const struct gpupt_attributes *attributes)
{
	struct gpupt_hostdev *hostdev =
		LAST(parser->domain->hostdevs, parser->domain->n_hostdevs);
	switch (inside) {
	case CTX_HOSTDEV_SOURCE_ADDRESS: {
		/* a type is given in <interface> only, where it may be usb */
		const char *type = gpupt_attribute(parser, attributes, "type");
		hostdev->has_source = (!type || strcmp(type, "pci") == 0) &&
				      gpupt_attribute_pci_address(attributes, &hostdev->source);
		break;
	}
	case CTX_HOSTDEV_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci"))
			read_guest_address(attributes, &hostdev->address);
		break;
	case CTX_HOSTDEV_ROM:
		hostdev->rom_bar = gpupt_attribute_switch(attributes, "bar");
		break;
	default:
		break;
	}
}

static void enter_other_child(struct gpupt_parser *parser, enum gpupt_context inside,
			      const struct gpupt_attributes *attributes)
{
	struct gpupt_device *device = LAST(parser->domain->others, parser->domain->n_others);
	const char *text;
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
		if ((text = gpupt_attribute(parser, attributes, "bus")) ||
		    (text = gpupt_attribute(parser, attributes, "type")))
			device->bus = text;
		break;
	case CTX_OTHER_ADDRESS:
		if (gpupt_attribute_is(attributes, "type", "pci"))
			read_guest_address(attributes, &device->address);
		else
			device->other_address = true;
		break;
	default:
		break;
	}
}

static void enter_domain_child(struct gpupt_parser *parser, enum gpupt_context inside,
			       const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	uint64_t slots = 0;
	switch (inside) {
	case CTX_DOMAIN:
		domain->type = gpupt_attribute(parser, attributes, "type");
		break;
	case CTX_MAX_MEMORY:
		gpupt_attribute_number(attributes, "slots", UINT32_MAX, &slots);
		domain->memory_slots = (unsigned int)slots;
		break;
	case CTX_OS:
		domain->os_firmware = gpupt_attribute(parser, attributes, "firmware");
		break;
	case CTX_LIBOSINFO_OS: domain->os_id = gpupt_attribute(parser, attributes, "id"); break;
	case CTX_OS_TYPE:
		domain->arch = gpupt_attribute(parser, attributes, "arch");
		domain->machine = gpupt_attribute(parser, attributes, "machine");
		break;
	case CTX_OS_LOADER:
		domain->loader_type = gpupt_attribute(parser, attributes, "type");
		break;
	case CTX_CPU: read_cpu(parser, attributes); break;
	case CTX_MAXPHYSADDR: read_maxphysaddr(parser, attributes); break;
	case CTX_QEMU_ARG: read_qemu_argument(parser, attributes); break;
	default:
		break;
	}
}

bool gpupt_facts_wants_text(enum gpupt_context context)
{
	switch (context) {
	case CTX_NAME:
	case CTX_UUID:
	case CTX_MEMORY:
	case CTX_MAX_MEMORY:
	case CTX_OS_TYPE:
	case CTX_OS_LOADER:
	case CTX_OS_KERNEL:
	case CTX_OS_CMDLINE:
	case CTX_CPU_MODEL:
	case CTX_CPU_VENDOR:
	case CTX_CONTROLLER_HOLE:
	case CTX_OTHER_SIZE:
	case CTX_OTHER_TARGET_SIZE:
		return true;
	default:
		return false;
	}
}

enum gpupt_context gpupt_facts_enter(struct gpupt_parser *parser, enum gpupt_context parent,
				     const char *name, const struct gpupt_attributes *attributes)
{
	if (parent == CTX_IGNORED)
		return CTX_IGNORED;
	enum gpupt_context inside = CTX_IGNORED;
	if (parent == CTX_DEVICES)
		return enter_device(parser, name, attributes);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rules) && inside == CTX_IGNORED; i++)
		if (rules[i].parent == parent && strcmp(rules[i].name, name) == 0)
			inside = rules[i].inside;
	if (gpupt_facts_wants_text(inside)) {
		parser->text.length = 0;
		parser->unit = gpupt_attribute(parser, attributes, "unit");
	}
	switch (parent) {
	case CTX_CONTROLLER: enter_controller_child(parser, inside, attributes); break;
	case CTX_HOSTDEV:
	case CTX_HOSTDEV_SOURCE: enter_hostdev_child(parser, inside, attributes); break;
	case CTX_OTHER: enter_other_child(parser, inside, attributes); break;
	default: enter_domain_child(parser, inside, attributes); break;
	}
	return inside;
}

/* ---- end tags */

/* The collected text as a size: the number, then the unit attribute. libvirt
 * takes no white space behind the number (virStrToLong_ullp). */
static bool collected_size(struct gpupt_parser *parser, uint64_t *ret)
{
	char *text = parser->text.length ? parser->text.data : NULL;
	if (!text || text[parser->text.length - 1] < '0' || text[parser->text.length - 1] > '9')
		return false;
	char *with_unit = gpupt_arena_printf(&parser->domain->arena, "%s %s", text,
					     parser->unit ? parser->unit : "KiB");
	if (!with_unit) {
		parser->no_memory = true;
		return false;
	}
	return gpupt_size_parse(with_unit, 1024, ret, NULL) == 0;
}

static uint64_t collected_kib(struct gpupt_parser *parser)
{
	uint64_t bytes = 0;
	return collected_size(parser, &bytes) ? gpupt_align_up(bytes, 1024) / 1024 : 0;
}

static const char *collected_text(struct gpupt_parser *parser)
{
	char *copy = gpupt_arena_copy(&parser->domain->arena, parser->text.data,
				      parser->text.length);
	parser->no_memory |= !copy;
	return copy;
}

static void leave_hole(struct gpupt_parser *parser, const struct gpupt_element *element)
{
	struct gpupt_controller *controller =
		LAST(parser->domain->controllers, parser->domain->n_controllers);
	if (controller->n_holes != 1)
		return; /* libvirt takes the first */
	struct gpupt_pcihole64 *hole = &controller->hole;
	hole->element = *element;
	hole->text = collected_text(parser);
	hole->empty = parser->text.length == 0;
	hole->valid = collected_size(parser, &hole->bytes);
	hole->bytes = gpupt_align_up(hole->bytes, 1024);
}

static void leave_fact(struct gpupt_parser *parser, enum gpupt_context context,
		       const struct gpupt_element *element)
{
	struct gpupt_domain *domain = parser->domain;
	uint64_t bytes = 0;
	switch (context) {
	case CTX_DOMAIN: domain->root = *element; break;
	case CTX_NAME: domain->name = collected_text(parser); break;
	case CTX_UUID: domain->uuid = collected_text(parser); break;
	case CTX_MEMORY:
		domain->memory_kib = collected_kib(parser);
		domain->has_memory = domain->memory_kib != 0;
		break;
	case CTX_MAX_MEMORY: domain->max_memory_kib = collected_kib(parser); break;
	case CTX_OS_TYPE: domain->os_type = collected_text(parser); break;
	case CTX_OS_LOADER: domain->loader = collected_text(parser); break;
	case CTX_OS_KERNEL: domain->kernel = collected_text(parser); break;
	case CTX_OS_CMDLINE: domain->cmdline = collected_text(parser); break;
	case CTX_CPU_MODEL: domain->cpu_model = collected_text(parser); break;
	case CTX_CPU_VENDOR: domain->cpu_vendor = collected_text(parser); break;
	case CTX_CONTROLLER_HOLE: leave_hole(parser, element); break;
	case CTX_OTHER_SIZE:
	case CTX_OTHER_TARGET_SIZE:
		collected_size(parser, &bytes);
		LAST(domain->others, domain->n_others)->size_bytes = bytes;
		break;
	case CTX_DEVICES:
		if (!domain->has_devices)
			domain->devices = *element;
		domain->has_devices = true;
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
		if (strcmp(before_hostdev[i], name) != 0)
			continue;
		domain->hostdev_anchor = *element;
		if (i < BEFORE_CONTROLLER)
			domain->controller_anchor = *element;
	}
}

/* A child of <devices> ends. */
static void leave_device(struct gpupt_parser *parser, enum gpupt_context context,
			 const char *name, const struct gpupt_element *element)
{
	struct gpupt_domain *domain = parser->domain;
	note_anchor(domain, name, element);
	if (context == CTX_CONTROLLER) {
		LAST(domain->controllers, domain->n_controllers)->element = *element;
	} else if (context == CTX_HOSTDEV) {
		struct gpupt_hostdev *hostdev = LAST(domain->hostdevs, domain->n_hostdevs);
		hostdev->element = *element;
		/* <interface type='hostdev'> may hold a USB device: none of ours */
		if (hostdev->kind == GPUPT_HOSTDEV_INTERFACE && !hostdev->has_source)
			domain->n_hostdevs--;
	} else if (context == CTX_OTHER) {
		struct gpupt_device *device = LAST(domain->others, domain->n_others);
		device->element = *element;
		if (strcmp(name, "memory") == 0 && device->model &&
		    strcmp(device->model, "sgx-epc") == 0)
			domain->sgx_epc_kib =
				gpupt_add(domain->sgx_epc_kib, device->size_bytes / 1024);
	}
}

void gpupt_facts_leave(struct gpupt_parser *parser, enum gpupt_context context,
		       enum gpupt_context parent, const char *name,
		       const struct gpupt_element *element)
{
	leave_fact(parser, context, element);
	if (parent == CTX_DEVICES)
		leave_device(parser, context, name, element);
	if (parent == CTX_DOMAIN)
		parser->domain->last_child = *element;
	if (parent == CTX_CONTROLLER) {
		struct gpupt_controller *controller =
			LAST(parser->domain->controllers, parser->domain->n_controllers);
		controller->last_child = *element;
		if (context == CTX_CONTROLLER_TARGET)
			controller->target = *element;
	}
}
