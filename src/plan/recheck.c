/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* After splicing: the facts of the new text are the old ones and what was planned. */

#include "plan/check.h"

#include <stdio.h>

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
	return gpupt_same_text(a->name, b->name) && gpupt_same_text(a->uuid, b->uuid) &&
	       gpupt_same_text(a->arch, b->arch) &&
	       gpupt_same_text(a->machine, b->machine) && gpupt_same_text(a->os_type, b->os_type) &&
	       gpupt_same_text(a->loader, b->loader) && gpupt_same_text(a->os_firmware, b->os_firmware) &&
	       gpupt_same_text(cmdline, b->cmdline) && same_width(plan, a, b) &&
	       same_arguments(plan, a, b) && a->memory_kib == b->memory_kib &&
	       a->max_memory_kib == b->max_memory_kib && a->memory_slots == b->memory_slots &&
	       a->cpu_mode == b->cpu_mode && gpupt_same_text(a->cpu_model, b->cpu_model) &&
	       a->cells_kib == b->cells_kib;
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

static bool same_controller(const struct gpupt_controller *a, const struct gpupt_controller *b,
			    bool except_hole, const struct gpupt_port *port)
{
	bool hotplug = port && port->hotplug_off, reserve = port && port->mem_reserve_kib;
	return gpupt_same_text(a->model_text, b->model_text) && a->has_index == b->has_index &&
	       a->index == b->index && (hotplug || a->hotplug == b->hotplug) &&
	       (reserve || (a->has_mem_reserve == b->has_mem_reserve &&
			    a->mem_reserve_kib == b->mem_reserve_kib)) &&
	       (!port || gpupt_port_is_as_planned(port, b)) &&
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
		return port && gpupt_port_is_as_planned(port, controller) && !controller->n_holes;
	}
	return controller->index == 0 && plan->writes_hole &&
	       (controller->model == GPUPT_CONTROLLER_PCIE_ROOT ||
		controller->model == GPUPT_CONTROLLER_PCI_ROOT);
}

/* ---- devices: of the old ones those that are read again; nothing that was read passes
 * for one that an edit was to touch and did not */

/* No plan changes a device of another kind... */
static bool same_others(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			const struct gpupt_domain *new)
{
	size_t read = 0;
	for (size_t i = 0; i < old->n_others; i++) {
		if (gpupt_is_touched(plan, old->others[i].element.whole))
			return false;
		read += gpupt_is_read(plan, old->others[i].element.whole);
	}
	return new->n_others == read;
}

/* ...nor what it has no fact of. */
static bool same_plain(const struct gpupt_plan *plan, const struct gpupt_domain *old,
		       const struct gpupt_domain *new)
{
	size_t read = 0;
	for (size_t i = 0; i < old->n_plain; i++) {
		if (gpupt_is_touched(plan, old->plain[i]))
			return false;
		read += gpupt_is_read(plan, old->plain[i]);
	}
	return new->n_plain == read;
}

static size_t next_controller(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			      size_t i)
{
	while (i < old->n_controllers && !gpupt_is_read(plan, old->controllers[i].element.whole) &&
	       !find_port(plan, i, old->controllers[i].index))
		i++;
	return i;
}

/* Every old controller is still there, in order; new ones may stand between. */
static bool same_controllers(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			     const struct gpupt_domain *new)
{
	const struct gpupt_controller *old_root = gpupt_domain_root_controller(old);
	size_t i = next_controller(plan, old, 0), added = 0;
	for (size_t at = 0; at < new->n_controllers; at++) {
		const struct gpupt_controller *wanted =
			i < old->n_controllers ? &old->controllers[i] : NULL;
		bool except_hole = plan->writes_hole && wanted == old_root;
		const struct gpupt_port *port = wanted ? find_port(plan, i, wanted->index) : NULL;
		if (wanted && gpupt_is_read(plan, wanted->element.whole) &&
		    same_controller(wanted, &new->controllers[at], except_hole, port))
			i = next_controller(plan, old, i + 1);
		else if (++added > plan->n_controllers_added ||
			 !may_be_new(plan, &new->controllers[at]))
			return false;
	}
	return i == old->n_controllers && added == plan->n_controllers_added;
}

static bool is_going(const struct gpupt_plan *plan, const struct gpupt_hostdev *hostdev)
{
	return hostdev->has_source &&
	       gpupt_find_address(plan->removed, plan->n_removed, hostdev->source) < plan->n_removed;
}

/* Those that were to go, and did, are no more. */
static size_t next_hostdev(const struct gpupt_plan *plan, const struct gpupt_domain *old, size_t i)
{
	while (i < old->n_hostdevs && gpupt_is_read(plan, old->hostdevs[i].element.whole) ==
					      is_going(plan, &old->hostdevs[i]))
		i++;
	return i;
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
	size_t at = next_hostdev(plan, old, 0), added = 0, moved = 0;
	for (size_t i = 0; i < new->n_hostdevs; i++) {
		const struct gpupt_hostdev *now = &new->hostdevs[i];
		size_t next = moved;
		if (at < old->n_hostdevs &&
		    gpupt_is_read(plan, old->hostdevs[at].element.whole) &&
		    same_hostdev(plan, old, at, now, &next)) {
			moved = next;
			at = next_hostdev(plan, old, at + 1);
			continue;
		}
		size_t which = gpupt_find_address(plan->added, plan->n_added, now->source);
		bool as_added = now->has_source && now->kind == GPUPT_HOSTDEV &&
				now->managed == GPUPT_YES && now->rom_bar == GPUPT_UNSET;
		if (!as_added || which == plan->n_added || seen[which])
			return false;
		seen[which] = true;
		added++;
	}
	return at == old->n_hostdevs && added == plan->n_added && moved == plan->n_addresses;
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

/* No edit brings what could pass for a stand-in. */
static bool has_instruction(const struct gpupt_plan *plan)
{
	for (size_t i = 0; i < plan->n_edits; i++)
		if (memmem(plan->edits[i].replacement, plan->edits[i].replacement_length, "<?", 2))
			return true;
	return false;
}

static int parse(const struct gpupt_domain *old, const char *text, size_t length,
		 struct gpupt_domain **ret, struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	int r = gpupt_domain_parse_borrowed(text, length, old->name_of_text, ret, &why);
	if (r == 0)
		return 0;
	r = r == GPUPT_E_NOMEM ? r : GPUPT_E_INTERNAL;
	gpupt_fail(error, r, "the edited text does not parse: %s", gpupt_error_get_message(why));
	gpupt_error_free(why);
	return r;
}

/* What is not as it should be; NULL: all is. */
static const char *find_wrong(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			      const struct gpupt_domain *new, struct gpupt_left_out left_out,
			      bool *seen)
{
	/* in an excerpt of <devices> there is nothing else */
	bool same_machine = left_out.around ? new->n_children == 1 : same_head(plan, old, new);
	return !gpupt_same_text(old->type, new->type) || !same_machine ? "the machine" :
	       new->left_out.devices != old->left_out.devices + left_out.devices ||
	       new->left_out.plain != old->left_out.plain + left_out.plain ||
	       !same_others(plan, old, new) ? "the devices" :
	       !same_plain(plan, old, new) ? "what is no device" :
	       !same_controllers(plan, old, new) ? "the controllers" :
	       !same_hostdevs(plan, old, new, seen) ? "the hostdevs" :
	       plan->writes_hole && !gpupt_hole_is(new, plan->hole.planned) ? "pcihole64" : NULL;
}

static int differs(const char *what, struct gpupt_error **error)
{
	return gpupt_fail(error, GPUPT_E_INTERNAL,
			  "the edited text differs from the plan in %s; nothing is written. "
			  "Please report this domain", what);
}

int gpupt_recheck(const struct gpupt_plan *plan, const struct gpupt_domain *old, const char *text,
		  size_t length, struct gpupt_error **error)
{
	if (!same_outside(plan, old, text, length))
		return differs("bytes outside the edits", error);
	if (has_instruction(plan))
		return differs("the devices", error);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *new = NULL;
	GPUPT_AUTOFREE bool *seen = calloc(plan->n_added + 1, sizeof(*seen));
	GPUPT_AUTOFREE char *excerpt = NULL;
	struct gpupt_left_out left_out;
	size_t excerpt_length;
	if (!seen || gpupt_excerpt_make(plan, old, text, length, &excerpt, &excerpt_length,
					&left_out) < 0)
		return gpupt_fail_nomem(error);
	int r = parse(old, excerpt, excerpt_length, &new, error);
	if (r < 0)
		return r;
	const char *wrong = find_wrong(plan, old, new, left_out, seen);
	return wrong ? differs(wrong, error) : 0;
}

GPUPT_EXPORT int gpupt_plan_apply(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
				  char **ret_text, size_t *ret_length, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length = 0;
	int r = gpupt_splice(domain, plan->edits, plan->n_edits, &text, &length, error);
	if (r == 0 && plan->n_edits)
		r = gpupt_recheck(plan, domain, text, length, error);
	if (r < 0)
		return r;
	*ret_text = GPUPT_STEAL(text);
	*ret_length = length;
	return 0;
}
