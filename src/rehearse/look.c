/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/look.h"

#include <stdio.h>

#include "base/util.h"
#include "rehearse/machine.h"

enum {
	MOST_BRIDGES = 64, /* behind one another */
	COMMAND = 4, /* register of PCI configuration space */
	COMMAND_PORTS_AND_MEMORY = 3,
};

/* The windows of the bridges on the way. */
struct way {
	const struct way *above;
	struct gpupt_range windows[2];
	unsigned int depth;
};

struct look {
	struct gpupt_monitor *monitor;
	const struct gpupt_planned *planned;
	struct gpupt_seen *seen;
	bool enable; /* on this round: enable, do not look */
	struct gpupt_error **error;
};

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static struct gpupt_range range_of(const json_t *bus, const char *key)
{
	const json_t *range = json_object_get(bus, key);
	if (!range || number(range, "base") > number(range, "limit"))
		return (struct gpupt_range){ 0 };
	return (struct gpupt_range){ number(range, "base"), gpupt_add(number(range, "limit"), 1) };
}

static bool passes(const struct way *way, uint64_t start, uint64_t size)
{
	uint64_t end = gpupt_add(start, size);
	for (; way; way = way->above) {
		const struct gpupt_range *w = way->windows;
		if (!(w[0].start <= start && end <= w[0].end) &&
		    !(w[1].start <= start && end <= w[1].end))
			return false;
	}
	return true;
}

/* Which of the plan's functions it is; -1: none, such as the host bridge. */
static int index_of(const struct look *look, const json_t *device)
{
	const char *id = json_string_value(json_object_get(device, "qdev_id"));
	unsigned int i;
	if (id && sscanf(id, "f%u", &i) == 1 && i < look->planned->n_functions)
		return (int)i;
	for (i = 0; i < look->planned->n_functions; i++) {
		const struct gpupt_mmio_function *function = &look->planned->functions[i];
		if (gpupt_machine_has(look->planned, i) && number(device, "bus") == 0 &&
		    number(device, "slot") == function->slot &&
		    number(device, "function") == function->function)
			return (int)i;
	}
	return -1;
}

static void note_bars(struct gpupt_seen *seen, const json_t *device, const struct way *way)
{
	size_t i;
	json_t *region;
	seen->found = true;
	json_array_foreach(json_object_get(device, "regions"), i, region) {
		uint64_t bar = number(region, "bar"), address = number(region, "address");
		if (bar > 5)
			continue;
		seen->bars[bar].size = number(region, "size");
		/* query-pci has -1 for none */
		if (address != UINT64_MAX && passes(way, address, seen->bars[bar].size))
			seen->bars[bar].address = address;
	}
}

static int enable(struct look *look, const json_t *device)
{
	uint32_t address = (uint32_t)(number(device, "bus") << 16 | number(device, "slot") << 11 |
				      number(device, "function") << 8 | COMMAND);
	uint32_t value = 0;
	int r = gpupt_monitor_config_read(look->monitor, address, &value, look->error);
	if (r < 0 || (value & COMMAND_PORTS_AND_MEMORY) == COMMAND_PORTS_AND_MEMORY)
		return r;
	/* the upper half has bits that are cleared by writing a 1 */
	return gpupt_monitor_config_write(look->monitor, address,
					  (value & 0xffff) | COMMAND_PORTS_AND_MEMORY,
					  look->error);
}

static int walk(struct look *look, const json_t *devices, const struct way *above)
{
	size_t i;
	json_t *device;
	if (above && above->depth > MOST_BRIDGES)
		return gpupt_fail(look->error, GPUPT_E_LIMIT, "too many bridges in QEMU's answer");
	json_array_foreach(devices, i, device) {
		int index = index_of(look, device), r = 0;
		if (look->enable)
			r = enable(look, device);
		else if (index >= 0)
			note_bars(&look->seen[index], device, above);
		const json_t *bridge = json_object_get(device, "pci_bridge");
		const json_t *bus = json_object_get(bridge, "bus");
		struct way way = {
			.above = above,
			.windows = { range_of(bus, "memory_range"),
				     range_of(bus, "prefetchable_range") },
			.depth = above ? above->depth + 1 : 1,
		};
		if (r == 0 && bridge)
			r = walk(look, json_object_get(bridge, "devices"), &way);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_once(struct look *look)
{
	json_t *buses = NULL;
	int r = gpupt_monitor_ask(look->monitor, "query-pci", NULL, &buses, look->error);
	size_t i;
	json_t *bus;
	json_array_foreach(buses, i, bus)
		if (r == 0)
			r = walk(look, json_object_get(bus, "devices"), NULL);
	json_decref(buses);
	return r;
}

int gpupt_look(struct gpupt_monitor *monitor, const struct gpupt_planned *planned, bool enable,
	       struct gpupt_seen *ret, struct gpupt_error **error)
{
	struct look look = { .monitor = monitor, .planned = planned, .seen = ret,
			     .enable = enable, .error = error };
	memset(ret, 0, planned->n_functions * sizeof(*ret));
	int r = enable ? look_once(&look) : 0;
	look.enable = false;
	return r < 0 ? r : look_once(&look);
}
