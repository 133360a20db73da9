/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest cure. First the hole alone is tried; where BARs stay without an
 * address, what else is allowed, from the least invasive to the most, each time with
 * the whole model. The first attempt that places every BAR in every possibility is
 * taken, and if there is none, the one that does so in the most. */

#include "plan/attempt.h"

enum {
	PHYS_BITS_TRUSTED = 41, /* OVMF believes a CPU that has more than 40 */
	PHYS_BITS_USEFUL = 46,  /* and looks no further with 4-level paging (edk2, MemDetect.c) */
	FIRST_WINDOW_MIB = 64 << 10, /* OVMF's own is 32 GiB */
	LAST_WINDOW_MIB = 16 << 20,  /* OVMF ignores more (edk2, MemDetect.c) */
	/* a search ends after so many attempts, and sooner where each takes its time */
	MOST_ATTEMPTS = 96,
	MOST_FUNCTIONS = 1 << 15,
};

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

/* A window that the firmware made for one function of a slot is not enlarged for
 * another that it left out: apart, they are not in each other's way. */
static bool is_separable(const struct gpupt_making *making, const struct gpupt_wanted *wanted)
{
	if (making->guest.machine != GPUPT_MACHINE_Q35 || !wanted->existing ||
	    !wanted->guest.pci.function || wanted->movable)
		return false;
	for (size_t i = 0; i < making->n_functions; i++)
		if (making->devices[i].trapped && making->devices[i].wanted &&
		    gpupt_share_slot(making->devices[i].wanted, wanted))
			return true;
	return false;
}

/* Looks at the first attempt's tree. */
static bool find_movable(struct gpupt_search *search)
{
	const struct gpupt_making *making = search->making;
	bool any = false;
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_wanted *wanted = making->devices[i].wanted;
		if (wanted && is_movable(making, i))
			search->wanted[wanted - making->wanted].movable = any = true;
	}
	for (size_t i = 0; i < making->n_wanted; i++)
		if (is_separable(making, &search->wanted[i]))
			search->wanted[i].separable = any = true;
	return any;
}

/* The widest address that <maxphysaddr> can give; 0: none that is wider. */
static unsigned int widest_bits(const struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	bool tcg = gpupt_is(domain->type, "qemu");
	unsigned int host = making->inventory && !tcg ?
		gpupt_inventory_get_host(making->inventory)->phys_bits : 0;
	unsigned int most = host && host < PHYS_BITS_USEFUL ? host : PHYS_BITS_USEFUL;
	return most > making->guest.phys_bits ? most : 0;
}

/* Looks at the first attempt, in which nothing is done but to the hole. */
static void find_applicable(struct gpupt_search *search)
{
	const struct gpupt_making *making = search->making;
	search->applicable = GPUPT_PORT_REMEDIES;
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

static unsigned int all_that(const struct gpupt_search *search,
			     bool (*may)(const struct gpupt_making *, enum gpupt_remedy))
{
	unsigned int remedies = 0;
	for (unsigned int i = 0; i <= GPUPT_REMEDY_CMDLINE; i++)
		if (search->applicable & GPUPT_BIT(i) && may(search->making, i))
			remedies |= GPUPT_BIT(i);
	return remedies;
}

/* ---- the search */

static bool is_over(const struct gpupt_search *search)
{
	return gpupt_is_fine(search->making) || search->attempts > MOST_ATTEMPTS ||
	       search->functions > MOST_FUNCTIONS;
}

/* With the ports as they are, then with each remedy for them. */
static int try_ports(struct gpupt_search *search, struct gpupt_attempt one, unsigned int remedies)
{
	const unsigned int ways[] = { 0, GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE),
				      GPUPT_BIT(GPUPT_REMEDY_HOTPLUG) };
	unsigned int others = one.uses;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ways); i++) {
		/* the hole alone was the first, and all windows were tried with nothing else */
		bool was_tried = !ways[i] && (!others || (one.cure.window_mib &&
							  remedies & GPUPT_PORT_REMEDIES));
		if ((ways[i] & remedies) != ways[i] || was_tried)
			continue;
		one.uses = others | ways[i];
		int r = gpupt_attempt(search, &one, false);
		if (r == 0 && search->left < search->fewest) {
			search->fewest = search->left;
			search->best = one;
		}
		if (r < 0 || is_over(search))
			return r;
	}
	return 0;
}

/* With every size of OVMF's window that is worth it: a larger one is better than smaller
 * ones with another remedy. */
static int try_windows(struct gpupt_search *search, struct gpupt_attempt one, unsigned int remedies)
{
	if (!(one.uses & GPUPT_BIT(GPUPT_REMEDY_FWCFG)))
		return try_ports(search, one, remedies);
	unsigned int ports = remedies & GPUPT_PORT_REMEDIES;
	if (ports) {
		int r = try_windows(search, one, remedies & ~ports);
		if (r < 0 || is_over(search))
			return r;
	}
	unsigned int bits = one.cure.phys_bits ? one.cure.phys_bits : search->phys_bits;
	uint64_t end = (UINT64_C(1) << (bits < 52 ? bits : 52)) / GPUPT_MIB;
	for (uint64_t mib = FIRST_WINDOW_MIB; mib <= LAST_WINDOW_MIB && mib < end; mib *= 2) {
		one.cure.window_mib = mib;
		int r = try_ports(search, one, remedies);
		if (r < 0 || is_over(search))
			return r;
	}
	return 0;
}

static int try_widths(struct gpupt_search *search, struct gpupt_attempt one, unsigned int remedies)
{
	if (!(one.uses & GPUPT_BIT(GPUPT_REMEDY_MAXPHYSADDR)))
		return try_windows(search, one, remedies);
	/* if the widest does not help, none does */
	one.cure.phys_bits = search->widest;
	int r = try_windows(search, one, remedies);
	if (r < 0 || !gpupt_is_fine(search->making) || search->only_names)
		return r;
	unsigned int bits = search->phys_bits + 1;
	for (bits = bits < PHYS_BITS_TRUSTED ? PHYS_BITS_TRUSTED : bits; bits <= search->widest;
	     bits++) {
		one.cure.phys_bits = bits;
		r = try_windows(search, one, remedies);
		if (r < 0 || gpupt_is_fine(search->making))
			return r;
	}
	return 0;
}

/* Every combination of the remedies but for those in which only `tried` ones are; the
 * smallest first, and among them the least invasive. The attempt that does it, if one
 * does, is the last. */
static int try_all(struct gpupt_search *search, unsigned int remedies, unsigned int tried)
{
	const unsigned int first = GPUPT_BIT(GPUPT_REMEDY_MOVE), end = first << 4;
	search->attempts = 0;
	search->functions = 0;
	for (int size = 0; size <= 2; size++) {
		for (unsigned int extra = 0; extra < end; extra += first) {
			unsigned int used = extra | (remedies & GPUPT_PORT_REMEDIES);
			if (__builtin_popcount(extra) != size || (extra & remedies) != extra ||
			    (used & tried) == used)
				continue;
			struct gpupt_attempt one = { .uses = extra };
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
	    gpupt_worlds_left(making) < making->n_worlds)
		return;
	plan->status = GPUPT_E_NO_FIT;
	plan->verdict = GPUPT_VERDICT_NO_FIT;
	plan->writes_hole = false;
}

static int find_cure(struct gpupt_search *search)
{
	struct gpupt_making *making = search->making;
	find_applicable(search);
	search->fewest = gpupt_worlds_left(making);
	unsigned int allowed = all_that(search, gpupt_may_use);
	int r = try_all(search, allowed, 0);
	if (r < 0 || gpupt_is_fine(making))
		return r;
	unsigned int missing = 0;
	struct gpupt_attempt best = search->best;
	unsigned int known = all_that(search, libvirt_knows);
	if (allowed & GPUPT_BIT(GPUPT_REMEDY_HOTPLUG)) /* it does all that this one does */
		known &= ~GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) | allowed;
	search->only_names = true;
	r = try_all(search, known, allowed);
	if (r == 0 && gpupt_is_fine(making))
		missing = search->last.uses & ~allowed;
	if (r == 0)
		r = gpupt_attempt(search, &best, true);
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
	struct gpupt_search search = {
		.making = making,
		.n_ports = making->n_ports,
		.n_findings = making->plan->findings.count,
		.device_unknown = making->device_unknown,
	};
	bool copied = copy(making->wanted, making->n_wanted * sizeof(*making->wanted),
			   (void **)&search.wanted);
	copied &= copy(making->ports, making->n_ports * sizeof(*making->ports),
		       (void **)&search.ports);
	bool fine = false;
	int r = copied ? 0 : gpupt_fail_nomem(making->error);
	if (r == 0 && making->n_wanted)
		r = gpupt_attempt_foreseen(&search, &fine);
	if (r == 0 && !fine)
		r = gpupt_attempt(&search, &(struct gpupt_attempt){ 0 }, true);
	if (r == 0 && making->n_wanted && !making->device_unknown && !gpupt_is_fine(making))
		r = find_cure(&search);
	if (r == 0)
		hand_over(making);
	free(search.wanted);
	free(search.ports);
	return r;
}
