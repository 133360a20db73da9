/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does a domain say what a plan meant? libvirt may add and rewrite, but what was meant
 * has to be there. */

#include "plan/check.h"

#include <stdio.h>

#include <gpupt/size.h>

/* The position of an address in an ordered list; count: it is not there. */
size_t gpupt_find_address(const struct gpupt_pci_address *list, size_t count,
		   struct gpupt_pci_address address)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (gpupt_pci_address_compare(list[middle], address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && gpupt_pci_address_compare(list[low], address) == 0 ? low : count;
}

bool gpupt_port_is_as_planned(const struct gpupt_port *port, const struct gpupt_controller *controller)
{
	return (!port->hotplug_off || controller->hotplug == GPUPT_NO) &&
	       (!port->mem_reserve_kib || (controller->has_mem_reserve &&
					   controller->mem_reserve_kib == port->mem_reserve_kib));
}

bool gpupt_hole_is(const struct gpupt_domain *domain, uint64_t bytes)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	return root && root->n_holes && root->hole.valid && root->hole.bytes == bytes;
}

/* Marks which addresses of an ordered list the domain passes through. */
static bool *find_all(const struct gpupt_pci_address *list, size_t count,
		      const struct gpupt_domain *domain)
{
	bool *found = calloc(count + 1, sizeof(*found));
	for (size_t i = 0; i < domain->n_hostdevs && found; i++)
		if (domain->hostdevs[i].has_source)
			found[gpupt_find_address(list, count, domain->hostdevs[i].source)] = true;
	return found;
}

static bool port_is_there(const struct gpupt_port *port, const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].has_index &&
		    domain->controllers[i].index == port->index &&
		    gpupt_port_is_as_planned(port, &domain->controllers[i]))
			return true;
	return false;
}

static bool sits_there(const struct gpupt_new_address *address, const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		if (gpupt_pci_address_compare(domain->hostdevs[i].source, address->source) == 0 &&
		    gpupt_pci_address_compare(domain->hostdevs[i].address.pci,
					      address->guest.pci) == 0)
			return true;
	return false;
}

static bool has_window(const struct gpupt_domain *domain, uint64_t mib)
{
	char window[80];
	snprintf(window, sizeof(window), "name=opt/ovmf/X-PciMmio64Mb,string=%llu",
		 (unsigned long long)mib);
	for (size_t i = 0; i < domain->n_arguments; i++)
		if (strcmp(domain->arguments[i], window) == 0)
			return true;
	return false;
}

static int check_cures(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
		       struct gpupt_error **error)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < plan->n_ports; i++)
		if (!port_is_there(&plan->ports[i], domain))
			return gpupt_fail(error, GPUPT_E_CONFLICT,
					  "root port %u is not as planned: %s is missing",
					  plan->ports[i].index, plan->ports[i].hotplug_off ?
					  "hotplug='off'" : plan->ports[i].mem_reserve_kib ?
					  "memReserve" : "the controller");
	for (size_t i = 0; i < plan->n_addresses; i++)
		if (!sits_there(&plan->addresses[i], domain))
			return gpupt_fail(error, GPUPT_E_CONFLICT,
					  "hostdev %s does not sit where it was planned to",
					  gpupt_pci_address_format(plan->addresses[i].source, text));
	if (plan->cure.phys_bits && domain->maxphysaddr_bits != plan->cure.phys_bits)
		return gpupt_fail(error, GPUPT_E_CONFLICT, "<maxphysaddr> is not %u bits as planned",
				  plan->cure.phys_bits);
	if (plan->cure.window_mib && !has_window(domain, plan->cure.window_mib))
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "X-PciMmio64Mb is missing in <qemu:commandline>");
	if (plan->cmdline && !gpupt_same_text(plan->cmdline, domain->cmdline))
		return gpupt_fail(error, GPUPT_E_CONFLICT, "<cmdline> is not as planned");
	return 0;
}

GPUPT_EXPORT int gpupt_plan_check(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
				  struct gpupt_error **error)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	char size[GPUPT_SIZE_TEXT_MAX];
	if (plan->writes_hole && !gpupt_hole_is(domain, plan->hole.planned))
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "<pcihole64> is not %s as planned",
				  gpupt_size_format(plan->hole.planned, size));
	int r = check_cures(plan, domain, error);
	if (r < 0)
		return r;
	GPUPT_AUTOFREE bool *added = find_all(plan->added, plan->n_added, domain);
	GPUPT_AUTOFREE bool *removed = find_all(plan->removed, plan->n_removed, domain);
	if (!added || !removed)
		return gpupt_fail_nomem(error);
	for (size_t i = 0; i < plan->n_added; i++)
		if (!added[i])
			return gpupt_fail(error, GPUPT_E_CONFLICT, "hostdev %s is missing",
					  gpupt_pci_address_format(plan->added[i], text));
	for (size_t i = 0; i < plan->n_removed; i++)
		if (removed[i] &&
		    gpupt_find_address(plan->added, plan->n_added, plan->removed[i]) == plan->n_added)
			return gpupt_fail(error, GPUPT_E_CONFLICT, "hostdev %s is still there",
					  gpupt_pci_address_format(plan->removed[i], text));
	return 0;
}
