/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does a text say what a plan meant, and nothing else? */

#include <stdio.h>

#include <gpupt/size.h>

#include "plan/making.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- after splicing: new facts are old facts plus the plan */

static bool same_width(const struct gpupt_plan *plan, const struct gpupt_domain *a,
		       const struct gpupt_domain *b)
{
	if (plan->cure.phys_bits)
		return b->maxphysaddr == GPUPT_MAXPHYSADDR_EMULATE &&
		       b->maxphysaddr_bits == plan->cure.phys_bits;
	return a->maxphysaddr == b->maxphysaddr && a->maxphysaddr_bits == b->maxphysaddr_bits &&
	       a->maxphysaddr_limit == b->maxphysaddr_limit;
}

/* The arguments that were there; of the window's, the one that was meant. */
static bool same_arguments(const struct gpupt_plan *plan, const struct gpupt_domain *a,
			   const struct gpupt_domain *b)
{
	char window[80] = "";
	if (plan->cure.window_mib)
		snprintf(window, sizeof(window), "name=opt/ovmf/X-PciMmio64Mb,string=%llu",
			 (unsigned long long)plan->cure.window_mib);
	bool found = !*window;
	size_t added = b->n_arguments - a->n_arguments;
	if (b->n_arguments < a->n_arguments || (added && (added != 2 || found)))
		return false;
	for (size_t i = 0; i < b->n_arguments; i++) {
		bool meant = *window && strcmp(b->arguments[i], window) == 0;
		found |= meant;
		if (i < a->n_arguments && !meant && strcmp(a->arguments[i], b->arguments[i]) != 0)
			return false;
	}
	return found;
}

static bool same_head(const struct gpupt_plan *plan, const struct gpupt_domain *a,
		      const struct gpupt_domain *b)
{
	const char *cmdline = plan->cmdline ? plan->cmdline : a->cmdline;
	return same_text(a->type, b->type) && same_text(a->name, b->name) &&
	       same_text(a->uuid, b->uuid) && same_text(a->arch, b->arch) &&
	       same_text(a->machine, b->machine) && same_text(a->os_type, b->os_type) &&
	       same_text(a->loader, b->loader) && same_text(a->os_firmware, b->os_firmware) &&
	       same_text(cmdline, b->cmdline) && same_width(plan, a, b) &&
	       same_arguments(plan, a, b) && a->memory_kib == b->memory_kib &&
	       a->max_memory_kib == b->max_memory_kib && a->memory_slots == b->memory_slots &&
	       a->cpu_mode == b->cpu_mode && same_text(a->cpu_model, b->cpu_model) &&
	       a->n_others == b->n_others && a->cells_kib == b->cells_kib;
}

static bool same_address(const struct gpupt_guest_address *a, const struct gpupt_guest_address *b)
{
	return a->present == b->present && a->multifunction == b->multifunction &&
	       gpupt_pci_address_compare(a->pci, b->pci) == 0;
}

/* What the plan makes of a port, if anything. */
static const struct gpupt_port *find_port(const struct gpupt_plan *plan, size_t controller,
					  unsigned int index)
{
	for (size_t i = 0; i < plan->n_ports; i++)
		if (plan->ports[i].controller == controller && plan->ports[i].index == index)
			return &plan->ports[i];
	return NULL;
}

static bool is_as_planned(const struct gpupt_port *port, const struct gpupt_controller *controller)
{
	return (!port->hotplug_off || controller->hotplug == GPUPT_NO) &&
	       (!port->mem_reserve_kib || (controller->has_mem_reserve &&
					   controller->mem_reserve_kib == port->mem_reserve_kib));
}

static bool same_controller(const struct gpupt_controller *a, const struct gpupt_controller *b,
			    bool except_hole, const struct gpupt_port *port)
{
	bool hotplug = port && port->hotplug_off, reserve = port && port->mem_reserve_kib;
	return same_text(a->model_text, b->model_text) && a->has_index == b->has_index &&
	       a->index == b->index && (hotplug || a->hotplug == b->hotplug) &&
	       (reserve || (a->has_mem_reserve == b->has_mem_reserve &&
			    a->mem_reserve_kib == b->mem_reserve_kib)) &&
	       (!port || is_as_planned(port, b)) &&
	       a->has_bus_number == b->has_bus_number && a->bus_number == b->bus_number &&
	       same_address(&a->address, &b->address) &&
	       (except_hole || (a->n_holes == b->n_holes && a->hole.bytes == b->hole.bytes));
}

/* What a plan may add: the root, or a root port. */
static bool may_be_new(const struct gpupt_plan *plan, const struct gpupt_controller *controller)
{
	if (!controller->has_index || controller->address.present)
		return false;
	if (controller->model == GPUPT_CONTROLLER_ROOT_PORT) {
		const struct gpupt_port *port =
			find_port(plan, GPUPT_NEW_PORT, controller->index);
		return port && is_as_planned(port, controller) && !controller->n_holes;
	}
	return controller->index == 0 && plan->writes_hole &&
	       (controller->model == GPUPT_CONTROLLER_PCIE_ROOT ||
		controller->model == GPUPT_CONTROLLER_PCI_ROOT);
}

/* Every old controller is still there, in order; new ones may stand between. */
static bool same_controllers(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			     const struct gpupt_domain *new)
{
	const struct gpupt_controller *old_root = gpupt_domain_root_controller(old);
	if (new->n_controllers != old->n_controllers + plan->n_controllers_added)
		return false;
	size_t i = 0;
	for (size_t at = 0; at < new->n_controllers; at++) {
		const struct gpupt_controller *wanted =
			i < old->n_controllers ? &old->controllers[i] : NULL;
		bool except_hole = plan->writes_hole && wanted == old_root;
		const struct gpupt_port *port = wanted ? find_port(plan, i, wanted->index) : NULL;
		if (wanted && same_controller(wanted, &new->controllers[at], except_hole, port))
			i++;
		else if (!may_be_new(plan, &new->controllers[at]))
			return false;
	}
	return i == old->n_controllers;
}

/* The position of an address in an ordered list; count: it is not there. */
static size_t find(const struct gpupt_pci_address *list, size_t count,
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

static bool is_going(const struct gpupt_plan *plan, const struct gpupt_hostdev *hostdev)
{
	return hostdev->has_source &&
	       find(plan->removed, plan->n_removed, hostdev->source) < plan->n_removed;
}

/* `next`: the plan's next new address, which is taken where it is for this one. */
static bool same_hostdev(const struct gpupt_plan *plan, const struct gpupt_domain *old, size_t i,
			 const struct gpupt_hostdev *b, size_t *next)
{
	const struct gpupt_hostdev *a = &old->hostdevs[i];
	bool moved = *next < plan->n_addresses && plan->addresses[*next].hostdev == i;
	const struct gpupt_guest_address *address =
		moved ? &plan->addresses[*next].guest : &a->address;
	*next += moved;
	return a->kind == b->kind && a->has_source == b->has_source &&
	       gpupt_pci_address_compare(a->source, b->source) == 0 &&
	       same_address(address, &b->address) && a->managed == b->managed &&
	       a->rom_bar == b->rom_bar;
}

/* The old ones less those removed, in order, and each added one once; `seen` has room
 * for n_added. */
static bool same_hostdevs(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			  const struct gpupt_domain *new, bool *seen)
{
	size_t at = 0, added = 0, moved = 0;
	for (size_t i = 0; i < new->n_hostdevs; i++) {
		const struct gpupt_hostdev *now = &new->hostdevs[i];
		while (at < old->n_hostdevs && is_going(plan, &old->hostdevs[at]))
			at++;
		size_t next = moved;
		if (at < old->n_hostdevs && same_hostdev(plan, old, at, now, &next)) {
			moved = next;
			at++;
			continue;
		}
		size_t which = find(plan->added, plan->n_added, now->source);
		bool as_added = now->has_source && now->kind == GPUPT_HOSTDEV &&
				now->managed == GPUPT_YES && now->rom_bar == GPUPT_UNSET;
		if (!as_added || which == plan->n_added || seen[which])
			return false;
		seen[which] = true;
		added++;
	}
	while (at < old->n_hostdevs && is_going(plan, &old->hostdevs[at]))
		at++;
	return at == old->n_hostdevs && added == plan->n_added && moved == plan->n_addresses;
}

static bool hole_is(const struct gpupt_domain *domain, uint64_t bytes)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	return root && root->n_holes && root->hole.valid && root->hole.bytes == bytes;
}

/* Every byte outside the edits is as it was. */
static bool same_outside(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			 const char *text, size_t length)
{
	size_t from = 0, at = 0;
	for (size_t i = 0; i <= plan->n_edits; i++) {
		size_t to = i < plan->n_edits ? plan->edits[i].offset : old->length;
		if (length - at < to - from || memcmp(old->text + from, text + at, to - from) != 0)
			return false;
		at += to - from;
		if (i == plan->n_edits)
			break;
		at += plan->edits[i].replacement_length;
		from = to + plan->edits[i].length;
	}
	return at == length;
}

static int recheck(const struct gpupt_plan *plan, const struct gpupt_domain *old, const char *text,
		   size_t length, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *new = NULL;
	struct gpupt_error *why = NULL;
	int r = gpupt_domain_parse_borrowed(text, length, old->name_of_text, &new, &why);
	if (r < 0) {
		gpupt_fail(error, r == GPUPT_E_NOMEM ? r : GPUPT_E_INTERNAL,
			   "the edited text does not parse: %s", gpupt_error_get_message(why));
		gpupt_error_free(why);
		return r == GPUPT_E_NOMEM ? r : GPUPT_E_INTERNAL;
	}
	GPUPT_AUTOFREE bool *seen = calloc(plan->n_added + 1, sizeof(*seen));
	if (!seen)
		return gpupt_fail_nomem(error);
	const char *wrong = !same_outside(plan, old, text, length) ? "bytes outside the edits" :
			    !same_head(plan, old, new) ? "the machine" :
			    !same_controllers(plan, old, new) ? "the controllers" :
			    !same_hostdevs(plan, old, new, seen) ? "the hostdevs" :
			    plan->writes_hole && !hole_is(new, plan->hole.planned) ?
			    "pcihole64" : NULL;
	if (wrong)
		return gpupt_fail(error, GPUPT_E_INTERNAL,
				  "the edited text differs from the plan in %s; nothing is written. "
				  "Please report this domain", wrong);
	return 0;
}

GPUPT_EXPORT int gpupt_plan_apply(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
				  char **ret_text, size_t *ret_length, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length = 0;
	int r = gpupt_splice(domain, plan->edits, plan->n_edits, &text, &length, error);
	if (r == 0 && plan->n_edits)
		r = recheck(plan, domain, text, length, error);
	if (r < 0)
		return r;
	*ret_text = GPUPT_STEAL(text);
	*ret_length = length;
	return 0;
}

/* ---- after libvirt: it may add and rewrite, but what was meant has to be there */

/* Marks which addresses of an ordered list the domain passes through. */
static bool *find_all(const struct gpupt_pci_address *list, size_t count,
		      const struct gpupt_domain *domain)
{
	bool *found = calloc(count + 1, sizeof(*found));
	for (size_t i = 0; i < domain->n_hostdevs && found; i++)
		if (domain->hostdevs[i].has_source)
			found[find(list, count, domain->hostdevs[i].source)] = true;
	return found;
}

static bool port_is_there(const struct gpupt_port *port, const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].has_index &&
		    domain->controllers[i].index == port->index &&
		    is_as_planned(port, &domain->controllers[i]))
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
	if (plan->cmdline && !same_text(plan->cmdline, domain->cmdline))
		return gpupt_fail(error, GPUPT_E_CONFLICT, "<cmdline> is not as planned");
	return 0;
}

GPUPT_EXPORT int gpupt_plan_check(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
				  struct gpupt_error **error)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	char size[GPUPT_SIZE_TEXT_MAX];
	if (plan->writes_hole && !hole_is(domain, plan->hole.planned))
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
		    find(plan->added, plan->n_added, plan->removed[i]) == plan->n_added)
			return gpupt_fail(error, GPUPT_E_CONFLICT, "hostdev %s is still there",
					  gpupt_pci_address_format(plan->removed[i], text));
	return 0;
}
