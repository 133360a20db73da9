/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Applies to a virDomainPtr it has already, as a provisioning tool would:
 *   cc apply-domain.c $(pkg-config --cflags --libs gpupt-libvirt) -o apply-domain
 *   ./apply-domain test://$PWD/node.xml z-k8s-n-1 0000:08:00.0=10de:1b39 */

#include <stdio.h>

#include <gpupt/gpupt.h>
#include <gpupt/libvirt.h>

static int apply(virDomainPtr domain, const struct gpupt_inventory *inventory,
		 struct gpupt_error **error)
{
	struct gpupt_request *request = gpupt_request_new(); /* the defaults */
	struct gpupt_outcome *outcome = NULL;
	if (!request)
		return GPUPT_E_NOMEM;
	int r = gpupt_libvirt_apply(domain, inventory, request, NULL, &outcome, error);
	if (r == 0) {
		const struct gpupt_plan *plan = gpupt_outcome_get_plan(outcome);
		char size[GPUPT_SIZE_TEXT_MAX];
		printf("%s: %s, verdict %s, hole %s%s\n", virDomainGetName(domain),
		       gpupt_outcome_is_defined(outcome) ? "defined" : "left as it was",
		       gpupt_verdict_name(gpupt_plan_get_verdict(plan)),
		       gpupt_size_format(gpupt_plan_get_hole(plan)->planned, size),
		       gpupt_outcome_needs_restart(outcome) ? "; stop and start it" : "");
		r = gpupt_plan_get_status(plan);
	}
	gpupt_outcome_free(outcome);
	gpupt_request_free(request);
	return r;
}

int main(int argc, char **argv)
{
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_error *error = NULL;
	virConnectPtr connection = argc == 4 ? virConnectOpen(argv[1]) : NULL;
	virDomainPtr domain = connection ? virDomainLookupByName(connection, argv[2]) : NULL;
	int r = -1;
	if (domain) {
		/* a card that is not in the machine yet; see gpupt_inventory_read_sysfs() */
		r = gpupt_inventory_assume(NULL, argv[3], &inventory, &error);
		if (r == 0)
			r = apply(domain, inventory, &error);
		if (r == 0) /* once more: there is nothing left to do */
			r = apply(domain, inventory, &error);
	}
	if (error)
		fprintf(stderr, "%s\n", gpupt_error_get_message(error));
	gpupt_error_free(error);
	gpupt_inventory_free(inventory);
	if (domain)
		virDomainFree(domain);
	if (connection)
		virConnectClose(connection);
	return r < 0;
}
