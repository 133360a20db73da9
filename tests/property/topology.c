/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the guest's PCI tree as src/plan/topology.c builds it, one function a line
 * in the order of enumeration: "BUS SLOT.FUNCTION WHAT", where BUS is the position
 * of the bridge in this list. topology.py compares what it prints before and after
 * libvirt has handed out addresses. Every hostdev is taken to be a Tesla P10. */

#include <stdio.h>

#include "plan/making.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_inventory, gpupt_inventory_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_plan, gpupt_plan_free)

static char *read_file(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1 << 24);
	if (!file || !text) {
		perror(path);
		exit(1);
	}
	*ret_length = fread(text, 1, 1 << 24, file);
	fclose(file);
	return text;
}

static void assume_all(const struct gpupt_domain *domain, struct gpupt_inventory **inventory)
{
	for (size_t i = 0; i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		char text[GPUPT_PCI_ADDRESS_TEXT_MAX], assumption[64];
		struct gpupt_inventory *more = NULL;
		if (!gpupt_domain_get_hostdev(domain, i, &address))
			continue;
		snprintf(assumption, sizeof(assumption), "%s=10de:1b39",
			 gpupt_pci_address_format(address, text));
		if (gpupt_inventory_assume(*inventory, assumption, &more, NULL) < 0)
			exit(1);
		gpupt_inventory_free(*inventory);
		*inventory = more;
	}
}

int main(int argc, char **argv)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = NULL;
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = calloc(1, sizeof(*plan));
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_error *error = NULL;
	size_t length = 0;
	if (argc != 2 || !plan || !request)
		return 2;
	char *text = read_file(argv[1], &length);
	if (gpupt_domain_parse(text, length, argv[1], &domain, &error) < 0) {
		fprintf(stderr, "%s\n", gpupt_error_get_message(error));
		return 1;
	}
	assume_all(domain, &inventory);
	plan->findings.arena = &plan->arena;
	struct gpupt_making making = {
		.domain = domain, .inventory = inventory, .request = request, .plan = plan,
		.error = &error, .machine = gpupt_domain_machine(domain),
	};
	if (gpupt_make_devices(&making) < 0 || gpupt_make_guest(&making) < 0 ||
	    gpupt_make_topology(&making) < 0)
		return 1;
	for (size_t i = 0; i < making.n_functions; i++)
		printf("%d %02x.%u %s\n", making.functions[i].parent, making.functions[i].slot,
		       making.functions[i].function, making.devices[i].label);
	gpupt_making_clear(&making);
	gpupt_request_free(request);
	free(text);
	return 0;
}
