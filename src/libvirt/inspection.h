/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_INSPECTION_H
#define GPUPT_LIBVIRT_INSPECTION_H

#include <gpupt/running.h>

#include "libvirt/look.h"
#include "libvirt/qmp.h"

struct gpupt_inspection {
	struct gpupt_running view; /* points into what follows */
	struct gpupt_domain *domain;
	struct gpupt_seen_function *functions;
	struct gpupt_lines messages;
	struct gpupt_lines gpus;
	struct gpupt_arena *arena;
};

/* The ask of struct gpupt_agent; data is a virDomainPtr. */
int gpupt_libvirt_ask_agent(void *data, const char *command, char **ret,
			    struct gpupt_error **error);

#endif
