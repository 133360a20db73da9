/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Elements become facts. What counts is the path from <domain>, so that decoys
 * in <metadata>, comments and CDATA are not taken for the real thing. */

#include "domain/parse.h"

#include <gpupt/size.h>

#include "base/arena.h"
#include "base/util.h"

/* The grammar: which child of which element means what. Devices are not here,
 * see gpupt_facts_enter_device(). */
struct rule {
	const char *name; /* NULL: the end */
	enum gpupt_context inside;
};

#define CHILDREN(...) (const struct rule[]){ __VA_ARGS__, { NULL, CTX_IGNORED } }

static const struct rule *const children[] = {
	[CTX_DOCUMENT] = CHILDREN({ "domain", CTX_DOMAIN }),
	[CTX_DOMAIN] = CHILDREN({ "name", CTX_NAME }, { "uuid", CTX_UUID },
		{ "memory", CTX_MEMORY }, { "maxMemory", CTX_MAX_MEMORY },
		{ "memoryBacking", CTX_MEMORY_BACKING }, { "memtune", CTX_MEMTUNE },
		{ "os", CTX_OS }, { "cpu", CTX_CPU }, { "devices", CTX_DEVICES },
		{ "metadata", CTX_METADATA }, { "qemu:commandline", CTX_QEMU_COMMANDLINE },
		{ "sysinfo", CTX_SYSINFO }, { "qemu:override", CTX_QEMU_OVERRIDE }),
	[CTX_MEMORY_BACKING] = CHILDREN({ "hugepages", CTX_HUGEPAGES }),
	[CTX_HUGEPAGES] = CHILDREN({ "page", CTX_HUGEPAGE }),
	[CTX_MEMTUNE] = CHILDREN({ "hard_limit", CTX_HARD_LIMIT }),
	[CTX_METADATA] = CHILDREN({ "libosinfo:libosinfo", CTX_LIBOSINFO }),
	[CTX_LIBOSINFO] = CHILDREN({ "libosinfo:os", CTX_LIBOSINFO_OS }),
	[CTX_SYSINFO] = CHILDREN({ "entry", CTX_SYSINFO_ENTRY }),
	[CTX_OS] = CHILDREN({ "type", CTX_OS_TYPE }, { "loader", CTX_OS_LOADER },
		{ "nvram", CTX_OS_NVRAM }, { "kernel", CTX_OS_KERNEL },
		{ "cmdline", CTX_OS_CMDLINE }),
	[CTX_CPU] = CHILDREN({ "model", CTX_CPU_MODEL }, { "vendor", CTX_CPU_VENDOR },
		{ "feature", CTX_CPU_FEATURE }, { "numa", CTX_NUMA },
		{ "maxphysaddr", CTX_MAXPHYSADDR }),
	[CTX_NUMA] = CHILDREN({ "cell", CTX_NUMA_CELL }),
	[CTX_QEMU_COMMANDLINE] = CHILDREN({ "qemu:arg", CTX_QEMU_ARG }),
	[CTX_QEMU_OVERRIDE] = CHILDREN({ "qemu:device", CTX_QEMU_DEVICE }),
	[CTX_QEMU_DEVICE] = CHILDREN({ "qemu:frontend", CTX_QEMU_FRONTEND }),
	[CTX_QEMU_FRONTEND] = CHILDREN({ "qemu:property", CTX_QEMU_PROPERTY }),
	[CTX_DEVICES] = CHILDREN({ "emulator", CTX_EMULATOR }),
	[CTX_CONTROLLER] = CHILDREN({ "pcihole64", CTX_CONTROLLER_HOLE },
		{ "target", CTX_CONTROLLER_TARGET }, { "address", CTX_CONTROLLER_ADDRESS }),
	[CTX_HOSTDEV] = CHILDREN({ "source", CTX_HOSTDEV_SOURCE },
		{ "address", CTX_HOSTDEV_ADDRESS }, { "rom", CTX_HOSTDEV_ROM },
		{ "alias", CTX_HOSTDEV_ALIAS }),
	[CTX_HOSTDEV_SOURCE] = CHILDREN({ "address", CTX_HOSTDEV_SOURCE_ADDRESS }),
	[CTX_OTHER] = CHILDREN({ "model", CTX_OTHER_MODEL }, { "target", CTX_OTHER_TARGET },
		{ "size", CTX_OTHER_SIZE }, { "address", CTX_OTHER_ADDRESS },
		{ "rom", CTX_OTHER_ROM }, { "source", CTX_OTHER_SOURCE }),
	[CTX_OTHER_SOURCE] = CHILDREN({ "address", CTX_OTHER_SOURCE_ADDRESS }),
	[CTX_OTHER_TARGET] = CHILDREN({ "size", CTX_OTHER_TARGET_SIZE }),
};

/* Namespaces with facts in them, and their prefixes in the grammar. */
static const struct {
	const char *uri;
	const char *prefix;
} known_namespaces[] = {
	{ "http://libvirt.org/schemas/domain/qemu/1.0", "qemu" },
	{ "http://libosinfo.org/xmlns/libvirt/domain/1.0", "libosinfo" },
};

const char *gpupt_facts_name(const char *name, const char *prefix, const char *uri,
			     char buffer[GPUPT_FACTS_NAME_MAX])
{
	if (!uri) /* a prefix that is not declared is part of a name that nobody has */
		return prefix ? NULL : name;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(known_namespaces); i++) {
		if (!gpupt_is(uri, known_namespaces[i].uri))
			continue;
		int length = snprintf(buffer, GPUPT_FACTS_NAME_MAX, "%s:%s",
				      known_namespaces[i].prefix, name);
		return length < GPUPT_FACTS_NAME_MAX ? buffer : NULL;
	}
	return NULL;
}

/* ---- start tags */

static void read_maxphysaddr(struct gpupt_parser *parser, const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	const char *mode = gpupt_attribute(parser, attributes, "mode");
	uint64_t value = 0;
	if (gpupt_is(mode, "passthrough"))
		domain->maxphysaddr = GPUPT_MAXPHYSADDR_PASSTHROUGH;
	else if (gpupt_is(mode, "emulate"))
		domain->maxphysaddr = GPUPT_MAXPHYSADDR_EMULATE;
	if (gpupt_attribute_number(attributes, "bits", 64, &value))
		domain->maxphysaddr_bits = (unsigned int)value;
	if (gpupt_attribute_number(attributes, "limit", 64, &value))
		domain->maxphysaddr_limit = (unsigned int)value;
}

static void read_cpu_feature(struct gpupt_parser *parser, const struct gpupt_attributes *attributes)
{
	if (!gpupt_attribute_is(attributes, "name", "pdpe1gb"))
		return;
	bool off = gpupt_attribute_is(attributes, "policy", "disable") ||
		   gpupt_attribute_is(attributes, "policy", "forbid");
	parser->domain->cpu_pages_1g = off ? GPUPT_NO : GPUPT_YES;
}

/* An attribute with `unit` beside it, KiB unless that says otherwise; 0 when absent. */
static uint64_t read_size(struct gpupt_parser *parser, const struct gpupt_attributes *attributes,
			  const char *name)
{
	const char *size = gpupt_attribute(parser, attributes, name);
	const char *unit = gpupt_attribute(parser, attributes, "unit");
	char *text = size ? gpupt_arena_printf(&parser->domain->arena, "%s %s", size,
					       unit ? unit : "KiB") : NULL;
	uint64_t bytes = 0;
	return text && gpupt_size_parse(text, 1024, &bytes, NULL) == 0 ? bytes : 0;
}

static void read_cell(struct gpupt_parser *parser, const struct gpupt_attributes *attributes)
{
	uint64_t bytes = read_size(parser, attributes, "memory");
	parser->domain->cells_kib = gpupt_add(parser->domain->cells_kib,
					      gpupt_align_up(bytes, 1024) / 1024);
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
		if (gpupt_is(mode, modes[i].name))
			parser->domain->cpu_mode = modes[i].mode;
}

static void read_qemu_argument(struct gpupt_parser *parser,
			       const struct gpupt_attributes *attributes)
{
	struct gpupt_domain *domain = parser->domain;
	const char *value = gpupt_attribute(parser, attributes, "value");
	if (!value)
		return;
	if (!GPUPT_GROW(domain->arguments, domain->n_arguments, domain->c_arguments) ||
	    !GPUPT_GROW(domain->argument_elements, domain->n_arguments,
			domain->c_argument_elements)) {
		parser->no_memory = true;
		return;
	}
	domain->argument_elements[domain->n_arguments] = (struct gpupt_element){ 0 };
	domain->arguments[domain->n_arguments++] = value;
}

/* The one without a place yet: an argument without a value is none. */
static void leave_qemu_argument(struct gpupt_domain *domain, const struct gpupt_element *element)
{
	struct gpupt_element *place = GPUPT_LAST(domain->argument_elements, domain->n_arguments);
	if (place && !place->whole.end)
		*place = *element;
}

/* What a bridge sets aside, and whether it takes hotplug. */
static void read_qemu_property(struct gpupt_parser *parser,
			       const struct gpupt_attributes *attributes)
{
	const char *name = gpupt_attribute(parser, attributes, "name");
	if (name && (strstr(name, "-reserve") || gpupt_is(name, "hotplug")))
		parser->domain->override_property = name;
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
	case CTX_HUGEPAGES: domain->has_hugepages = true; break;
	case CTX_HUGEPAGE:
		if (!domain->hugepage_bytes)
			domain->hugepage_bytes = read_size(parser, attributes, "size");
		break;
	case CTX_OS_NVRAM:
		domain->nvram_template = gpupt_attribute(parser, attributes, "template");
		break;
	case CTX_CPU: read_cpu(parser, attributes); break;
	case CTX_CPU_FEATURE: read_cpu_feature(parser, attributes); break;
	case CTX_NUMA_CELL: read_cell(parser, attributes); break;
	case CTX_MAXPHYSADDR: read_maxphysaddr(parser, attributes); break;
	case CTX_QEMU_ARG: read_qemu_argument(parser, attributes); break;
	case CTX_SYSINFO_ENTRY: gpupt_strays_enter_entry(parser, attributes); break;
	case CTX_QEMU_PROPERTY: read_qemu_property(parser, attributes); break;
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
	case CTX_HARD_LIMIT:
	case CTX_OS_TYPE:
	case CTX_OS_LOADER:
	case CTX_OS_KERNEL:
	case CTX_OS_CMDLINE:
	case CTX_CPU_MODEL:
	case CTX_CPU_VENDOR:
	case CTX_EMULATOR:
	case CTX_CONTROLLER_HOLE:
	case CTX_OTHER_SIZE:
	case CTX_OTHER_TARGET_SIZE:
		return true;
	default:
		return false;
	}
}

static enum gpupt_context child_of(enum gpupt_context parent, const char *name)
{
	const struct rule *rule = parent < GPUPT_ARRAY_SIZE(children) ? children[parent] : NULL;
	for (; rule && rule->name; rule++)
		if (gpupt_is(rule->name, name))
			return rule->inside;
	return CTX_IGNORED;
}

enum gpupt_context gpupt_facts_enter(struct gpupt_parser *parser, enum gpupt_context parent,
				     const char *name, const struct gpupt_attributes *attributes)
{
	if (parent == CTX_IGNORED || parent == CTX_FOREIGN)
		return parent;
	enum gpupt_context inside = child_of(parent, name);
	if (inside == CTX_IGNORED && parent >= CTX_METADATA && parent <= CTX_LIBOSINFO_OS)
		return CTX_FOREIGN;
	if (parent == CTX_DEVICES && inside == CTX_IGNORED)
		return gpupt_facts_enter_device(parser, name, attributes);
	if (gpupt_facts_wants_text(inside)) {
		parser->text.length = 0;
		parser->unit = gpupt_attribute(parser, attributes, "unit");
	}
	switch (parent) {
	case CTX_CONTROLLER: gpupt_facts_enter_controller_child(parser, inside, attributes); break;
	case CTX_HOSTDEV:
	case CTX_HOSTDEV_SOURCE: gpupt_facts_enter_hostdev_child(parser, inside, attributes); break;
	case CTX_OTHER:
	case CTX_OTHER_SOURCE: gpupt_facts_enter_other_child(parser, inside, attributes); break;
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
		GPUPT_LAST(parser->domain->controllers, parser->domain->n_controllers);
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
		domain->memory = *element;
		break;
	case CTX_MAX_MEMORY: domain->max_memory_kib = collected_kib(parser); break;
	case CTX_HARD_LIMIT: domain->hard_limit_kib = collected_kib(parser); break;
	case CTX_OS_TYPE: domain->os_type = collected_text(parser); break;
	case CTX_OS_LOADER: domain->loader = collected_text(parser); break;
	case CTX_OS_KERNEL:
		domain->kernel = collected_text(parser);
		domain->kernel_element = *element;
		break;
	case CTX_OS_CMDLINE:
		domain->cmdline = collected_text(parser);
		domain->cmdline_element = *element;
		break;
	case CTX_CPU_MODEL: domain->cpu_model = collected_text(parser); break;
	case CTX_CPU_VENDOR: domain->cpu_vendor = collected_text(parser); break;
	case CTX_EMULATOR: domain->emulator = collected_text(parser); break;
	case CTX_CONTROLLER_HOLE: leave_hole(parser, element); break;
	case CTX_OTHER_SIZE:
	case CTX_OTHER_TARGET_SIZE:
		collected_size(parser, &bytes);
		GPUPT_LAST(domain->others, domain->n_others)->size_bytes = bytes;
		break;
	case CTX_OS: domain->os = *element; break;
	case CTX_CPU: domain->cpu = *element; break;
	case CTX_MAXPHYSADDR: domain->maxphysaddr_element = *element; break;
	case CTX_QEMU_COMMANDLINE: domain->commandline = *element; break;
	case CTX_QEMU_ARG: leave_qemu_argument(domain, element); break;
	case CTX_SYSINFO_ENTRY: gpupt_strays_leave_entry(domain, element); break;
	case CTX_QEMU_OVERRIDE: domain->override = *element; break;
	case CTX_DEVICES: /* of several, the first with something in it */
		if (!domain->has_devices ||
		    domain->first_device.whole.start > domain->devices.whole.end)
			domain->devices = *element;
		domain->has_devices = true;
		break;
	default:
		break;
	}
}

/* Short ones are not worth it. */
static void note_plain(struct gpupt_parser *parser, struct gpupt_span span)
{
	enum { LEAST = 32 };
	struct gpupt_domain *domain = parser->domain;
	if (span.end - span.start < LEAST)
		return;
	if (GPUPT_GROW(domain->plain, domain->n_plain, domain->c_plain))
		domain->plain[domain->n_plain++] = span;
	else
		parser->no_memory = true;
}

void gpupt_facts_leave(struct gpupt_parser *parser, enum gpupt_context context,
		       enum gpupt_context parent, const char *name,
		       const struct gpupt_element *element)
{
	leave_fact(parser, context, element);
	if (parent == CTX_DEVICES)
		gpupt_facts_leave_device(parser, context, name, element);
	if (parent == CTX_DOMAIN) {
		parser->domain->last_child = *element;
		parser->domain->n_children++;
		if (context == CTX_IGNORED || context == CTX_FOREIGN || context == CTX_METADATA)
			note_plain(parser, element->whole);
	}
	if (parent == CTX_CPU)
		parser->domain->last_cpu_child = *element;
	if (parent == CTX_HOSTDEV) {
		struct gpupt_hostdev *hostdev =
			GPUPT_LAST(parser->domain->hostdevs, parser->domain->n_hostdevs);
		hostdev->last_child = *element;
		if (context == CTX_HOSTDEV_ADDRESS)
			hostdev->guest_address = *element;
	}
	if (parent == CTX_CONTROLLER) {
		struct gpupt_controller *controller =
			GPUPT_LAST(parser->domain->controllers, parser->domain->n_controllers);
		controller->last_child = *element;
		if (context == CTX_CONTROLLER_TARGET)
			controller->target = *element;
	}
}
