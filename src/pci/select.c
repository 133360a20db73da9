/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user's selector means: an address, VENDOR:DEVICE or "gpu". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pci/inventory.h"

#define NEAR_MAX 3 /* how many near devices an error message names */

struct selection {
	const struct gpupt_inventory *inventory;
	struct gpupt_pci_address *addresses;
	size_t count, capacity;
};

static bool take(struct selection *selection, const struct gpupt_pci_function *function)
{
	if (!GPUPT_GROW(selection->addresses, selection->count, selection->capacity))
		return false;
	selection->addresses[selection->count++] = function->address;
	return true;
}

static void describe(struct gpupt_str *str, const struct gpupt_pci_function *function)
{
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
	gpupt_str_addf(str, "%s%s", str->length ? ", " : "",
		       gpupt_pci_address_format(function->address, text));
	if (function->vendor || function->device)
		gpupt_str_addf(str, " (%04x:%04x)", function->vendor, function->device);
}

/* Ends in gpupt_fail(); takes over `list`, which follows `before` when there is
 * anything in it. */
static int not_found(struct gpupt_error **error, const char *what, const char *before,
		     struct gpupt_str *list)
{
	GPUPT_AUTOFREE char *text = gpupt_str_steal(list, NULL);
	if (!text)
		return gpupt_fail_nomem(error);
	return gpupt_fail(error, GPUPT_E_NOT_FOUND, "%s%s%s", what, *text ? before : "", text);
}

/* How far apart two addresses are: in the other domain, bus, slot, function. */
static uint64_t distance(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	uint64_t left = (uint64_t)a.domain << 16 | (uint64_t)a.bus << 8 |
			(uint64_t)a.slot << 3 | a.function;
	uint64_t right = (uint64_t)b.domain << 16 | (uint64_t)b.bus << 8 |
			 (uint64_t)b.slot << 3 | b.function;
	return left > right ? left - right : right - left;
}

/* Host, ISA and PCI bridges, which nobody means; NVSwitches are 0x0680. */
static bool is_plumbing(const struct gpupt_pci_function *function)
{
	return function->is_bridge || (function->class_code >> 8 >= 0x0600 &&
				       function->class_code >> 8 <= GPUPT_CLASS_PCI_BRIDGE);
}

/* The device that is nearest to address, but for those up to `last`; among equals
 * the one listed first. */
static const struct gpupt_pci_function *next_nearest(const struct gpupt_inventory *inventory,
						     struct gpupt_pci_address address,
						     const struct gpupt_pci_function *last)
{
	const struct gpupt_pci_function *best = NULL;
	for (size_t i = 0; i < gpupt_inventory_count(inventory); i++) {
		const struct gpupt_pci_function *f = gpupt_inventory_get(inventory, i);
		uint64_t d = distance(f->address, address);
		uint64_t past = last ? distance(last->address, address) : 0;
		if (is_plumbing(f) || (last && (d < past || (d == past && f <= last))))
			continue;
		if (!best || d < distance(best->address, address))
			best = f;
	}
	return best;
}

static int no_such_address(const struct gpupt_inventory *inventory,
			   struct gpupt_pci_address address, struct gpupt_error **error)
{
	struct gpupt_str near = { 0 };
	const struct gpupt_pci_function *best = NULL;
	for (size_t n = 0; n < NEAR_MAX; n++) {
		best = next_nearest(inventory, address, best);
		if (!best)
			break;
		describe(&near, best);
	}
	char text[GPUPT_PCI_ADDRESS_TEXT_MAX], what[64];
	snprintf(what, sizeof(what), "no device %s on this host",
		 gpupt_pci_address_format(address, text));
	return not_found(error, what, "; nearest: ", &near);
}

static int select_address(struct selection *selection, const char *text,
			  struct gpupt_error **error)
{
	struct gpupt_pci_address address;
	int r = gpupt_pci_address_parse(text, &address, error);
	if (r < 0)
		return r;
	const struct gpupt_pci_function *function =
		gpupt_inventory_find(selection->inventory, address);
	if (!function)
		return no_such_address(selection->inventory, address, error);
	return take(selection, function) ? 0 : gpupt_fail_nomem(error);
}

static int select_ids(struct selection *selection, uint64_t vendor, uint64_t device,
		      struct gpupt_error **error)
{
	struct gpupt_str near = { 0 };
	bool ids_known = false;
	size_t n_near = 0;
	for (size_t i = 0; i < gpupt_inventory_count(selection->inventory); i++) {
		const struct gpupt_pci_function *f = gpupt_inventory_get(selection->inventory, i);
		ids_known |= f->vendor != 0;
		if (f->vendor != vendor)
			continue;
		if (f->device == device && !take(selection, f)) {
			gpupt_str_clear(&near);
			return gpupt_fail_nomem(error);
		}
		if (f->device != device && n_near++ < NEAR_MAX)
			describe(&near, f);
	}
	if (selection->count) {
		gpupt_str_clear(&near);
		return 0;
	}
	char what[128];
	snprintf(what, sizeof(what), "no device %04x:%04x on this host%s", (unsigned int)vendor,
		 (unsigned int)device,
		 ids_known ? "" : " (the inventory has no ids: use lspci -vvnn)");
	return not_found(error, what, "; of that vendor: ", &near);
}

static int select_gpus(struct selection *selection, struct gpupt_error **error)
{
	struct gpupt_str skipped = { 0 };
	for (size_t i = 0; i < gpupt_inventory_count(selection->inventory); i++) {
		const struct gpupt_pci_function *f = gpupt_inventory_get(selection->inventory, i);
		if (f->class_code >> 16 != 0x03)
			continue;
		if (gpupt_pci_drives_console(f)) {
			describe(&skipped, f);
		} else if (!take(selection, f)) {
			gpupt_str_clear(&skipped);
			return gpupt_fail_nomem(error);
		}
	}
	if (selection->count) {
		gpupt_str_clear(&skipped);
		return 0;
	}
	return not_found(error, "no GPU on this host that could be passed through",
			 "; left out because it drives the host's console: ", &skipped);
}

GPUPT_EXPORT int gpupt_inventory_select(const struct gpupt_inventory *inventory,
					const char *selector,
					struct gpupt_pci_address **ret_addresses,
					size_t *ret_count, struct gpupt_error **error)
{
	struct selection selection = { .inventory = inventory };
	const char *p = selector;
	uint64_t vendor, device;
	int r;
	if (strcmp(selector, "gpu") == 0)
		r = select_gpus(&selection, error);
	else if (gpupt_take_hex(&p, 4, &vendor) && p == selector + 4 && *p++ == ':' &&
		 gpupt_take_hex(&p, 4, &device) && p == selector + 9 && !*p)
		r = select_ids(&selection, vendor, device, error);
	else if (strpbrk(selector, ".:_"))
		r = select_address(&selection, selector, error);
	else
		r = gpupt_fail(error, GPUPT_E_SYNTAX,
			       "\"%.40s\" selects nothing: expected an address such as "
			       "0000:08:00.0, VENDOR:DEVICE such as 10de:1b39, or gpu",
			       selector);
	if (r < 0) {
		free(selection.addresses);
		return r;
	}
	*ret_addresses = selection.addresses;
	*ret_count = selection.count;
	return 0;
}

/* A 64-bit BAR this large is worth planning for, whatever the device's class. */
#define LARGE_BAR (256 * GPUPT_MIB)

GPUPT_EXPORT bool gpupt_pci_function_is_candidate(const struct gpupt_pci_function *function)
{
	if (function->is_bridge)
		return false;
	if (function->class_code >> 16 == GPUPT_CLASS_DISPLAY ||
	    function->class_code >> 16 == GPUPT_CLASS_ACCELERATOR ||
	    (function->driver && strcmp(function->driver, "vfio-pci") == 0))
		return true;
	for (size_t i = 0; i < GPUPT_BAR_COUNT; i++)
		if (function->bars[i].mem64 && function->bars[i].size_bytes >= LARGE_BAR)
			return true;
	return false;
}
