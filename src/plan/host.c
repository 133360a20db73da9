/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host half of the story: what is wrong with its devices. */

#include <gpupt/size.h>

#include "plan/host.h"

static void check_bar(struct gpupt_findings *findings, const struct gpupt_pci_function *function,
		      unsigned int index)
{
	const struct gpupt_bar *bar = &function->bars[index];
	char subject[GPUPT_PCI_ADDRESS_TEXT_MAX];
	char size[GPUPT_SIZE_TEXT_MAX];
	gpupt_pci_address_format(function->address, subject);
	if (!bar->present || bar->io)
		return;
	if (!bar->size_bytes)
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_UNKNOWN, NULL, NULL, subject,
				   "the size of BAR %u is not known", index);
	else if (!gpupt_is_power_of_two(bar->size_bytes))
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_ODD, NULL, NULL, subject,
				   "BAR %u is %llu bytes large, which is no power of two", index,
				   (unsigned long long)bar->size_bytes);
	if (!bar->assigned && function->source != GPUPT_SOURCE_CATALOGUE)
		gpupt_findings_add(findings, GPUPT_FINDING_HOST_UNASSIGNED, NULL, NULL, subject,
				   "the host gave BAR %u (%s) no address", index,
				   bar->size_bytes ? gpupt_size_format(bar->size_bytes, size) :
						     "of unknown size");
}

void gpupt_host_check_bars(struct gpupt_findings *findings,
			   const struct gpupt_pci_function *function)
{
	for (unsigned int i = 0; !function->is_bridge && i < GPUPT_BAR_ROM; i++)
		check_bar(findings, function, i);
}

void gpupt_host_check_use(struct gpupt_findings *findings,
			  const struct gpupt_pci_function *function)
{
	char subject[GPUPT_PCI_ADDRESS_TEXT_MAX];
	if (!function->is_bridge && function->host_use)
		gpupt_findings_add(findings, GPUPT_FINDING_HOST_USES, NULL, NULL,
				   gpupt_pci_address_format(function->address, subject),
				   "the host uses it: %s", function->host_use);
}

static void check_function(struct gpupt_findings *findings,
			   const struct gpupt_pci_function *function)
{
	char subject[GPUPT_PCI_ADDRESS_TEXT_MAX];
	gpupt_host_check_bars(findings, function);
	gpupt_host_check_use(findings, function);
	if (!function->is_bridge && function->assumed)
		gpupt_findings_add(findings, GPUPT_FINDING_SIZE_ASSUMED, NULL, NULL,
				   gpupt_pci_address_format(function->address, subject),
				   "the BAR sizes are assumed: the catalogue has no published source");
}

/* One block: the findings, then their strings. */
struct gpupt_finding *gpupt_findings_pack(const struct gpupt_findings *findings)
{
	size_t size = findings->count * sizeof(struct gpupt_finding) + 1;
	for (size_t i = 0; i < findings->count; i++)
		size += strlen(findings->items[i].subject) + strlen(findings->items[i].text) + 2;
	struct gpupt_finding *block = malloc(size);
	if (!block)
		return NULL;
	char *strings = (char *)(block + findings->count);
	for (size_t i = 0; i < findings->count; i++) {
		block[i] = findings->items[i];
		block[i].subject = strings;
		strings = stpcpy(strings, findings->items[i].subject) + 1;
		block[i].text = strings;
		strings = stpcpy(strings, findings->items[i].text) + 1;
	}
	return block;
}

GPUPT_EXPORT int gpupt_inventory_check(const struct gpupt_inventory *inventory,
				       struct gpupt_finding **ret_findings, size_t *ret_count,
				       struct gpupt_error **error)
{
	struct gpupt_arena *arena = NULL;
	struct gpupt_findings findings = { .arena = &arena };
	for (size_t i = 0; i < gpupt_inventory_count(inventory); i++)
		check_function(&findings, gpupt_inventory_get(inventory, i));
	gpupt_findings_settle(&findings);
	struct gpupt_finding *block = findings.no_memory ? NULL : gpupt_findings_pack(&findings);
	size_t count = findings.count;
	free(findings.items);
	free(findings.offsets);
	gpupt_arena_free(arena);
	if (!block)
		return gpupt_fail_nomem(error);
	*ret_findings = block;
	*ret_count = count;
	return 0;
}
