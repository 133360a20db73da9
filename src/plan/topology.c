/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest's PCI tree: which function sits behind which bridge. Addresses in the
 * domain are taken as they are; places.c settles the rest. */

#include "plan/tree.h"

/* ---- bridges */

static const struct {
	enum gpupt_controller_model model;
	const char *name;
	enum gpupt_mmio_kind kind;
} bridge_kinds[] = {
	{ GPUPT_CONTROLLER_ROOT_PORT, "pcie-root-port", GPUPT_MMIO_ROOT_PORT },
	{ GPUPT_CONTROLLER_SWITCH_UPSTREAM, "pcie-switch-upstream-port", GPUPT_MMIO_SWITCH },
	{ GPUPT_CONTROLLER_SWITCH_DOWNSTREAM, "pcie-switch-downstream-port", GPUPT_MMIO_SWITCH },
	{ GPUPT_CONTROLLER_PCI_BRIDGE, "pci-bridge", GPUPT_MMIO_PCI_BRIDGE },
	{ GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE, "dmi-to-pci-bridge", GPUPT_MMIO_PCI_BRIDGE },
	{ GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE, "pcie-to-pci-bridge", GPUPT_MMIO_PCI_BRIDGE },
	{ GPUPT_CONTROLLER_EXPANDER, "pci-expander-bus", GPUPT_MMIO_EXPANDER },
	{ GPUPT_CONTROLLER_PCIE_EXPANDER, "pcie-expander-bus", GPUPT_MMIO_EXPANDER },
};

static struct gpupt_node *add_node(struct gpupt_tree *tree, const char *label)
{
	if (!GPUPT_GROW(tree->nodes, tree->count, tree->capacity))
		return NULL;
	struct gpupt_node *node = &tree->nodes[tree->count++];
	*node = (struct gpupt_node){ .parent = GPUPT_ROOT_BUS, .device = { .label = label } };
	return node;
}

/* A root port has a BAR for MSI-X, a bridge with a hotplug controller one for that
 * (hw/pci-bridge/gen_pcie_root_port.c, pci_bridge_dev.c, pcie_pci_bridge.c). */
static void add_bridge_bar(struct gpupt_node *node)
{
	struct gpupt_mmio_function *function = &node->function;
	if (node->model == GPUPT_CONTROLLER_ROOT_PORT)
		function->bars[function->n_bars++] =
			(struct gpupt_mmio_bar){ .size = 4 * GPUPT_KIB };
	if (node->model == GPUPT_CONTROLLER_PCI_BRIDGE ||
	    node->model == GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE)
		function->bars[function->n_bars++] =
			(struct gpupt_mmio_bar){ .size = 256, .mem64 = true };
}

/* What <qemu:commandline> sets for every root port. */
static void take_reserves(const struct gpupt_making *making, struct gpupt_mmio_function *port)
{
	port->has_mem_reserve = making->port_memory.present;
	port->mem_reserve = making->port_memory.bytes;
	port->has_pref64_reserve = making->port_pref64.present;
	port->pref64_reserve = making->port_pref64.bytes;
}

struct gpupt_node *gpupt_tree_add_bridge(struct gpupt_tree *tree,
					 enum gpupt_controller_model model, unsigned int bus)
{
	size_t i = 0;
	while (i < GPUPT_ARRAY_SIZE(bridge_kinds) - 1 && bridge_kinds[i].model != model)
		i++;
	struct gpupt_node *node = add_node(tree, bridge_kinds[i].name);
	if (!node)
		return NULL;
	node->model = model;
	node->bus = bus;
	node->device.bus = bus;
	node->function.kind = bridge_kinds[i].kind;
	/* the one that says it decodes subtractively */
	node->function.class_code =
		model == GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE ? 0x060401 : 0x060400;
	/* conventional bridges have a hotplug controller (SHPC) unless told otherwise */
	if (model == GPUPT_CONTROLLER_ROOT_PORT)
		take_reserves(tree->making, &node->function);
	node->function.hotplug = model == GPUPT_CONTROLLER_ROOT_PORT ||
				 model == GPUPT_CONTROLLER_SWITCH_DOWNSTREAM ||
				 model == GPUPT_CONTROLLER_PCI_BRIDGE ||
				 model == GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE;
	add_bridge_bar(node);
	if (bus > 0 && bus < GPUPT_BUSES && tree->owner[bus] == GPUPT_NO_NODE)
		tree->owner[bus] = (int)tree->count - 1;
	return node;
}

/* What libvirt calls bus N of a pci-expander-bus is not the extra root bus, but that
 * behind a bridge that QEMU puts on it, without a hotplug controller
 * (hw/pci-bridge/pci_expander_bridge.c pxb_dev_realize_common()). */
static int add_inner_bridge(struct gpupt_tree *tree, unsigned int bus)
{
	int expander = (int)tree->count - 1;
	struct gpupt_node *bridge = add_node(tree, "pci-bridge");
	if (!bridge)
		return GPUPT_E_NOMEM;
	bridge->model = GPUPT_CONTROLLER_EXPANDER;
	bridge->bus = bus;
	bridge->inner = true;
	bridge->function.kind = GPUPT_MMIO_PCI_BRIDGE;
	bridge->function.class_code = 0x060400;
	if (bus > 0 && bus < GPUPT_BUSES && tree->owner[bus] == expander)
		tree->owner[bus] = (int)tree->count - 1;
	gpupt_tree_place(tree, tree->count - 1, expander, 0, 0);
	return 0;
}

static int add_controller(struct gpupt_tree *tree, const struct gpupt_controller *controller,
			  unsigned int bus)
{
	if (controller->model == GPUPT_CONTROLLER_NONE ||
	    controller->model == GPUPT_CONTROLLER_PCI_ROOT ||
	    controller->model == GPUPT_CONTROLLER_PCIE_ROOT)
		return 0;
	struct gpupt_node *node = gpupt_tree_add_bridge(tree, controller->model, bus);
	if (!node)
		return GPUPT_E_NOMEM;
	tree->only_root = false;
	node->controller = controller;
	node->told = controller->address;
	node->device.element = &controller->element;
	node->device.controller = controller;
	node->function.hotplug &= controller->hotplug != GPUPT_NO;
	if (controller->has_mem_reserve) {
		node->function.has_mem_reserve = true;
		node->function.mem_reserve = gpupt_mul(controller->mem_reserve_kib, GPUPT_KIB);
	}
	node->function.bus_number = controller->bus_number;
	return controller->model == GPUPT_CONTROLLER_EXPANDER ? add_inner_bridge(tree, bus) : 0;
}

/* An expander whose bus has no number gets one two below the lowest so far
 * (qemuDomainAddressFindNewBusNr(), src/qemu/qemu_domain_address.c, 9.0). */
static void number_expanders(struct gpupt_tree *tree)
{
	unsigned int lowest = GPUPT_BUSES;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_controller *controller = tree->nodes[i].controller;
		if (controller && controller->has_bus_number && controller->bus_number < lowest)
			lowest = controller->bus_number;
	}
	for (size_t i = 0; i < tree->count; i++) {
		struct gpupt_node *node = &tree->nodes[i];
		if (node->function.kind != GPUPT_MMIO_EXPANDER ||
		    (node->controller && node->controller->has_bus_number))
			continue;
		lowest = lowest > 2 ? lowest - 2 : 1;
		node->function.bus_number = lowest;
	}
}

void gpupt_change_port(const struct gpupt_port *port, struct gpupt_mmio_function *function)
{
	function->hotplug &= !port->hotplug_off;
	function->has_mem_reserve |= port->mem_reserve_kib != 0;
	if (port->mem_reserve_kib)
		function->mem_reserve = gpupt_mul(port->mem_reserve_kib, GPUPT_KIB);
}

/* What the plan makes of root ports: new ones, and others than the domain's. */
static int add_planned_ports(struct gpupt_tree *tree)
{
	const struct gpupt_making *making = tree->making;
	for (size_t i = 0; i < making->n_ports; i++) {
		const struct gpupt_port *port = &making->ports[i];
		struct gpupt_node *node;
		if (port->controller == GPUPT_NEW_PORT) {
			tree->only_root = false;
			node = gpupt_tree_add_bridge(tree, GPUPT_CONTROLLER_ROOT_PORT,
						     port->index);
			if (!node)
				return GPUPT_E_NOMEM;
		} else {
			node = &tree->nodes[tree->owner[port->index]]; /* see gpupt_port_of() */
		}
		gpupt_change_port(port, &node->function);
	}
	return 0;
}

static int add_controllers(struct gpupt_tree *tree)
{
	const struct gpupt_domain *domain = tree->making->domain;
	struct gpupt_bus_numbers numbers;
	gpupt_bus_numbers_begin(&numbers, domain);
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		if (add_controller(tree, controller,
				   gpupt_bus_numbers_next(&numbers, controller)) < 0)
			return GPUPT_E_NOMEM;
	}
	return add_planned_ports(tree);
}

/* ---- devices */

static int add_own(struct gpupt_tree *tree, const struct gpupt_device *device, bool primary)
{
	struct gpupt_own_device own;
	gpupt_own_device(device, primary, &own);
	if (own.plug == GPUPT_PLUG_NONE)
		return 0;
	const char *kind = own.model ? own.model : device->bus ? device->bus : device->type;
	const char *const words[] = { kind, device->tag };
	char *label = gpupt_arena_join(&tree->making->plan->arena, words,
				       GPUPT_ARRAY_SIZE(words), " ");
	struct gpupt_node *node = label ? add_node(tree, label) : NULL;
	if (!node)
		return GPUPT_E_NOMEM;
	node->own = device;
	node->primary = primary && gpupt_is(device->tag, "video");
	node->plug = own.plug;
	node->legacy_ports = own.legacy_ports;
	node->device.element = device->element.whole.end ? &device->element : NULL;
	node->function.class_code = own.class_code;
	node->function.n_bars = own.n_bars;
	memcpy(node->function.bars, own.bars, sizeof(own.bars));
	node->told = device->address;
	node->name = own.model;
	return 0;
}

static bool has(const struct gpupt_tree *tree, const char *tag)
{
	const struct gpupt_domain *domain = tree->making->domain;
	for (size_t i = 0; i < domain->n_others; i++)
		if (gpupt_is(domain->others[i].tag, tag))
			return true;
	return false;
}

/* What libvirt adds to devices without being asked (qemuDomainDefAddDefaultDevices(),
 * src/qemu/qemu_domain.c; virDomainDefAddImplicitVideo(), src/conf/domain_conf.c, 9.0). */
static int add_implicit(struct gpupt_tree *tree)
{
	static const struct gpupt_device balloon = { .tag = "memballoon", .model = "virtio" };
	static const struct gpupt_device video = { .tag = "video", .model = "cirrus" };
	if (!tree->making->domain->has_memballoon && add_own(tree, &balloon, false) < 0)
		return GPUPT_E_NOMEM;
	if (has(tree, "graphics") && !has(tree, "video"))
		return add_own(tree, &video, true);
	return 0;
}

/* The controllers but PCI, numbered and in the order in which libvirt has them. */
static int add_listed(struct gpupt_tree *tree)
{
	GPUPT_AUTOFREE struct gpupt_listed *listed = NULL;
	size_t count = 0;
	if (gpupt_list_controllers(tree->making->domain,
				   tree->making->guest.machine == GPUPT_MACHINE_Q35, &listed,
				   &count) < 0)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t before = tree->count;
		if (gpupt_is(listed[i].device->type, "ide") && listed[i].index == 0)
			continue; /* see add_chipset() */
		if (add_own(tree, listed[i].device, false) < 0)
			return GPUPT_E_NOMEM;
		if (tree->count == before)
			continue;
		tree->nodes[before].index = listed[i].index;
		tree->nodes[before].turn = i;
	}
	return 0;
}

/* The chipset's functions that have I/O ports and nothing else: the SMBus controller
 * on q35, IDE on i440fx (hw/i2c/smbus_ich9.c, hw/ide/piix.c). OVMF runs out of ports
 * with ten root ports, and it is these that make it so. */
static int add_chipset(struct gpupt_tree *tree)
{
	bool q35 = tree->making->guest.machine == GPUPT_MACHINE_Q35;
	struct gpupt_node *node = add_node(tree, q35 ? "SMBus" : "IDE");
	if (!node)
		return GPUPT_E_NOMEM;
	node->function.class_code = q35 ? 0x0c0500 : 0x010180;
	node->function.bars[node->function.n_bars++] =
		(struct gpupt_mmio_bar){ .index = 4, .size = q35 ? 64 : 16, .io = true };
	gpupt_tree_place(tree, tree->count - 1, GPUPT_ROOT_BUS, q35 ? 0x1f : 1, q35 ? 3 : 1);
	return 0;
}

/* A BAR the guest will see; false where its size is not known. Those of an SR-IOV
 * function's VFs it does not see: vfio_add_ext_cap() in QEMU's hw/vfio/pci.c (7.2, 10.1)
 * leaves the SR-IOV capability out. */
static bool add_bar(struct gpupt_tree *tree, const struct gpupt_wanted *wanted, unsigned int index,
		    struct gpupt_mmio_function *function)
{
	const struct gpupt_bar *bar = &wanted->function->bars[index];
	struct gpupt_findings *findings = &tree->making->plan->findings;
	const struct gpupt_element *element = wanted->existing ? &wanted->existing->element : NULL;
	char subject[GPUPT_PCI_ADDRESS_TEXT_MAX];
	gpupt_pci_address_format(wanted->host, subject);
	if (!bar->present)
		return true;
	if (!bar->size_bytes) {
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_UNKNOWN, tree->making->domain, element,
				   subject, "the size of BAR %u of %s is not known", index, subject);
		return false;
	}
	if (!gpupt_is_power_of_two(bar->size_bytes) || (!bar->io && bar->size_bytes < 16)) {
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_ODD, tree->making->domain, element,
				   subject, "BAR %u of %s is said to be %llu bytes large, which is no "
				   "power of two", index, subject,
				   (unsigned long long)bar->size_bytes);
		return false;
	}
	if (!bar->io && !bar->mem64 && bar->size_bytes > 2 * GPUPT_GIB) {
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_ODD, tree->making->domain, element,
				   subject, "BAR %u of %s is said to be 32-bit and %s large, which "
				   "cannot be", index, subject,
				   gpupt_making_size(tree->making, bar->size_bytes));
		return false;
	}
	if (bar->mem64 &&
	    gpupt_power_of_two_below(bar->resizable_sizes) > bar->size_bytes / GPUPT_MIB)
		gpupt_findings_add(findings, GPUPT_FINDING_RESIZABLE, tree->making->domain, element,
				   subject, "BAR %u of %s is %s large and can be made up to %s",
				   index, subject,
				   gpupt_making_size(tree->making, bar->size_bytes),
				   gpupt_making_size(tree->making, gpupt_mul(
					gpupt_power_of_two_below(bar->resizable_sizes), GPUPT_MIB)));
	bool from_host = wanted->function->source != GPUPT_SOURCE_CATALOGUE;
	if (!bar->assigned && !bar->io && from_host)
		gpupt_findings_add(findings, GPUPT_FINDING_HOST_UNASSIGNED, tree->making->domain,
				   element, subject, "the host gave BAR %u (%s) of %s no address, so "
				   "the guest cannot use it either", index,
				   gpupt_making_size(tree->making, bar->size_bytes), subject);
	if (bar->size_from_catalogue && from_host)
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_FROM_CATALOGUE,
				   tree->making->domain, element, subject,
				   "the host does not tell the size of BAR %u of %s; the catalogue's "
				   "%s is used", index, subject,
				   gpupt_making_size(tree->making, bar->size_bytes));
	function->bars[function->n_bars++] = (struct gpupt_mmio_bar){
		.index = index,
		.size = bar->size_bytes,
		.io = bar->io,
		.mem64 = bar->mem64,
		.prefetchable = bar->prefetchable,
	};
	return true;
}

/* The option ROM: nobody misses it, but OVMF leaves room for it below 4 GiB. */
static void add_rom(const struct gpupt_wanted *wanted, struct gpupt_mmio_function *function)
{
	const struct gpupt_bar *rom = &wanted->function->bars[GPUPT_BAR_ROM];
	bool off = wanted->existing && wanted->existing->rom_bar == GPUPT_NO;
	if (!rom->present || off || !gpupt_is_power_of_two(rom->size_bytes) ||
	    rom->size_bytes > GPUPT_GIB)
		return;
	function->bars[function->n_bars++] =
		(struct gpupt_mmio_bar){ .index = GPUPT_BAR_ROM, .size = rom->size_bytes };
}

static int add_wanted(struct gpupt_tree *tree, const struct gpupt_wanted *wanted)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	char *label = gpupt_arena_printf(&tree->making->plan->arena, "hostdev %s",
					 gpupt_pci_address_format(wanted->host, text));
	struct gpupt_node *node = label ? add_node(tree, label) : NULL;
	if (!node)
		return GPUPT_E_NOMEM;
	node->plug = GPUPT_PLUG_EXPRESS;
	node->device.wanted = wanted;
	node->device.element = wanted->existing ? &wanted->existing->element : NULL;
	if (wanted->function) {
		node->function.class_code = wanted->function->class_code;
		for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++)
			if (!add_bar(tree, wanted, i, &node->function))
				tree->making->device_unknown = true;
		add_rom(wanted, &node->function);
		if (wanted->function->assumed)
			gpupt_findings_add(&tree->making->plan->findings,
					   GPUPT_FINDING_SIZE_ASSUMED, NULL, NULL, text,
					   "the BAR sizes of %s (%s) are assumed: the catalogue has no "
					   "published source for them", text,
					   wanted->function->known_as ?
					   wanted->function->known_as : "unnamed");
	}
	node->told = wanted->guest;
	return 0;
}

/* ---- the tree */

static void add_legacy_ports(struct gpupt_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		struct gpupt_node *node = &tree->nodes[i];
		enum gpupt_mmio_kind above = node->parent == GPUPT_ROOT_BUS ?
			GPUPT_MMIO_PCI_BRIDGE : tree->nodes[node->parent].function.kind;
		if (node->legacy_ports && above == GPUPT_MMIO_PCI_BRIDGE)
			node->function.bars[node->function.n_bars++] =
				(struct gpupt_mmio_bar){ .size = node->legacy_ports, .io = true };
	}
}

static int build(struct gpupt_tree *tree)
{
	const struct gpupt_making *making = tree->making;
	const struct gpupt_domain *domain = making->domain;
	bool primary = true;
	for (unsigned int bus = 0; bus < GPUPT_BUSES; bus++)
		tree->owner[bus] = GPUPT_NO_NODE;
	if (add_controllers(tree) < 0)
		return GPUPT_E_NOMEM;
	number_expanders(tree);
	for (size_t i = 0; i < domain->n_others; i++) {
		if (strcmp(domain->others[i].tag, "controller") != 0 &&
		    add_own(tree, &domain->others[i], primary) < 0)
			return GPUPT_E_NOMEM;
		primary &= strcmp(domain->others[i].tag, "video") != 0;
	}
	if (add_listed(tree) < 0 || add_implicit(tree) < 0 || add_chipset(tree) < 0)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < making->n_wanted; i++)
		if (add_wanted(tree, &making->wanted[i]) < 0)
			return GPUPT_E_NOMEM;
	if (gpupt_tree_place_all(tree) < 0)
		return GPUPT_E_NOMEM;
	add_legacy_ports(tree);
	return 0;
}

/* Bridges that sit behind one another in a circle, which no machine can have, are put
 * on the root bus, so that nothing behind them is forgotten. */
static void break_circles(struct gpupt_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		int above = tree->nodes[i].parent;
		unsigned int depth = 0;
		while (above != GPUPT_ROOT_BUS && depth++ < GPUPT_BUSES)
			above = tree->nodes[above].parent;
		if (above != GPUPT_ROOT_BUS && tree->nodes[i].function.kind != GPUPT_MMIO_ENDPOINT)
			tree->nodes[i].parent = GPUPT_ROOT_BUS;
	}
}

int gpupt_make_topology(struct gpupt_making *making)
{
	struct gpupt_tree tree = { .making = making, .only_root = true };
	int r = build(&tree);
	if (r == 0) {
		break_circles(&tree);
		r = gpupt_tree_flatten(&tree);
	}
	free(tree.nodes);
	if (r == 0)
		r = gpupt_mmio_session_init(&making->session, making->functions,
					    making->n_functions);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}
