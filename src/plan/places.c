/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where libvirt puts what the domain gives no address (qemuDomainAssignPCIAddresses(),
 * src/qemu/qemu_domain_address.c, 9.0). Two passes: the first finds out which buses have to
 * be added, the second gives all of them and the devices their places. */

#include "plan/buses.h"

enum { LPC_SLOT = 0x1f, HDA_SLOT = 0x1b, USB_SLOT = 0x1d, USB2_SLOT = 0x1a, DMI_SLOT = 0x1e,
       PIIX3_SLOT = 1 };

/* One device or bridge, and when it is its turn. */
struct turn {
	int rank;
	unsigned int number; /* disks are in the order of their names */
	size_t position; /* in the text, or in libvirt's list of controllers */
	size_t node;
};

struct pass {
	struct gpupt_tree *tree;
	struct gpupt_buses buses;
	struct turn *turns; /* of devices */
	size_t n_turns;
	struct turn *bridges;
	size_t n_bridges;
	struct gpupt_guest_address *groups; /* of USB 2 controllers, by index */
	bool dry;
};

static bool is_q35(const struct gpupt_tree *tree)
{
	return tree->making->guest.machine == GPUPT_MACHINE_Q35;
}

static bool is_bridge(const struct gpupt_node *node)
{
	return node->function.kind != GPUPT_MMIO_ENDPOINT;
}

static unsigned int wants(const struct gpupt_tree *tree, const struct gpupt_node *node)
{
	return is_bridge(node) ? gpupt_connect_of_bridge(node->model) :
				 gpupt_connect_of_plug(node->plug, is_q35(tree));
}

void gpupt_tree_place(struct gpupt_tree *tree, size_t index, int parent, unsigned int slot,
		      unsigned int function)
{
	struct gpupt_node *node = &tree->nodes[index];
	node->parent = parent;
	node->function.slot = slot;
	node->function.function = function;
	node->placed = true;
}

/* What fits nowhere goes past the last slot of the root bus: nothing is forgotten. */
static void place_anywhere(struct gpupt_tree *tree, size_t index)
{
	gpupt_tree_place(tree, index, GPUPT_ROOT_BUS, GPUPT_SLOTS + tree->overflow++, 0);
}

static int owner_of(const struct gpupt_tree *tree, size_t bus)
{
	return bus == 0 ? GPUPT_ROOT_BUS : bus < GPUPT_BUSES ? tree->owner[bus] :
	       (int)(tree->first_added + bus - tree->first_bus_added);
}

static void settle(const struct pass *pass, size_t index, struct gpupt_spot place)
{
	if (!pass->dry)
		gpupt_tree_place(pass->tree, index, owner_of(pass->tree, place.bus), place.slot,
				 place.function);
}

static int find_place(struct pass *pass, size_t index, int function, struct gpupt_spot *ret)
{
	int r = gpupt_buses_find(&pass->buses, wants(pass->tree, &pass->tree->nodes[index]),
				 function, ret);
	if (r == 0 && owner_of(pass->tree, ret->bus) != (int)index)
		settle(pass, index, *ret);
	else if (r != GPUPT_E_NOMEM && !pass->dry)
		place_anywhere(pass->tree, index);
	return r == GPUPT_E_NOMEM ? r : 0;
}

static int place_next(struct pass *pass, size_t index)
{
	struct gpupt_spot place;
	return find_place(pass, index, GPUPT_ANY_FUNCTION, &place);
}

/* ---- in which order */

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static int rank_of(const struct gpupt_node *node, const char *const *order, size_t count)
{
	const char *tag = node->device.wanted ? "hostdev" : node->own ? node->own->tag : "controller";
	size_t rank = 0;
	while (rank < count && strcmp(order[rank], tag) != 0)
		rank++;
	return (int)rank;
}

static struct turn device_turn(const struct gpupt_node *node)
{
	static const char *const order[] = {
		"filesystem", "interface", "sound", "controller", "disk", "hostdev", "memballoon",
		"rng", "watchdog", "video", "shmem", "input", "serial", "iommu", "vsock", "memory",
	};
	const struct gpupt_wanted *wanted = node->device.wanted;
	struct turn turn = { .rank = rank_of(node, order, GPUPT_ARRAY_SIZE(order)),
			     .number = node->own ? node->own->number : 0 };
	if (gpupt_is(node->own ? node->own->tag : NULL, "controller"))
		turn.position = node->turn;
	else if (wanted && wanted->existing && wanted->existing->kind == GPUPT_HOSTDEV_INTERFACE)
		turn.position = 0; /* before the other hostdevs */
	else
		turn.position = node->device.element ? node->device.element->whole.start : SIZE_MAX;
	return turn;
}

/* The order in which libvirt has the domain's PCI controllers: one with an index goes in front
 * of the first with a higher one, one without goes to the end
 * (virDomainControllerInsertPreAlloced(), src/conf/domain_conf.c, 9.0). So one without
 * comes after the highest index so far. Those that libvirt adds come last. */
static int list_bridges(struct pass *pass)
{
	const struct gpupt_tree *tree = pass->tree;
	size_t highest = 0;
	pass->bridges = calloc(tree->count + 1, sizeof(*pass->bridges));
	if (!pass->bridges)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_node *node = &tree->nodes[i];
		bool has_index = !node->controller || node->controller->has_index;
		if (!is_bridge(node) || node->inner)
			continue;
		if (has_index && !node->added && node->bus > highest)
			highest = node->bus;
		pass->bridges[pass->n_bridges++] = (struct turn){
			.rank = node->added, .node = i,
			.position = has_index ? node->bus : highest,
		};
	}
	qsort(pass->bridges, pass->n_bridges, sizeof(*pass->bridges), compare_turns);
	return 0;
}

static int place_bridges(struct pass *pass)
{
	for (size_t i = 0; i < pass->n_bridges; i++)
		if (!pass->tree->nodes[pass->bridges[i].node].told.present &&
		    place_next(pass, pass->bridges[i].node) < 0)
			return GPUPT_E_NOMEM;
	return 0;
}

/* ---- addresses of the domain, and of the first pass */

static int grow_for_addresses(struct pass *pass)
{
	static const char *const order[] = {
		"disk", "interface", "sound", "hostdev", "video", "controller", "serial", "input",
		"filesystem", "watchdog", "memballoon", "rng", "shmem", "memory", "iommu", "vsock",
	};
	const struct gpupt_tree *tree = pass->tree;
	for (int rank = 0; rank <= (int)GPUPT_ARRAY_SIZE(order); rank++)
		for (size_t i = 0; i < tree->count; i++) {
			const struct gpupt_node *node = &tree->nodes[i];
			size_t bus = node->told.pci.bus;
			if (!node->told.present || bus < pass->buses.count ||
			    rank_of(node, order, GPUPT_ARRAY_SIZE(order)) != rank)
				continue;
			int r = gpupt_buses_grow(&pass->buses, wants(tree, node), &bus);
			if (r == GPUPT_E_NO_FIT)
				r = gpupt_buses_grow(&pass->buses, GPUPT_CONNECT_PCIE, &bus);
			if (r < 0)
				return r;
		}
	return 0;
}

static int take_addresses(struct pass *pass)
{
	struct gpupt_tree *tree = pass->tree;
	if (pass->dry && grow_for_addresses(pass) < 0)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		struct gpupt_node *node = &tree->nodes[i];
		struct gpupt_spot place = { node->told.pci.bus, node->told.pci.slot % GPUPT_SLOTS,
					     node->told.pci.function % 8 };
		if (!node->told.present)
			continue;
		if (owner_of(tree, place.bus) == (int)i) {
			node->told.present = false;
			continue;
		}
		gpupt_buses_take(&pass->buses, wants(tree, node), place);
		settle(pass, i, place);
	}
	return 0;
}

/* ---- traditional places (qemuDomainValidateDevicePCISlotsQ35(), ...PIIX3()) */

static void take_root(struct pass *pass, unsigned int slot, unsigned int function)
{
	gpupt_buses_take(&pass->buses, 0, (struct gpupt_spot){ 0, slot, function });
}

/* Gives a device its traditional place, for the second pass as well. */
static void tell(struct pass *pass, size_t index, unsigned int slot, unsigned int function)
{
	struct gpupt_node *node = &pass->tree->nodes[index];
	struct gpupt_spot place = { 0, slot, function };
	node->told = (struct gpupt_guest_address){
		.present = true,
		.pci = { .slot = (uint8_t)slot, .function = (uint8_t)function },
	};
	gpupt_buses_take(&pass->buses, wants(pass->tree, node), place);
	settle(pass, index, place);
}

static bool is_controller(const struct gpupt_node *node, const char *type, const char *model)
{
	return node->own && gpupt_is(node->own->tag, "controller") &&
	       gpupt_is(node->own->type, type) &&
	       (!model || gpupt_is(node->name, model));
}

static void tell_if_free(struct pass *pass, size_t index, unsigned int slot)
{
	if (!gpupt_buses_slot_in_use(&pass->buses, slot))
		tell(pass, index, slot, 0);
}

/* A controller that has its place in the chipset. */
static void tell_controller(struct pass *pass, size_t index)
{
	const struct gpupt_node *node = &pass->tree->nodes[index];
	bool q35 = is_q35(pass->tree);
	if (q35 && is_controller(node, "sata", NULL) && node->index == 0)
		tell(pass, index, LPC_SLOT, 2);
	else if (q35 && is_controller(node, "usb", "ich9-uhci1"))
		tell_if_free(pass, index, gpupt_buses_slot_in_use(&pass->buses, USB_SLOT) ?
			     USB2_SLOT : USB_SLOT);
	else if (q35 && is_bridge(node) && node->model == GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE)
		tell_if_free(pass, index, DMI_SLOT);
	else if (!q35 && is_controller(node, "usb", "piix3-uhci") && node->index == 0)
		tell(pass, index, PIIX3_SLOT, 2);
}

static int place_video(struct pass *pass)
{
	unsigned int slot = is_q35(pass->tree) ? 1 : 2;
	for (size_t i = 0; i < pass->n_turns; i++) {
		size_t index = pass->turns[i].node;
		const struct gpupt_node *node = &pass->tree->nodes[index];
		if (!node->primary || node->told.present)
			continue;
		if (gpupt_buses_slot_in_use(&pass->buses, slot))
			return place_next(pass, index);
		tell(pass, index, slot, 0);
	}
	return 0;
}

static void place_sound(struct pass *pass)
{
	for (size_t i = 0; i < pass->n_turns; i++) {
		const struct gpupt_node *node = &pass->tree->nodes[pass->turns[i].node];
		if (node->own && !node->told.present && gpupt_is(node->own->tag, "sound") &&
		    gpupt_is(node->name, "ich9"))
			tell_if_free(pass, pass->turns[i].node, HDA_SLOT);
	}
}

static int place_traditionally(struct pass *pass)
{
	const struct gpupt_tree *tree = pass->tree;
	bool q35 = is_q35(tree);
	for (size_t i = 0; i < pass->n_bridges; i++)
		if (!tree->nodes[pass->bridges[i].node].told.present)
			tell_controller(pass, pass->bridges[i].node);
	for (size_t i = 0; i < pass->n_turns; i++)
		if (!tree->nodes[pass->turns[i].node].told.present)
			tell_controller(pass, pass->turns[i].node);
	take_root(pass, q35 ? LPC_SLOT : PIIX3_SLOT, 0);
	take_root(pass, q35 ? LPC_SLOT : PIIX3_SLOT, 3);
	if (place_video(pass) < 0)
		return GPUPT_E_NOMEM;
	if (q35)
		place_sound(pass);
	return 0;
}

/* ---- devices */

/* The function that a USB 2 controller or a companion has in its slot; -1: it is none. */
static int usb2_function(const struct gpupt_node *node)
{
	static const struct { const char *model; int function; } companions[] = {
		{ "ich9-uhci1", 0 }, { "ich9-uhci2", 1 }, { "ich9-uhci3", 2 }, { "ich9-ehci1", 7 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(companions); i++)
		if (is_controller(node, "usb", companions[i].model))
			return companions[i].function;
	return GPUPT_ANY_FUNCTION;
}

/* Companions share a slot, which the first that has a place decides. */
static struct gpupt_guest_address *group_of(const struct pass *pass, const struct gpupt_node *node)
{
	return &pass->groups[node->index < pass->tree->count ? node->index : pass->tree->count];
}

static int place_usb2(struct pass *pass, size_t index, int function)
{
	const struct gpupt_node *node = &pass->tree->nodes[index];
	struct gpupt_guest_address *group = group_of(pass, node);
	struct gpupt_spot place = { group->pci.bus, group->pci.slot, (unsigned int)function };
	if (group->present) {
		gpupt_buses_take(&pass->buses, wants(pass->tree, node), place);
		settle(pass, index, place);
		return 0;
	}
	if (find_place(pass, index, function, &place) < 0)
		return GPUPT_E_NOMEM;
	/* the first pass does not keep what it finds, and so counts each on its own */
	if (!pass->dry && node->placed && node->function.slot < GPUPT_SLOTS && place.bus < GPUPT_BUSES)
		*group = (struct gpupt_guest_address){ .present = true, .pci = {
			.bus = (uint8_t)place.bus, .slot = (uint8_t)place.slot } };
	return 0;
}

static int place_devices(struct pass *pass)
{
	const struct gpupt_tree *tree = pass->tree;
	for (size_t i = 0; i < pass->n_turns; i++) {
		const struct gpupt_node *node = &tree->nodes[pass->turns[i].node];
		if (usb2_function(node) != GPUPT_ANY_FUNCTION && node->told.present &&
		    !group_of(pass, node)->present)
			*group_of(pass, node) = node->told;
	}
	for (size_t i = 0; i < pass->n_turns; i++) {
		size_t index = pass->turns[i].node;
		const struct gpupt_node *node = &tree->nodes[index];
		int function = usb2_function(node);
		if (node->told.present || node->placed)
			continue;
		int r = function == GPUPT_ANY_FUNCTION ? place_next(pass, index) :
							  place_usb2(pass, index, function);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the passes */

static int list_devices(struct pass *pass)
{
	const struct gpupt_tree *tree = pass->tree;
	pass->turns = calloc(tree->count + 1, sizeof(*pass->turns));
	pass->groups = calloc(tree->count + 1, sizeof(*pass->groups));
	if (!pass->turns || !pass->groups)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		if (is_bridge(&tree->nodes[i]) || tree->nodes[i].plug == GPUPT_PLUG_NONE)
			continue;
		pass->turns[pass->n_turns] = device_turn(&tree->nodes[i]);
		pass->turns[pass->n_turns++].node = i;
	}
	qsort(pass->turns, pass->n_turns, sizeof(*pass->turns), compare_turns);
	return list_bridges(pass);
}

/* The buses of the domain's own controllers; a number that is left out in between is a
 * root port, or a bridge. */
static int begin(struct pass *pass)
{
	const struct gpupt_tree *tree = pass->tree;
	bool q35 = is_q35(tree);
	size_t count = GPUPT_BUSES;
	while (count > 1 && tree->owner[count - 1] == GPUPT_NO_NODE)
		count--;
	int r = gpupt_buses_add(&pass->buses, q35 ? GPUPT_CONTROLLER_PCIE_ROOT :
				GPUPT_CONTROLLER_PCI_ROOT);
	for (size_t bus = 1; bus < count && r == 0; bus++)
		r = gpupt_buses_add(&pass->buses, tree->owner[bus] != GPUPT_NO_NODE ?
				    tree->nodes[tree->owner[bus]].model :
				    q35 ? GPUPT_CONTROLLER_ROOT_PORT : GPUPT_CONTROLLER_PCI_BRIDGE);
	return r;
}

/* A slot to spare: on an i440fx guest for the next bridge, on a q35 guest that lists no
 * bridge a root port for hotplug. */
static int spare_slot(struct pass *pass, enum gpupt_plug plug)
{
	struct gpupt_spot place;
	int r = gpupt_buses_find(&pass->buses, gpupt_connect_of_plug(plug, is_q35(pass->tree)),
				 GPUPT_ANY_FUNCTION, &place);
	return r == GPUPT_E_NOMEM ? r : 0;
}

static int run(struct pass *pass)
{
	bool q35 = is_q35(pass->tree);
	pass->buses.grows = pass->dry;
	if (take_addresses(pass) < 0 || place_traditionally(pass) < 0)
		return GPUPT_E_NOMEM;
	if (pass->dry && !q35 && !gpupt_buses_full(&pass->buses) &&
	    spare_slot(pass, GPUPT_PLUG_PCI) < 0)
		return GPUPT_E_NOMEM;
	if (place_bridges(pass) < 0 || place_devices(pass) < 0)
		return GPUPT_E_NOMEM;
	if (pass->dry && q35 && pass->tree->only_root && pass->buses.count > 1)
		return spare_slot(pass, GPUPT_PLUG_EXPRESS);
	return 0;
}

static int add_bridges(struct gpupt_tree *tree, const struct gpupt_buses *buses)
{
	for (size_t bus = 1; bus < buses->count; bus++) {
		if (bus < GPUPT_BUSES && tree->owner[bus] != GPUPT_NO_NODE)
			continue;
		if (bus == GPUPT_BUSES) {
			tree->first_bus_added = bus;
			tree->first_added = tree->count;
		}
		struct gpupt_node *node = gpupt_tree_add_bridge(tree, buses->items[bus].model,
								(unsigned int)bus);
		if (!node)
			return GPUPT_E_NOMEM;
		node->added = true;
	}
	return 0;
}

static void end(struct pass *pass)
{
	free(pass->buses.items);
	free(pass->turns);
	free(pass->bridges);
	free(pass->groups);
}

int gpupt_tree_place_all(struct gpupt_tree *tree)
{
	struct pass first = { .tree = tree, .dry = true }, second = { .tree = tree };
	int r = list_devices(&first);
	if (r == 0)
		r = begin(&first);
	if (r == 0)
		r = run(&first);
	if (r == 0)
		r = add_bridges(tree, &first.buses);
	for (size_t bus = 0; bus < first.buses.count && r == 0; bus++)
		r = gpupt_buses_add(&second.buses, first.buses.items[bus].model);
	if (r == 0)
		r = list_devices(&second);
	if (r == 0)
		r = run(&second);
	end(&first);
	end(&second);
	return r;
}
