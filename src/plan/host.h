/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_HOST_H
#define GPUPT_PLAN_HOST_H

#include "pci/inventory.h"
#include "plan/finding.h"

/* BARs of unknown or impossible size, and those that the host gave no address. */
void gpupt_host_check_bars(struct gpupt_findings *findings,
			   const struct gpupt_pci_function *function);
/* What the host itself needs the device for. */
void gpupt_host_check_use(struct gpupt_findings *findings,
			  const struct gpupt_pci_function *function);

#endif
