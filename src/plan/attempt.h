/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_ATTEMPT_H
#define GPUPT_PLAN_ATTEMPT_H

/* attempt.c places everything as one attempt at a cure would have it; remedies.c looks
 * for the attempt that does. */

#include "plan/making.h"

#define GPUPT_PORT_REMEDIES \
	(GPUPT_BIT(GPUPT_REMEDY_MEMRESERVE) | GPUPT_BIT(GPUPT_REMEDY_HOTPLUG))

struct gpupt_attempt {
	unsigned int uses; /* bits of enum gpupt_remedy */
	struct gpupt_cure cure;
};

struct gpupt_search {
	struct gpupt_making *making;
	struct gpupt_wanted *wanted; /* as they were before any attempt */
	struct gpupt_port *ports;
	size_t n_ports;
	size_t n_findings;
	bool device_unknown;
	unsigned int applicable; /* what could be tried in this domain */
	unsigned int phys_bits;  /* of its CPU, and the most that it may have */
	unsigned int widest;
	bool is_set_up; /* for the domain as it is, and nothing was found amiss */
	struct gpupt_attempt last, best;
	size_t left, fewest; /* worlds in which the last, and the best, leaves something over */
	bool only_names; /* which remedies would do, not how much of them */
	unsigned int attempts;
	size_t functions; /* placed in them */
};

/* Places everything anew; without `whole`, nothing more than it takes to see that some
 * BAR has no address in any hole. 0 or a negative status with *search->making->error
 * set. */
int gpupt_attempt(struct gpupt_search *search, const struct gpupt_attempt *attempt, bool whole);
/* The same where it can be told beforehand that root ports have to change; *ret_fine is
 * left alone where it cannot. */
int gpupt_attempt_foreseen(struct gpupt_search *search, bool *ret_fine);
/* Worlds in which not all is well. A plan that cannot be carried out at all is worse
 * than any other. */
size_t gpupt_worlds_left(const struct gpupt_making *making);
/* Every BAR has an address in every possibility. */
bool gpupt_is_fine(const struct gpupt_making *making);

#endif
