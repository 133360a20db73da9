/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_OUTCOME_H
#define GPUPT_LIBVIRT_OUTCOME_H

/* What the files of this room share. */

#include <libvirt/libvirt.h>

#include <gpupt/libvirt.h>

#include "base/util.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_domain, gpupt_domain_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_outcome, gpupt_outcome_free)

struct gpupt_outcome {
	struct gpupt_domain *domain;
	struct gpupt_plan *plan;
	char *text;
	size_t length;
	bool defined;
	bool running;
	bool managed_save;
	char *validation_error;
};

/* The domain's inactive XML, freed with free(); NULL with libvirt's error set. */
char *gpupt_libvirt_fetch(virDomainPtr domain, bool secure);

/* libvirt has no compare-and-swap. So that processes of ours on one machine do not
 * overwrite each other's work, one at a time reads a domain for the last time and
 * defines it. GPUPT_E_CONFLICT when the turn does not come. */
int gpupt_libvirt_take_turn(virDomainPtr domain, int *ret, struct gpupt_error **error);
void gpupt_libvirt_end_turn(int turn);

#endif
