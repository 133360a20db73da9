/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_TUNE_H
#define GPUPT_LIBVIRT_TUNE_H

#include <gpupt/tuning.h>

#include "libvirt/agent.h"

/* gpupt_guest_tune() with an agent at hand; knows nothing of libvirt. */
int gpupt_agent_tune(const struct gpupt_agent *agent, const char *fallback_os, bool carry_out,
		     struct gpupt_tuning **ret, struct gpupt_error **error);

#endif
