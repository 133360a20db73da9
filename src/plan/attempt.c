/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One attempt at a cure: what it changes in the guest, and what comes of that. */

#include "plan/attempt.h"

enum { PORT_ROUNDS = 4 };

static void forget(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	struct gpupt_plan *plan = making->plan;
	free(plan->layout);
	free(plan->possibilities);
	gpupt_mmio_session_clear(&making->session);
	free(making->functions);
	free(making->devices);
	plan->layout = NULL;
	plan->possibilities = NULL;
	making->functions = NULL;
	making->devices = NULL;
	plan->status = 0;
	plan->hole = (struct gpupt_hole_numbers){ 0 };
	plan->writes_hole = false;
	plan->findings.count = search->n_findings;
	plan->n_layout = plan->n_possibilities = plan->n_map = plan->shown = 0;
	making->n_worlds = making->n_functions = making->failures = 0;
	making->needed = 0;
	making->device_unknown = search->device_unknown;
	making->vendor_unknown = making->has_commandline_hole = false;
	making->port_memory = making->port_pref64 = (struct gpupt_reserve){ 0 };
}

/* The guest as the attempt makes it, before anything is placed. */
static int set_up(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	forget(search);
	int r = gpupt_make_guest(making);
	if (r == 0)
		r = gpupt_make_worlds(making);
	return r < 0 ? r : gpupt_make_topology(making);
}

static int place_all(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	int r = search->is_set_up ? 0 : set_up(search);
	search->is_set_up = false;
	if (r == 0)
		r = gpupt_make_hole(making);
	if (r == 0)
		r = gpupt_make_layout(making);
	if (r == 0)
		r = gpupt_make_map(making);
	search->attempts++;
	search->functions += making->n_functions;
	return r;
}

bool gpupt_is_fine(const struct gpupt_making *making)
{
	return making->plan->status == 0 && making->failures == 0;
}

/* Memory below 4 GiB that a port has to pass on. */
static uint64_t low_memory_behind(const struct gpupt_making *making, int port)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; making->functions[i].parent == port &&
				   b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (!bar->io && !gpupt_is_pref64_bar(bar))
				sum = gpupt_add(sum, bar->size);
		}
	return gpupt_power_of_two_above(gpupt_align_up(sum, GPUPT_MIB));
}

static bool may_be_cured(const struct gpupt_mmio_function *port, unsigned int remedy)
{
	if (remedy == GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE))
		return port->kind == GPUPT_MMIO_ROOT_PORT && !port->has_mem_reserve;
	return (port->kind == GPUPT_MMIO_ROOT_PORT || port->kind == GPUPT_MMIO_SWITCH) &&
	       port->hotplug;
}

/* The port that a function sits behind, if its number is one to rely on; else a new
 * one, unless the domain says where the function sits. Its address is written, so that
 * libvirt puts it nowhere else. The number that a port of libvirt's own making would get
 * is none to rely on: a new port may have it by now. NULL: there is none. */
static struct gpupt_port *port_for(struct gpupt_search *search, size_t function)
{
	struct gpupt_making *making = search->making;
	const struct gpupt_guest_device *bridge =
		&making->devices[making->functions[function].parent];
	struct gpupt_wanted *wanted =
		&making->wanted[making->devices[function].wanted - making->wanted];
	struct gpupt_port *port = NULL;
	if (bridge->controller && bridge->controller->has_index)
		port = gpupt_port_of(making, bridge->controller);
	else if (!wanted->guest.present)
		port = gpupt_port_new(making, 0);
	else
		port = gpupt_port_at(making, bridge->bus);
	if (!port && wanted->guest.present && !bridge->controller)
		port = gpupt_port_new(making, bridge->bus);
	if (port && !wanted->guest.present) {
		wanted->guest = (struct gpupt_guest_address){ .present = true };
		wanted->guest.pci.bus = (uint8_t)port->index;
		wanted->writes_guest_address = true;
	}
	return port;
}

/* Changes the ports of functions that are trapped; false where there is nothing (more)
 * to change. The guest that was placed last is changed alike, where it has the port;
 * *ret_all tells whether that is all there was to it. */
static bool cure_ports(struct gpupt_search *search, unsigned int remedy, bool *ret_all)
{
	struct gpupt_making *making = search->making;
	bool changed = false;
	*ret_all = true;
	for (size_t i = 0; i < making->n_functions; i++) {
		int parent = making->functions[i].parent;
		if (!making->devices[i].wanted || !making->devices[i].trapped || parent < 0 ||
		    !may_be_cured(&making->functions[parent], remedy))
			continue;
		bool reserves = remedy == GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE);
		uint64_t reserve = reserves ? low_memory_behind(making, parent) / GPUPT_KIB : 0;
		if (reserves && !reserve) /* it is 64-bit addresses that are missing */
			continue;
		const struct gpupt_controller *controller = making->devices[parent].controller;
		bool there = controller && controller->has_index &&
			     making->devices[i].wanted->guest.present;
		struct gpupt_port *port = port_for(search, i);
		if (!port)
			continue;
		if (reserves)
			port->mem_reserve_kib = reserve;
		else
			port->hotplug_off = true;
		gpupt_change_port(port, &making->functions[parent]);
		*ret_all &= there;
		changed = true;
	}
	return changed;
}

/* Function 0 stays, or the slot would be empty to the guest (PCI 3.0, 3.2.2.3.4). */
static void separate(struct gpupt_making *making, struct gpupt_wanted *wanted)
{
	struct gpupt_port *port = gpupt_port_new(making, 0);
	if (!port)
		return;
	wanted->guest = (struct gpupt_guest_address){ .present = true };
	wanted->guest.pci.bus = (uint8_t)port->index;
	wanted->writes_guest_address = true;
}

/* Every card that the hole cannot help goes behind a root port of its own, its
 * functions together; those that are in each other's way there go apart. */
static void move_devices(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	for (size_t i = 0; i < making->n_wanted; i++) {
		const struct gpupt_wanted first = making->wanted[i];
		if (first.separable)
			separate(making, &making->wanted[i]);
		struct gpupt_port *port = first.movable ? gpupt_port_new(making, 0) : NULL;
		if (!port)
			continue;
		for (size_t j = i; j < making->n_wanted; j++) {
			struct gpupt_wanted *wanted = &making->wanted[j];
			if (j != i && !gpupt_share_slot(wanted, &first))
				continue;
			wanted->guest.pci.bus = (uint8_t)port->index;
			wanted->guest.pci.slot = 0;
			wanted->writes_guest_address = true;
			wanted->movable = false;
		}
	}
}

static int cure_until_fine(struct gpupt_search *search, unsigned int remedy)
{
	bool all;
	int r = 0;
	for (unsigned int round = 0; r == 0 && round < PORT_ROUNDS; round++) {
		if (gpupt_is_fine(search->making) || !cure_ports(search, remedy, &all))
			break;
		r = place_all(search);
	}
	return r;
}

size_t gpupt_worlds_left(const struct gpupt_making *making)
{
	size_t left = 0;
	for (size_t i = 0; i < making->n_worlds; i++)
		left += making->worlds[i].verdict >= GPUPT_VERDICT_PARTIAL;
	return making->plan->status < 0 ? SIZE_MAX : left;
}

/* ---- what can be foreseen */

/* What the largest hole leaves without an address, and so any: in how many worlds, and
 * whether some of it not for its port's window. */
struct outlook {
	size_t hopeless;
	bool beyond_ports;
};

/* Whether a BAR that is passed through has no address; marks what is trapped. */
static bool lacks_an_address(struct gpupt_making *making, struct outlook *outlook)
{
	bool lacks = false;
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; making->devices[i].wanted && b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (!gpupt_is_shown_bar(bar) || bar->placed_by != GPUPT_MMIO_NOBODY)
				continue;
			lacks = true;
			making->devices[i].trapped |= bar->trapped;
			outlook->beyond_ports |= !bar->trapped;
		}
	return lacks;
}

/* One placement for those worlds that are alike, where place_all() takes ten; up to the
 * first that is hopeless if any is enough. */
static int look_ahead(struct gpupt_search *search, bool any, struct outlook *ret)
{
	struct gpupt_making *making = search->making;
	*ret = (struct outlook){ 0 };
	int r = set_up(search);
	for (size_t w = 0; r == 0 && w < making->n_worlds && !(any && ret->hopeless); w++) {
		struct gpupt_mmio_result result;
		const struct gpupt_world *world = &making->worlds[w];
		if (world->model != w)
			continue;
		r = gpupt_making_place(making, world, gpupt_mmio_largest_hole(&world->guest),
				       &result);
		if (r == 0 && (lacks_an_address(making, ret) || result.outcome == GPUPT_MMIO_REFUSED ||
			       (result.firmware_aborted && !making->domain->kernel)))
			ret->hopeless += world->weight;
	}
	return r;
}

static int look_ahead_with_ports(struct gpupt_search *search, unsigned int remedy,
				 struct outlook *ret)
{
	bool all;
	int r = look_ahead(search, false, ret);
	for (unsigned int round = 0; r == 0 && remedy && round < PORT_ROUNDS; round++) {
		if (!ret->hopeless || !cure_ports(search, remedy, &all))
			break;
		r = look_ahead(search, false, ret);
	}
	return r;
}

static void start_over(struct gpupt_search *search, const struct gpupt_attempt *attempt)
{
	struct gpupt_making *making = search->making;
	if (making->n_wanted)
		memcpy(making->wanted, search->wanted, making->n_wanted * sizeof(*making->wanted));
	if (search->n_ports)
		memcpy(making->ports, search->ports, search->n_ports * sizeof(*making->ports));
	making->n_ports = search->n_ports;
	making->cure = attempt->cure;
	search->last = *attempt;
	if (attempt->uses & GPUPT_BIT(GPUPT_REMEDY_MOVE))
		move_devices(search);
}

int gpupt_attempt(struct gpupt_search *search, const struct gpupt_attempt *attempt, bool whole)
{
	struct gpupt_making *making = search->making;
	unsigned int ports = attempt->uses & GPUPT_PORT_REMEDIES;
	struct outlook outlook = { 0 };
	start_over(search, attempt);
	int r = whole ? 0 : look_ahead_with_ports(search, ports, &outlook);
	if (r == 0 && outlook.hopeless) {
		search->attempts++;
		search->functions += making->n_functions;
		making->failures = outlook.hopeless;
		search->left = outlook.hopeless < making->n_worlds ? outlook.hopeless : SIZE_MAX;
		return 0;
	}
	if (r == 0)
		r = place_all(search);
	if (r == 0 && ports)
		r = cure_until_fine(search, ports);
	search->left = gpupt_worlds_left(making);
	return r;
}

/* The guest is as the attempt will have it: it need not be set up again. */
static void take_anew(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	for (size_t i = 0; i < making->n_functions; i++)
		making->devices[i].trapped = false;
	gpupt_mmio_session_forget(&making->session);
	search->is_set_up = true;
}

/* Most plans need nothing, or this: it saves them the attempt with the hole alone,
 * which takes as long as all that comes after. */
int gpupt_attempt_foreseen(struct gpupt_search *search, bool *ret_fine)
{
	struct gpupt_making *making = search->making;
	unsigned int remedy =
		gpupt_may_use(making, GPUPT_REMEDY_MEMRESERVE) ? GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) :
		gpupt_may_use(making, GPUPT_REMEDY_HOTPLUG) ? GPUPT_BIT(GPUPT_REMEDY_HOTPLUG) : 0;
	struct outlook outlook = { 0 };
	bool all;
	int r = remedy ? look_ahead(search, true, &outlook) : 0;
	search->is_set_up = r == 0 && remedy && !outlook.hopeless;
	if (r < 0 || !outlook.hopeless || outlook.beyond_ports || making->device_unknown ||
	    !cure_ports(search, remedy, &all))
		return r;
	if (all)
		take_anew(search);
	r = place_all(search);
	if (r == 0)
		r = cure_until_fine(search, remedy);
	*ret_fine = r == 0 && gpupt_is_fine(making);
	return r;
}
