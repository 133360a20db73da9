/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest's PCI tree: which function sits behind which bridge. Addresses in the
 * domain are taken as they are; what has none goes where libvirt would put it
 * (qemuDomainAssignDevicePCISlots, src/qemu/qemu_domain_address.c, 9.0): the free
 * root port with the lowest index, or a new one; on i440fx the next free slot. */

#include "plan/making.h"

enum { ROOT_BUS = -1, NO_NODE = -2, SLOTS = 32, FUNCTIONS = 8 };

struct node {
	int parent; /* index of a bridge's node, or ROOT_BUS */
	struct gpupt_mmio_function function;
	struct gpupt_guest_device device;
	bool is_port;    /* a root port or downstream port that can take a device */
	bool taken;      /* something is behind it */
	bool placed;     /* parent and slot are settled */
	unsigned int bus; /* a bridge's own bus number: its controller index */
};

struct tree {
	struct gpupt_making *making;
	struct node *nodes;
	size_t count, capacity;
	int *owner; /* bus number -> node that makes it */
	size_t n_buses;
	uint8_t used[SLOTS]; /* functions in use on the root bus, by slot */
	unsigned int overflow; /* next slot past the last one: order is all that counts */
	size_t first_free_port;
	unsigned int auto_slot, auto_function; /* where the next root port goes */
};

static struct node *add_node(struct tree *tree, const char *label)
{
	if (!GPUPT_GROW(tree->nodes, tree->count, tree->capacity))
		return NULL;
	struct node *node = &tree->nodes[tree->count++];
	*node = (struct node){ .parent = ROOT_BUS, .device = { .label = label } };
	return node;
}

static int owner_of(const struct tree *tree, unsigned int bus)
{
	if (bus == 0)
		return ROOT_BUS;
	return bus < tree->n_buses ? tree->owner[bus] : NO_NODE;
}

static void note_use(struct tree *tree, struct node *node)
{
	node->placed = true;
	if (node->parent != ROOT_BUS)
		tree->nodes[node->parent].taken = true;
	else if (node->function.slot < SLOTS)
		tree->used[node->function.slot] |= (uint8_t)(1u << node->function.function);
}

static void place_at(struct tree *tree, struct node *node, int parent, unsigned int slot,
		     unsigned int function)
{
	node->parent = parent;
	node->function.slot = slot;
	node->function.function = function;
	note_use(tree, node);
}

/* ---- bridges */

static const struct {
	enum gpupt_controller_model model;
	enum gpupt_mmio_kind kind;
	bool is_port;
} bridge_kinds[] = {
	{ GPUPT_CONTROLLER_ROOT_PORT, GPUPT_MMIO_ROOT_PORT, true },
	{ GPUPT_CONTROLLER_SWITCH_UPSTREAM, GPUPT_MMIO_SWITCH, false },
	{ GPUPT_CONTROLLER_SWITCH_DOWNSTREAM, GPUPT_MMIO_SWITCH, true },
	{ GPUPT_CONTROLLER_PCI_BRIDGE, GPUPT_MMIO_PCI_BRIDGE, false },
	{ GPUPT_CONTROLLER_DMI_TO_PCI_BRIDGE, GPUPT_MMIO_PCI_BRIDGE, false },
	{ GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE, GPUPT_MMIO_PCI_BRIDGE, false },
	{ GPUPT_CONTROLLER_EXPANDER, GPUPT_MMIO_EXPANDER, false },
	{ GPUPT_CONTROLLER_PCIE_EXPANDER, GPUPT_MMIO_EXPANDER, false },
};

/* QEMU's pcie-root-port has a BAR of its own, for MSI-X (hw/pci-bridge/
 * gen_pcie_root_port.c). */
static void fill_port(struct node *node, unsigned int bus)
{
	node->is_port = true;
	node->bus = bus;
	node->function.kind = GPUPT_MMIO_ROOT_PORT;
	node->function.class_code = 0x060400;
	node->function.hotplug = true;
	node->function.bars[0] = (struct gpupt_mmio_bar){ .size = 4 * GPUPT_KIB };
	node->function.n_bars = 1;
}

static int add_bridge(struct tree *tree, const struct gpupt_controller *controller,
		      unsigned int bus)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(bridge_kinds); i++) {
		if (bridge_kinds[i].model != controller->model)
			continue;
		struct node *node = add_node(tree, controller->model_text);
		if (!node)
			return GPUPT_E_NOMEM;
		if (bridge_kinds[i].kind == GPUPT_MMIO_ROOT_PORT)
			fill_port(node, bus);
		node->is_port = bridge_kinds[i].is_port;
		node->bus = bus;
		node->device.element = &controller->element;
		node->function.kind = bridge_kinds[i].kind;
		node->function.class_code = 0x060400;
		node->function.hotplug = node->is_port && controller->hotplug != GPUPT_NO;
		node->function.has_mem_reserve = controller->has_mem_reserve;
		node->function.mem_reserve = controller->mem_reserve_kib * GPUPT_KIB;
	}
	return 0;
}

static unsigned int highest_index(const struct gpupt_domain *domain)
{
	unsigned int highest = 0;
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].index > highest && domain->controllers[i].index < 256)
			highest = domain->controllers[i].index;
	return highest;
}

/* Bus numbers in a domain are controller indexes; an index past 255 is none. */
static int add_bridges(struct tree *tree)
{
	const struct gpupt_domain *domain = tree->making->domain;
	unsigned int next = highest_index(domain) + 1;
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		unsigned int bus = controller->has_index ? controller->index : next++;
		if (add_bridge(tree, controller, bus) < 0)
			return GPUPT_E_NOMEM;
	}
	for (unsigned int i = 0; i < tree->making->n_new_ports; i++) {
		struct node *node = add_node(tree, "pcie-root-port");
		if (!node)
			return GPUPT_E_NOMEM;
		fill_port(node, tree->making->first_new_port + i);
	}
	tree->n_buses = 256;
	tree->owner = malloc(tree->n_buses * sizeof(*tree->owner));
	if (!tree->owner)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->n_buses; i++)
		tree->owner[i] = NO_NODE;
	for (size_t i = tree->count; i-- > 0;)
		if (tree->nodes[i].bus < tree->n_buses)
			tree->owner[tree->nodes[i].bus] = (int)i;
	return 0;
}

static const struct gpupt_controller *controller_of(const struct tree *tree, size_t node)
{
	const struct gpupt_domain *domain = tree->making->domain;
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (&domain->controllers[i].element == tree->nodes[node].device.element)
			return &domain->controllers[i];
	return NULL;
}

/* ---- places */

static bool place_as_told(struct tree *tree, size_t index, const struct gpupt_guest_address *address)
{
	if (!address->present)
		return false;
	int parent = owner_of(tree, address->pci.bus);
	if (parent == NO_NODE || parent == (int)index)
		return false;
	place_at(tree, &tree->nodes[index], parent, address->pci.slot, address->pci.function);
	return true;
}

static void place_in_free_slot(struct tree *tree, struct node *node, unsigned int from)
{
	for (unsigned int slot = from; slot < SLOTS; slot++) {
		if (!tree->used[slot]) {
			place_at(tree, node, ROOT_BUS, slot, 0);
			return;
		}
	}
	place_at(tree, node, ROOT_BUS, SLOTS + tree->overflow++, 0);
}

/* libvirt fills a slot with eight root ports before it takes the next. */
static void place_port(struct tree *tree, struct node *node)
{
	if (tree->auto_function == 0 || tree->auto_function == FUNCTIONS) {
		place_in_free_slot(tree, node, 1);
		tree->auto_slot = node->function.slot;
		tree->auto_function = 1;
		return;
	}
	place_at(tree, node, ROOT_BUS, tree->auto_slot, tree->auto_function++);
}

static int free_port(struct tree *tree)
{
	for (; tree->first_free_port < tree->count; tree->first_free_port++) {
		struct node *node = &tree->nodes[tree->first_free_port];
		if (node->is_port && !node->taken && node->placed)
			return (int)tree->first_free_port;
	}
	return NO_NODE;
}

static int place_behind_port(struct tree *tree, size_t index)
{
	int port = free_port(tree);
	if (port == NO_NODE) {
		struct node *node = add_node(tree, "pcie-root-port");
		if (!node)
			return GPUPT_E_NOMEM;
		fill_port(node, UINT32_MAX);
		place_port(tree, node);
		port = (int)tree->count - 1;
	}
	place_at(tree, &tree->nodes[index], port, 0, 0);
	return 0;
}

/* ---- devices */

static bool has_sata(const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_others; i++)
		if (strcmp(domain->others[i].tag, "controller") == 0 && domain->others[i].type &&
		    strcmp(domain->others[i].type, "sata") == 0)
			return true;
	return false;
}

static int add_own(struct tree *tree, const struct gpupt_device *device)
{
	struct node node = { .parent = ROOT_BUS };
	node.function.n_bars = gpupt_own_device_bars(device, tree->making->guest.machine,
						     &node.function.class_code,
						     node.function.bars);
	if (!node.function.n_bars)
		return 0;
	const char *kind = device->model ? device->model : device->bus ? device->bus : device->type;
	char *label = gpupt_arena_printf(&tree->making->plan->arena, "%s%s%s", kind ? kind : "",
					 kind ? " " : "", device->tag);
	if (!label || !GPUPT_GROW(tree->nodes, tree->count, tree->capacity))
		return GPUPT_E_NOMEM;
	node.device = (struct gpupt_guest_device){ .label = label, .element = &device->element };
	tree->nodes[tree->count] = node;
	place_as_told(tree, tree->count, &device->address);
	tree->count++;
	return 0;
}

/* What QEMU or libvirt adds without being asked: the q35 chipset's SATA controller
 * and, unless the domain says otherwise, a virtio balloon. */
static int add_implicit(struct tree *tree)
{
	static const struct gpupt_device balloon = { .tag = "memballoon", .model = "virtio" };
	static const struct gpupt_device sata = {
		.tag = "controller", .type = "sata",
		.address = { .present = true, .pci = { .slot = 0x1f, .function = 2 } },
	};
	int r = 0;
	if (tree->making->guest.machine == GPUPT_MACHINE_Q35 && !has_sata(tree->making->domain))
		r = add_own(tree, &sata);
	if (r == 0 && !tree->making->domain->has_memballoon)
		r = add_own(tree, &balloon);
	return r;
}

/* A BAR the guest will see; false where its size is not known. */
static bool add_bar(struct tree *tree, const struct gpupt_wanted *wanted, unsigned int index,
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
	bool from_host = wanted->function->source != GPUPT_SOURCE_CATALOGUE;
	const char *size = gpupt_making_size(tree->making, bar->size_bytes);
	if (!bar->assigned && !bar->io && from_host)
		gpupt_findings_add(findings, GPUPT_FINDING_HOST_UNASSIGNED, tree->making->domain,
				   element, subject, "the host gave BAR %u (%s) of %s no address, so "
				   "the guest cannot use it either", index, size, subject);
	if (bar->size_from_catalogue && from_host)
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_FROM_CATALOGUE,
				   tree->making->domain, element, subject,
				   "the host does not tell the size of BAR %u of %s; the catalogue's "
				   "%s is used", index, subject, size);
	function->bars[function->n_bars++] = (struct gpupt_mmio_bar){
		.index = index,
		.size = bar->size_bytes,
		.io = bar->io,
		.mem64 = bar->mem64,
		.prefetchable = bar->prefetchable,
	};
	return true;
}

static int add_wanted(struct tree *tree, const struct gpupt_wanted *wanted)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	char *label = gpupt_arena_printf(&tree->making->plan->arena, "hostdev %s",
					 gpupt_pci_address_format(wanted->host, text));
	struct node *node = label ? add_node(tree, label) : NULL;
	if (!node)
		return GPUPT_E_NOMEM;
	node->device.wanted = wanted;
	node->device.element = wanted->existing ? &wanted->existing->element : NULL;
	if (wanted->function) {
		node->function.class_code = wanted->function->class_code;
		for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++)
			if (!add_bar(tree, wanted, i, &node->function))
				tree->making->device_unknown = true;
		if (wanted->function->assumed)
			gpupt_findings_add(&tree->making->plan->findings,
					   GPUPT_FINDING_SIZE_ASSUMED, NULL, NULL, text,
					   "the BAR sizes of %s (%s) are assumed: the catalogue has no "
					   "published source for them", text,
					   wanted->function->known_as ?
					   wanted->function->known_as : "unnamed");
	}
	place_as_told(tree, tree->count - 1, &wanted->guest);
	return 0;
}

/* libvirt's order of handing out addresses, coarsely: what an element's devices
 * come before. */
static int rank(const struct node *node)
{
	static const char *const order[] = { "filesystem", "interface", "sound", "controller",
					     "disk", "hostdev", "memballoon", "rng", "watchdog" };
	const char *label = node->device.label;
	const char *tag = node->device.wanted ? "hostdev" : strrchr(label, ' ');
	tag = tag && *tag == ' ' ? tag + 1 : tag ? tag : label;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(order); i++)
		if (strcmp(order[i], tag) == 0)
			return (int)i;
	return (int)GPUPT_ARRAY_SIZE(order);
}

/* Legacy PCI devices and the first video card stay off the root ports. */
static bool wants_port(const struct tree *tree, const struct node *node)
{
	if (tree->making->guest.machine != GPUPT_MACHINE_Q35)
		return false;
	if (node->device.wanted)
		return true;
	if (node->function.class_code >> 16 == 3)
		return false;
	return node->function.class_code == 0x00ff00 || node->function.class_code == 0x0c0330;
}

static int place_the_rest(struct tree *tree)
{
	bool q35 = tree->making->guest.machine == GPUPT_MACHINE_Q35;
	for (size_t i = 0; i < tree->count; i++) /* bridges without an address */
		if (!tree->nodes[i].placed && tree->nodes[i].function.kind != GPUPT_MMIO_ENDPOINT)
			place_port(tree, &tree->nodes[i]);
	size_t devices = tree->count; /* new ports come behind */
	for (int r = 0; r <= 9; r++) {
		for (size_t i = 0; i < devices; i++) {
			struct node *node = &tree->nodes[i];
			if (node->placed || rank(node) != r)
				continue;
			if (!wants_port(tree, node))
				place_in_free_slot(tree, node, q35 ? 1 : 2);
			else if (place_behind_port(tree, i) < 0)
				return GPUPT_E_NOMEM;
		}
	}
	return 0;
}

static int build(struct tree *tree)
{
	const struct gpupt_making *making = tree->making;
	tree->used[0] = 0xff;
	if (making->guest.machine == GPUPT_MACHINE_I440FX)
		tree->used[1] = 0xff; /* ISA bridge, IDE */
	if (add_bridges(tree) < 0)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		const struct gpupt_controller *controller = controller_of(tree, i);
		if (controller)
			place_as_told(tree, i, &controller->address);
	}
	for (size_t i = 0; i < making->domain->n_others; i++)
		if (add_own(tree, &making->domain->others[i]) < 0)
			return GPUPT_E_NOMEM;
	if (add_implicit(tree) < 0)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < making->n_wanted; i++)
		if (add_wanted(tree, &making->wanted[i]) < 0)
			return GPUPT_E_NOMEM;
	return place_the_rest(tree);
}

/* ---- the order firmware and kernel enumerate in */

struct order {
	int parent;
	unsigned int slot, function;
	size_t node;
};

static int compare_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static const struct order *first_child(const struct order *order, size_t count, int parent)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return order + low;
}

/* Moves the nodes into making->functions, bus by bus; bridges that sit behind
 * themselves are never reached and left out. */
static int flatten(struct tree *tree)
{
	struct gpupt_making *making = tree->making;
	GPUPT_AUTOFREE struct order *order = calloc(tree->count + 1, sizeof(*order));
	GPUPT_AUTOFREE size_t *node_of = calloc(tree->count + 1, sizeof(*node_of));
	making->functions = calloc(tree->count + 1, sizeof(*making->functions));
	making->devices = calloc(tree->count + 1, sizeof(*making->devices));
	if (!order || !node_of || !making->functions || !making->devices)
		return GPUPT_E_NOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		const struct node *node = &tree->nodes[i];
		order[i] = (struct order){ node->parent, node->function.slot,
					   node->function.function, i };
	}
	qsort(order, tree->count, sizeof(*order), compare_order);
	size_t done = 0;
	for (int position = -1; position < (int)done; position++) {
		int parent = position < 0 ? ROOT_BUS : (int)node_of[position];
		const struct order *child = first_child(order, tree->count, parent);
		for (; child < order + tree->count && child->parent == parent; child++) {
			making->functions[done] = tree->nodes[child->node].function;
			making->functions[done].parent = position;
			making->devices[done] = tree->nodes[child->node].device;
			node_of[done++] = child->node;
		}
	}
	making->n_functions = done;
	return 0;
}

int gpupt_make_topology(struct gpupt_making *making)
{
	struct tree tree = { .making = making };
	int r = build(&tree);
	if (r == 0)
		r = flatten(&tree);
	free(tree.nodes);
	free(tree.owner);
	if (r == 0)
		r = gpupt_mmio_session_init(&making->session, making->functions,
					    making->n_functions);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}
