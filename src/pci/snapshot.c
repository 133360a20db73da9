/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads gpupt-snapshot(5). Strict about what it knows, silent about keys it does
 * not know: a later minor release may add some within the same version. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gpupt/size.h>

#include "base/json.h"
#include "base/str.h"
#include "firmware/firmware.h"
#include "pci/inventory.h"

#define VERSION 1
#define PHYS_BITS_MAX 64
#define VF_BARS 6
#define FIRMWARE_MAX 64

/* What is being read, for messages: the file and "devices[3].bars[1]". */
struct reader {
	const char *name;
	char where[80];
	struct gpupt_inventory *inventory;
	struct gpupt_error **error;
};

static void free_json(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON __attribute__((cleanup(free_json)))

__attribute__((format(printf, 2, 3)))
static int fail(const struct reader *reader, const char *format, ...)
{
	struct gpupt_place place = { .file = reader->name };
	char message[200];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return gpupt_fail_at(reader->error, GPUPT_E_SYNTAX, &place, "%s%s%s", reader->where,
			     *reader->where ? ": " : "", message);
}

/* All take_*() leave *ret alone, and succeed, when the key is absent. */
static int take_bool(const struct reader *reader, const json_t *object, const char *key,
		     bool *ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return fail(reader, "\"%s\" must be true or false", key);
	*ret = json_is_true(value);
	return 0;
}

static int take_integer(const struct reader *reader, const json_t *object, const char *key,
			json_int_t min, json_int_t max, json_int_t *ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < min || number > max)
		return fail(reader, "\"%s\" must be a whole number from %" JSON_INTEGER_FORMAT
			    " to %" JSON_INTEGER_FORMAT, key, min, max);
	*ret = number;
	return 0;
}

/* Up to `digits` hexadecimal digits in a string, with or without 0x. */
static int take_hex(const struct reader *reader, const json_t *object, const char *key,
		    size_t digits, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	const char *p = json_string_value(value);
	if (p && strncmp(p, "0x", 2) == 0)
		p += 2;
	uint64_t number;
	if (!p || !gpupt_take_hex(&p, digits, &number) || *p)
		return fail(reader, "\"%s\" must be a string of up to %zu hexadecimal digits",
			    key, digits);
	*ret = number;
	return 0;
}

static int take_string(const struct reader *reader, const json_t *object, const char *key,
		       const char **ret)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_string(value) || !json_string_length(value))
		return fail(reader, "\"%s\" must be a string, and not an empty one", key);
	const char *kept = gpupt_inventory_keep(reader->inventory, json_string_value(value),
						json_string_length(value));
	if (!kept)
		return gpupt_fail_nomem(reader->error);
	*ret = kept;
	return 0;
}

/* Bytes as a number, or a number and a unit in a string. */
static int size_of(const struct reader *reader, const json_t *value, const char *key,
		   uint64_t *ret)
{
	uint64_t bytes = 0;
	if (json_is_integer(value) && json_integer_value(value) > 0)
		bytes = (uint64_t)json_integer_value(value);
	else if (json_is_string(value) &&
		 gpupt_size_parse(json_string_value(value), 1, &bytes, NULL) < 0)
		bytes = 0;
	if (!bytes || bytes > UINT64_C(1) << 63)
		return fail(reader, "\"%s\" must be a size such as \"32 GiB\", up to 8 EiB", key);
	*ret = bytes;
	return 0;
}

static int take_resizable(const struct reader *reader, const json_t *object, uint64_t *ret)
{
	const json_t *sizes = json_object_get(object, "resizable");
	if (!sizes)
		return 0;
	if (!json_is_array(sizes))
		return fail(reader, "\"resizable\" must be an array of sizes");
	uint64_t set = 0;
	for (size_t i = 0; i < json_array_size(sizes); i++) {
		uint64_t bytes = 0;
		int r = size_of(reader, json_array_get(sizes, i), "resizable", &bytes);
		if (r < 0)
			return r;
		if (!gpupt_is_power_of_two(bytes) || bytes < GPUPT_MIB)
			return fail(reader, "\"resizable\": sizes are powers of two from 1 MiB");
		set |= bytes / GPUPT_MIB;
	}
	*ret = set;
	return 0;
}

static int take_kind(const struct reader *reader, const json_t *object, bool rom,
		     struct gpupt_bar *bar)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	json_int_t bits = 32;
	if (!type || (strcmp(type, "io") != 0 && strcmp(type, "memory") != 0))
		return fail(reader, "\"type\" must be \"io\" or \"memory\"");
	bar->io = strcmp(type, "io") == 0;
	int r = take_integer(reader, object, "bits", 32, 64, &bits);
	if (r == 0)
		r = take_bool(reader, object, "prefetchable", &bar->prefetchable);
	if (r < 0)
		return r;
	if (bits != 32 && bits != 64)
		return fail(reader, "\"bits\" must be 32 or 64");
	bar->mem64 = bits == 64;
	if (bar->io && (bar->mem64 || bar->prefetchable))
		return fail(reader, "I/O ports are neither 64-bit nor prefetchable");
	if (rom && (bar->io || bar->mem64))
		return fail(reader, "an expansion ROM is 32-bit memory");
	return 0;
}

static int read_bar(const struct reader *reader, const json_t *object, struct gpupt_bar *bars,
		    size_t count)
{
	json_int_t index = -1;
	if (!json_is_object(object))
		return fail(reader, "a BAR must be an object");
	int r = take_integer(reader, object, "index", 0, (json_int_t)count - 1, &index);
	if (r < 0)
		return r;
	if (index < 0)
		return fail(reader, "\"index\" is missing");
	if (bars[index].present)
		return fail(reader, "BAR %d is there twice", (int)index);
	struct gpupt_bar bar = { .present = true, .enabled = true };
	r = take_kind(reader, object, index == GPUPT_BAR_ROM, &bar);
	const json_t *size = json_object_get(object, "size");
	if (r == 0 && size)
		r = size_of(reader, size, "size", &bar.size_bytes);
	if (r == 0)
		r = take_hex(reader, object, "address", 16, &bar.address);
	if (r == 0)
		r = take_bool(reader, object, "enabled", &bar.enabled);
	if (r == 0)
		r = take_bool(reader, object, "size_from_catalogue", &bar.size_from_catalogue);
	if (r == 0)
		r = take_resizable(reader, object, &bar.resizable_sizes);
	if (r < 0)
		return r;
	bar.assigned = bar.address;
	bars[index] = bar;
	return 0;
}

static int read_bars(const struct reader *reader, const json_t *object, struct gpupt_bar *bars,
		     size_t count)
{
	const json_t *array = json_object_get(object, "bars");
	if (!array)
		return 0;
	if (!json_is_array(array))
		return fail(reader, "\"bars\" must be an array");
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct reader inner = *reader;
		snprintf(inner.where, sizeof(inner.where), "%.40s.bars[%zu]", reader->where, i);
		int r = read_bar(&inner, json_array_get(array, i), bars, count);
		if (r < 0)
			return r;
	}
	const char *problem = gpupt_pci_bars_problem(bars, count);
	return problem ? fail(reader, "%s", problem) : 0;
}

static int read_sriov(const struct reader *reader, const json_t *object,
		      struct gpupt_pci_function *function)
{
	const json_t *sriov = json_object_get(object, "sriov");
	json_int_t total = 0;
	if (!sriov)
		return 0;
	if (!json_is_object(sriov))
		return fail(reader, "\"sriov\" must be an object");
	int r = take_integer(reader, sriov, "total_vfs", 1, UINT16_MAX, &total);
	if (r < 0)
		return r;
	if (!total)
		return fail(reader, "\"sriov\" needs \"total_vfs\"");
	function->total_vfs = (uint16_t)total;
	struct reader inner = *reader;
	snprintf(inner.where, sizeof(inner.where), "%.40s.sriov", reader->where);
	return read_bars(&inner, sriov, function->vf_bars, VF_BARS);
}

static int read_ids(const struct reader *reader, const json_t *object,
		    struct gpupt_pci_function *function)
{
	uint64_t vendor = 0, device = 0, class_code = 0;
	int r = take_hex(reader, object, "vendor", 4, &vendor);
	if (r == 0)
		r = take_hex(reader, object, "device", 4, &device);
	if (r == 0)
		r = take_hex(reader, object, "class", 6, &class_code);
	if (r < 0)
		return r;
	function->vendor = (uint16_t)vendor;
	function->device = (uint16_t)device;
	function->class_code = (uint32_t)class_code;
	function->is_bridge = class_code >> 8 == GPUPT_CLASS_PCI_BRIDGE;
	return take_bool(reader, object, "bridge", &function->is_bridge);
}

/* null: known to be without; absent: not known. */
static int read_bindings(const struct reader *reader, const json_t *object,
			 struct gpupt_pci_function *function)
{
	json_int_t group = -1;
	const json_t *driver = json_object_get(object, "driver");
	const json_t *iommu_group = json_object_get(object, "iommu_group");
	function->driver_known = driver;
	function->iommu_group_known = iommu_group;
	int r = 0;
	if (driver && !json_is_null(driver))
		r = take_string(reader, object, "driver", &function->driver);
	if (r == 0 && iommu_group && !json_is_null(iommu_group))
		r = take_integer(reader, object, "iommu_group", 0, INT32_MAX, &group);
	function->iommu_group = (int)group;
	return r;
}

/* A function of which nothing is said but its ids may not be in the host at all: no BAR
 * of it can be told to lack an address. */
static int read_origin(struct reader *reader, const json_t *object,
		       struct gpupt_pci_function *function)
{
	bool from_catalogue = !json_object_get(object, "bars");
	int r = take_bool(reader, object, "from_catalogue", &from_catalogue);
	if (r < 0)
		return r;
	gpupt_catalogue_complete(function);
	if (from_catalogue && function->known_as)
		function->source = GPUPT_SOURCE_CATALOGUE;
	return 0;
}

static int read_device(struct reader *reader, const json_t *object)
{
	struct gpupt_pci_address address;
	if (!json_is_object(object))
		return fail(reader, "a device must be an object");
	const char *text = json_string_value(json_object_get(object, "address"));
	if (!text || gpupt_pci_address_parse(text, &address, NULL) < 0)
		return fail(reader, "\"address\" must be a PCI address such as \"0000:08:00.0\"");
	struct gpupt_pci_function function =
		gpupt_pci_function_make(address, GPUPT_SOURCE_SNAPSHOT);
	int r = read_ids(reader, object, &function);
	if (r == 0)
		r = read_bindings(reader, object, &function);
	if (r == 0)
		r = take_bool(reader, object, "virtual_function", &function.is_virtual_function);
	if (r == 0)
		r = take_bool(reader, object, "boot_vga", &function.boot_vga);
	if (r == 0)
		r = take_string(reader, object, "host_use", &function.host_use);
	if (r == 0)
		r = take_bool(reader, object, "assumed", &function.assumed);
	if (r == 0)
		r = read_bars(reader, object, function.bars, GPUPT_BAR_COUNT);
	if (r == 0)
		r = read_sriov(reader, object, &function);
	if (r == 0)
		r = read_origin(reader, object, &function);
	return r < 0 ? r : gpupt_inventory_add(reader->inventory, &function, reader->error);
}

static int read_firmware(struct reader *reader, const json_t *object)
{
	struct gpupt_host_firmware firmware = { 0 };
	if (!json_is_object(object))
		return fail(reader, "must be an object");
	int r = take_string(reader, object, "file", &firmware.file);
	if (r == 0)
		r = take_string(reader, object, "name", &firmware.name);
	if (r == 0)
		r = take_string(reader, object, "version", &firmware.version);
	if (r < 0)
		return r;
	if (!firmware.file || !firmware.name || (!gpupt_ovmf_release(firmware.name) &&
						 !gpupt_seabios_release(firmware.name)))
		return fail(reader, "needs a \"file\" and a \"name\" such as "
			    "\"edk2-stable202211\" or \"seabios-1.16.3\"");
	return gpupt_inventory_add_firmware(reader->inventory, &firmware, reader->error);
}

static int read_firmwares(struct reader *reader, const json_t *host)
{
	const json_t *array = json_object_get(host, "firmware");
	if (array && !json_is_array(array))
		return fail(reader, "\"firmware\" must be an array");
	if (json_array_size(array) > FIRMWARE_MAX)
		return fail(reader, "\"firmware\" has more than %d entries", FIRMWARE_MAX);
	for (size_t i = 0; i < json_array_size(array); i++) {
		snprintf(reader->where, sizeof(reader->where), "host.firmware[%zu]", i);
		int r = read_firmware(reader, json_array_get(array, i));
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_host(struct reader *reader, const json_t *root)
{
	const json_t *object = json_object_get(root, "host");
	if (!object)
		return 0;
	snprintf(reader->where, sizeof(reader->where), "host");
	if (!json_is_object(object))
		return fail(reader, "must be an object");
	struct gpupt_host *host = gpupt_inventory_edit_host(reader->inventory);
	json_int_t bits = 0;
	int r = take_integer(reader, object, "phys_bits", 1, PHYS_BITS_MAX, &bits);
	if (r == 0)
		r = take_string(reader, object, "cpu_vendor", &host->cpu_vendor);
	if (r == 0)
		r = take_string(reader, object, "hostname", &host->hostname);
	if (r == 0)
		r = take_string(reader, object, "kernel", &host->kernel);
	if (r == 0)
		r = take_string(reader, object, "os", &host->os);
	if (r == 0)
		r = read_firmwares(reader, object);
	host->phys_bits = (unsigned int)bits;
	return r;
}

/* Before anything else is looked at: a future version may look different. */
static int check_version(const struct reader *reader, const json_t *root)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	if (!format || strcmp(format, "gpupt-snapshot") != 0)
		return fail(reader, "JSON, but no snapshot: \"format\" must be \"gpupt-snapshot\"");
	const json_t *version = json_object_get(root, "version");
	json_int_t number = json_integer_value(version);
	if (!json_is_integer(version) || number < 1)
		return fail(reader, "\"version\" must be a whole number from 1");
	struct gpupt_place place = { .file = reader->name };
	if (number > VERSION)
		return gpupt_fail_at(reader->error, GPUPT_E_UNSUPPORTED, &place,
				     "a snapshot of version %" JSON_INTEGER_FORMAT ", this "
				     "release reads up to %d: use a newer one, or make the "
				     "snapshot with this one", number, VERSION);
	return 0;
}

static int read_snapshot(struct reader *reader, const json_t *root)
{
	int r = check_version(reader, root);
	if (r == 0)
		r = read_host(reader, root);
	*reader->where = '\0';
	const json_t *devices = json_object_get(root, "devices");
	if (r == 0 && !json_is_array(devices))
		r = fail(reader, "\"devices\" must be an array");
	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		snprintf(reader->where, sizeof(reader->where), "devices[%zu]", i);
		r = read_device(reader, json_array_get(devices, i));
	}
	if (r < 0)
		return r;
	return gpupt_inventory_seal(reader->inventory, GPUPT_DUPLICATES_REFUSE, reader->name,
				    reader->error);
}

static int fail_json(const char *data, size_t length, const char *name,
		     const json_error_t *json_error, struct gpupt_error **error)
{
	enum json_error_code code = json_error_code(json_error);
	if (!*json_error->text)
		return gpupt_fail_nomem(error);
	size_t offset = json_error->position > 0 ? (size_t)json_error->position : 0;
	struct gpupt_place place = gpupt_place_of(name, data, length, offset);
	return gpupt_fail_at(error, code == json_error_stack_overflow ? GPUPT_E_LIMIT
								      : GPUPT_E_SYNTAX,
			     &place, "%s", json_error->text);
}

int gpupt_snapshot_parse(const char *data, size_t length, const char *name,
			 struct gpupt_inventory **ret, struct gpupt_error **error)
{
	json_error_t json_error;
	AUTO_JSON json_t *root = gpupt_json_load(data, length, JSON_REJECT_DUPLICATES, &json_error);
	if (!root)
		return fail_json(data, length, name, &json_error, error);
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	struct reader reader = { .name = name, .inventory = made, .error = error };
	int r = read_snapshot(&reader, root);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
