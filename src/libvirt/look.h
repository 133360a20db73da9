/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_LOOK_H
#define GPUPT_LIBVIRT_LOOK_H

#include "libvirt/agent.h"
#include "libvirt/messages.h"

/* Asks the guest's kernel about passed-through functions of which QEMU maps nothing, and
 * adds its complaints and what nvidia-smi lists. Knows nothing of libvirt. What was
 * learnt before an error stays. */
int gpupt_agent_look(const struct gpupt_agent *agent, struct gpupt_seen_function *functions,
		     size_t n_functions, struct gpupt_lines *messages, struct gpupt_lines *gpus,
		     struct gpupt_error **error);

#endif
