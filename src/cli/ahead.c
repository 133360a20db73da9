/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/ahead.h"

#include <pthread.h>
#include <stdatomic.h>

#include "cli/interrupt.h"

/* A thread costs about as much as one plan. */
enum { MAX_PLANNERS = 4, TARGETS_PER_PLANNER = 8 };

size_t cli_ahead_open(const struct cli_settings *settings, struct cli_ahead *ret)
{
	size_t length = 0;
	*ret = (struct cli_ahead){ .settings = *settings };
	ret->status = cli_work_open(&ret->settings, cli_access_for(settings), &ret->work,
				    &ret->error);
	if (ret->status == 0)
		gpupt_domain_get_text(ret->work.target.domain, &length);
	return length;
}

struct planning {
	struct cli_ahead *targets;
	size_t count;
	atomic_size_t next;
};

/* The first is the one at hand: no other will be, once there was a Ctrl-C. */
static void *plan_some(void *data)
{
	struct planning *planning = data;
	for (;;) {
		size_t i = atomic_fetch_add(&planning->next, 1);
		if (i >= planning->count || (i > 0 && cli_was_interrupted()))
			return NULL;
		struct cli_ahead *target = &planning->targets[i];
		if (target->status == 0)
			target->status = cli_diff_prepare(&target->work, &target->error);
	}
}

/* This thread plans, too: where no other can be had, alone. */
void cli_ahead_plan(struct cli_ahead *targets, size_t count)
{
	struct planning planning = { .targets = targets, .count = count };
	pthread_t planners[MAX_PLANNERS - 1];
	size_t n = 0;
	/* another target's firmware may have come since */
	for (size_t i = 0; i < count; i++)
		if (targets[i].status == 0)
			cli_work_renew_inventory(&targets[i].work);
	while (n < MAX_PLANNERS - 1 && (n + 1) * TARGETS_PER_PLANNER < count &&
	       pthread_create(&planners[n], NULL, plan_some, &planning) == 0)
		n++;
	plan_some(&planning);
	while (n > 0)
		pthread_join(planners[--n], NULL);
}

int cli_ahead_show(struct cli_ahead *target, struct gpupt_error **error)
{
	if (target->status == 0)
		return cli_diff_show(&target->work, error);
	*error = GPUPT_STEAL(target->error);
	return target->status;
}

void cli_ahead_close(struct cli_ahead *target)
{
	if (target->work.settings)
		cli_work_close(&target->work);
	gpupt_error_free(target->error);
	*target = (struct cli_ahead){ 0 };
}
