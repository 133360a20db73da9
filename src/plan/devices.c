/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which PCI devices the guest will have: those of the domain, less the ones to
 * remove, plus the ones to add. */

#include "pci/inventory.h"
#include "plan/making.h"

enum { CLASS_DISPLAY = 0x03 };

static bool same(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	return gpupt_pci_address_compare(a, b) == 0;
}

struct key {
	struct gpupt_pci_address address;
	size_t wanted;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = gpupt_pci_address_compare(x->address, y->address);
	return order ? order : x->wanted < y->wanted ? -1 : x->wanted > y->wanted;
}

/* Domains with thousands of hostdevs exist in bug reports and worse. */
static int index_wanted(struct gpupt_making *making)
{
	GPUPT_AUTOFREE struct key *keys = calloc(making->n_wanted + 1, sizeof(*keys));
	size_t *by_address = calloc(making->n_wanted + 1, sizeof(*by_address));
	if (!keys || !by_address) {
		free(by_address);
		return gpupt_fail_nomem(making->error);
	}
	for (size_t i = 0; i < making->n_wanted; i++)
		keys[i] = (struct key){ making->wanted[i].host, i };
	qsort(keys, making->n_wanted, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < making->n_wanted; i++)
		by_address[i] = keys[i].wanted;
	free(making->by_address);
	making->by_address = by_address;
	making->n_indexed = making->n_wanted;
	return 0;
}

/* The first with that address. */
struct gpupt_wanted *gpupt_making_find_wanted(struct gpupt_making *making,
					      struct gpupt_pci_address address)
{
	size_t low = 0, high = making->n_indexed;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gpupt_wanted *wanted = &making->wanted[making->by_address[middle]];
		if (gpupt_pci_address_compare(wanted->host, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < making->n_indexed && same(making->wanted[making->by_address[low]].host, address))
		return &making->wanted[making->by_address[low]];
	for (size_t i = making->n_indexed; i < making->n_wanted; i++)
		if (same(making->wanted[i].host, address))
			return &making->wanted[i];
	return NULL;
}

static int add_wanted(struct gpupt_making *making, struct gpupt_pci_address address,
		      const struct gpupt_hostdev *existing)
{
	if (!GPUPT_GROW(making->wanted, making->n_wanted, making->c_wanted))
		return gpupt_fail_nomem(making->error);
	struct gpupt_wanted *wanted = &making->wanted[making->n_wanted++];
	*wanted = (struct gpupt_wanted){ .host = address, .existing = existing };
	if (making->inventory)
		wanted->function = gpupt_inventory_find(making->inventory, address);
	if (existing)
		wanted->guest = existing->address;
	return 0;
}

/* ---- devices to remove */

static bool is_virtual_function(const struct gpupt_making *making,
				struct gpupt_pci_address address)
{
	const struct gpupt_pci_function *function =
		making->inventory ? gpupt_inventory_find(making->inventory, address) : NULL;
	return function && function->is_virtual_function;
}

/* Marks the domain's entries for one address, and its siblings', as going. A virtual
 * function is nobody's sibling, nor is an interface, which mostly is one. */
static int remove_address(struct gpupt_making *making, struct gpupt_pci_address address,
			  bool siblings, size_t *ret_found)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_hostdevs; i++) {
		const struct gpupt_hostdev *hostdev = &domain->hostdevs[i];
		struct gpupt_pci_address source = hostdev->source;
		if (siblings && hostdev->kind == GPUPT_HOSTDEV &&
		    !is_virtual_function(making, source))
			source.function = address.function;
		if (!hostdev->has_source || !same(source, address))
			continue;
		(*ret_found)++;
		if (making->is_removed[i])
			continue;
		if (!GPUPT_GROW(making->removed, making->n_removed, making->c_removed))
			return gpupt_fail_nomem(making->error);
		making->removed[making->n_removed++] = hostdev;
		making->is_removed[i] = true;
	}
	return 0;
}

static int remove_selected(struct gpupt_making *making, const char *selector)
{
	struct gpupt_pci_address one;
	GPUPT_AUTOFREE struct gpupt_pci_address *many = NULL;
	size_t count = 1, found = 0;
	const struct gpupt_pci_address *addresses = &one;
	if (gpupt_pci_address_parse(selector, &one, NULL) < 0) {
		/* "gpu" and vendor:device ids need the inventory; of what they mean, only
		 * what the domain has counts */
		if (!making->inventory)
			return gpupt_fail(making->error, GPUPT_E_NOT_FOUND,
					  "\"%s\" cannot be looked up without an inventory; name "
					  "an address or give --inventory", selector);
		int r = gpupt_inventory_select(making->inventory, selector, &many, &count,
					       making->error);
		if (r < 0)
			return r;
		addresses = many;
	}
	for (size_t i = 0; i < count; i++) {
		bool siblings = !making->request->no_siblings &&
				!is_virtual_function(making, addresses[i]);
		int r = remove_address(making, addresses[i], siblings, &found);
		if (r < 0)
			return r;
	}
	if (!found)
		return gpupt_fail(making->error, GPUPT_E_NOT_FOUND,
				  "the domain passes no device \"%s\" through, so it cannot be "
				  "removed", selector);
	return 0;
}

/* ---- devices to add */

static int refuse_used(struct gpupt_making *making, const struct gpupt_pci_function *function)
{
	if (!function || !function->host_use)
		return 0;
	const char *text = gpupt_making_address(making, function->address);
	if (making->request->force) {
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_HOST_USES, NULL, NULL,
				   text, "the host uses %s: %s; managed='yes' takes it away when "
				   "the guest starts", text, function->host_use);
		return 0;
	}
	return gpupt_fail(making->error, GPUPT_E_REFUSED,
			  "%s is in use by the host: %s; starting the guest would pull it away "
			  "(--force adds it all the same)", text, function->host_use);
}

static int add_address(struct gpupt_making *making, struct gpupt_pci_address address)
{
	const struct gpupt_pci_function *function =
		gpupt_inventory_find(making->inventory, address);
	const struct gpupt_wanted *there = gpupt_making_find_wanted(making, address);
	const char *text = gpupt_making_address(making, address);
	if (there) {
		if (there->existing)
			gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_ALREADY_THERE,
					   making->domain, &there->existing->element, text,
					   "%s is passed through already; its entry stays as it is",
					   text);
		return 0;
	}
	if (function && function->is_bridge)
		return gpupt_fail(making->error, GPUPT_E_REFUSED,
				  "%s is a bridge; only endpoint functions can be passed through",
				  text);
	int r = refuse_used(making, function);
	return r < 0 ? r : add_wanted(making, address, NULL);
}

/* The functions of the same card come along; an SR-IOV VF stands alone. */
static int add_with_siblings(struct gpupt_making *making, struct gpupt_pci_address address)
{
	const struct gpupt_pci_function *function =
		gpupt_inventory_find(making->inventory, address);
	if (making->request->no_siblings || !function || function->is_virtual_function)
		return add_address(making, address);
	for (unsigned int i = 0; i < 8; i++) {
		struct gpupt_pci_address sibling = address;
		sibling.function = (uint8_t)i;
		const struct gpupt_pci_function *other =
			gpupt_inventory_find(making->inventory, sibling);
		if (!other || other->is_virtual_function || (other->is_bridge && i != address.function))
			continue;
		int r = add_address(making, sibling);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "gpu" leaves out what a person would not want pulled from the host. */
static bool skip_for_gpu(struct gpupt_making *making, struct gpupt_pci_address address)
{
	const struct gpupt_pci_function *function =
		gpupt_inventory_find(making->inventory, address);
	const char *other = gpupt_request_other_user(making->request, address);
	const char *text = gpupt_making_address(making, address);
	if (function && function->host_use)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_SKIPPED, NULL, NULL, text,
				   "%s is left out: the host uses it (%s)", text,
				   function->host_use);
	else if (other)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_SKIPPED, NULL, NULL, text,
				   "%s is left out: domain %s has it", text, other);
	else
		return false;
	return true;
}

static void report_boot_displays(struct gpupt_making *making)
{
	for (size_t i = 0; i < gpupt_inventory_count(making->inventory); i++) {
		const struct gpupt_pci_function *function =
			gpupt_inventory_get(making->inventory, i);
		if (function->class_code >> 16 != CLASS_DISPLAY || !function->boot_vga ||
		    !function->host_use)
			continue;
		const char *text = gpupt_making_address(making, function->address);
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_SKIPPED, NULL, NULL, text,
				   "%s is left out: it drives the host's console", text);
	}
}

static int add_selected(struct gpupt_making *making, const char *selector)
{
	if (!making->inventory)
		return gpupt_fail(making->error, GPUPT_E_NOT_FOUND,
				  "\"%s\" cannot be added without an inventory: its BARs are not "
				  "known; give --inventory or --assume", selector);
	GPUPT_AUTOFREE struct gpupt_pci_address *addresses = NULL;
	size_t count = 0;
	int r = gpupt_inventory_select(making->inventory, selector, &addresses, &count,
				       making->error);
	if (r < 0)
		return r;
	bool gpu = strcmp(selector, "gpu") == 0;
	if (gpu)
		report_boot_displays(making);
	for (size_t i = 0; i < count; i++) {
		if (gpu && !gpupt_making_find_wanted(making, addresses[i]) &&
		    skip_for_gpu(making, addresses[i]))
			continue;
		r = add_with_siblings(making, addresses[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what is odd about them */

/* VFIO hands out a group only when no host driver holds any of its functions
 * (Linux drivers/vfio/group.c). */
static void check_group(struct gpupt_making *making, const struct gpupt_wanted *wanted)
{
	const struct gpupt_pci_function *function = wanted->function;
	if (!function || function->iommu_group < 0)
		return;
	for (size_t i = 0; i < gpupt_inventory_count(making->inventory); i++) {
		const struct gpupt_pci_function *other = gpupt_inventory_get(making->inventory, i);
		if (other->iommu_group != function->iommu_group || other == function ||
		    gpupt_making_find_wanted(making, other->address) ||
		    !gpupt_pci_holds_group(other))
			continue;
		const char *text = gpupt_making_address(making, other->address);
		const char *subject = gpupt_making_address(making, wanted->host);
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_GROUP_SHARED,
				   making->domain,
				   wanted->existing ? &wanted->existing->element : NULL, subject,
				   "%s shares IOMMU group %d with %s, which stays with the host%s%s",
				   subject, function->iommu_group, text,
				   other->driver ? " with driver " : "",
				   other->driver ? other->driver : "");
	}
}

static void check_device(struct gpupt_making *making, size_t i)
{
	const struct gpupt_wanted *wanted = &making->wanted[i];
	const struct gpupt_element *element = wanted->existing ? &wanted->existing->element : NULL;
	const char *text = gpupt_making_address(making, wanted->host);
	struct gpupt_findings *findings = &making->plan->findings;
	const char *other = gpupt_request_other_user(making->request, wanted->host);
	if (other)
		gpupt_findings_add(findings, GPUPT_FINDING_OTHER_DOMAIN, making->domain, element,
				   text, "domain %s lists %s as well; only one of them can run",
				   other, text);
	if (gpupt_making_find_wanted(making, wanted->host) != wanted)
		gpupt_findings_add(findings, GPUPT_FINDING_TWICE, making->domain, element, text,
				   "%s is listed twice", text);
	if (!wanted->function) {
		making->device_unknown = true;
		if (making->inventory || making->request->hole_policy != GPUPT_HOLE_KEEP)
			gpupt_findings_add(findings, GPUPT_FINDING_DEVICE_UNKNOWN, making->domain,
					   element, text, "%s is %s", text,
					   making->inventory ? "not in the inventory" :
					   "passed through, and there is no inventory");
		return;
	}
	if (wanted->existing && wanted->function->host_use)
		gpupt_findings_add(findings, GPUPT_FINDING_HOST_USES, making->domain, element, text,
				   "the host uses %s: %s", text, wanted->function->host_use);
	if (wanted->existing && wanted->function->is_bridge)
		gpupt_findings_add(findings, GPUPT_FINDING_IS_BRIDGE, making->domain, element, text,
				   "%s is a bridge", text);
	check_group(making, wanted);
}

/* QEMU drives the controller of <disk type='nvme'> itself, by VFIO, so that libvirt keeps it
 * from other uses when the guest starts (virHostdevPreparePCIDevicesImpl(),
 * src/hypervisor/virhostdev.c, 9.0). */
static void check_disks(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_others; i++) {
		const struct gpupt_device *device = &domain->others[i];
		if (!device->has_source || !gpupt_making_find_wanted(making, device->source))
			continue;
		const char *text = gpupt_making_address(making, device->source);
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_TWICE, domain,
				   &device->element, text, "%s is passed through, and the source "
				   "of a disk as well", text);
	}
}

static int collect_existing(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_hostdevs; i++) {
		const struct gpupt_hostdev *hostdev = &domain->hostdevs[i];
		if (making->is_removed[i])
			continue;
		if (!hostdev->has_source) {
			gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_NO_SOURCE, domain,
					   &hostdev->element, "hostdev",
					   "a hostdev names no usable host address");
			continue;
		}
		int r = add_wanted(making, hostdev->source, hostdev);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < domain->n_others; i++) {
		const struct gpupt_device *device = &domain->others[i];
		if (strcmp(device->tag, "hostdev") == 0 && gpupt_is(device->type, "mdev"))
			gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_BARS_NOT_VISIBLE,
					   domain, &device->element, "hostdev",
					   "the BARs of a mediated device are not known; they are "
					   "not counted");
	}
	return 0;
}

int gpupt_make_devices(struct gpupt_making *making)
{
	const struct gpupt_request *request = making->request;
	making->is_removed = calloc(making->domain->n_hostdevs + 1, sizeof(*making->is_removed));
	int r = making->is_removed ? 0 : gpupt_fail_nomem(making->error);
	for (size_t i = 0; i < request->n_remove && r == 0; i++)
		r = remove_selected(making, request->remove[i]);
	if (r == 0)
		r = collect_existing(making);
	if (r == 0)
		r = index_wanted(making);
	for (size_t i = 0; i < request->n_add && r == 0; i++)
		r = add_selected(making, request->add[i]);
	if (r == 0)
		r = index_wanted(making);
	for (size_t i = 0; i < making->n_wanted && r == 0; i++)
		check_device(making, i);
	if (r == 0)
		check_disks(making);
	return r;
}
