/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_LINT_TEST_H
#define GPUPT_TESTS_LINT_TEST_H

/* Tables of domains, and what is found in each. */

#include "plan-test.h"

#define PORT "<controller type='pci' index='1' model='pcie-root-port'>"

struct check {
	struct guest guest;
	unsigned int number;
	const char *says; /* a part of what it says; NULL: no such finding */
	bool keep;        /* --pcihole64 keep */
	bool alone;       /* --no-siblings */
};

static void run(const struct check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct check *check = &checks[i];
		struct gpupt_request *request = request_of(&check->guest);
		if (check->keep)
			gpupt_request_set_hole(request, GPUPT_HOLE_KEEP, 0);
		gpupt_request_set_siblings(request, !check->alone);
		struct gpupt_plan *plan = plan_with(&check->guest, request);
		if (!plan)
			fail_msg("no plan for line %zu of the table", i);
		const struct gpupt_finding *found = finding(plan, check->number);
		if (found && !check->says)
			fail_msg("line %zu: GPUPT-%04u: %s", i, check->number, found->text);
		if (check->says)
			assert_says(plan, check->number, check->says);
		gpupt_plan_free(plan);
	}
}

#define RUN(checks) run(checks, GPUPT_ARRAY_SIZE(checks))

#endif
