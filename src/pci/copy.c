/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/inventory.h"

/* Strings move to the new inventory; *text stays as it is when it is NULL. */
static bool keep(struct gpupt_inventory *inventory, const char **text)
{
	if (*text)
		*text = gpupt_inventory_keep(inventory, *text, strlen(*text));
	return *text;
}

static int copy_function(struct gpupt_inventory *to, const struct gpupt_pci_function *function,
			 struct gpupt_error **error)
{
	struct gpupt_pci_function copy = *function;
	if ((function->driver && !keep(to, &copy.driver)) ||
	    (function->host_use && !keep(to, &copy.host_use)))
		return gpupt_fail_nomem(error);
	return gpupt_inventory_add(to, &copy, error);
}

static int copy_host(struct gpupt_inventory *to, const struct gpupt_host *host,
		     struct gpupt_error **error)
{
	struct gpupt_host copy = *host;
	if ((host->cpu_vendor && !keep(to, &copy.cpu_vendor)) ||
	    (host->hostname && !keep(to, &copy.hostname)) ||
	    (host->kernel && !keep(to, &copy.kernel)) || (host->os && !keep(to, &copy.os)))
		return gpupt_fail_nomem(error);
	copy.firmware = NULL;
	copy.n_firmware = 0;
	*gpupt_inventory_edit_host(to) = copy;
	int r = 0;
	for (size_t i = 0; r == 0 && i < host->n_firmware; i++)
		r = gpupt_inventory_add_firmware(to, &host->firmware[i], error);
	return r;
}

int gpupt_inventory_copy(struct gpupt_inventory *to, const struct gpupt_inventory *from,
			 const struct gpupt_pci_address *but, struct gpupt_error **error)
{
	int r = copy_host(to, gpupt_inventory_get_host(from), error);
	for (size_t i = 0; r == 0 && i < gpupt_inventory_count(from); i++) {
		const struct gpupt_pci_function *function = gpupt_inventory_get(from, i);
		if (!but || gpupt_pci_address_compare(function->address, *but) != 0)
			r = copy_function(to, function, error);
	}
	return r;
}

GPUPT_EXPORT int gpupt_inventory_without_os(const struct gpupt_inventory *base,
					    struct gpupt_inventory **ret,
					    struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	int r = gpupt_inventory_copy(made, base, NULL, error);
	if (r == 0)
		r = gpupt_inventory_seal(made, GPUPT_DUPLICATES_REFUSE, "copy", error);
	if (r < 0)
		return r;
	gpupt_inventory_edit_host(made)->os = NULL;
	*ret = GPUPT_STEAL(made);
	return 0;
}
