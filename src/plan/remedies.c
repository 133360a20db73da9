/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest cure. First the hole alone is tried; where BARs stay without an
 * address, what else is allowed, from the least invasive to the most, each time with
 * the whole model. The first attempt that places every BAR in every possibility is
 * taken, and if there is none, the one that does so in the most. */

#include "plan/making.h"

enum {
	PHYS_BITS_TRUSTED = 41, /* OVMF believes a CPU that has more than 40 */
	PHYS_BITS_USEFUL = 46,  /* and looks no further with 4-level paging (edk2, MemDetect.c) */
	FIRST_WINDOW_MIB = 64 << 10, /* OVMF's own is 32 GiB */
	LAST_WINDOW_MIB = 16 << 20,  /* OVMF ignores more (edk2, MemDetect.c) */
	PORT_ROUNDS = 4,
	/* a search ends after so many attempts, and sooner where each takes its time */
	MOST_ATTEMPTS = 96,
	MOST_FUNCTIONS = 1 << 15,
};

#define PORT_REMEDIES (GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) | GPUPT_BIT(GPUPT_REMEDY_HOTPLUG))

struct attempt {
	unsigned int uses; /* bits of enum gpupt_remedy */
	struct gpupt_cure cure;
};

struct search {
	struct gpupt_making *making;
	struct gpupt_wanted *wanted; /* as they were before any attempt */
	struct gpupt_port *ports;
	size_t n_ports;
	size_t n_findings;
	bool device_unknown;
	unsigned int applicable; /* what could be tried in this domain */
	unsigned int phys_bits;  /* of its CPU, and the most that it may have */
	unsigned int widest;
	struct attempt last, best;
	size_t fewest; /* worlds in which the best leaves something over */
	unsigned int attempts;
	size_t functions; /* placed in them */
};

/* ---- one attempt */

static void forget(struct search *search)
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
}

static int place_all(struct search *search)
{
	struct gpupt_making *making = search->making;
	forget(search);
	int r = gpupt_make_guest(making);
	if (r == 0)
		r = gpupt_make_worlds(making);
	if (r == 0)
		r = gpupt_make_topology(making);
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

static bool is_fine(const struct gpupt_making *making)
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
 * libvirt puts it nowhere else. NULL: there is none. */
static struct gpupt_port *port_for(struct search *search, size_t function)
{
	struct gpupt_making *making = search->making;
	const struct gpupt_guest_device *bridge =
		&making->devices[making->functions[function].parent];
	struct gpupt_wanted *wanted =
		&making->wanted[making->devices[function].wanted - making->wanted];
	struct gpupt_port *port = gpupt_port_at(making, bridge->bus);
	if (!port && bridge->controller && bridge->controller->has_index)
		port = gpupt_port_of(making, bridge->controller);
	else if (!port && (!wanted->guest.present || !bridge->controller))
		port = gpupt_port_new(making, wanted->guest.present ? bridge->bus : 0);
	if (port && !wanted->guest.present) {
		wanted->guest = (struct gpupt_guest_address){ .present = true };
		wanted->guest.pci.bus = (uint8_t)port->index;
		wanted->writes_guest_address = true;
	}
	return port;
}

/* Changes the ports of functions that are trapped; false where there is nothing (more)
 * to change. */
static bool cure_ports(struct search *search, unsigned int remedy)
{
	struct gpupt_making *making = search->making;
	bool changed = false;
	for (size_t i = 0; i < making->n_functions; i++) {
		int parent = making->functions[i].parent;
		if (!making->devices[i].wanted || !making->devices[i].trapped || parent < 0 ||
		    !may_be_cured(&making->functions[parent], remedy))
			continue;
		struct gpupt_port *port = port_for(search, i);
		if (!port)
			continue;
		if (remedy == GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE))
			port->mem_reserve_kib = low_memory_behind(making, parent) / GPUPT_KIB;
		else
			port->hotplug_off = true;
		changed = true;
	}
	return changed;
}

static bool same_slot(const struct gpupt_wanted *a, const struct gpupt_wanted *b)
{
	return a->guest.present && b->guest.present && a->guest.pci.bus == b->guest.pci.bus &&
	       a->guest.pci.slot == b->guest.pci.slot;
}

/* Every card that the hole cannot help goes behind a root port of its own, its
 * functions together. */
static void move_devices(struct search *search)
{
	struct gpupt_making *making = search->making;
	for (size_t i = 0; i < making->n_wanted; i++) {
		const struct gpupt_wanted first = making->wanted[i];
		struct gpupt_port *port = first.movable ? gpupt_port_new(making, 0) : NULL;
		if (!port)
			continue;
		for (size_t j = i; j < making->n_wanted; j++) {
			struct gpupt_wanted *wanted = &making->wanted[j];
			if (j != i && !same_slot(wanted, &first))
				continue;
			wanted->guest.pci.bus = (uint8_t)port->index;
			wanted->guest.pci.slot = 0;
			wanted->writes_guest_address = true;
			wanted->movable = false;
		}
	}
}

static int try(struct search *search, const struct attempt *attempt)
{
	struct gpupt_making *making = search->making;
	unsigned int ports = attempt->uses & PORT_REMEDIES;
	if (making->n_wanted)
		memcpy(making->wanted, search->wanted, making->n_wanted * sizeof(*making->wanted));
	if (search->n_ports)
		memcpy(making->ports, search->ports, search->n_ports * sizeof(*making->ports));
	making->n_ports = search->n_ports;
	making->cure = attempt->cure;
	search->last = *attempt;
	if (attempt->uses & GPUPT_BIT(GPUPT_REMEDY_MOVE))
		move_devices(search);
	int r = place_all(search);
	for (unsigned int round = 0; r == 0 && ports && round < PORT_ROUNDS; round++) {
		if (is_fine(making) || !cure_ports(search, ports))
			break;
		r = place_all(search);
	}
	return r;
}

/* ---- what there is to try */

static bool is_movable(const struct gpupt_making *making, size_t function)
{
	int above = making->functions[function].parent;
	if (making->guest.machine != GPUPT_MACHINE_Q35 ||
	    !making->devices[function].wanted->guest.present)
		return false;
	while (above >= 0 && making->functions[above].kind != GPUPT_MMIO_EXPANDER)
		above = making->functions[above].parent;
	return above >= 0 || making->functions[function].parent < 0;
}

/* Looks at the first attempt's tree. */
static bool find_movable(struct search *search)
{
	const struct gpupt_making *making = search->making;
	bool any = false;
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_wanted *wanted = making->devices[i].wanted;
		if (wanted && is_movable(making, i))
			search->wanted[wanted - making->wanted].movable = any = true;
	}
	return any;
}

/* The widest address that <maxphysaddr> can give; 0: none that is wider. */
static unsigned int widest_bits(const struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	bool tcg = domain->type && strcmp(domain->type, "qemu") == 0;
	unsigned int host = making->inventory && !tcg ?
		gpupt_inventory_get_host(making->inventory)->phys_bits : 0;
	unsigned int most = host && host < PHYS_BITS_USEFUL ? host : PHYS_BITS_USEFUL;
	return most > making->guest.phys_bits ? most : 0;
}

/* Looks at the first attempt, in which nothing is done but to the hole. */
static void find_applicable(struct search *search)
{
	const struct gpupt_making *making = search->making;
	search->applicable = PORT_REMEDIES;
	search->phys_bits = making->guest.phys_bits;
	search->widest = widest_bits(making);
	if (find_movable(search))
		search->applicable |= GPUPT_BIT(GPUPT_REMEDY_MOVE);
	if (search->widest)
		search->applicable |= GPUPT_BIT(GPUPT_REMEDY_MAXPHYSADDR);
	if (making->worlds[0].guest.firmware == GPUPT_FIRMWARE_OVMF)
		search->applicable |= GPUPT_BIT(GPUPT_REMEDY_FWCFG);
	if (!making->guest.realloc)
		search->applicable |= GPUPT_BIT(GPUPT_REMEDY_CMDLINE);
}

/* Older ones drop an attribute that they do not know in silence. */
static bool libvirt_knows(const struct gpupt_making *making, enum gpupt_remedy remedy)
{
	static const unsigned long since[] = {
		[GPUPT_REMEDY_MEMRESERVE] = 10003000, [GPUPT_REMEDY_HOTPLUG] = 6003000,
		[GPUPT_REMEDY_MAXPHYSADDR] = 8007000, [GPUPT_REMEDY_CMDLINE] = 0,
	};
	return !making->request->libvirt || making->request->libvirt >= since[remedy];
}

bool gpupt_may_use(const struct gpupt_making *making, enum gpupt_remedy remedy)
{
	const struct gpupt_request *request = making->request;
	if (!(request->allowed & GPUPT_BIT(remedy)) || !libvirt_knows(making, remedy))
		return false;
	/* there are many that do not know it */
	return remedy != GPUPT_REMEDY_MEMRESERVE || request->libvirt ||
	       request->named & GPUPT_BIT(remedy);
}

static unsigned int all_that(const struct search *search,
			     bool (*may)(const struct gpupt_making *, enum gpupt_remedy))
{
	unsigned int remedies = 0;
	for (unsigned int i = 0; i <= GPUPT_REMEDY_CMDLINE; i++)
		if (search->applicable & GPUPT_BIT(i) && may(search->making, i))
			remedies |= GPUPT_BIT(i);
	return remedies;
}

/* ---- the search */

static bool is_over(const struct search *search)
{
	return is_fine(search->making) || search->attempts > MOST_ATTEMPTS ||
	       search->functions > MOST_FUNCTIONS;
}

/* Worlds in which not all is well. A plan that cannot be carried out at all is worse
 * than any other. */
static size_t count_failures(const struct gpupt_making *making)
{
	size_t failures = 0;
	for (size_t i = 0; i < making->n_worlds; i++)
		failures += making->worlds[i].verdict >= GPUPT_VERDICT_PARTIAL;
	return making->plan->status < 0 ? SIZE_MAX : failures;
}

/* With the ports as they are, then with each remedy for them. */
static int try_ports(struct search *search, struct attempt one, unsigned int remedies)
{
	const unsigned int ways[] = { 0, GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE),
				      GPUPT_BIT(GPUPT_REMEDY_HOTPLUG) };
	unsigned int others = one.uses;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ways); i++) {
		if ((ways[i] & remedies) != ways[i])
			continue;
		one.uses = others | ways[i];
		int r = try(search, &one);
		size_t failures = count_failures(search->making);
		if (r == 0 && failures < search->fewest) {
			search->fewest = failures;
			search->best = one;
		}
		if (r < 0 || is_over(search))
			return r;
	}
	return 0;
}

/* With every size of OVMF's window that is worth it. */
static int try_windows(struct search *search, struct attempt one, unsigned int remedies)
{
	if (!(one.uses & GPUPT_BIT(GPUPT_REMEDY_FWCFG)))
		return try_ports(search, one, remedies);
	for (uint64_t mib = FIRST_WINDOW_MIB; mib <= LAST_WINDOW_MIB; mib *= 2) {
		one.cure.window_mib = mib;
		int r = try_ports(search, one, remedies);
		if (r < 0 || is_over(search))
			return r;
	}
	return 0;
}

static int try_widths(struct search *search, struct attempt one, unsigned int remedies)
{
	if (!(one.uses & GPUPT_BIT(GPUPT_REMEDY_MAXPHYSADDR)))
		return try_windows(search, one, remedies);
	unsigned int bits = search->phys_bits + 1;
	if (bits < PHYS_BITS_TRUSTED)
		bits = PHYS_BITS_TRUSTED;
	for (; bits <= search->widest; bits++) {
		one.cure.phys_bits = bits;
		int r = try_windows(search, one, remedies);
		if (r < 0 || is_over(search))
			return r;
	}
	return 0;
}

/* Every combination of the remedies but for those in which only `tried` ones are; the
 * smallest first, and among them the least invasive. The attempt that does it, if one
 * does, is the last. */
static int try_all(struct search *search, unsigned int remedies, unsigned int tried)
{
	const unsigned int first = GPUPT_BIT(GPUPT_REMEDY_MOVE), end = first << 4;
	search->attempts = 0;
	search->functions = 0;
	for (int size = 0; size <= 2; size++) {
		for (unsigned int extra = 0; extra < end; extra += first) {
			unsigned int used = extra | (remedies & PORT_REMEDIES);
			if (__builtin_popcount(extra) != size || (extra & remedies) != extra ||
			    (used & tried) == used)
				continue;
			struct attempt one = { .uses = extra };
			one.cure.realloc = extra & GPUPT_BIT(GPUPT_REMEDY_CMDLINE);
			int r = try_widths(search, one, remedies);
			if (r < 0 || is_over(search))
				return r;
		}
	}
	return 0;
}

/* ---- what comes of it */

/* "fwcfg", "maxphysaddr,hotplug" */
static const char *names_of(struct gpupt_making *making, unsigned int remedies)
{
	const char *names = "";
	for (unsigned int i = 0; i <= GPUPT_REMEDY_CMDLINE; i++)
		if (remedies & GPUPT_BIT(i))
			names = gpupt_making_text(making, "%s%s%s", names, *names ? "," : "",
						  gpupt_remedy_name(i));
	return names;
}

/* A plan that needs more than is allowed is not carried out, but where it is good for
 * something, or the hole is to stay as it is. */
static void refuse(struct gpupt_making *making, unsigned int missing)
{
	struct gpupt_plan *plan = making->plan;
	bool stays = making->request->hole_policy == GPUPT_HOLE_KEEP ||
		     (plan->hole.present && plan->hole.planned == 0);
	const char *names = names_of(making, missing);
	gpupt_findings_add(&plan->findings, GPUPT_FINDING_REMEDY_NEEDED, NULL, NULL, "domain",
			   "what may be done does not give every BAR its place; with --allow %s it "
			   "would", names);
	if (plan->status < 0 || making->request->force || stays ||
	    count_failures(making) < making->n_worlds)
		return;
	plan->status = GPUPT_E_NO_FIT;
	plan->verdict = GPUPT_VERDICT_NO_FIT;
	plan->writes_hole = false;
}

static int find_cure(struct search *search)
{
	struct gpupt_making *making = search->making;
	find_applicable(search);
	search->fewest = count_failures(making);
	unsigned int allowed = all_that(search, gpupt_may_use);
	int r = try_all(search, allowed, 0);
	if (r < 0 || is_fine(making))
		return r;
	unsigned int missing = 0;
	struct attempt best = search->best;
	unsigned int known = all_that(search, libvirt_knows);
	if (allowed & GPUPT_BIT(GPUPT_REMEDY_HOTPLUG)) /* it does all that this one does */
		known &= ~GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) | allowed;
	r = try_all(search, known, allowed);
	if (r == 0 && is_fine(making))
		missing = search->last.uses & ~allowed;
	if (r == 0)
		r = try(search, &best);
	if (r == 0 && missing)
		refuse(making, missing);
	return r;
}

static void hand_over(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	if (plan->status < 0)
		return;
	plan->ports = GPUPT_STEAL(making->ports);
	plan->n_ports = making->n_ports;
	making->n_ports = 0;
	plan->cure = making->cure;
}

static bool copy(const void *items, size_t size, void **ret)
{
	*ret = malloc(size + 1);
	if (*ret && size)
		memcpy(*ret, items, size);
	return *ret;
}

int gpupt_make_remedies(struct gpupt_making *making)
{
	struct search search = {
		.making = making,
		.n_ports = making->n_ports,
		.n_findings = making->plan->findings.count,
		.device_unknown = making->device_unknown,
	};
	bool copied = copy(making->wanted, making->n_wanted * sizeof(*making->wanted),
			   (void **)&search.wanted);
	copied &= copy(making->ports, making->n_ports * sizeof(*making->ports),
		       (void **)&search.ports);
	int r = copied ? try(&search, &(struct attempt){ 0 }) : gpupt_fail_nomem(making->error);
	if (r == 0 && making->n_wanted && !making->device_unknown && !is_fine(making))
		r = find_cure(&search);
	if (r == 0)
		hand_over(making);
	free(search.wanted);
	free(search.ports);
	return r;
}
