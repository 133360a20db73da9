/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_REQUEST_H
#define GPUPT_CLI_REQUEST_H

#include "cli/target.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_request, gpupt_request_free)

/* The options as a request. Asks the hypervisor which devices other domains have. */
int cli_request_make(const struct cli_settings *settings, const struct cli_target *target,
		     struct gpupt_request **ret, struct gpupt_error **error);

/* The host's devices: --inventory, --sysfs, or this machine's where the guest
 * runs here, with --assume on top. *ret is NULL where no command line option and
 * nothing in the domain calls for any. */
int cli_inventory_for(const struct cli_settings *settings, const struct cli_target *target,
		      struct gpupt_inventory **ret, struct gpupt_error **error);

/* The same where there is no domain. */
int cli_inventory_of_host(const struct cli_settings *settings, struct gpupt_inventory **ret,
			  struct gpupt_error **error);

/* Adds what the domain's firmware file says of itself, where that matters and the file
 * is this machine's. */
int cli_inventory_add_firmware(const struct cli_settings *settings,
			       const struct cli_target *target,
			       const struct gpupt_request *request,
			       struct gpupt_inventory **inventory, struct gpupt_error **error);

/* The same for all that distributions install. */
int cli_inventory_add_all_firmware(const struct cli_settings *settings,
				   struct gpupt_inventory **inventory, struct gpupt_error **error);

#endif
