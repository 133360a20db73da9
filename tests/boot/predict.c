/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a guest and its functions as JSON, in the names of src/mmio/mmio.h, and
 * prints what the model says about them, as JSON. --minimal: at the smallest
 * hole instead of the given one; "every_bar" then tells whether that does for
 * every 64-bit prefetchable BAR. */

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/util.h"
#include "mmio/mmio.h"

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static bool truth(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value && strcmp(value, text) == 0;
}

static struct gpupt_mmio_guest read_guest(const json_t *from)
{
	return (struct gpupt_mmio_guest){
		.machine = is(from, "machine", "i440fx") ? GPUPT_MACHINE_I440FX
							 : GPUPT_MACHINE_Q35,
		.machine_version = (unsigned int)number(from, "machine_version"),
		.qemu_version = (unsigned int)number(from, "qemu_version"),
		.ram_bytes = number(from, "ram_bytes"),
		.max_ram_bytes = number(from, "max_ram_bytes"),
		.memory_slots = (unsigned int)number(from, "memory_slots"),
		.hole_set = json_object_get(from, "hole_bytes") != NULL,
		.hole_bytes = number(from, "hole_bytes"),
		.phys_bits = (unsigned int)number(from, "phys_bits"),
		.guest_phys_bits = (unsigned int)number(from, "guest_phys_bits"),
		.vendor_amd = truth(from, "vendor_amd"),
		.vendor_intel = truth(from, "vendor_intel"),
		.pages_1g = truth(from, "pages_1g"),
		.firmware = is(from, "firmware", "seabios") ? GPUPT_FIRMWARE_SEABIOS
							    : GPUPT_FIRMWARE_OVMF,
		.firmware_version = (unsigned int)number(from, "firmware_version"),
		.has_window_override = json_object_get(from, "window_override_mib") != NULL,
		.window_override_mib = number(from, "window_override_mib"),
		.firmware_keeps_override = truth(from, "firmware_keeps_override"),
		.kernel_version = (unsigned int)number(from, "kernel_version"),
		.realloc = truth(from, "realloc"),
	};
}

static enum gpupt_mmio_kind read_kind(const json_t *from)
{
	static const char *const names[] = {
		[GPUPT_MMIO_ENDPOINT] = "endpoint", [GPUPT_MMIO_ROOT_PORT] = "root-port",
		[GPUPT_MMIO_SWITCH] = "switch", [GPUPT_MMIO_PCI_BRIDGE] = "pci-bridge",
		[GPUPT_MMIO_EXPANDER] = "expander" };
	for (unsigned int i = 0; i < GPUPT_ARRAY_SIZE(names); i++)
		if (is(from, "kind", names[i]))
			return i;
	return GPUPT_MMIO_ENDPOINT;
}

static struct gpupt_mmio_function read_function(const json_t *from)
{
	struct gpupt_mmio_function function = {
		.kind = read_kind(from),
		.parent = (int)json_integer_value(json_object_get(from, "parent")),
		.slot = (unsigned int)number(from, "slot"),
		.function = (unsigned int)number(from, "function"),
		.class_code = (uint32_t)number(from, "class_code"),
		.hotplug = truth(from, "hotplug"),
		.has_mem_reserve = json_object_get(from, "mem_reserve") != NULL,
		.mem_reserve = number(from, "mem_reserve"),
		.has_pref64_reserve = json_object_get(from, "pref64_reserve") != NULL,
		.pref64_reserve = number(from, "pref64_reserve"),
		.bus_number = (unsigned int)number(from, "bus_number"),
	};
	size_t i;
	const json_t *bar;
	json_array_foreach(json_object_get(from, "bars"), i, bar) {
		if (function.n_bars == GPUPT_ARRAY_SIZE(function.bars))
			break;
		function.bars[function.n_bars++] = (struct gpupt_mmio_bar){
			.index = (unsigned int)number(bar, "index"),
			.size = number(bar, "size"),
			.io = truth(bar, "io"),
			.mem64 = truth(bar, "mem64"),
			.prefetchable = truth(bar, "prefetchable"),
		};
	}
	return function;
}

static json_t *bar_to_json(const struct gpupt_mmio_bar *bar)
{
	static const char *const placers[] = { "nobody", "firmware", "kernel" };
	return json_pack("{s:i, s:I, s:s, s:s}", "index", (int)bar->index, "address",
			 (json_int_t)bar->address, "placed_by", placers[bar->placed_by],
			 "reason", bar->reason ? bar->reason : "");
}

static void print(const struct gpupt_mmio_guest *guest, bool every_bar,
		  const struct gpupt_mmio_function *functions, size_t n,
		  const struct gpupt_mmio_result *result)
{
	static const char *const outcomes[] = { "refused", "all-firmware", "all", "some" };
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *bars = json_array();
		for (size_t b = 0; b < functions[i].n_bars; b++)
			json_array_append_new(bars, bar_to_json(&functions[i].bars[b]));
		json_array_append_new(list, bars);
	}
	json_t *all = json_pack(
		"{s:s, s:I, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "outcome",
		outcomes[result->outcome], "hole", (json_int_t)guest->hole_bytes,
		"every_bar", every_bar,
		"firmware_aborted", result->firmware_aborted, "firmware_stopped",
		result->firmware_stopped, "window_start", (json_int_t)result->window_start,
		"window_end", (json_int_t)result->window_end,
		"firmware_window_start", (json_int_t)result->firmware_window_start,
		"firmware_window_end", (json_int_t)result->firmware_window_end, "max_hole",
		(json_int_t)result->max_hole, "functions", list);
	json_dumpf(all, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(all);
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *input = json_loadf(stdin, 0, &error);
	if (!input) {
		fprintf(stderr, "%s (line %d)\n", error.text, error.line);
		return 2;
	}
	struct gpupt_mmio_guest guest = read_guest(json_object_get(input, "guest"));
	const json_t *list = json_object_get(input, "functions");
	size_t n = json_array_size(list);
	struct gpupt_mmio_function *functions = calloc(n + 1, sizeof(*functions));
	struct gpupt_mmio_result result;
	if (!functions)
		return 2;
	for (size_t i = 0; i < n; i++)
		functions[i] = read_function(json_array_get(list, i));
	int r = 0;
	bool every_bar = false;
	if (argc > 1 && strcmp(argv[1], "--minimal") == 0) {
		guest.hole_set = true;
		r = gpupt_mmio_minimal_hole(&guest, functions, n, &guest.hole_bytes, &every_bar);
	}
	if (!r)
		r = gpupt_mmio_place(&guest, functions, n, &result);
	if (!r)
		print(&guest, every_bar, functions, n, &result);
	free(functions);
	json_decref(input);
	return r ? 2 : 0;
}
