/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/qmp.h"

#include <jansson.h>

#include "base/json.h"
#include "base/util.h"

enum {
	MAX_DEPTH = 32,        /* of bridges behind bridges; firmware gives up long before */
	MAX_FUNCTIONS = 65536, /* on 256 buses */
};

static void free_json(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON __attribute__((cleanup(free_json)))

static int fail(struct gpupt_error **error, const char *what)
{
	return gpupt_fail(error, GPUPT_E_SYNTAX, "QEMU's answer to query-pci is odd: %s", what);
}

/* false: absent, no integer, or out of range. */
static bool take_number(const json_t *object, const char *key, json_int_t max, json_int_t *ret)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return false;
	*ret = json_integer_value(value);
	return true;
}

/* A BAR without an address, or of a function that is switched off, has address -1
 * (PCI_BAR_UNMAPPED; hw/pci/pci.c pci_bar_address(), pci-qmp-cmds.c, 7.2). */
static bool take_region(const json_t *region, struct gpupt_seen_function *function)
{
	json_int_t index, size;
	const json_t *address = json_object_get(region, "address");
	const char *type = json_string_value(json_object_get(region, "type"));
	if (!take_number(region, "bar", GPUPT_BAR_ROM, &index) ||
	    !take_number(region, "size", INT64_MAX, &size) || !size || !json_is_integer(address) ||
	    !type || function->bars[index].size_bytes)
		return false;
	json_int_t at = json_integer_value(address);
	function->bars[index] = (struct gpupt_seen_bar){
		.size_bytes = (uint64_t)size,
		.io = strcmp(type, "io") == 0,
		.mem64 = json_is_true(json_object_get(region, "mem_type_64")),
		.prefetchable = json_is_true(json_object_get(region, "prefetch")),
		.sight = at == -1 ? GPUPT_SIGHT_NONE : GPUPT_SIGHT_ASSIGNED,
		.guest_address = at == -1 ? 0 : (uint64_t)at,
	};
	return true;
}

/* One switch turns all memory BARs on, another one all I/O BARs: where any is mapped,
 * those that are not have no address. The ROM has a switch of its own. */
static void tell_unassigned(struct gpupt_seen_function *function)
{
	bool on[2] = { false, false };
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++)
		on[function->bars[i].io] |= function->bars[i].sight == GPUPT_SIGHT_ASSIGNED;
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++) {
		struct gpupt_seen_bar *bar = &function->bars[i];
		if (bar->size_bytes && bar->sight == GPUPT_SIGHT_NONE && on[bar->io])
			bar->sight = GPUPT_SIGHT_UNASSIGNED;
	}
}

static int take_devices(const json_t *devices, const char *path, int depth,
			struct gpupt_seen_functions *functions, struct gpupt_error **error);

static int take_function(const json_t *device, const char *path, int depth,
			 struct gpupt_seen_functions *functions, struct gpupt_error **error)
{
	json_int_t bus, slot, number;
	const char *id = json_string_value(json_object_get(device, "qdev_id"));
	const json_t *regions = json_object_get(device, "regions");
	struct gpupt_seen_function function = { .found = true };
	if (!take_number(device, "bus", 255, &bus) || !take_number(device, "slot", 31, &slot) ||
	    !take_number(device, "function", 7, &number) || !json_is_array(regions))
		return fail(error, "a device without a place or without regions");
	for (size_t i = 0; i < json_array_size(regions); i++)
		if (!take_region(json_array_get(regions, i), &function))
			return fail(error, "a region that is none");
	tell_unassigned(&function);
	function.guest = (struct gpupt_pci_address){ 0, (uint8_t)bus, (uint8_t)slot,
						     (uint8_t)number };
	function.id = gpupt_arena_printf(functions->arena, "%s", id ? id : "");
	function.path = gpupt_arena_printf(functions->arena, "%s%s%02x.%x", path,
					   *path ? "/" : "", (unsigned int)slot,
					   (unsigned int)number);
	if (functions->count >= MAX_FUNCTIONS)
		return fail(error, "more devices than there can be");
	if (!function.id || !function.path ||
	    !GPUPT_GROW(functions->items, functions->count, functions->capacity))
		return gpupt_fail_nomem(error);
	functions->items[functions->count++] = function;
	const json_t *behind = json_object_get(json_object_get(device, "pci_bridge"), "devices");
	return behind ? take_devices(behind, function.path, depth + 1, functions, error) : 0;
}

static int take_devices(const json_t *devices, const char *path, int depth,
			struct gpupt_seen_functions *functions, struct gpupt_error **error)
{
	if (!json_is_array(devices))
		return fail(error, "no list of devices");
	if (depth > MAX_DEPTH)
		return fail(error, "too many bridges behind each other");
	for (size_t i = 0; i < json_array_size(devices); i++) {
		int r = take_function(json_array_get(devices, i), path, depth, functions, error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The devices on an expander's bus have no path that the main root bus would know: it
 * begins with the bus. */
static int take_bus(const json_t *bus, struct gpupt_seen_functions *functions,
		    struct gpupt_error **error)
{
	json_int_t number;
	char path[8] = "";
	if (!take_number(bus, "bus", 255, &number))
		return fail(error, "a bus without a number");
	if (number)
		snprintf(path, sizeof(path), "%02x:", (unsigned int)number);
	return take_devices(json_object_get(bus, "devices"), path, 0, functions, error);
}

int gpupt_qmp_parse_pci(const char *reply, size_t length, struct gpupt_seen_functions *functions,
			struct gpupt_error **error)
{
	json_error_t why;
	if (length > GPUPT_REPLY_MAX)
		return fail(error, "longer than 4 MiB");
	AUTO_JSON json_t *json = gpupt_json_load(reply, length, 0, &why);
	if (!json)
		return *why.text ? fail(error, why.text) : gpupt_fail_nomem(error);
	const char *complaint =
		json_string_value(json_object_get(json_object_get(json, "error"), "desc"));
	if (complaint)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "QEMU does not answer query-pci: %s",
				  complaint);
	const json_t *buses = json_object_get(json, "return");
	if (!json_is_array(buses))
		return fail(error, "no list of buses");
	for (size_t i = 0; i < json_array_size(buses); i++) {
		int r = take_bus(json_array_get(buses, i), functions, error);
		if (r < 0)
			return r;
	}
	return 0;
}
