/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --multifunction: the functions of one host device share one guest slot. */

#include "plan/making.h"

enum { SLOTS = 32, BUSES = 256, FIRST_I440FX_SLOT = 5 };

/* What the domain's own addresses take: slots on bus 0, and whole buses. */
struct taken {
	bool slot[SLOTS];
	bool bus[BUSES];
};

static void take(struct taken *taken, const struct gpupt_guest_address *address)
{
	if (!address->present || address->pci.domain)
		return;
	taken->bus[address->pci.bus] = true;
	if (address->pci.bus == 0)
		taken->slot[address->pci.slot % SLOTS] = true;
}

static void find_taken(const struct gpupt_making *making, struct taken *taken)
{
	const struct gpupt_domain *domain = making->domain;
	*taken = (struct taken){ 0 };
	for (size_t i = 0; i < domain->n_controllers; i++)
		take(taken, &domain->controllers[i].address);
	for (size_t i = 0; i < domain->n_others; i++)
		take(taken, &domain->others[i].address);
	for (size_t i = 0; i < making->n_wanted; i++)
		take(taken, &making->wanted[i].guest);
	/* also those that name no device: the plan leaves them where they are */
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		if (!making->is_removed[i])
			take(taken, &domain->hostdevs[i].address);
}

/* Root ports with a number that a bus can have, on the machine's own root bus: behind
 * an expander the hole is of no use. */
static bool is_usable(const struct gpupt_controller *controller)
{
	return controller->model == GPUPT_CONTROLLER_ROOT_PORT && controller->has_index &&
	       controller->index > 0 && controller->index < BUSES &&
	       (!controller->address.present || controller->address.pci.bus == 0);
}

/* libvirt makes root ports for devices that have no address, but none for a bridge to
 * conventional PCI (virDomainPCIAddressSetGrow(), src/conf/domain_addr.c, 9.0): that needs
 * one of those that are there. */
static void leave_ports_to_bridges(const struct gpupt_domain *domain, struct taken *taken)
{
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *bridge = &domain->controllers[i];
		bool waits = bridge->model == GPUPT_CONTROLLER_PCIE_TO_PCI_BRIDGE &&
			     !bridge->address.present;
		for (size_t j = 0; waits && j < domain->n_controllers; j++) {
			const struct gpupt_controller *port = &domain->controllers[j];
			if (!is_usable(port) || taken->bus[port->index])
				continue;
			taken->bus[port->index] = true;
			waits = false;
		}
		if (waits) /* there is none left for the others, either */
			return;
	}
}

/* The bus of a root port that nothing is behind; a new one where all are taken. */
static bool pick_bus(struct gpupt_making *making, struct taken *taken, unsigned int *ret)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		if (!is_usable(controller) || taken->bus[controller->index])
			continue;
		*ret = controller->index;
		return true;
	}
	const struct gpupt_port *port = gpupt_port_new(making, 0);
	if (!port)
		return false;
	*ret = port->index;
	return true;
}

static bool pick_place(struct gpupt_making *making, struct taken *taken,
		       struct gpupt_pci_address *ret)
{
	*ret = (struct gpupt_pci_address){ 0 };
	if (making->machine == GPUPT_MACHINE_HAS_Q35) {
		unsigned int bus;
		if (!pick_bus(making, taken, &bus))
			return false;
		ret->bus = (uint8_t)bus;
		taken->bus[bus] = true;
		return true;
	}
	for (unsigned int slot = FIRST_I440FX_SLOT; slot < SLOTS; slot++) {
		if (taken->slot[slot])
			continue;
		taken->slot[slot] = true;
		ret->slot = (uint8_t)slot;
		return true;
	}
	return false;
}

static bool same_device(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	a.function = b.function;
	return gpupt_pci_address_compare(a, b) == 0;
}

/* Function numbers stay those of the host where function 0 is among them, which a
 * multifunction device cannot do without (PCI 3.0, 3.2.2.3.4). */
static void share_slot(struct gpupt_making *making, size_t first, struct gpupt_pci_address place)
{
	struct gpupt_wanted *wanted = making->wanted;
	bool has_zero = false;
	size_t members = 0;
	for (size_t i = first; i < making->n_wanted; i++) {
		if (wanted[i].existing || !same_device(wanted[i].host, wanted[first].host))
			continue;
		has_zero |= wanted[i].host.function == 0;
		members++;
	}
	uint8_t next = 0;
	for (size_t i = first; i < making->n_wanted; i++) {
		if (wanted[i].existing || !same_device(wanted[i].host, wanted[first].host))
			continue;
		place.function = has_zero ? wanted[i].host.function : next++;
		wanted[i].guest = (struct gpupt_guest_address){ .present = true, .pci = place };
		if (place.function == 0 && members > 1)
			wanted[i].guest.multifunction = GPUPT_YES;
		wanted[i].writes_guest_address = true;
	}
}

int gpupt_make_slots(struct gpupt_making *making)
{
	if (!making->request->multifunction)
		return 0;
	struct taken taken;
	find_taken(making, &taken);
	leave_ports_to_bridges(making->domain, &taken);
	for (size_t i = 0; i < making->n_wanted; i++) {
		struct gpupt_wanted *wanted = &making->wanted[i];
		struct gpupt_pci_address place;
		if (wanted->existing || wanted->writes_guest_address)
			continue;
		bool found = pick_place(making, &taken, &place);
		if (making->plan->findings.no_memory)
			return gpupt_fail_nomem(making->error);
		if (!found)
			return gpupt_fail(making->error, GPUPT_E_NO_FIT,
					  "the guest has no free PCI slot left");
		share_slot(making, i, place);
	}
	return 0;
}
