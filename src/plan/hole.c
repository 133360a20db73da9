/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How large <pcihole64> has to be, and what there is. */

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

/* With the largest hole, is every BAR that stays without an address behind a window
 * that the firmware left too small? Then it is not address bits that are missing. */
static int all_trapped(struct gpupt_making *making, const struct gpupt_world *world, bool *ret)
{
	struct gpupt_mmio_result result;
	int r = gpupt_making_place(making, world, making->plan->hole.maximum, &result);
	if (r < 0)
		return r;
	*ret = result.outcome != GPUPT_MMIO_REFUSED;
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (making->devices[i].wanted && gpupt_is_pref64_bar(bar) &&
			    bar->placed_by == GPUPT_MMIO_NOBODY && !bar->trapped)
				*ret = false;
		}
	return 0;
}

/* What it would take with all the address bits there are, under firmware that
 * leaves the work to the kernel: asked where no hole does in any possibility. */
static int study_without_limit(struct gpupt_making *making, struct gpupt_world *world)
{
	const struct gpupt_world *model = &making->worlds[world->model];
	if (model != world) {
		world->minimum = model->minimum;
		world->needs_bits = model->needs_bits;
		return 0;
	}
	bool trapped = false;
	int r = all_trapped(making, world, &trapped);
	if (r < 0 || trapped)
		return r;
	struct gpupt_mmio_guest guest = world->guest;
	guest.phys_bits = WIDEST_PHYS_BITS;
	guest.guest_phys_bits = 0;
	guest.firmware_version = guest.firmware == GPUPT_FIRMWARE_OVMF ? 202208 : 11602;
	return minimal_hole(making, &guest, &world->minimum, &world->needs_bits);
}

/* What is plugged in later comes behind all that is there, and what the firmware
 * placed counts: the hole is measured from the lowest address it used. */
static int add_headroom(struct gpupt_making *making, struct gpupt_world *world)
{
	struct gpupt_mmio_result result;
	int r = gpupt_making_place(making, world, world->minimum, &result);
	if (r < 0)
		return r;
	uint64_t used = gpupt_align_up(gpupt_sub(result.highest_end, result.window_start),
				       GPUPT_GIB);
	uint64_t from = used > world->minimum ? used : world->minimum;
	world->needed = gpupt_add(from, making->request->headroom_bytes);
	return 0;
}

static int study(struct gpupt_making *making, struct gpupt_world *world)
{
	const struct gpupt_world *model = &making->worlds[world->model];
	if (model != world) {
		world->minimum = model->minimum;
		world->needed = model->needed;
		world->works = model->works;
		return 0;
	}
	int r = minimal_hole(making, &world->guest, &world->minimum, &world->works);
	if (r < 0)
		return r;
	world->needed = world->minimum;
	return world->works && making->request->headroom_bytes ? add_headroom(making, world) : 0;
}

/* Those before 7.1 start with any hole; past the address width it is of no use. */
static void note_limits(struct gpupt_making *making, const struct gpupt_world *world)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	uint64_t start = gpupt_qemu_hole_start(&world->guest);
	uint64_t end = UINT64_C(1) << (world->guest.phys_bits < 63 ? world->guest.phys_bits : 63);
	uint64_t useful = gpupt_sub(end, start), largest = gpupt_qemu_max_hole(&world->guest);
	if (largest < making->startable)
		making->startable = largest;
	if (largest < hole->maximum)
		hole->maximum = largest;
	if (useful < hole->maximum)
		hole->maximum = useful;
}

static int study_all(struct gpupt_making *making, bool known)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	hole->hole_start = gpupt_qemu_hole_start(&making->worlds[0].guest);
	hole->maximum = making->startable = UINT64_MAX;
	bool works = false;
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_world *world = &making->worlds[i];
		note_limits(making, world);
		int r = known ? study(making, world) : 0;
		if (r < 0)
			return r;
		if (world->works && world->minimum > hole->minimum)
			hole->minimum = world->minimum;
		if (world->works && world->needed > making->needed)
			making->needed = world->needed;
		works |= world->works;
	}
	for (size_t i = 0; i < making->n_worlds && known && !works; i++) {
		int r = study_without_limit(making, &making->worlds[i]);
		if (r < 0)
			return r;
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
int gpupt_hole_holds(struct gpupt_making *making, uint64_t bytes, bool *ret)
{
	for (size_t i = 0; i < making->n_worlds; i++) {
		struct gpupt_mmio_result result;
		if (!making->worlds[i].works || making->worlds[i].model != i)
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

uint64_t gpupt_default_hole(const struct gpupt_making *making)
{
	/* hw/pci-host/q35.h and i440fx.c: DEFAULT_PCI_HOLE64_SIZE */
	return making->guest.machine == GPUPT_MACHINE_Q35 ? 32 * GPUPT_GIB : 2 * GPUPT_GIB;
}

static void read_current(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	hole->current = gpupt_default_hole(making);
	if (root && root->n_holes && root->hole.valid) {
		hole->present = true;
		hole->current = root->hole.bytes;
	}
	if (making->has_commandline_hole) /* comes later, and the last one counts */
		hole->current = making->commandline_hole;
	hole->planned = hole->current;
}

static void check_current(struct gpupt_making *making)
{
	struct gpupt_findings *findings = &making->plan->findings;
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
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

/* Whether the text has to say something else about the hole than it does. */
static bool has_to_write(const struct gpupt_making *making)
{
	const struct gpupt_plan *plan = making->plan;
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	bool stands = root && root->n_holes && root->hole.valid &&
		      root->hole.bytes == plan->hole.planned;
	if (stands || plan->status == GPUPT_E_NO_FIT)
		return false;
	return making->request->hole_policy == GPUPT_HOLE_SIZE ||
	       plan->hole.planned != plan->hole.current;
}

/* A guest without anything to place may still not start. */
static void check_idle(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	struct gpupt_findings *findings = &making->plan->findings;
	if (hole->phys_bits_assumed || hole->current <= making->startable)
		return;
	gpupt_findings_add(findings, GPUPT_FINDING_HOLE_CANNOT_START, making->domain,
			   gpupt_making_hole_element(making), "pcihole64",
			   "with a hole of %s QEMU does not start: %s",
			   gpupt_making_size(making, hole->current), gpupt_making_limit(making));
}

/* Nothing is passed through, and nothing is asked of the hole. */
static bool is_idle(const struct gpupt_making *making)
{
	const struct gpupt_request *request = making->request;
	return !making->n_wanted && request->hole_policy != GPUPT_HOLE_SIZE &&
	       !request->headroom_bytes &&
	       !(request->allow_shrink && request->hole_policy == GPUPT_HOLE_AUTO);
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
	if (is_idle(making)) {
		plan->verdict = GPUPT_VERDICT_NOTHING;
		check_idle(making);
		return 0;
	}
	r = gpupt_decide_hole(making, known ? needed_beyond_limit(making) : 0, known);
	plan->writes_hole = r == 0 && has_to_write(making);
	return r;
}
