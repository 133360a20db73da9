/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/output.h"
#include "cli/request.h"

int cli_snapshot(const struct cli_settings *settings, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = cli_inventory_of_host(settings, &inventory, error);
	if (r == 0)
		r = cli_inventory_add_all_firmware(settings, &inventory, error);
	if (r < 0)
		return r;
	r = gpupt_inventory_write_snapshot(inventory, &text, &length, error);
	if (r < 0)
		return r;
	return cli_put_text(settings, text, length, error);
}
