/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What <pcihole64> becomes: what is needed and possible, and what the user wants. */

#include "plan/making.h"

/* ---- what cannot be */

static int no_fit(struct gpupt_making *making, enum gpupt_finding_number number, const char *text)
{
	struct gpupt_plan *plan = making->plan;
	plan->status = GPUPT_E_NO_FIT;
	plan->verdict = GPUPT_VERDICT_NO_FIT;
	plan->hole.planned = plan->hole.current;
	gpupt_findings_add(&plan->findings, number, making->domain,
			   gpupt_making_hole_element(making), "pcihole64", "%s", text);
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
		      gpupt_making_text(making, "%s a hole of %s, and %s",
					needed == making->needed && making->plan->hole.headroom ?
					"BARs and headroom need" : "the BARs need",
					gpupt_making_size(making, needed),
					gpupt_making_limit(making)));
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

/* "<pcihole64>", or what stands in its place. */
static const char *hole_name(const struct gpupt_making *making)
{
	if (making->has_commandline_hole)
		return "pci-hole64-size in <qemu:commandline>";
	return making->plan->hole.present ? "<pcihole64>" : "QEMU's default";
}

static int cannot_start(struct gpupt_making *making)
{
	return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START,
		      gpupt_making_text(making, "%s is %s, and %s", hole_name(making),
					gpupt_making_size(making, making->plan->hole.current),
					gpupt_making_limit(making)));
}

/* ---- --pcihole64 auto */

/* Rounds what is needed; falls back to the exact size where the power of two is
 * more than QEMU starts with, or where the model says it does not work. */
static int round_up(struct gpupt_making *making, uint64_t needed, uint64_t *ret)
{
	uint64_t exact = gpupt_align_up(needed, GPUPT_GIB);
	uint64_t rounded = gpupt_power_of_two_above(exact);
	*ret = exact;
	if (making->request->rounding == GPUPT_ROUND_GIB || rounded == exact)
		return 0;
	bool starts = rounded <= making->plan->hole.maximum, works = false;
	int r = starts ? gpupt_hole_holds(making, rounded, &works) : 0;
	if (r < 0)
		return r;
	if (works)
		*ret = rounded;
	else
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_EXACT_SIZE, NULL, NULL,
				   "pcihole64", "the next power of two, %s, is too much: %s; the "
				   "exact size is used", gpupt_making_size(making, rounded),
				   starts ? "not every BAR would find room" :
					    gpupt_making_limit(making));
	return 0;
}

static int respect_zero(struct gpupt_making *making)
{
	const char *but = making->needed ?
		gpupt_making_text(making, "although %s are needed",
				  gpupt_making_size(making, making->needed)) :
		"and nothing is lost by it";
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_ZERO, making->domain,
			   gpupt_making_hole_element(making), "pcihole64",
			   "%s is explicitly 0; that is respected, %s", hole_name(making), but);
	return 0;
}

/* A hole that is needed for nothing, and that has to become another all the same: as
 * large as QEMU would make it, where it can. */
static uint64_t modest_hole(const struct gpupt_making *making)
{
	uint64_t usual = gpupt_default_hole(making), most = making->plan->hole.maximum;
	return usual < most ? usual : most;
}

/* More than the size that would be chosen: no harm, but worth knowing. */
static void note_larger(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	uint64_t chosen = gpupt_power_of_two_above(gpupt_align_up(making->needed, GPUPT_GIB));
	if (!hole->present || !making->needed || hole->current <= chosen ||
	    gpupt_hole_wastes_bits(making))
		return;
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_LARGER, making->domain,
			   gpupt_making_hole_element(making), "pcihole64",
			   "<pcihole64> is %s, although %s would do; it is kept", gpupt_making_size(making, hole->current),
			   gpupt_making_size(making, making->needed));
}

static int decide_auto(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	uint64_t needed = making->needed;
	bool explicit = hole->present || making->has_commandline_hole;
	bool may_shrink = making->request->allow_shrink && !making->has_commandline_hole;
	if (explicit && hole->current == 0)
		return respect_zero(making);
	if (!making->startable || needed > hole->maximum)
		return cannot_hold(making, needed);
	bool too_large = hole->current > making->startable;
	if (too_large && explicit && !may_shrink)
		return cannot_start(making);
	bool enough = !too_large && hole->current >= needed;
	if (enough && !(hole->present && may_shrink)) {
		note_larger(making);
		return 0;
	}
	uint64_t planned = modest_hole(making);
	int r = needed ? round_up(making, needed, &planned) : 0;
	if (r == 0 && !(enough && planned > hole->current))
		hole->planned = planned;
	return r;
}

/* ---- --pcihole64 SIZE */

static int refuse_size(struct gpupt_making *making, uint64_t wanted, bool starts, bool enough)
{
	const char *text = gpupt_making_size(making, wanted);
	uint64_t minimum = making->plan->hole.minimum;
	if (!starts)
		return no_fit(making, GPUPT_FINDING_HOLE_CANNOT_START,
			      gpupt_making_text(making, "%s is too large: %s", text,
						gpupt_making_limit(making)));
	if (!enough)
		return no_fit(making, GPUPT_FINDING_HOLE_TOO_SMALL,
			      gpupt_making_text(making, "%s does not hold the BARs; the smallest "
						"hole that does is %s", text,
						gpupt_making_size(making, minimum)));
	making->plan->hole.planned = wanted;
	return 0;
}

/* beyond: what would be needed, where no hole does. */
static int decide_size(struct gpupt_making *making, uint64_t beyond, bool known)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_request *request = making->request;
	uint64_t wanted = gpupt_align_up(request->hole_bytes, GPUPT_KIB);
	if (wanted == UINT64_MAX)
		return gpupt_fail(making->error, GPUPT_E_LIMIT,
				  "a <pcihole64> of %s is more than libvirt can count",
				  gpupt_making_size(making, request->hole_bytes));
	bool starts = wanted <= making->startable, enough = true;
	int r = known ? gpupt_hole_holds(making, wanted, &enough) : 0;
	if (r < 0)
		return r;
	if (hole->present && wanted < hole->current && !request->allow_shrink && !request->force)
		return gpupt_fail(making->error, GPUPT_E_REFUSED,
				  "the domain has a <pcihole64> of %s; making it %s needs "
				  "--allow-shrink", gpupt_making_size(making, hole->current),
				  gpupt_making_size(making, wanted));
	if (!request->force)
		return beyond && starts ? cannot_hold(making, beyond) :
					  refuse_size(making, wanted, starts, enough);
	enough &= !beyond;
	if (!starts || !enough)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FORCED, NULL, NULL,
				   "pcihole64", "%s is forced although %s",
				   gpupt_making_size(making, wanted),
				   starts ? "it does not hold the BARs" : gpupt_making_limit(making));
	hole->planned = wanted;
	return 0;
}

int gpupt_decide_hole(struct gpupt_making *making, uint64_t beyond, bool known)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	if (making->request->hole_policy == GPUPT_HOLE_KEEP ||
	    !gpupt_may_use(making, GPUPT_REMEDY_HOLE))
		return 0;
	if (memory_is_too_large(making) && !making->request->force)
		return cannot_hold(making, making->needed);
	if (making->request->hole_policy == GPUPT_HOLE_SIZE)
		return decide_size(making, beyond, known);
	bool zero = hole->current == 0 && (hole->present || making->has_commandline_hole);
	return beyond && !zero ? cannot_hold(making, beyond) : decide_auto(making);
}
