/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

#include <gpupt/error.h>

#include "base/util.h"

/* SeaBIOS, src/fw/pciinit.c. Sums wrap at 64 bits here as they do there. 1.16.3
 * began to use the top of the address space (bcfed7e2, 96a8d130, 1e1da7a9,
 * a6ed6b70); 1.17 mended the alignment (e5f2e4c6) and bounded the top (ec0bc256).
 * An unknown version, 0, counts as the oldest. */

enum region { MEM, PREF, N_REGIONS };

#define DEVICE_MIN (4 * GPUPT_KIB) /* PCI_DEVICE_MEM_MIN */
#define BRIDGE_MIN (2 * GPUPT_MIB) /* PCI_BRIDGE_MEM_MIN */
#define BRIDGE_IO_MIN (4 * GPUPT_KIB)
#define SLOT_WINDOW 7

/* A BAR, or a window of a bridge, on the bus it is on. */
struct entry {
	size_t function;
	unsigned int slot; /* index into bars[], or SLOT_WINDOW + region */
	uint64_t size;
	uint64_t align;
	bool is64;
	size_t order; /* of creation */
};

/* Entries of one bus and region: a part of state.entries, sorted. */
struct region_state {
	size_t first;
	size_t n;
	uint64_t base;
};

struct state {
	struct gpupt_mmio_model *model;
	struct entry *entries;
	size_t n, capacity;
	struct region_state (*regions)[N_REGIONS];
	uint64_t *ports; /* I/O ports asked for on each bus */
	uint64_t top; /* pci_mem64_top: 0 is unknown */
	bool pad;     /* pci_pad_mem64 */
};

/* physbits() in paravirt.c: trusted as OVMF does. */
static unsigned int trusted_bits(const struct gpupt_mmio_guest *guest)
{
	unsigned int bits = guest->phys_bits;
	bool valid = bits >= 41 || (guest->vendor_intel && (bits == 36 || bits == 39)) ||
		     (guest->vendor_amd && bits == 40);
	return guest->firmware_version >= 11603 && valid ? bits : 0;
}

static uint64_t ram_over_4g(const struct gpupt_mmio_guest *guest)
{
	uint64_t above = gpupt_sub(guest->ram_bytes, gpupt_qemu_low_ram(guest));
	return above ? gpupt_add(above, gpupt_qemu_high_ram_start(guest) - 4 * GPUPT_GIB) : 0;
}

/* pci_setup(). */
static void set_up(struct state *state)
{
	const struct gpupt_mmio_guest *guest = state->model->guest;
	unsigned int bits = trusted_bits(guest);
	bool newer = guest->firmware_version >= 11700;
	if (newer && bits > 44 && ram_over_4g(guest) < GPUPT_TIB)
		bits = 44;
	if (!newer && bits > 46)
		bits = 46;
	state->top = bits ? gpupt_address_limit(bits) : 0;
	if (guest->firmware_version >= 11603)
		state->pad = (newer || bits >= 36) && ram_over_4g(guest);
}

/* ALIGN(): past the end of 64 bits it starts again at 0. */
static uint64_t align_wrapping(uint64_t x, uint64_t to)
{
	return (x + to - 1) & ~(to - 1);
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static uint64_t sum_of(const struct state *state, const struct region_state *region)
{
	uint64_t sum = 0;
	for (size_t i = region->first; i < region->first + region->n; i++)
		sum += state->entries[i].size;
	return sum;
}

static uint64_t align_of(const struct state *state, const struct region_state *region)
{
	return region->n ? state->entries[region->first].align : 1;
}

/* pci_bios_bridge_region_is64() */
static bool all_64(const struct state *state, const struct region_state *region)
{
	for (size_t i = region->first; i < region->first + region->n; i++)
		if (!state->entries[i].is64)
			return false;
	return true;
}

/* pci_bus_hotplug_support(): a PCIe port with a slot, hotplug or not; else SHPC. */
static bool takes_hotplug(const struct gpupt_mmio_model *model, size_t bridge)
{
	const struct gpupt_mmio_function *function = &model->functions[bridge];
	size_t parent = model->parent[bridge];
	switch (function->kind) {
	case GPUPT_MMIO_ROOT_PORT: return true;
	case GPUPT_MMIO_SWITCH: /* a downstream port is behind an upstream one */
		return parent < model->n && model->functions[parent].kind == GPUPT_MMIO_SWITCH;
	default: return function->hotplug;
	}
}

/* The window that bridge asks of the bus it is on. */
static struct entry window_entry(const struct state *state, size_t bridge, enum region which)
{
	const struct gpupt_mmio_function *function = &state->model->functions[bridge];
	const struct region_state *region = &state->regions[bridge][which];
	bool newer = state->model->guest->firmware_version >= 11603;
	bool mends = state->model->guest->firmware_version >= 11700;
	bool hotplug = takes_hotplug(state->model, bridge);
	bool is64 = which == PREF && all_64(state, region);
	uint64_t align = align_of(state, region), sum = sum_of(state, region), least = 0;
	if (which == MEM && function->has_mem_reserve)
		least = function->mem_reserve;
	if (which == PREF && function->has_pref64_reserve)
		least = function->pref64_reserve;
	if (align < BRIDGE_MIN)
		align = BRIDGE_MIN;
	if (hotplug && state->pad && is64 && (!mends || state->top >> 11 > align))
		align = state->top >> 11;
	if (hotplug && (newer ? align > sum : !sum))
		sum = align;
	return (struct entry){
		.function = bridge,
		.slot = SLOT_WINDOW + which,
		.size = gpupt_align_up(least > sum ? least : sum, align),
		.align = align,
		.is64 = is64,
	};
}

static int add(struct state *state, struct entry entry)
{
	if (!GPUPT_GROW(state->entries, state->n, state->capacity))
		return GPUPT_E_NOMEM;
	entry.order = state->n;
	state->entries[state->n++] = entry;
	return 0;
}

static int add_bars(struct state *state, size_t i, enum region which)
{
	const struct gpupt_mmio_function *function = &state->model->functions[i];
	for (size_t b = 0; b < function->n_bars; b++) {
		const struct gpupt_mmio_bar *bar = &function->bars[b];
		if (bar->io || gpupt_is_vf_bar(bar) || !gpupt_is_power_of_two(bar->size) ||
		    (bar->index != GPUPT_MMIO_ROM && bar->prefetchable) != which)
			continue;
		uint64_t size = bar->size > DEVICE_MIN ? bar->size : DEVICE_MIN;
		int r = add(state, (struct entry){ .function = i, .slot = (unsigned int)b,
						   .size = size, .align = size,
						   .is64 = bar->mem64 });
		if (r)
			return r;
	}
	return 0;
}

/* pci_bios_check_devices() for one bus: first the functions' own BARs, then the
 * windows of bridges from the highest bus down. All root buses count as bus 0. */
static int collect(struct state *state, size_t bus, enum region which)
{
	struct gpupt_mmio_model *model = state->model;
	struct region_state *region = &state->regions[bus][which];
	region->first = state->n;

	size_t roots = bus == model->n ? model->n_roots : 1;
	for (size_t k = 0; k < roots; k++) {
		size_t from = k ? model->roots[k] : bus;
		for (size_t c = model->buses[from].first; c != GPUPT_MMIO_NONE;
		     c = model->next[c]) {
			int r = add_bars(state, c, which);
			if (r)
				return r;
		}
	}
	size_t windows = state->n;
	for (size_t k = 0; k < roots; k++) {
		size_t from = k ? model->roots[k] : bus;
		for (size_t c = model->buses[from].first; c != GPUPT_MMIO_NONE;
		     c = model->next[c]) {
			if (!gpupt_is_bridge(&model->functions[c]))
				continue;
			int r = add(state, window_entry(state, c, which));
			if (r)
				return r;
		}
	}
	for (size_t i = windows; i < state->n; i++)
		state->entries[i].order = windows + (state->n - 1 - i);
	region->n = state->n - region->first;
	if (region->n)
		qsort(&state->entries[region->first], region->n, sizeof(struct entry), compare);
	return 0;
}

/* Moves what is 64 bits wide to the end of the region and out of it, into
 * *ret_moved: pci_region_migrate_64bit_entries(). USB controllers stay. */
static int migrate(struct state *state, struct region_state *region,
		   struct region_state *ret_moved)
{
	size_t first = state->n, end = region->first + region->n, kept = region->first;
	for (size_t i = region->first; i < end; i++) {
		struct entry entry = state->entries[i];
		uint32_t class_code = state->model->functions[entry.function].class_code;
		if (!entry.is64 || class_code >> 8 == 0x0c03) {
			state->entries[kept++] = entry;
			continue;
		}
		int r = add(state, entry);
		if (r)
			return r;
	}
	region->n = kept - region->first;
	*ret_moved = (struct region_state){ .first = first, .n = state->n - first };
	return 0;
}

/* pcimem_start and pcimem_end, as mch_mem_addr_setup() and i440fx_mem_addr_setup()
 * leave them. */
struct gpupt_range gpupt_seabios_low_window(const struct gpupt_mmio_guest *guest)
{
	uint64_t low = gpupt_qemu_low_ram(guest), bottom = 0xc0000000;
	if (guest->machine == GPUPT_MACHINE_I440FX)
		bottom = low <= 0x80000000 ? 0x80000000 : low <= 0xc0000000 ? 0xc0000000 : low;
	return (struct gpupt_range){ bottom, 0xfec00000 };
}

/* pci_bios_init_root_regions_mem(): below 4 GiB, from the top down. */
static bool fits_low(struct state *state)
{
	struct gpupt_range window = gpupt_seabios_low_window(state->model->guest);
	struct region_state *root = state->regions[state->model->n];
	struct region_state *start = &root[MEM], *end = &root[PREF];
	if (align_of(state, start) < align_of(state, end)) {
		start = &root[PREF];
		end = &root[MEM];
	}
	end->base = gpupt_align_down(window.end - sum_of(state, end), align_of(state, end));
	start->base = gpupt_align_down(end->base - sum_of(state, start), align_of(state, start));
	return start->base >= window.start && start->base <= window.end;
}

/* I/O ports on the bus behind a bridge, or on all root buses: those of the functions, and
 * what bridges pass on, which for a conventional one with hotplug is never nothing. */
static uint64_t ports_on(const struct state *state, size_t bus)
{
	const struct gpupt_mmio_model *model = state->model;
	uint64_t sum = 0;
	for (size_t c = model->buses[bus].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		const struct gpupt_mmio_function *function = &model->functions[c];
		for (size_t b = 0; b < function->n_bars; b++)
			if (function->bars[b].io)
				sum = gpupt_add(sum, function->bars[b].size);
		if (!gpupt_is_bridge(function))
			continue;
		bool least = function->kind == GPUPT_MMIO_PCI_BRIDGE && function->hotplug;
		uint64_t behind = gpupt_add(state->ports[c], least);
		sum = gpupt_add(sum, gpupt_align_up(behind, BRIDGE_IO_MIN));
	}
	return sum;
}

/* pci_bios_init_root_regions_io(): the ports from 0x1000 on, up to those of ACPI hotplug
 * on i440fx. */
static bool fits_ports(struct state *state)
{
	const struct gpupt_mmio_model *model = state->model;
	uint64_t end = model->guest->machine == GPUPT_MACHINE_I440FX ? 0xa000 : 0x10000, sum = 0;
	for (size_t i = model->n; i-- > 0;)
		if (gpupt_is_bridge(&model->functions[i]))
			state->ports[i] = ports_on(state, i);
	for (size_t k = 0; k < model->n_roots; k++)
		sum = gpupt_add(sum, ports_on(state, model->roots[k]));
	return sum < end - 0x1000;
}

/* panic(): it halts, and the guest goes no further. */
static int stop(struct gpupt_mmio_model *model, const char *why)
{
	model->firmware_aborted = true;
	for (size_t i = 0; i < model->n; i++)
		for (size_t b = 0; b < model->functions[i].n_bars; b++)
			model->functions[i].bars[b].reason = why;
	return 0;
}

/* e820_is_used(), for what lies above 4 GiB. */
static bool is_used(const struct gpupt_mmio_guest *guest, uint64_t start, uint64_t size)
{
	struct gpupt_range reserved = gpupt_qemu_reserved(guest);
	return start + size > reserved.start && start < reserved.end;
}

/* The part of pci_bios_map_devices() that lays out the 64-bit window. */
static void lay_out_high(struct state *state, struct region_state *mem,
			 struct region_state *pref)
{
	const struct gpupt_mmio_guest *guest = state->model->guest;
	uint64_t sum_mem = sum_of(state, mem), sum_pref = sum_of(state, pref);
	uint64_t base = 4 * GPUPT_GIB + ram_over_4g(guest);
	if (guest->max_ram_bytes > guest->ram_bytes && gpupt_qemu_hole_start(guest) > base)
		base = gpupt_qemu_hole_start(guest);
	if (state->top) {
		uint64_t size = align_wrapping(sum_mem, GPUPT_GIB) +
				align_wrapping(sum_pref, GPUPT_GIB);
		if (state->pad)
			size = align_wrapping(size, state->top >> 3);
		if (base < state->top - size)
			base = state->top - size;
		if (is_used(guest, base, size))
			base -= size;
	}
	mem->base = align_wrapping(align_wrapping(base, align_of(state, mem)), GPUPT_GIB);
	pref->base = align_wrapping(mem->base + sum_mem, align_of(state, pref));
	pref->base = align_wrapping(pref->base, GPUPT_GIB);
	state->model->firmware_window = (struct gpupt_range){
		mem->base, align_wrapping(pref->base + sum_pref, GPUPT_GIB) };
}

/* pci_region_map_entries(): one after the other, whatever their alignment. */
static void map(struct state *state, const struct region_state *region)
{
	struct gpupt_mmio_model *model = state->model;
	uint64_t address = region->base;
	for (size_t i = region->first; i < region->first + region->n; i++) {
		const struct entry *entry = &state->entries[i];
		if (entry->slot < SLOT_WINDOW) {
			struct gpupt_mmio_bar *bar =
				&model->functions[entry->function].bars[entry->slot];
			/* The register drops the bits below the size. */
			bar->address = gpupt_align_down(address, bar->size);
			bar->placed_by = GPUPT_MMIO_FIRMWARE;
		} else {
			struct gpupt_range window = { address, gpupt_add(address, entry->size) };
			state->regions[entry->function][entry->slot - SLOT_WINDOW].base = address;
			if (entry->slot == SLOT_WINDOW + PREF)
				model->buses[entry->function].pref = window;
			else
				model->buses[entry->function].mem = window;
		}
		address += entry->size;
	}
}

static int place(struct state *state)
{
	struct gpupt_mmio_model *model = state->model;
	struct region_state *root = state->regions[model->n];
	struct region_state high[N_REGIONS] = { 0 };
	set_up(state);
	if (!fits_ports(state))
		return stop(model, "SeaBIOS stops before the guest boots: it runs out of I/O "
				   "ports");
	for (size_t i = model->n + 1; i-- > 0;) {
		size_t bus = i ? i - 1 : model->n;
		for (enum region w = MEM; w < N_REGIONS; w++) {
			int r = bus == model->n || gpupt_is_bridge(&model->functions[bus])
					? collect(state, bus, w) : 0;
			if (r)
				return r;
		}
	}
	if (state->pad || !fits_low(state)) {
		for (enum region w = MEM; w < N_REGIONS; w++) {
			int r = migrate(state, &root[w], &high[w]);
			if (r)
				return r;
		}
		if (!fits_low(state))
			return stop(model, "SeaBIOS stops before the guest boots: what has to lie "
					   "below 4 GiB does not fit there");
		lay_out_high(state, &high[MEM], &high[PREF]);
		map(state, &high[MEM]);
		map(state, &high[PREF]);
	}
	for (enum region w = MEM; w < N_REGIONS; w++)
		map(state, &root[w]);
	for (size_t i = 0; i < model->n; i++)
		for (enum region w = MEM; w < N_REGIONS; w++)
			if (gpupt_is_bridge(&model->functions[i]))
				map(state, &state->regions[i][w]);
	return 0;
}

int gpupt_seabios_place(struct gpupt_mmio_model *model)
{
	struct state state = { .model = model };
	state.regions = calloc(model->n + 1, sizeof(*state.regions));
	state.ports = calloc(model->n + 1, sizeof(*state.ports));
	int r = state.regions && state.ports ? place(&state) : GPUPT_E_NOMEM;
	free(state.entries);
	free(state.regions);
	free(state.ports);
	return r;
}

unsigned int gpupt_seabios_traits(const struct gpupt_mmio_guest *guest)
{
	return trusted_bits(guest) | (guest->firmware_version >= 11603) << 7 |
	       (guest->firmware_version >= 11700) << 8;
}
