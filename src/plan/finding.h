/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_FINDING_H
#define GPUPT_PLAN_FINDING_H

#include <gpupt/plan.h>

#include "base/arena.h"
#include "domain/domain.h"

enum gpupt_finding_number {
#define FINDING(number, symbol, severity, meaning, remedy) GPUPT_FINDING_##symbol = (number),
#include "plan/findings.def"
#undef FINDING
};

/* Findings in the order they were made; strings live in the arena. */
struct gpupt_findings {
	struct gpupt_finding *items;
	size_t count, capacity;
	size_t *offsets; /* where items[i] is in the domain; SIZE_MAX: nowhere */
	size_t c_offsets;
	const struct gpupt_domain *domain; /* what the offsets are in */
	struct gpupt_arena **arena;
	bool no_memory; /* sticks */
};

/* Adds a finding; its severity and remedy come from findings.def. `element` may be
 * NULL; else its place in the domain, which is the same in every call, goes along. */
void gpupt_findings_add(struct gpupt_findings *findings, enum gpupt_finding_number number,
			const struct gpupt_domain *domain, const struct gpupt_element *element,
			const char *subject, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* To be called once, at the end: works out lines and columns, and puts the most
 * serious first, otherwise in the order they were made. May set no_memory. */
void gpupt_findings_settle(struct gpupt_findings *findings);

/* Settled findings with their strings in one allocation; NULL when memory is short. */
struct gpupt_finding *gpupt_findings_pack(const struct gpupt_findings *findings);

#endif
