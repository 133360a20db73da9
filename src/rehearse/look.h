/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_LOOK_H
#define GPUPT_REHEARSE_LOOK_H

#include "plan/planned.h"
#include "rehearse/monitor.h"

/* A function of the guest as QEMU shows it. */
struct gpupt_seen {
	bool found;
	struct {
		uint64_t size; /* 0: no such BAR */
		uint64_t address; /* 0: none, or one that its bridges do not pass on */
	} bars[6];
};

/* Fills in one entry for each function of the plan. `enable`: a kernel leaves functions
 * without a driver disabled, and query-pci shows where a BAR is only when its function
 * answers; the guest has ended, so that they may all be enabled. */
int gpupt_look(struct gpupt_monitor *monitor, const struct gpupt_planned *planned, bool enable,
	       struct gpupt_seen *ret, struct gpupt_error **error);

#endif
