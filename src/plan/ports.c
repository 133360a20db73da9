/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Root ports that the plan makes, or changes. */

#include "plan/making.h"

enum { BUSES = GPUPT_BUSES };

void gpupt_bus_numbers_begin(struct gpupt_bus_numbers *numbers, const struct gpupt_domain *domain)
{
	*numbers = (struct gpupt_bus_numbers){ .taken = { true } };
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].has_index && domain->controllers[i].index < BUSES)
			numbers->taken[domain->controllers[i].index] = true;
}

unsigned int gpupt_bus_numbers_next(struct gpupt_bus_numbers *numbers,
				    const struct gpupt_controller *controller)
{
	bool root = controller->model == GPUPT_CONTROLLER_PCI_ROOT ||
		    controller->model == GPUPT_CONTROLLER_PCIE_ROOT;
	if (controller->has_index)
		return controller->index;
	if (root)
		return 0;
	while (numbers->next < BUSES && numbers->taken[numbers->next])
		numbers->next++;
	if (numbers->next < BUSES)
		numbers->taken[numbers->next] = true;
	return numbers->next;
}

static void note_bus(const struct gpupt_guest_address *address, unsigned int *highest)
{
	if (address->present && address->pci.domain == 0 && address->pci.bus > *highest)
		*highest = address->pci.bus;
}

/* One past every number that the domain or the plan speaks of: libvirt makes buses for
 * all of them. */
static unsigned int next_index(const struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	struct gpupt_bus_numbers numbers;
	unsigned int highest = 0;
	gpupt_bus_numbers_begin(&numbers, domain);
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		unsigned int bus = gpupt_bus_numbers_next(&numbers, controller);
		if (bus < BUSES && bus > highest)
			highest = bus;
		note_bus(&controller->address, &highest);
	}
	for (size_t i = 0; i < domain->n_others; i++)
		note_bus(&domain->others[i].address, &highest);
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		note_bus(&domain->hostdevs[i].address, &highest);
	for (size_t i = 0; i < making->n_wanted; i++)
		note_bus(&making->wanted[i].guest, &highest);
	for (size_t i = 0; i < making->n_ports; i++)
		if (making->ports[i].index > highest)
			highest = making->ports[i].index;
	return highest + 1;
}

static struct gpupt_port *add(struct gpupt_making *making, unsigned int index, size_t controller)
{
	if (!GPUPT_GROW(making->ports, making->n_ports, making->c_ports)) {
		making->plan->findings.no_memory = true;
		return NULL;
	}
	struct gpupt_port *port = &making->ports[making->n_ports++];
	*port = (struct gpupt_port){ .index = index, .controller = controller };
	return port;
}

struct gpupt_port *gpupt_port_new(struct gpupt_making *making, unsigned int index)
{
	if (!index)
		index = next_index(making);
	return index < BUSES ? add(making, index, GPUPT_NEW_PORT) : NULL;
}

struct gpupt_port *gpupt_port_at(const struct gpupt_making *making, unsigned int bus)
{
	for (size_t i = 0; i < making->n_ports; i++)
		if (making->ports[i].index == bus)
			return &making->ports[i];
	return NULL;
}

struct gpupt_port *gpupt_port_of(struct gpupt_making *making,
				 const struct gpupt_controller *controller)
{
	struct gpupt_port *port = gpupt_port_at(making, controller->index);
	return port ? port : add(making, controller->index,
				 (size_t)(controller - making->domain->controllers));
}
