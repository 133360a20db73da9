/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/running.h"

#include <stdio.h>

#include <gpupt/running.h>

#include "domain/domain.h"

/* Deeper than this, bridges go in circles. */
enum { MAX_BRIDGES = 255 };

GPUPT_EXPORT const char *gpupt_domain_get_hostdev_alias(const struct gpupt_domain *domain,
							size_t i)
{
	return i < domain->n_hostdevs ? domain->hostdevs[i].alias : NULL;
}

GPUPT_EXPORT const char *gpupt_domain_get_os_id(const struct gpupt_domain *domain)
{
	return domain->os_id;
}

GPUPT_EXPORT bool gpupt_domain_boots_kernel(const struct gpupt_domain *domain)
{
	return domain->kernel;
}

static const struct gpupt_controller *find_controller(const struct gpupt_domain *domain,
						      unsigned int index)
{
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].has_index && domain->controllers[i].index == index)
			return &domain->controllers[i];
	return NULL;
}

/* An address's bus is the index of the controller that it is behind. */
GPUPT_EXPORT bool gpupt_domain_get_hostdev_path(const struct gpupt_domain *domain, size_t i,
						char buffer[GPUPT_GUEST_PATH_MAX])
{
	char path[GPUPT_GUEST_PATH_MAX];
	char *start = path + sizeof(path) - 1;
	if (i >= domain->n_hostdevs)
		return false;
	const struct gpupt_guest_address *address = &domain->hostdevs[i].address;
	*start = '\0';
	for (int bridges = 0; bridges < MAX_BRIDGES && address->present; bridges++) {
		char step[8];
		int length = snprintf(step, sizeof(step), "%02x.%x%s", address->pci.slot & 0x1fU,
				      address->pci.function & 7U, *start ? "/" : "");
		start -= length;
		memcpy(start, step, (size_t)length);
		if (address->pci.bus == 0) {
			strcpy(buffer, start);
			return true;
		}
		const struct gpupt_controller *bridge =
			find_controller(domain, address->pci.bus);
		if (!bridge || bridge->model == GPUPT_CONTROLLER_EXPANDER ||
		    bridge->model == GPUPT_CONTROLLER_PCIE_EXPANDER)
			return false;
		address = &bridge->address;
	}
	return false;
}

static bool same_address(const struct gpupt_guest_address *a, const struct gpupt_guest_address *b)
{
	return a->present == b->present &&
	       (!a->present || gpupt_pci_address_compare(a->pci, b->pci) == 0);
}

static bool same_hole(const struct gpupt_domain *a, const struct gpupt_domain *b)
{
	const struct gpupt_controller *x = gpupt_domain_root_controller(a);
	const struct gpupt_controller *y = gpupt_domain_root_controller(b);
	bool in_x = x && x->hole.valid, in_y = y && y->hole.valid;
	return in_x == in_y && (!in_x || x->hole.bytes == y->hole.bytes);
}

static bool same_controller(const struct gpupt_controller *a, const struct gpupt_controller *b)
{
	return a->model == b->model && a->hotplug == b->hotplug &&
	       a->has_mem_reserve == b->has_mem_reserve &&
	       a->mem_reserve_kib == b->mem_reserve_kib && same_address(&a->address, &b->address);
}

static bool same_controllers(const struct gpupt_domain *a, const struct gpupt_domain *b)
{
	for (size_t i = 0; i < a->n_controllers; i++) {
		const struct gpupt_controller *other = find_controller(b, a->controllers[i].index);
		if (!other || !same_controller(&a->controllers[i], other))
			return false;
	}
	return a->n_controllers == b->n_controllers;
}

static const struct gpupt_hostdev *find_hostdev(const struct gpupt_domain *domain,
						struct gpupt_pci_address source)
{
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		if (domain->hostdevs[i].has_source &&
		    gpupt_pci_address_compare(domain->hostdevs[i].source, source) == 0)
			return &domain->hostdevs[i];
	return NULL;
}

static bool same_hostdevs(const struct gpupt_domain *a, const struct gpupt_domain *b)
{
	for (size_t i = 0; i < a->n_hostdevs; i++) {
		const struct gpupt_hostdev *device = &a->hostdevs[i];
		const struct gpupt_hostdev *other =
			device->has_source ? find_hostdev(b, device->source) : NULL;
		if (!other || !same_address(&device->address, &other->address) ||
		    device->rom_bar != other->rom_bar)
			return false;
	}
	return a->n_hostdevs == b->n_hostdevs;
}

/* A host-model CPU is written out when a guest starts, so its details tell nothing. */
static bool same_address_width(const struct gpupt_domain *a, const struct gpupt_domain *b)
{
	if (a->cpu_mode == GPUPT_CPU_HOST_MODEL || b->cpu_mode == GPUPT_CPU_HOST_MODEL)
		return true;
	return a->maxphysaddr == b->maxphysaddr && a->maxphysaddr_bits == b->maxphysaddr_bits &&
	       a->maxphysaddr_limit == b->maxphysaddr_limit;
}

static bool same_arguments(const struct gpupt_domain *a, const struct gpupt_domain *b)
{
	for (size_t i = 0; i < a->n_arguments && i < b->n_arguments; i++)
		if (strcmp(a->arguments[i], b->arguments[i]) != 0)
			return false;
	return a->n_arguments == b->n_arguments;
}

GPUPT_EXPORT unsigned int gpupt_domain_compare_running(const struct gpupt_domain *running,
						       const struct gpupt_domain *defined)
{
	unsigned int differences = 0;
	if (!same_hole(running, defined))
		differences |= GPUPT_DIFFERS_HOLE;
	if (!same_controllers(running, defined))
		differences |= GPUPT_DIFFERS_CONTROLLERS;
	if (!same_hostdevs(running, defined))
		differences |= GPUPT_DIFFERS_HOSTDEVS;
	if (!same_address_width(running, defined))
		differences |= GPUPT_DIFFERS_ADDRESS_WIDTH;
	if (!same_arguments(running, defined))
		differences |= GPUPT_DIFFERS_COMMANDLINE;
	return differences;
}
