/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_JUDGE_H
#define GPUPT_REHEARSE_JUDGE_H

#include "rehearse/look.h"
#include "rehearse/rehearse.h"
#include "rehearse/standin.h"

/* What a boot with some stand-ins showed. One entry of each for every function. */
struct gpupt_round {
	struct gpupt_standin *standins;
	struct gpupt_seen *seen;
};

/* Finds the possibility that comes closest to what was seen, and fills in one verdict
 * for each BAR of the plan's layout. 0 or GPUPT_E_NOMEM. */
int gpupt_judge(const struct gpupt_plan *plan, const struct gpupt_round *rounds, size_t n_rounds,
		bool with_kernel, struct gpupt_rehearsal *rehearsal);

#endif
