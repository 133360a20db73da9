/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks what else is in the devices' IOMMU groups. */
#include "doctor/doctor.h"

enum { NAMED = 3 };

/* "0000:07:00.0 (ahci), 0000:07:00.1 (xhci_hcd) and 2 more" */
struct members {
	struct gpupt_str text;
	size_t count;
};

static void add_member(struct members *members, const struct gpupt_pci_function *function)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	if (++members->count > NAMED)
		return;
	gpupt_str_addf(&members->text, "%s%s%s%s%s", members->count > 1 ? ", " : "",
		       gpupt_pci_address_format(function->address, address),
		       function->driver ? " (" : "", function->driver ? function->driver : "",
		       function->driver ? ")" : "");
}

static char *end_members(struct members *members)
{
	if (members->count > NAMED)
		gpupt_str_addf(&members->text, " and %zu more", members->count - NAMED);
	return gpupt_str_steal(&members->text, NULL);
}

static bool is_same_slot(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

/* One group, from its members in the order of their addresses. */
static void check_group(struct gpupt_making_checkup *making,
			const struct gpupt_pci_function *const *functions, size_t count)
{
	struct members holders = { 0 }, strangers = { 0 }, unknown = { 0 };
	const struct gpupt_examined *device = NULL;
	for (size_t i = 0; !device && i < count; i++)
		device = gpupt_examined_find(making, functions[i]->address);
	for (size_t i = 0; device && i < count; i++) {
		const struct gpupt_pci_function *other = functions[i];
		const struct gpupt_examined *examined = gpupt_examined_find(making, other->address);
		if (other->is_bridge)
			continue;
		if (!examined && !other->driver_known)
			add_member(&unknown, other);
		else if (!examined && gpupt_pci_holds_group(other))
			add_member(&holders, other);
		else if (!is_same_slot(other->address, device->function->address) &&
			 !(examined && examined->hostdev))
			add_member(&strangers, other);
	}
	GPUPT_AUTOFREE char *holding = end_members(&holders);
	GPUPT_AUTOFREE char *strange = end_members(&strangers);
	GPUPT_AUTOFREE char *hidden = end_members(&unknown);
	making->no_memory |= !holding || !strange || !hidden;
	if (unknown.count)
		gpupt_checkup_missed(making, "who holds %s in IOMMU group %d", hidden,
				     device->function->iommu_group);
	if (holders.count) {
		gpupt_checkup_found(making, GPUPT_FINDING_GROUP_SHARED, device,
				    "IOMMU group %d also has %s, which the host keeps",
				    device->function->iommu_group, holding);
		gpupt_checkup_advise(making, "Pass them through to the same guest (gpupt-xml apply "
				     "--add-device), bind them to vfio-pci (driverctl set-override "
				     "ADDRESS vfio-pci), or move the card to a slot with a group of "
				     "its own.");
	}
	if (strangers.count)
		gpupt_checkup_found(making, GPUPT_FINDING_GROUP_WIDE, device,
				    "IOMMU group %d also has %s", device->function->iommu_group,
				    strange);
}

static int compare_groups(const void *a, const void *b)
{
	const struct gpupt_pci_function *x = *(const struct gpupt_pci_function *const *)a;
	const struct gpupt_pci_function *y = *(const struct gpupt_pci_function *const *)b;
	if (x->iommu_group != y->iommu_group)
		return x->iommu_group < y->iommu_group ? -1 : 1;
	return gpupt_pci_address_compare(x->address, y->address);
}

static void check_all_groups(struct gpupt_making_checkup *making)
{
	size_t total = gpupt_inventory_count(making->inventory), count = 0;
	GPUPT_AUTOFREE const struct gpupt_pci_function **functions =
		calloc(total + 1, sizeof(*functions));
	making->no_memory |= !functions;
	for (size_t i = 0; functions && i < total; i++) {
		functions[count] = gpupt_inventory_get(making->inventory, i);
		count += functions[count]->iommu_group >= 0;
	}
	if (count)
		qsort(functions, count, sizeof(*functions), compare_groups);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count; end++)
			if (functions[end]->iommu_group != functions[first]->iommu_group)
				break;
		check_group(making, functions + first, end - first);
	}
}

void gpupt_check_groups(struct gpupt_making_checkup *making)
{
	size_t n_grouped = 0, n_unknown = 0;
	if (gpupt_checkup_lacks_devices(making))
		return;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		n_grouped += device->function->iommu_group >= 0;
		n_unknown += !device->function->iommu_group_known;
	}
	check_all_groups(making);
	size_t n_without = making->n_devices - n_grouped - n_unknown;
	if (n_grouped)
		gpupt_checkup_saw(making, "%zu of %zu function%s in IOMMU groups", n_grouped,
				  making->n_devices, GPUPT_PLURAL(making->n_devices));
	if (n_without)
		gpupt_checkup_missed(making, "%zu function%s in no IOMMU group", n_without,
				     GPUPT_PLURAL(n_without));
	if (n_unknown)
		gpupt_checkup_missed(making, "the source does not tell the IOMMU groups of %zu "
				     "function%s", n_unknown, GPUPT_PLURAL(n_unknown));
}
