/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where libvirt puts what the domain gives no address (qemuDomainAssignPCIAddresses(),
 * qemuDomainAssignDevicePCISlots(), src/qemu/qemu_domain_address.c, 9.0): first the
 * devices with a traditional place, then bridges, then the others kind by kind, each
 * into the lowest free root port, on i440fx the lowest free slot. */

#include "plan/tree.h"

enum { LPC_SLOT = 0x1f, HDA_SLOT = 0x1b, USB_SLOT = 0x1d, DMI_SLOT = 0x1e,
       BRIDGE_SLOTS = 31 };

static bool is_q35(const struct gpupt_tree *tree)
{
	return tree->making->guest.machine == GPUPT_MACHINE_Q35;
}

static bool is_port(const struct gpupt_node *node)
{
	return node->model == GPUPT_CONTROLLER_ROOT_PORT ||
	       node->model == GPUPT_CONTROLLER_SWITCH_DOWNSTREAM;
}

static bool is_bridge(const struct gpupt_node *node)
{
	return node->function.kind != GPUPT_MMIO_ENDPOINT;
}

void gpupt_tree_place(struct gpupt_tree *tree, size_t index, int parent, unsigned int slot,
		      unsigned int function)
{
	struct gpupt_node *node = &tree->nodes[index];
	node->parent = parent;
	node->function.slot = slot;
	node->function.function = function;
	node->placed = true;
	if (slot >= GPUPT_SLOTS)
		return;
	uint8_t bit = (uint8_t)(1u << function);
	if (parent != GPUPT_ROOT_BUS)
		tree->nodes[parent].used |= UINT32_C(1) << slot;
	else
		tree->used[slot] |= bit;
	if (parent == GPUPT_ROOT_BUS && node->model == GPUPT_CONTROLLER_ROOT_PORT)
		tree->ports[slot] |= bit;
}

/* ---- the root bus */

static bool has_free_slot(const struct gpupt_tree *tree)
{
	for (unsigned int slot = 1; slot < GPUPT_SLOTS; slot++)
		if (!tree->used[slot])
			return true;
	return false;
}

static void place_on_root(struct gpupt_tree *tree, size_t index)
{
	for (unsigned int slot = 1; slot < GPUPT_SLOTS; slot++) {
		if (!tree->used[slot]) {
			gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, slot, 0);
			return;
		}
	}
	gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, GPUPT_SLOTS + tree->overflow++, 0);
}

/* Root ports share a slot: the lowest that is free, or that has only root ports and a
 * function left (virDomainPCIAddressFindUnusedFunctionOnBus(),
 * src/conf/domain_addr.c, 9.0). */
static void place_root_port(struct gpupt_tree *tree, size_t index)
{
	for (unsigned int slot = 1; slot < GPUPT_SLOTS; slot++) {
		uint8_t used = tree->used[slot];
		if (used != tree->ports[slot] || used == 0xff)
			continue;
		unsigned int function = 0;
		while (used & (1u << function))
			function++;
		gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, slot, function);
		return;
	}
	place_on_root(tree, index);
}

/* ---- behind bridges */

static int free_port(const struct gpupt_tree *tree)
{
	for (unsigned int bus = 1; bus < GPUPT_BUSES; bus++) {
		int owner = tree->owner[bus];
		if (owner >= 0 && is_port(&tree->nodes[owner]) && !tree->nodes[owner].used)
			return owner;
	}
	return GPUPT_NO_NODE;
}

static unsigned int next_bus(struct gpupt_tree *tree)
{
	while (tree->next_bus < GPUPT_BUSES && tree->owner[tree->next_bus] != GPUPT_NO_NODE)
		tree->next_bus++;
	return tree->next_bus;
}

static int add_port(struct gpupt_tree *tree)
{
	if (!gpupt_tree_add_bridge(tree, GPUPT_CONTROLLER_ROOT_PORT, next_bus(tree)))
		return GPUPT_E_NOMEM;
	place_root_port(tree, tree->count - 1);
	tree->ports_added++;
	return 0;
}

static int place_behind_port(struct gpupt_tree *tree, size_t index)
{
	int port = free_port(tree);
	if (port == GPUPT_NO_NODE) {
		if (add_port(tree) < 0)
			return GPUPT_E_NOMEM;
		port = (int)tree->count - 1;
	}
	gpupt_tree_place(tree, index, port, 0, 0);
	return 0;
}

/* Into the lowest free slot behind a bridge of one of two models; false when there
 * is none. Slot 0 of a PCI bridge is its hotplug controller's. */
static bool place_behind(struct gpupt_tree *tree, size_t index, enum gpupt_controller_model model,
			 enum gpupt_controller_model other, unsigned int from)
{
	for (unsigned int bus = 1; bus < GPUPT_BUSES; bus++) {
		int owner = tree->owner[bus];
		if (owner < 0 || owner == (int)index)
			continue;
		const struct gpupt_node *bridge = &tree->nodes[owner];
		if (bridge->model != model && bridge->model != other)
			continue;
		for (unsigned int slot = from; slot < GPUPT_SLOTS; slot++) {
			if (bridge->used & (UINT32_C(1) << slot))
				continue;
			gpupt_tree_place(tree, index, owner, slot, 0);
			return true;
		}
	}
	return false;
}

static bool place_on_pci(struct gpupt_tree *tree, size_t index)
{
	return place_behind(tree, index, GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE,
			    GPUPT_CONTROLLER_PCI_BRIDGE, 1);
}

static int place_bridge(struct gpupt_tree *tree, size_t index)
{
	switch (tree->nodes[index].model) {
	case GPUPT_CONTROLLER_ROOT_PORT:
		place_root_port(tree, index);
		return 0;
	case GPUPT_CONTROLLER_SWITCH_UPSTREAM:
	case GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE:
		return place_behind_port(tree, index);
	case GPUPT_CONTROLLER_SWITCH_DOWNSTREAM:
		if (place_behind(tree, index, GPUPT_CONTROLLER_SWITCH_UPSTREAM,
				 GPUPT_CONTROLLER_SWITCH_UPSTREAM, 0))
			return 0;
		break;
	case GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE:
		if (tree->used[DMI_SLOT])
			break;
		gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, DMI_SLOT, 0);
		return 0;
	case GPUPT_CONTROLLER_PCI_BRIDGE:
		if (is_q35(tree) &&
		    (place_behind(tree, index, GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE,
				  GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE, 0) ||
		     place_on_pci(tree, index)))
			return 0;
		break;
	default:
		break;
	}
	place_on_root(tree, index);
	return 0;
}

static int place_device(struct gpupt_tree *tree, size_t index)
{
	enum gpupt_plug plug = tree->nodes[index].plug;
	if (is_q35(tree) && plug == GPUPT_PLUG_EXPRESS)
		return place_behind_port(tree, index);
	bool root = is_q35(tree) ? plug != GPUPT_PLUG_PCI : has_free_slot(tree);
	if (root || !place_on_pci(tree, index))
		place_on_root(tree, index);
	return 0;
}

/* ---- traditional places (qemuDomainValidateDevicePCISlotsQ35(), ...PIIX3()) */

static bool place_if_free(struct gpupt_tree *tree, size_t index, unsigned int slot,
			  unsigned int function)
{
	if (tree->used[slot] & (1u << function))
		return false;
	gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, slot, function);
	return true;
}

static bool is_controller(const struct gpupt_device *device, const char *type)
{
	return gpupt_is(device->tag, "controller") && gpupt_is(device->type, type) && device->index == 0;
}

static void place_as_on_q35(struct gpupt_tree *tree, size_t index)
{
	static const struct { const char *model; unsigned int function; } companions[] = {
		{ "ich9-uhci1", 0 }, { "ich9-uhci2", 1 }, { "ich9-uhci3", 2 }, { "ich9-ehci1", 7 },
	};
	const struct gpupt_device *device = tree->nodes[index].own;
	if (is_controller(device, "sata"))
		place_if_free(tree, index, LPC_SLOT, 2);
	else if (gpupt_is(device->tag, "sound") && gpupt_is(device->model, "ich9"))
		place_if_free(tree, index, HDA_SLOT, 0);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(companions); i++)
		if (is_controller(device, "usb") && gpupt_is(device->model, companions[i].model))
			place_if_free(tree, index, USB_SLOT, companions[i].function);
}

static void place_traditionally(struct gpupt_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_device *device = tree->nodes[i].own;
		if (!device || tree->nodes[i].placed)
			continue;
		if (tree->nodes[i].primary)
			place_if_free(tree, i, is_q35(tree) ? 1 : 2, 0);
		else if (is_q35(tree))
			place_as_on_q35(tree, i);
		else if (is_controller(device, "usb") &&
			 (!device->model || gpupt_is(device->model, "piix3-uhci")))
			gpupt_tree_place(tree, i, GPUPT_ROOT_BUS, 1, 2);
	}
}

/* ---- in which order */

struct turn {
	int rank;
	size_t position; /* in the text, or the bus number of a bridge */
	size_t node;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* The order in which libvirt has the domain's PCI controllers, as turns: one with an index
 * goes in front of the first with a higher one, one without goes to the end
 * (virDomainControllerInsertPreAlloced(), src/conf/domain_conf.c, 9.0). What is more than
 * there can be buses stays where it is. */
static void order_controllers(const struct gpupt_tree *tree, size_t *turns)
{
	size_t order[GPUPT_BUSES], count = 0;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_controller *controller = tree->nodes[i].controller, *other;
		size_t at = controller && controller->has_index ? 0 : count;
		turns[i] = GPUPT_BUSES + i;
		if (!controller || count == GPUPT_BUSES)
			continue;
		for (; at < count; at++) {
			other = tree->nodes[order[at]].controller;
			if (other->has_index && other->index > controller->index)
				break;
		}
		memmove(order + at + 1, order + at, (count++ - at) * sizeof(*order));
		order[at] = i;
	}
	for (size_t at = 0; at < count; at++)
		turns[order[at]] = at;
}

/* The domain's own first, then those that libvirt adds. */
static struct turn bridge_turn(const struct gpupt_node *node, size_t turn)
{
	return (struct turn){ .rank = !node->controller,
			      .position = node->controller ? turn : node->bus };
}

static struct turn device_turn(const struct gpupt_node *node)
{
	static const char *const order[] = {
		"filesystem", "interface", "sound", "controller", "disk", "hostdev", "memballoon",
		"rng", "watchdog", "video", "shmem", "input", "serial", "vsock", "memory",
	};
	const struct gpupt_wanted *wanted = node->device.wanted;
	const char *tag = wanted ? "hostdev" : node->own->tag;
	struct turn turn = { .position = node->device.element ?
			     node->device.element->whole.start : SIZE_MAX };
	if (node->primary)
		turn.rank = -1; /* its slot is taken */
	while (turn.rank >= 0 && turn.rank < (int)GPUPT_ARRAY_SIZE(order) &&
	       strcmp(order[turn.rank], tag) != 0)
		turn.rank++;
	/* interfaces come before the other hostdevs */
	if (wanted && wanted->existing && wanted->existing->kind == GPUPT_HOSTDEV_INTERFACE)
		turn.position = 0;
	return turn;
}

/* Places bridges, or devices, one after another. */
static int place_in_turn(struct gpupt_tree *tree, bool bridges)
{
	size_t count = 0;
	GPUPT_AUTOFREE struct turn *turns = calloc(tree->count + 1, sizeof(*turns));
	GPUPT_AUTOFREE size_t *order = calloc(tree->count + 1, sizeof(*order));
	if (!turns || !order)
		return GPUPT_E_NOMEM;
	if (bridges)
		order_controllers(tree, order);
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_node *node = &tree->nodes[i];
		if (node->placed || is_bridge(node) != bridges)
			continue;
		turns[count] = bridges ? bridge_turn(node, order[i]) : device_turn(node);
		turns[count++].node = i;
	}
	qsort(turns, count, sizeof(*turns), compare_turns);
	for (size_t i = 0; i < count; i++) {
		int r = bridges ? place_bridge(tree, turns[i].node) :
				  place_device(tree, turns[i].node);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A q35 guest with conventional devices gets a bridge for them, and a root port for
 * that (virDomainPCIAddressSetGrow(), src/conf/domain_addr.c, 9.0). */
static int add_bridge_to_pci(struct gpupt_tree *tree)
{
	bool needed = false;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_node *node = &tree->nodes[i];
		if (node->model == GPUPT_CONTROLLER_PCI_BRIDGE ||
		    node->model == GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE)
			return 0;
		needed |= !node->placed && !is_bridge(node) && node->plug == GPUPT_PLUG_PCI;
	}
	if (!needed)
		return 0;
	tree->ports_added++;
	return gpupt_tree_add_bridge(tree, GPUPT_CONTROLLER_ROOT_PORT, next_bus(tree)) &&
	       gpupt_tree_add_bridge(tree, GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE, next_bus(tree)) ?
		0 : GPUPT_E_NOMEM;
}

/* An i440fx guest gets bridges for what finds no slot on the root bus. */
static int add_pci_bridges(struct gpupt_tree *tree)
{
	size_t slots = 0, devices = 0;
	for (unsigned int slot = 1; slot < GPUPT_SLOTS; slot++)
		slots += !tree->used[slot];
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_node *node = &tree->nodes[i];
		if (node->model == GPUPT_CONTROLLER_PCI_BRIDGE)
			slots += BRIDGE_SLOTS - (unsigned int)__builtin_popcount(node->used);
		devices += !node->placed;
	}
	while (slots <= devices && next_bus(tree) < GPUPT_BUSES) {
		if (!gpupt_tree_add_bridge(tree, GPUPT_CONTROLLER_PCI_BRIDGE, next_bus(tree)))
			return GPUPT_E_NOMEM;
		slots += BRIDGE_SLOTS - 1;
	}
	return 0;
}

int gpupt_tree_place_the_rest(struct gpupt_tree *tree)
{
	place_traditionally(tree);
	int r = is_q35(tree) ? add_bridge_to_pci(tree) : add_pci_bridges(tree);
	if (r == 0)
		r = place_in_turn(tree, true);
	if (r == 0)
		r = place_in_turn(tree, false);
	/* a domain that lists no bridge gets a root port to spare for hotplug */
	if (r == 0 && is_q35(tree) && tree->only_root && tree->ports_added)
		r = add_port(tree);
	return r;
}
