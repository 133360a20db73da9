/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_MONITOR_H
#define GPUPT_REHEARSE_MONITOR_H

#include <stdint.h>

#include <jansson.h>

#include "rehearse/process.h"

/* QEMU's machine protocol (docs/interop/qmp-spec) over a process' socket. */
struct gpupt_monitor {
	struct gpupt_process *process;
	char *buffer;
	size_t length, capacity;
	bool guest_is_down; /* it said that the guest has ended */
	bool closed;        /* QEMU is gone */
};

/* Reads the greeting. */
int gpupt_monitor_open(struct gpupt_monitor *monitor, struct gpupt_process *process,
		       struct gpupt_error **error);
void gpupt_monitor_close(struct gpupt_monitor *monitor);
/* Runs a command; takes arguments over, which may be NULL. *ret is what it returned. */
int gpupt_monitor_ask(struct gpupt_monitor *monitor, const char *command, json_t *arguments,
		      json_t **ret, struct gpupt_error **error);
/* The human monitor's o and i: PCI configuration space, through ports 0xcf8 and 0xcfc. */
int gpupt_monitor_config_read(struct gpupt_monitor *monitor, uint32_t address, uint32_t *ret,
			      struct gpupt_error **error);
int gpupt_monitor_config_write(struct gpupt_monitor *monitor, uint32_t address, uint32_t value,
			       struct gpupt_error **error);
/* Waits until the guest has ended. */
int gpupt_monitor_wait_for_end(struct gpupt_monitor *monitor, struct gpupt_error **error);

#endif
