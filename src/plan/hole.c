/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How large <pcihole64> has to be, and what the guest then looks like. */

#include <inttypes.h>

#include <gpupt/size.h>

#include "plan/making.h"

enum { WIDEST_PHYS_BITS = 52 }; /* x86-64: Intel SDM vol. 3, 4.1.4 */

static const char *text_of(struct gpupt_making *making, uint64_t bytes)
{
	char buffer[GPUPT_SIZE_TEXT_MAX];
	const char *text = gpupt_arena_printf(&making->plan->arena, "%s",
					      gpupt_size_format(bytes, buffer));
	return text ? text : "";
}

static const char *address_text(struct gpupt_making *making, struct gpupt_pci_address address)
{
	char buffer[GPUPT_PCI_ADDRESS_TEXT_MAX];
	const char *text = gpupt_arena_printf(&making->plan->arena, "%s",
					      gpupt_pci_address_format(address, buffer));
	return text ? text : "";
}

static bool is_pref64(const struct gpupt_mmio_bar *bar)
{
	return bar->mem64 && bar->prefetchable && !bar->io;
}

static void sum_bars(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_mmio_function *function = &making->functions[i];
		for (size_t b = 0; making->devices[i].wanted && b < function->n_bars; b++) {
			if (!is_pref64(&function->bars[b]))
				continue;
			hole->bar_sum = gpupt_add(hole->bar_sum, function->bars[b].size);
			if (function->bars[b].size > hole->largest_bar)
				hole->largest_bar = function->bars[b].size;
		}
	}
}

/* The model with a given hole; fills the results in making->functions. */
static int place_with(struct gpupt_making *making, uint64_t bytes,
		      struct gpupt_mmio_result *ret)
{
	making->guest.hole_set = true;
	making->guest.hole_bytes = bytes;
	int r = gpupt_mmio_place(&making->guest, making->functions, making->n_functions, ret);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}

/* Whether every 64-bit prefetchable BAR that is passed through has an address. */
static bool all_placed(const struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; b < making->functions[i].n_bars; b++)
			if (making->devices[i].wanted && is_pref64(&making->functions[i].bars[b]) &&
			    making->functions[i].bars[b].placed_by == GPUPT_MMIO_NOBODY)
				return false;
	return true;
}

static int holds(struct gpupt_making *making, uint64_t bytes, bool *ret)
{
	struct gpupt_mmio_result result;
	int r = place_with(making, bytes, &result);
	if (r == 0)
		*ret = result.outcome != GPUPT_MMIO_REFUSED && all_placed(making);
	return r;
}

/* The smallest hole that works, within the guest's limits. */
static int find_minimum(struct gpupt_making *making, uint64_t *ret_bytes, bool *ret_works)
{
	making->guest.hole_set = false;
	making->guest.hole_bytes = 0;
	int r = gpupt_mmio_minimal_hole(&making->guest, making->functions, making->n_functions,
					ret_bytes, ret_works);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}

/* Whether more address bits would help; the hole they would take. */
static int find_unlimited(struct gpupt_making *making, uint64_t *ret_bytes, bool *ret_works)
{
	unsigned int bits = making->guest.phys_bits;
	making->guest.phys_bits = WIDEST_PHYS_BITS;
	int r = find_minimum(making, ret_bytes, ret_works);
	making->guest.phys_bits = bits;
	return r;
}

/* With an unknown vendor both of QEMU's rules may hold. */
static uint64_t largest_start(struct gpupt_making *making)
{
	uint64_t largest = gpupt_qemu_max_hole(&making->guest);
	if (making->vendor_unknown) {
		making->guest.vendor_amd = true;
		uint64_t amd = gpupt_qemu_max_hole(&making->guest);
		making->guest.vendor_amd = false;
		if (amd < largest)
			largest = amd;
	}
	return largest;
}

/* ---- what is there */

static const struct gpupt_controller *root_of(const struct gpupt_making *making)
{
	return gpupt_domain_root_controller(making->domain);
}

static uint64_t default_hole(const struct gpupt_making *making)
{
	/* hw/pci-host/q35.h and i440fx.c: DEFAULT_PCI_HOLE64_SIZE */
	return making->guest.machine == GPUPT_MACHINE_Q35 ? 32 * GPUPT_GIB : 2 * GPUPT_GIB;
}

static void read_current(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_controller *root = root_of(making);
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
	const struct gpupt_controller *root = root_of(making);
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
	if (domain->cmdline_hole)
		gpupt_findings_add(findings, GPUPT_FINDING_COMMANDLINE_HOLE, NULL, NULL,
				   "qemu:commandline",
				   "<qemu:commandline> sets pci-hole64-size as well");
}

/* ---- decisions */

static int no_fit(struct gpupt_making *making, enum gpupt_finding_number number,
		  const char *text)
{
	struct gpupt_plan *plan = making->plan;
	plan->status = GPUPT_E_NO_FIT;
	plan->verdict = GPUPT_VERDICT_NO_FIT;
	plan->hole.planned = plan->hole.current;
	gpupt_findings_add(&plan->findings, number, NULL, NULL, "pcihole64", "%s", text);
	return 0;
}

static const char *limit_text(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	/* hw/i386/pc.c: AMD_HT_START */
	bool amd = gpupt_add(hole->hole_start, hole->maximum) == 1012 * GPUPT_GIB;
	const char *text = gpupt_arena_printf(
		&making->plan->arena, "QEMU starts with at most %s (%u address bits, the hole "
		"begins at %s%s)", text_of(making, hole->maximum), hole->phys_bits,
		text_of(making, hole->hole_start),
		amd ? ", and AMD keeps 1012 GiB to 1 TiB to itself" : "");
	return text ? text : "";
}

static int cannot_hold(struct gpupt_making *making, uint64_t needed)
{
	const char *text = gpupt_arena_printf(
		&making->plan->arena, "the BARs need a hole of %s, and %s",
		text_of(making, needed), limit_text(making));
	return no_fit(making, GPUPT_FINDING_NO_FIT, text ? text : "");
}

/* Rounds what is needed; falls back to the exact size where the power of two is
 * more than QEMU starts with, or where the model says it does not work. */
static int round_up(struct gpupt_making *making, uint64_t needed, uint64_t *ret)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	uint64_t exact = gpupt_align_up(needed, GPUPT_GIB);
	*ret = exact;
	if (making->request->rounding == GPUPT_ROUND_GIB)
		return 0;
	uint64_t rounded = gpupt_power_of_two_above(exact);
	bool works = false;
	int r = rounded <= hole->maximum ? holds(making, rounded, &works) : 0;
	if (r < 0)
		return r;
	if (works)
		*ret = rounded;
	else
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_EXACT_SIZE, NULL, NULL,
				   "pcihole64", "the next power of two, %s, is too much: %s; the "
				   "exact size is used", text_of(making, rounded),
				   limit_text(making));
	return 0;
}

/* needed: the hole has to be at least that large (0: any will do). */
static int decide_auto(struct gpupt_making *making, uint64_t needed)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_controller *root = root_of(making);
	if (hole->present && hole->current == 0) {
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_ZERO,
				   making->domain, &root->hole.element, "pcihole64",
				   "<pcihole64> is explicitly 0; that is respected, although %s",
				   needed ? gpupt_arena_printf(&making->plan->arena,
							       "the BARs need %s",
							       text_of(making, needed)) :
				   "it saves nothing");
		return 0;
	}
	bool too_large = hole->present && hole->current > hole->maximum;
	if (too_large && !making->request->allow_shrink) {
		const char *text = gpupt_arena_printf(
			&making->plan->arena, "<pcihole64> is %s, and %s",
			text_of(making, hole->current), limit_text(making));
		return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START, text ? text : "");
	}
	if (needed > hole->maximum)
		return cannot_hold(making, needed);
	if (hole->current >= needed && !too_large &&
	    !(hole->present && making->request->allow_shrink))
		return 0;
	uint64_t wanted = hole->maximum < default_hole(making) ? hole->maximum :
								 default_hole(making);
	if (needed) {
		int r = round_up(making, needed, &wanted);
		if (r < 0)
			return r;
	} else if (!too_large) {
		return 0;
	}
	hole->planned = wanted;
	return 0;
}

static int decide_size(struct gpupt_making *making, uint64_t needed, bool known)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_request *request = making->request;
	uint64_t wanted = gpupt_align_up(request->hole_bytes, GPUPT_KIB);
	const char *text = text_of(making, wanted);
	bool starts = wanted <= hole->maximum, enough = true;
	if (known) {
		int r = holds(making, wanted, &enough);
		if (r < 0)
			return r;
	}
	if (!request->force) {
		if (hole->present && wanted < hole->current && !request->allow_shrink)
			return gpupt_fail(making->error, GPUPT_E_REFUSED,
					  "the domain has a <pcihole64> of %s; making it %s needs "
					  "--allow-shrink", text_of(making, hole->current), text);
		if (!starts)
			return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START,
				      gpupt_arena_printf(&making->plan->arena, "%s is too large: %s",
							 text, limit_text(making)));
		if (!enough && needed)
			return no_fit(making, GPUPT_FINDING_NO_FIT,
				      gpupt_arena_printf(&making->plan->arena,
							 "%s does not hold the BARs; the smallest "
							 "hole that does is %s", text,
							 text_of(making, needed)));
	} else if (!starts || !enough) {
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FORCED, NULL, NULL,
				   "pcihole64", "%s is forced although %s", text,
				   starts ? "it does not hold the BARs" : limit_text(making));
	}
	hole->planned = wanted;
	return 0;
}

/* ---- the result */

static void report_unplaced(struct gpupt_making *making, size_t i, size_t b, bool hole_too_small)
{
	const struct gpupt_guest_device *device = &making->devices[i];
	const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
	const char *subject = device->wanted ? address_text(making, device->wanted->host) :
					       device->label;
	if (hole_too_small && is_pref64(bar))
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_TOO_SMALL,
				   making->domain, device->element, subject,
				   "BAR %u (%s) of %s finds no room in a hole of %s; %s would do",
				   bar->index, text_of(making, bar->size), subject,
				   text_of(making, making->plan->hole.planned),
				   text_of(making, making->plan->hole.minimum));
	else
		gpupt_findings_add(&making->plan->findings,
				   is_pref64(bar) ? GPUPT_FINDING_NOT_PLACED :
						    GPUPT_FINDING_TRAP_32BIT,
				   making->domain, device->element, subject,
				   "BAR %u (%s) of %s stays without an address: %s", bar->index,
				   text_of(making, bar->size), subject,
				   bar->reason ? bar->reason : "no room is left");
}

static int fill_layout(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	size_t count = 0;
	for (size_t i = 0; i < making->n_functions; i++)
		count += making->functions[i].n_bars;
	plan->layout = calloc(count + 1, sizeof(*plan->layout));
	if (!plan->layout)
		return gpupt_fail_nomem(making->error);
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_guest_device *device = &making->devices[i];
		for (size_t b = 0; b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (bar->io)
				continue;
			plan->layout[plan->n_layout++] = (struct gpupt_layout_bar){
				.passed_through = device->wanted,
				.host = device->wanted ? device->wanted->host :
							 (struct gpupt_pci_address){ 0 },
				.device = device->label,
				.bar = bar->index,
				.size_bytes = bar->size,
				.mem64 = bar->mem64,
				.prefetchable = bar->prefetchable,
				.placed_by = (enum gpupt_placer)bar->placed_by,
				.guest_address = bar->placed_by ? bar->address : 0,
				.reason = bar->placed_by || !bar->reason ? "" : bar->reason,
			};
		}
	}
	return 0;
}

/* What the guest looks like with the planned hole: layout, verdict, findings. */
static int conclude(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	struct gpupt_mmio_result result;
	int r = place_with(making, plan->hole.planned, &result);
	if (r < 0)
		return r;
	plan->hole.window_start = result.window_start;
	plan->hole.window_end = result.window_end;
	plan->hole.firmware_window_start = result.firmware_window_start;
	plan->hole.firmware_window_end = result.firmware_window_end;
	r = fill_layout(making);
	if (r < 0 || plan->verdict == GPUPT_VERDICT_NO_FIT)
		return r;
	bool too_small = plan->hole.minimum > plan->hole.planned;
	plan->verdict = result.outcome == GPUPT_MMIO_ALL_FIRMWARE ? GPUPT_VERDICT_FIRMWARE :
								    GPUPT_VERDICT_KERNEL;
	for (size_t i = 0; i < making->n_functions; i++) {
		for (size_t b = 0; b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (bar->io || bar->placed_by != GPUPT_MMIO_NOBODY ||
			    !making->devices[i].wanted)
				continue;
			plan->verdict = GPUPT_VERDICT_PARTIAL;
			report_unplaced(making, i, b, too_small);
		}
	}
	if (result.outcome == GPUPT_MMIO_REFUSED) {
		plan->verdict = GPUPT_VERDICT_PARTIAL;
		gpupt_findings_add(&plan->findings, GPUPT_FINDING_HOLE_CANNOT_START, NULL, NULL,
				   "pcihole64", "with a hole of %s QEMU does not start: %s",
				   text_of(making, plan->hole.planned), limit_text(making));
	}
	if (result.firmware_aborted && !making->domain->kernel) {
		plan->verdict = GPUPT_VERDICT_PARTIAL;
		gpupt_findings_add(&plan->findings, GPUPT_FINDING_FIRMWARE_ABORTS, NULL, NULL, "os",
				   "OVMF gives up on all PCI devices, the boot disk included: a BAR "
				   "that it may not leave out does not fit its 64-bit window");
	}
	return 0;
}

/* The hole that is needed, or NO_FIT. `*ret` is UINT64_MAX where no hole helps. */
static int find_need(struct gpupt_making *making, uint64_t *ret)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	uint64_t minimum = 0;
	bool works = false;
	int r = find_minimum(making, &minimum, &works);
	if (r == 0 && !works) {
		uint64_t unlimited = 0;
		r = find_unlimited(making, &unlimited, &works);
		if (works)
			minimum = unlimited; /* more than the guest's address width allows */
	}
	hole->minimum = minimum;
	*ret = minimum ? gpupt_add(minimum, making->request->headroom_bytes) :
			 making->request->headroom_bytes;
	return r;
}

int gpupt_make_hole(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	const struct gpupt_request *request = making->request;
	read_current(making);
	check_current(making);
	sum_bars(making);
	plan->hole.headroom = request->headroom_bytes;
	plan->hole.hole_start = gpupt_qemu_hole_start(&making->guest);
	plan->hole.maximum = largest_start(making);
	bool known = !making->device_unknown;
	if (!known && request->hole_policy == GPUPT_HOLE_AUTO) {
		plan->status = GPUPT_E_NOT_FOUND;
		plan->verdict = GPUPT_VERDICT_UNKNOWN;
		return 0;
	}
	if (!making->n_wanted && request->hole_policy != GPUPT_HOLE_SIZE && !request->headroom_bytes) {
		plan->verdict = GPUPT_VERDICT_NOTHING;
		return 0;
	}
	uint64_t needed = 0;
	int r = known ? find_need(making, &needed) : 0;
	if (r == 0 && request->hole_policy == GPUPT_HOLE_AUTO)
		r = decide_auto(making, needed);
	else if (r == 0 && request->hole_policy == GPUPT_HOLE_SIZE)
		r = decide_size(making, needed, known);
	if (r < 0)
		return r;
	const struct gpupt_controller *root = root_of(making);
	bool stands = root && root->n_holes && root->hole.valid &&
		      root->hole.bytes == plan->hole.planned;
	if (request->hole_policy == GPUPT_HOLE_SIZE)
		plan->writes_hole = !stands;
	else if (request->hole_policy == GPUPT_HOLE_AUTO)
		plan->writes_hole = plan->hole.planned != plan->hole.current;
	if (plan->status == GPUPT_E_NO_FIT)
		plan->writes_hole = false;
	if (!known) {
		plan->verdict = GPUPT_VERDICT_UNKNOWN;
		return 0;
	}
	return conclude(making);
}
