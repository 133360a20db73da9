/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In place of hypervisor.c in a static program, which has no libvirt. */

#include "cli/hypervisor.h"

int cli_hypervisor_load(struct cli_hypervisor *ret, struct gpupt_error **error)
{
	(void)ret;
	return gpupt_fail(error, GPUPT_E_UNSUPPORTED,
			  "domains need libvirt, which this program is built without; files work");
}
