/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How large <pcihole64> has to be, and whether it becomes that. */

#include "plan/making.h"

enum { WIDEST_PHYS_BITS = 52 }; /* x86-64: Intel SDM vol. 3, 4.1.4 */

static void sum_bars(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_mmio_function *function = &making->functions[i];
		for (size_t b = 0; making->devices[i].wanted && b < function->n_bars; b++) {
			if (!gpupt_is_pref64_bar(&function->bars[b]))
				continue;
			hole->bar_sum = gpupt_add(hole->bar_sum, function->bars[b].size);
			if (function->bars[b].size > hole->largest_bar)
				hole->largest_bar = function->bars[b].size;
		}
	}
}

/* ---- what each possibility needs */

static int minimal_hole(struct gpupt_making *making, const struct gpupt_mmio_guest *guest,
			uint64_t *ret_bytes, bool *ret_works)
{
	struct gpupt_mmio_guest without = *guest;
	without.hole_set = false;
	without.hole_bytes = 0;
	int r = gpupt_mmio_session_minimal_hole(&making->session, &without, ret_bytes, ret_works);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}

/* What it would take with all the address bits there are, under firmware that
 * leaves the work to the kernel. */
static int study_without_limit(struct gpupt_making *making, struct gpupt_world *world)
{
	struct gpupt_mmio_guest guest = world->guest;
	guest.phys_bits = WIDEST_PHYS_BITS;
	guest.guest_phys_bits = 0;
	guest.firmware_version = guest.firmware == GPUPT_FIRMWARE_OVMF ? 202208 : 11602;
	return minimal_hole(making, &guest, &world->minimum, &world->needs_bits);
}

static int study(struct gpupt_making *making, struct gpupt_world *world)
{
	int r = minimal_hole(making, &world->guest, &world->minimum, &world->works);
	return r < 0 || world->works ? r : study_without_limit(making, world);
}

/* The largest hole that every possible QEMU starts with. Those before 7.1 do not
 * check; past the address width a hole is of no use to anybody. */
static uint64_t largest_start(const struct gpupt_world *world)
{
	uint64_t start = gpupt_qemu_hole_start(&world->guest);
	uint64_t end = UINT64_C(1) << (world->guest.phys_bits < 63 ? world->guest.phys_bits : 63);
	uint64_t useful = gpupt_sub(end, start), largest = gpupt_qemu_max_hole(&world->guest);
	return largest < useful ? largest : useful;
}

static int study_all(struct gpupt_making *making, bool known)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	hole->hole_start = gpupt_qemu_hole_start(&making->worlds[0].guest);
	hole->maximum = UINT64_MAX;
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_world *world = &making->worlds[i];
		uint64_t largest = largest_start(world);
		if (largest < hole->maximum)
			hole->maximum = largest;
		int r = known ? study(making, world) : 0;
		if (r < 0)
			return r;
		if (world->works && world->minimum > hole->minimum)
			hole->minimum = world->minimum;
	}
	return 0;
}

/* No possibility works; the hole that would be needed if there were address bits
 * enough, or 0 where they are not what is missing. */
static uint64_t needed_beyond_limit(const struct gpupt_making *making)
{
	uint64_t needed = 0;
	for (size_t i = 0; i < making->n_worlds; i++) {
		const struct gpupt_world *world = &making->worlds[i];
		if (world->works)
			return 0;
		if (world->needs_bits && world->minimum > needed)
			needed = world->minimum;
	}
	return needed;
}

/* ---- whether a size does */

static bool all_placed(const struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; b < making->functions[i].n_bars; b++)
			if (making->devices[i].wanted &&
			    gpupt_is_pref64_bar(&making->functions[i].bars[b]) &&
			    making->functions[i].bars[b].placed_by == GPUPT_MMIO_NOBODY)
				return false;
	return true;
}

/* In every possibility in which some size does. */
static int holds(struct gpupt_making *making, uint64_t bytes, bool *ret)
{
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_mmio_result result;
		if (!making->worlds[i].works)
			continue;
		int r = gpupt_making_place(making, &making->worlds[i], bytes, &result);
		if (r < 0)
			return r;
		if (result.outcome == GPUPT_MMIO_REFUSED || !all_placed(making)) {
			*ret = false;
			return 0;
		}
	}
	*ret = true;
	return 0;
}

/* ---- what is there */

static uint64_t default_hole(const struct gpupt_making *making)
{
	/* hw/pci-host/q35.h and i440fx.c: DEFAULT_PCI_HOLE64_SIZE */
	return making->guest.machine == GPUPT_MACHINE_Q35 ? 32 * GPUPT_GIB : 2 * GPUPT_GIB;
}

static void read_current(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	hole->current = default_hole(making);
	if (root && root->n_holes && root->hole.valid) {
		hole->present = true;
		hole->current = root->hole.bytes;
	}
	hole->planned = hole->current;
}

static void check_current(struct gpupt_making *making)
{
	struct gpupt_findings *findings = &making->plan->findings;
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	if (domain->cmdline_hole)
		gpupt_findings_add(findings, GPUPT_FINDING_COMMANDLINE_HOLE, NULL, NULL,
				   "qemu:commandline",
				   "<qemu:commandline> sets pci-hole64-size as well");
	if (!root || !root->n_holes)
		return;
	const struct gpupt_element *element = &root->hole.element;
	if (root->n_holes > 1)
		gpupt_findings_add(findings, GPUPT_FINDING_HOLE_DUPLICATE, domain, element,
				   "pcihole64", "there are %zu <pcihole64>; libvirt takes the first",
				   root->n_holes);
	if (root->hole.empty)
		gpupt_findings_add(findings, GPUPT_FINDING_HOLE_EMPTY, domain, element, "pcihole64",
				   "<pcihole64> is empty; libvirt ignores it");
	else if (!root->hole.valid)
		gpupt_findings_add(findings, GPUPT_FINDING_HOLE_INVALID, domain, element,
				   "pcihole64", "\"%s\"%s%s is no size; libvirt refuses the domain",
				   root->hole.text, root->hole.unit ? " in unit " : "",
				   root->hole.unit ? root->hole.unit : "");
}

/* ---- decisions */

static int no_fit(struct gpupt_making *making, enum gpupt_finding_number number, const char *text)
{
	struct gpupt_plan *plan = making->plan;
	plan->status = GPUPT_E_NO_FIT;
	plan->verdict = GPUPT_VERDICT_NO_FIT;
	plan->hole.planned = plan->hole.current;
	gpupt_findings_add(&plan->findings, number, NULL, NULL, "pcihole64", "%s", text);
	return 0;
}

static int cannot_hold(struct gpupt_making *making, uint64_t needed)
{
	if (!making->plan->hole.maximum)
		return no_fit(making, GPUPT_FINDING_MEMORY_TOO_LARGE,
			      gpupt_making_text(making, "the guest's memory reaches up to %s, and %u "
						"address bits end there or before",
						gpupt_making_size(making, making->plan->hole.hole_start),
						making->guest.phys_bits));
	/* QEMU counts from its own start of the hole, the guest's kernel from the lowest
	 * address that the firmware used, which lies higher */
	if (needed <= making->plan->hole.maximum)
		return no_fit(making, GPUPT_FINDING_NO_FIT,
			      gpupt_making_text(making, "the BARs need a hole of %s, and the "
						"guest's %u address bits end before it does",
						gpupt_making_size(making, needed),
						making->guest.phys_bits));
	return no_fit(making, GPUPT_FINDING_NO_FIT,
		      gpupt_making_text(making, "the BARs need a hole of %s, and %s",
					gpupt_making_size(making, needed),
					gpupt_making_limit(making)));
}

/* Rounds what is needed; falls back to the exact size where the power of two is
 * more than QEMU starts with, or where the model says it does not work. */
static int round_up(struct gpupt_making *making, uint64_t needed, uint64_t *ret)
{
	uint64_t exact = gpupt_align_up(needed, GPUPT_GIB);
	*ret = exact;
	if (making->request->rounding == GPUPT_ROUND_GIB)
		return 0;
	uint64_t rounded = gpupt_power_of_two_above(exact);
	bool works = rounded == exact;
	int r = !works && rounded <= making->plan->hole.maximum ? holds(making, rounded, &works) : 0;
	if (r < 0)
		return r;
	if (works)
		*ret = rounded;
	else
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_EXACT_SIZE, NULL, NULL,
				   "pcihole64", "the next power of two, %s, is too much: %s; the "
				   "exact size is used", gpupt_making_size(making, rounded),
				   gpupt_making_limit(making));
	return 0;
}

static int respect_zero(struct gpupt_making *making, uint64_t needed)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	const char *but = needed ? gpupt_making_text(making, "although the BARs need %s",
						     gpupt_making_size(making, needed)) :
				   "and nothing is lost by it";
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_ZERO, making->domain,
			   &root->hole.element, "pcihole64",
			   "<pcihole64> is explicitly 0; that is respected, %s", but);
	return 0;
}

/* needed: the hole has to be at least that large (0: any will do). */
static int decide_auto(struct gpupt_making *making, uint64_t needed)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	if (hole->present && hole->current == 0)
		return respect_zero(making, needed);
	/* QEMU's default may be too large as well; that is nobody's wish to respect. */
	bool too_large = hole->current > hole->maximum;
	if (too_large && hole->present && !making->request->allow_shrink)
		return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START,
			      gpupt_making_text(making, "<pcihole64> is %s, and %s",
						gpupt_making_size(making, hole->current),
						gpupt_making_limit(making)));
	if (needed > hole->maximum)
		return cannot_hold(making, needed);
	bool may_shrink = hole->present && making->request->allow_shrink;
	if (!too_large && (!needed || (hole->current >= needed && !may_shrink)))
		return 0;
	if (needed)
		return round_up(making, needed, &hole->planned);
	hole->planned = hole->maximum < default_hole(making) ? hole->maximum : default_hole(making);
	return 0;
}

static int refuse_size(struct gpupt_making *making, uint64_t wanted, uint64_t needed, bool starts,
		       bool enough)
{
	const char *text = gpupt_making_size(making, wanted);
	if (!starts)
		return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START,
			      gpupt_making_text(making, "%s is too large: %s", text,
						gpupt_making_limit(making)));
	if (!enough && needed)
		return no_fit(making, GPUPT_FINDING_NO_FIT,
			      gpupt_making_text(making, "%s does not hold the BARs; the smallest "
						"hole that does is %s", text,
						gpupt_making_size(making, needed)));
	making->plan->hole.planned = wanted;
	return 0;
}

static int decide_size(struct gpupt_making *making, uint64_t needed, bool known)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_request *request = making->request;
	uint64_t wanted = gpupt_align_up(request->hole_bytes, GPUPT_KIB);
	bool starts = wanted <= hole->maximum, enough = true;
	int r = known ? holds(making, wanted, &enough) : 0;
	if (r < 0)
		return r;
	if (hole->present && wanted < hole->current && !request->allow_shrink && !request->force)
		return gpupt_fail(making->error, GPUPT_E_REFUSED,
				  "the domain has a <pcihole64> of %s; making it %s needs "
				  "--allow-shrink", gpupt_making_size(making, hole->current),
				  gpupt_making_size(making, wanted));
	if (!request->force)
		return refuse_size(making, wanted, needed, starts, enough);
	if (!starts || !enough)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FORCED, NULL, NULL,
				   "pcihole64", "%s is forced although %s",
				   gpupt_making_size(making, wanted),
				   starts ? "it does not hold the BARs" : gpupt_making_limit(making));
	hole->planned = wanted;
	return 0;
}

/* QEMU refuses such a guest whatever the hole. */
static bool memory_is_too_large(const struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_mmio_guest guest = making->worlds[i].guest;
		guest.hole_set = true;
		guest.hole_bytes = 0;
		if (guest.phys_bits < 64 &&
		    gpupt_qemu_hole_start(&guest) > UINT64_C(1) << guest.phys_bits)
			return true;
	}
	return false;
}

static int decide(struct gpupt_making *making, bool known)
{
	const struct gpupt_request *request = making->request;
	uint64_t beyond = known ? needed_beyond_limit(making) : 0;
	uint64_t minimum = making->plan->hole.minimum;
	uint64_t needed = minimum || request->headroom_bytes ?
		gpupt_add(minimum, request->headroom_bytes) : 0;
	if (request->hole_policy == GPUPT_HOLE_KEEP)
		return 0;
	if (memory_is_too_large(making) && !request->force)
		return cannot_hold(making, needed);
	if (request->hole_policy == GPUPT_HOLE_SIZE)
		return decide_size(making, needed, known);
	bool zero = making->plan->hole.present && making->plan->hole.current == 0;
	return beyond && !zero ? cannot_hold(making, beyond) : decide_auto(making, needed);
}

/* Whether the text has to say something else about the hole than it does. */
static bool has_to_write(const struct gpupt_making *making)
{
	const struct gpupt_plan *plan = making->plan;
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	bool stands = root && root->n_holes && root->hole.valid &&
		      root->hole.bytes == plan->hole.planned;
	if (plan->status == GPUPT_E_NO_FIT || making->request->hole_policy == GPUPT_HOLE_KEEP)
		return false;
	if (making->request->hole_policy == GPUPT_HOLE_SIZE)
		return !stands;
	return plan->hole.planned != plan->hole.current;
}

int gpupt_make_hole(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	const struct gpupt_request *request = making->request;
	read_current(making);
	check_current(making);
	sum_bars(making);
	plan->hole.headroom = request->headroom_bytes;
	bool known = !making->device_unknown;
	int r = study_all(making, known);
	if (r < 0)
		return r;
	plan->verdict = GPUPT_VERDICT_UNKNOWN;
	if (!known && request->hole_policy == GPUPT_HOLE_AUTO) {
		plan->status = GPUPT_E_NOT_FOUND;
		return 0;
	}
	if (!making->n_wanted && request->hole_policy != GPUPT_HOLE_SIZE &&
	    !request->headroom_bytes) {
		plan->verdict = GPUPT_VERDICT_NOTHING;
		return 0;
	}
	r = decide(making, known);
	plan->writes_hole = r == 0 && has_to_write(making);
	return r;
}
