/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the guest looks like with the planned hole, in every possibility, and what
 * is wrong with that. */

#include <stdio.h>

#include "plan/making.h"

/* What became of one BAR over all possibilities. */
struct fate {
	size_t failures;
	size_t first; /* world in which nobody places it */
	const char *reason;
	bool trapped;
};

struct survey {
	struct gpupt_making *making;
	struct fate *fates; /* GPUPT_BAR_COUNT for each function */
	size_t aborts, first_abort;
	size_t stops, first_stop;
	size_t refusals;
	bool anything;   /* there is a BAR to place */
	size_t hopeless; /* worlds in which no hole at all places every 64-bit BAR */
};

static struct fate *fate_of(const struct survey *survey, size_t function, size_t bar)
{
	return &survey->fates[function * GPUPT_BAR_COUNT + bar];
}

static bool matters(const struct gpupt_making *making, size_t i, const struct gpupt_mmio_bar *bar)
{
	return making->devices[i].wanted && gpupt_is_shown_bar(bar);
}

/* ---- one possibility, and those that are like it */

static void note_failures(struct survey *survey, size_t world, bool *ret_any)
{
	struct gpupt_making *making = survey->making;
	size_t weight = making->worlds[world].weight;
	bool hopeless = false;
	for (size_t i = 0; i < making->n_functions; i++) {
		for (size_t b = 0; b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (!matters(making, i, bar))
				continue;
			survey->anything = true;
			if (bar->placed_by != GPUPT_MMIO_NOBODY)
				continue;
			struct fate *fate = fate_of(survey, i, b);
			if (!fate->failures) {
				fate->first = world;
				fate->reason = bar->reason ? bar->reason : "no room is left";
				fate->trapped = bar->trapped;
			}
			making->devices[i].trapped |= bar->trapped;
			fate->failures += weight;
			making->failures += weight;
			if (gpupt_is_pref64_bar(bar) && !making->worlds[world].works)
				hopeless = true;
			*ret_any = true;
		}
	}
	survey->hopeless += hopeless ? weight : 0;
}

static enum gpupt_verdict judge(struct survey *survey, size_t world,
				const struct gpupt_mmio_result *result)
{
	bool failures = false;
	size_t weight = survey->making->worlds[world].weight;
	if (result->outcome == GPUPT_MMIO_REFUSED) {
		survey->refusals += weight;
		survey->making->failures += weight;
		return GPUPT_VERDICT_PARTIAL;
	}
	if (result->firmware_stopped) {
		if (!survey->stops)
			survey->first_stop = world;
		survey->stops += weight;
		survey->hopeless += weight;
		survey->making->failures += weight;
		return GPUPT_VERDICT_PARTIAL;
	}
	note_failures(survey, world, &failures);
	/* a kernel that QEMU loads itself needs no disk */
	if (result->firmware_aborted && !survey->making->domain->kernel) {
		if (!survey->aborts)
			survey->first_abort = world;
		survey->aborts += weight;
		survey->making->failures += weight;
		failures = true;
	}
	if (failures)
		return GPUPT_VERDICT_PARTIAL;
	return result->outcome == GPUPT_MMIO_ALL_FIRMWARE ? GPUPT_VERDICT_FIRMWARE :
							    GPUPT_VERDICT_KERNEL;
}

/* ---- findings */

/* " (with Debian 12, ...)" where something holds for some possibilities only. */
static const char *worlds_text(struct gpupt_making *making, size_t count, size_t first)
{
	if (count == making->n_worlds)
		return "";
	if (count == 1)
		return gpupt_making_text(making, " (with %s)",
					 gpupt_world_name(making, &making->worlds[first]));
	return gpupt_making_text(making, " (with %s and %zu more of %zu possibilities)",
				 gpupt_world_name(making, &making->worlds[first]), count - 1,
				 making->n_worlds);
}

static bool is_behind_expander(const struct gpupt_making *making, size_t i)
{
	while (making->functions[i].parent >= 0) {
		i = (size_t)making->functions[i].parent;
		if (making->functions[i].kind == GPUPT_MMIO_EXPANDER)
			return true;
	}
	return false;
}

/* Each has a remedy of its own. */
static enum gpupt_finding_number unplaced(const struct gpupt_making *making, size_t i,
					  const struct gpupt_mmio_bar *bar,
					  const struct fate *fate)
{
	if (is_behind_expander(making, i))
		return GPUPT_FINDING_EXPANDER_LEFT_OUT;
	if (gpupt_is_pref64_bar(bar))
		return fate->trapped ? GPUPT_FINDING_TRAP_64BIT : GPUPT_FINDING_NOT_PLACED;
	return fate->trapped ? GPUPT_FINDING_TRAP_32BIT : GPUPT_FINDING_NO_ROOM_32BIT;
}

static void report_bar(struct survey *survey, size_t i, size_t b)
{
	struct gpupt_making *making = survey->making;
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	const struct gpupt_guest_device *device = &making->devices[i];
	const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
	const struct fate *fate = fate_of(survey, i, b);
	const char *subject = gpupt_making_address(making, device->wanted->host);
	const char *size = gpupt_making_size(making, bar->size);
	const char *where = worlds_text(making, fate->failures, fate->first);
	uint64_t effective = gpupt_making_effective_hole(making);
	if (gpupt_is_pref64_bar(bar) && hole->minimum > effective &&
	    making->worlds[fate->first].works)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOLE_TOO_SMALL,
				   making->domain, device->element, subject,
				   "BAR %u (%s) of %s finds no room in a hole of %s; %s would do%s",
				   bar->index, size, subject,
				   gpupt_making_size(making, effective),
				   gpupt_making_size(making, hole->minimum), where);
	else
		gpupt_findings_add(&making->plan->findings, unplaced(making, i, bar, fate),
				   making->domain, device->element, subject,
				   "BAR %u (%s) of %s stays without an address: %s%s", bar->index,
				   size, subject, fate->reason, where);
}

static void report(struct survey *survey)
{
	struct gpupt_making *making = survey->making;
	struct gpupt_findings *findings = &making->plan->findings;
	for (size_t i = 0; i < making->n_functions; i++)
		for (size_t b = 0; b < making->functions[i].n_bars; b++)
			if (fate_of(survey, i, b)->failures)
				report_bar(survey, i, b);
	if (survey->refusals)
		gpupt_findings_add(findings, GPUPT_FINDING_HOLE_CANNOT_START, making->domain,
				   gpupt_making_hole_element(making), "pcihole64",
				   "with a hole of %s QEMU does not start: %s",
				   gpupt_making_size(making, gpupt_making_effective_hole(making)),
				   gpupt_making_limit(making));
	if (survey->aborts)
		gpupt_findings_add(findings, GPUPT_FINDING_FIRMWARE_ABORTS, NULL, NULL, "os",
				   "OVMF gives up on all PCI devices, the boot disk included: a BAR "
				   "that it may not leave out does not fit its 64-bit window%s",
				   worlds_text(making, survey->aborts, survey->first_abort));
	if (survey->stops)
		gpupt_findings_add(findings, GPUPT_FINDING_FIRMWARE_STOPS, NULL, NULL, "os",
				   "SeaBIOS stops before the guest boots: 32-bit BARs or I/O ports "
				   "find no room%s",
				   worlds_text(making, survey->stops, survey->first_stop));
	const char *os_id = making->domain->os_id;
	if (os_id && strstr(os_id, "microsoft.com") && making->plan->verdict > GPUPT_VERDICT_FIRMWARE)
		gpupt_findings_add(findings, GPUPT_FINDING_WINDOWS_GUEST, NULL, NULL, "metadata",
				   "the guest runs Windows, and the firmware does not place every "
				   "BAR; what Windows does with the rest was not examined, Linux's "
				   "way is shown");
	const struct gpupt_world *worlds = making->worlds;
	for (size_t i = 1; i < making->n_worlds; i++) {
		if (worlds[i].verdict == worlds[0].verdict && worlds[i].works == worlds[0].works &&
		    (!worlds[i].works || worlds[i].minimum == worlds[0].minimum))
			continue;
		gpupt_findings_add(findings, GPUPT_FINDING_VERSIONS_UNKNOWN, NULL, NULL, "os",
				   "what the guest runs on is not known in full, and it matters: "
				   "%zu possibilities were computed", making->n_worlds);
		break;
	}
}

/* ---- the possibility that is shown: the first of the worst */

/* "01.2/00.0". Bus numbers are the firmware's to hand out; this is the domain's. */
static const char *guest_path(struct gpupt_making *making, size_t i)
{
	static const char digits[] = "0123456789abcdef";
	const struct gpupt_mmio_function *function = &making->functions[i];
	struct gpupt_guest_device *device = &making->devices[i];
	if (device->path)
		return device->path;
	char here[16] = { digits[function->slot >> 4 & 0xf], digits[function->slot & 0xf], '.',
			  digits[function->function & 0xf] };
	if (function->slot > 0xff) /* more than a bus has: it counts on */
		snprintf(here, sizeof(here), "%x.%x", function->slot, function->function);
	const char *above =
		function->parent < 0 ? NULL : guest_path(making, (size_t)function->parent);
	const char *const parts[] = { above, here };
	device->path = gpupt_making_had(making, gpupt_arena_join(&making->plan->arena, parts,
								 GPUPT_ARRAY_SIZE(parts), "/"));
	return device->path;
}

static int fill_layout(struct gpupt_making *making, const struct gpupt_mmio_result *result)
{
	struct gpupt_plan *plan = making->plan;
	if (!plan->layout) {
		size_t count = 0;
		for (size_t i = 0; i < making->n_functions; i++)
			count += making->functions[i].n_bars;
		plan->layout = calloc(count + 1, sizeof(*plan->layout));
		if (!plan->layout)
			return gpupt_fail_nomem(making->error);
	}
	plan->n_layout = 0;
	plan->hole.window_start = result->window_start;
	plan->hole.window_end = result->window_end;
	plan->hole.firmware_window_start = result->firmware_window_start;
	plan->hole.firmware_window_end = result->firmware_window_end;
	for (size_t i = 0; i < making->n_functions; i++) {
		const struct gpupt_guest_device *device = &making->devices[i];
		for (size_t b = 0; b < making->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &making->functions[i].bars[b];
			if (!gpupt_is_shown_bar(bar))
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
				.guest_path = guest_path(making, i),
			};
		}
	}
	return gpupt_map_functions(making);
}

static int keep_possibilities(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	plan->possibilities = calloc(making->n_worlds, sizeof(*plan->possibilities));
	if (!plan->possibilities)
		return gpupt_fail_nomem(making->error);
	plan->n_possibilities = making->n_worlds;
	for (size_t i = 0; i < making->n_worlds; i++) {
		const struct gpupt_world *world = &making->worlds[i];
		plan->possibilities[i] = (struct gpupt_possibility){
			.name = gpupt_world_name(making, world),
			.booted = world->booted,
			.verdict = world->verdict,
			.has_minimum = world->works,
			.minimum = world->works ? world->minimum : 0,
		};
	}
	return 0;
}

static int survey_all(struct survey *survey)
{
	struct gpupt_making *making = survey->making;
	struct gpupt_plan *plan = making->plan;
	struct gpupt_mmio_result result;
	int r = 0;
	for (size_t i = 0; i < making->n_worlds && r == 0; i++) {
		struct gpupt_world *world = &making->worlds[i];
		if (world->model != i) {
			world->verdict = making->worlds[world->model].verdict;
			continue;
		}
		r = gpupt_making_place(making, world, gpupt_making_effective_hole(making),
				       &result);
		if (r < 0)
			return r;
		world->verdict = judge(survey, i, &result);
		if (i > 0 && world->verdict <= making->worlds[plan->shown].verdict)
			continue;
		plan->shown = i;
		r = fill_layout(making, &result);
	}
	if (r == 0)
		r = keep_possibilities(making);
	if (r < 0 || plan->verdict == GPUPT_VERDICT_NO_FIT)
		return r;
	plan->verdict = survey->anything || survey->refusals || survey->stops ?
			making->worlds[plan->shown].verdict : GPUPT_VERDICT_NOTHING;
	report(survey);
	/* a hole that helps in no case is no cure to carry out */
	if (survey->hopeless == making->n_worlds && !making->request->force &&
	    making->request->hole_policy == GPUPT_HOLE_AUTO) {
		plan->status = GPUPT_E_NO_FIT;
		plan->verdict = GPUPT_VERDICT_NO_FIT;
		plan->writes_hole = false;
	}
	return 0;
}

int gpupt_make_layout(struct gpupt_making *making)
{
	if (making->device_unknown || making->plan->verdict == GPUPT_VERDICT_NOTHING)
		return 0;
	struct survey survey = { .making = making };
	survey.fates = calloc(making->n_functions * GPUPT_BAR_COUNT + 1, sizeof(*survey.fates));
	if (!survey.fates)
		return gpupt_fail_nomem(making->error);
	int r = survey_all(&survey);
	free(survey.fates);
	return r;
}
