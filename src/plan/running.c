/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was seen of a running guest, against what was planned. */

#include <gpupt/running.h>

#include <inttypes.h>
#include <stdio.h>

#include <gpupt/size.h>

#include "plan/finding.h"
#include "plan/making.h"

GPUPT_EXPORT const char *gpupt_sight_name(enum gpupt_sight sight)
{
	switch (sight) {
	case GPUPT_SIGHT_NONE: return "unknown";
	case GPUPT_SIGHT_ASSIGNED: return "assigned";
	case GPUPT_SIGHT_UNASSIGNED: return "unassigned";
	}
	return "";
}

GPUPT_EXPORT const char *gpupt_state_name(enum gpupt_state state)
{
	switch (state) {
	case GPUPT_STATE_ASSIGNED: return "assigned";
	case GPUPT_STATE_UNASSIGNED: return "unassigned";
	case GPUPT_STATE_UNKNOWN: return "unknown";
	}
	return "";
}

/* A passed-through function is known by its host address, any other by its place. */
GPUPT_EXPORT const struct gpupt_layout_bar *
gpupt_running_predicted(const struct gpupt_plan *plan, const struct gpupt_seen_function *function,
			unsigned int bar)
{
	for (size_t i = 0; plan && i < plan->n_layout; i++) {
		const struct gpupt_layout_bar *predicted = &plan->layout[i];
		if (predicted->bar != bar ||
		    predicted->passed_through != function->passed_through)
			continue;
		if (function->passed_through ?
			    gpupt_pci_address_compare(predicted->host, function->host) == 0 :
			    strcmp(predicted->guest_path, function->path) == 0)
			return predicted;
	}
	return NULL;
}

/* What a check works on, and what came of it so far. */
struct check {
	const struct gpupt_running *running;
	const struct gpupt_plan *plan;
	struct gpupt_findings findings;
	bool unassigned, unknown;
};

static void check_bar(struct check *check, const struct gpupt_seen_function *function,
		      unsigned int index, const char *subject)
{
	const struct gpupt_seen_bar *bar = &function->bars[index];
	const struct gpupt_layout_bar *predicted =
		gpupt_running_predicted(check->plan, function, index);
	bool nobody = predicted && predicted->placed_by == GPUPT_PLACED_BY_NOBODY;
	char size[GPUPT_SIZE_TEXT_MAX], told[64] = "it was predicted to have no address";
	gpupt_size_format(bar->size_bytes, size);
	if (predicted && !nobody)
		snprintf(told, sizeof(told), "predicted was 0x%" PRIx64, predicted->guest_address);
	if (bar->sight == GPUPT_SIGHT_UNASSIGNED) {
		check->unassigned = true;
		gpupt_findings_add(&check->findings, GPUPT_FINDING_RUNS_UNASSIGNED, NULL, NULL,
				   subject,
				   "BAR %u (%s) of %s has no address in the running guest%s", index,
				   size, subject, nobody ? ", as predicted" : "");
	} else if (bar->sight == GPUPT_SIGHT_ASSIGNED && predicted &&
		   (nobody || predicted->guest_address != bar->guest_address)) {
		gpupt_findings_add(&check->findings, GPUPT_FINDING_RUNS_ELSEWHERE, NULL, NULL,
				   subject, "BAR %u (%s) of %s is at 0x%" PRIx64 "; %s",
				   index, size, subject, bar->guest_address, told);
	}
}

static void check_function(struct check *check, const struct gpupt_seen_function *function)
{
	char subject[GPUPT_PCI_ADDRESS_TEXT_MAX];
	bool unseen = false;
	gpupt_pci_address_format(function->host, subject);
	if (!function->found) {
		check->unknown = true;
		gpupt_findings_add(&check->findings, GPUPT_FINDING_RUNS_WITHOUT, NULL, NULL,
				   subject, "QEMU reports no device %s%s%s: the guest is still "
				   "starting, or it was unplugged", subject,
				   *function->id ? ", " : "", function->id);
		return;
	}
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++) {
		if (!function->bars[i].size_bytes || function->bars[i].io)
			continue;
		unseen |= function->bars[i].sight == GPUPT_SIGHT_NONE;
		check_bar(check, function, i, subject);
	}
	check->unknown |= unseen;
	if (unseen)
		gpupt_findings_add(&check->findings, GPUPT_FINDING_RUNS_UNSEEN, NULL, NULL, subject,
				   "QEMU maps no BAR of %s: without an address, or not switched on "
				   "by any driver", subject);
}

static void check_differences(struct check *check)
{
	static const struct {
		enum gpupt_difference bit;
		const char *name;
	} names[] = {
		{ GPUPT_DIFFERS_HOLE, "<pcihole64>" },
		{ GPUPT_DIFFERS_CONTROLLERS, "PCI controllers" },
		{ GPUPT_DIFFERS_HOSTDEVS, "devices" },
		{ GPUPT_DIFFERS_ADDRESS_WIDTH, "<maxphysaddr>" },
		{ GPUPT_DIFFERS_COMMANDLINE, "<qemu:commandline>" },
	};
	const char *name = gpupt_domain_get_name(check->running->domain);
	char list[100] = "";
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++)
		if (check->running->differences & names[i].bit)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
				 *list ? ", " : "", names[i].name);
	if (*list)
		gpupt_findings_add(&check->findings, GPUPT_FINDING_RUNS_OTHERWISE, NULL, NULL,
				   name ? name : "", "the guest runs with other settings than its "
				   "definition has: %s", list);
}

GPUPT_EXPORT int gpupt_running_check(const struct gpupt_running *running,
				     const struct gpupt_plan *plan, enum gpupt_state *ret_state,
				     struct gpupt_finding **ret_findings, size_t *ret_count,
				     struct gpupt_error **error)
{
	struct gpupt_arena *arena = NULL;
	struct check check = {
		.running = running,
		.plan = plan,
		.findings = { .arena = &arena },
		.unknown = running->qemu_trouble,
	};
	for (size_t i = 0; i < running->n_functions; i++)
		if (running->functions[i].passed_through)
			check_function(&check, &running->functions[i]);
	check_differences(&check);
	gpupt_findings_settle(&check.findings);
	struct gpupt_finding *block =
		check.findings.no_memory ? NULL : gpupt_findings_pack(&check.findings);
	size_t count = check.findings.count;
	free(check.findings.items);
	free(check.findings.offsets);
	gpupt_arena_free(arena);
	if (!block)
		return gpupt_fail_nomem(error);
	*ret_state = check.unassigned ? GPUPT_STATE_UNASSIGNED :
		     check.unknown    ? GPUPT_STATE_UNKNOWN : GPUPT_STATE_ASSIGNED;
	*ret_findings = block;
	*ret_count = count;
	return 0;
}
