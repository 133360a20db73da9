/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Indices of PCI controllers and addresses of devices in the guest that libvirt refuses
 * for what other controllers and devices have. */

#include "plan/making.h"

/* Who has a number of which there may be one: the index of a controller, an address. */
struct claim {
	uint64_t number;
	const struct gpupt_element *element;
	const char *owner;
};

struct claims {
	struct claim *items;
	size_t count, capacity;
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	size_t left = x->element->whole.start, right = y->element->whole.start;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return left < right ? -1 : left > right;
}

static void claim(struct gpupt_making *making, struct claims *claims, uint64_t number,
		  const struct gpupt_element *element, const char *owner)
{
	if (!GPUPT_GROW(claims->items, claims->count, claims->capacity)) {
		making->plan->findings.no_memory = true;
		return;
	}
	claims->items[claims->count++] = (struct claim){ number, element, owner };
}

/* Puts them in order; those of one number follow each other. */
static void sort_claims(struct claims *claims)
{
	if (claims->count)
		qsort(claims->items, claims->count, sizeof(*claims->items), compare_claims);
}

/* "Multiple 'pci' controllers with index '1'" (virDomainDefRejectDuplicateControllers(),
 * src/conf, 9.0). */
static void check_indices(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	struct claims claims = { 0 };
	for (size_t i = 0; i < domain->n_controllers; i++)
		if (domain->controllers[i].has_index)
			claim(making, &claims, domain->controllers[i].index,
			      &domain->controllers[i].element, "controller");
	sort_claims(&claims);
	for (size_t i = 1; i < claims.count; i++)
		if (claims.items[i].number == claims.items[i - 1].number)
			gpupt_making_report(making, GPUPT_FINDING_CONTROLLER_TWICE,
					    claims.items[i].element, "controller",
					    "there is a PCI controller with index %u already",
					    (unsigned int)claims.items[i].number);
	free(claims.items);
}

static void claim_address(struct gpupt_making *making, struct claims *claims,
			  const struct gpupt_guest_address *address,
			  const struct gpupt_element *element, const char *owner)
{
	struct gpupt_pci_address pci = address->pci;
	if (!address->present)
		return;
	if (pci.domain) { /* virDomainPCIAddressValidate(), src/conf/domain_addr.c, 9.0 */
		gpupt_making_report(making, GPUPT_FINDING_ADDRESS_IMPOSSIBLE, element, owner,
				    "<%s> is to have the address %s in the guest, which has PCI "
				    "domain 0 only", owner, gpupt_making_address(making, pci));
		return;
	}
	claim(making, claims, (uint64_t)pci.bus << 8 | pci.slot << 3 | pci.function, element, owner);
}

/* A console has the address of the serial port that it stands for, and no video needs none. */
static bool has_own_address(const struct gpupt_device *device)
{
	return !gpupt_is(device->tag, "console") && !gpupt_is(device->model, "none");
}

/* The addresses as the plan leaves them. */
static void claim_addresses(struct gpupt_making *making, struct claims *claims)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_controllers; i++)
		claim_address(making, claims, &domain->controllers[i].address,
			      &domain->controllers[i].element, "controller");
	for (size_t i = 0; i < making->n_wanted; i++) {
		const struct gpupt_hostdev *hostdev = making->wanted[i].existing;
		if (hostdev)
			claim_address(making, claims, &making->wanted[i].guest, &hostdev->element,
				      hostdev->kind == GPUPT_HOSTDEV ? "hostdev" : "interface");
	}
	for (size_t i = 0; i < domain->n_others; i++)
		if (has_own_address(&domain->others[i]))
			claim_address(making, claims, &domain->others[i].address,
				      &domain->others[i].element, domain->others[i].tag);
}

/* "Attempted double use of PCI Address" (virDomainPCIAddressReserveAddrInternal(),
 * src/conf/domain_addr.c, 9.0). */
static void check_addresses(struct gpupt_making *making)
{
	struct claims claims = { 0 };
	claim_addresses(making, &claims);
	sort_claims(&claims);
	for (size_t i = 1; i < claims.count; i++) {
		const struct claim *first = &claims.items[i - 1], *second = &claims.items[i];
		if (first->number != second->number)
			continue;
		struct gpupt_pci_address address = { .bus = second->number >> 8 & 0xff,
						     .slot = second->number >> 3 & 0x1f,
						     .function = second->number & 7 };
		gpupt_making_report(making, GPUPT_FINDING_ADDRESS_TWICE, second->element,
				    second->owner, "<%s> is to have the address %s in the guest, "
				    "and so is %s<%s>", second->owner,
				    gpupt_making_address(making, address),
				    gpupt_is(first->owner, second->owner) ? "another " : "",
				    first->owner);
	}
	free(claims.items);
}

void gpupt_lint_addresses(struct gpupt_making *making)
{
	check_indices(making);
	check_addresses(making);
}
