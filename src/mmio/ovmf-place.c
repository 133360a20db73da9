/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/ovmf.h"

#include <gpupt/error.h>

#include "base/util.h"

/* How edk2's PciBusDxe (PciLib.c, PciResourceSupport.c, PciEnumerator.c) places BARs;
 * in substance unchanged from stable202005 to 2026.
 * Every bus has three trees: I/O, the bridge's 32-bit window and its prefetchable
 * window; on a root bus the last two are below and above 4 GiB. Every root bus may use
 * the same addresses (OvmfPkg, PciHostBridgeUtilityLib); the main one comes first. I/O is
 * here for what its lack does to the others: a port that loses its reservation loses it
 * for all three. */

/* Resource nodes of one function: bars[i] is node i, then a bridge's windows and
 * what is reserved behind it for hotplug. */
enum { NODE_WINDOW = 7, NODE_PADDING = NODE_WINDOW + N_TREES,
       NODES = NODE_PADDING + N_TREES };

struct node {
	uint64_t length;
	uint64_t align;
	uint64_t offset;
	size_t next;
};

struct result {
	size_t first; /* nodes on this bus, in order */
	uint64_t length;
	uint64_t align;
	size_t best; /* what would be rejected first */
	struct gpupt_ovmf_request request; /* of a root bus */
};

#define IO_GRANULE (4 * GPUPT_KIB)

/* Sorted by alignment, largest first: one chain for each. */
struct list {
	uint64_t used;
	size_t head[64];
};

struct bus {
	struct result results[N_TREES];
	uint64_t rom;  /* the largest option ROM on it */
	bool pref_low; /* its prefetchable window is a 32-bit one */
	bool gone;     /* the function, or what was reserved behind the bridge, is rejected */
};

struct gpupt_ovmf {
	struct gpupt_mmio_model *model;
	bool high; /* there is a window above 4 GiB */
	struct gpupt_space free[N_TREES]; /* addresses that no root bus has yet */
	struct node *nodes;               /* NODES for each bus */
	struct bus buses[];               /* behind function i; the main root bus is the last */
};

static unsigned int order_of(uint64_t align)
{
	return 63 - (unsigned int)__builtin_clzll(align);
}

/* InsertResourceNode(). Among equals the newest goes first, unless its length is
 * no multiple of the alignment and leaves less over than the others' do. */
static void insert(struct gpupt_ovmf *state, struct list *list, size_t id)
{
	struct node *node = &state->nodes[id];
	unsigned int order = order_of(node->align);
	if (!(list->used >> order & 1)) {
		list->used |= UINT64_C(1) << order;
		list->head[order] = GPUPT_MMIO_NONE;
	}
	uint64_t rest = node->length & (node->align - 1);
	size_t *at = &list->head[order];
	while (*at != GPUPT_MMIO_NONE && rest &&
	       rest < (state->nodes[*at].length & (node->align - 1)))
		at = &state->nodes[*at].next;
	node->next = *at;
	*at = id;
}

/* MergeResourceTree(). */
static void merge(struct gpupt_ovmf *state, struct list *into, struct list *from)
{
	for (uint64_t left = from->used; left;) {
		unsigned int order = order_of(left);
		left &= ~(UINT64_C(1) << order);
		for (size_t id = from->head[order]; id != GPUPT_MMIO_NONE;) {
			size_t next = state->nodes[id].next;
			insert(state, into, id);
			id = next;
		}
	}
	from->used = 0;
}

static size_t chain(struct gpupt_ovmf *state, struct list *list)
{
	size_t first = GPUPT_MMIO_NONE;
	size_t *tail = &first;
	for (uint64_t left = list->used; left;) {
		unsigned int order = order_of(left);
		left &= ~(UINT64_C(1) << order);
		*tail = list->head[order];
		while (*tail != GPUPT_MMIO_NONE)
			tail = &state->nodes[*tail].next;
	}
	return first;
}

/* IsRejectiveDevice(): nothing on bus 0 and no VGA. */
static bool may_be_rejected(const struct gpupt_ovmf *state, size_t id)
{
	size_t function = id / NODES;
	if (gpupt_is_root(state->model, function))
		return false;
	if (id % NODES >= NODE_PADDING)
		return true;
	return state->model->parent[function] != state->model->n &&
	       state->model->functions[function].class_code != 0x030000;
}

/* GetMaxResourceConsumerDevice(), bottom up: the longest, the last of equals. */
static size_t larger(const struct gpupt_ovmf *state, size_t best, size_t id)
{
	size_t kind = id % NODES;
	if (kind >= NODE_WINDOW && kind < NODE_PADDING)
		id = state->buses[id / NODES].results[kind - NODE_WINDOW].best;
	else if (!may_be_rejected(state, id))
		return best;
	if (id == GPUPT_MMIO_NONE || best == GPUPT_MMIO_NONE)
		return best == GPUPT_MMIO_NONE ? id : best;
	return state->nodes[best].length > state->nodes[id].length ? best : id;
}

/* CalculateResourceAperture(). */
static void measure(struct gpupt_ovmf *state, struct list *list, uint64_t granule,
		    struct result *result)
{
	uint64_t used = 0, reserved = 0;
	result->first = chain(state, list);
	result->best = GPUPT_MMIO_NONE;
	result->align = granule;
	for (size_t id = result->first; id != GPUPT_MMIO_NONE; id = state->nodes[id].next) {
		struct node *node = &state->nodes[id];
		uint64_t *end = id % NODES >= NODE_PADDING ? &reserved : &used;
		node->offset = gpupt_align_up(*end, node->align);
		*end = gpupt_add(node->offset, node->length);
		result->best = larger(state, result->best, id);
	}
	used = gpupt_align_up(used, granule);
	if (granule != IO_GRANULE) /* CalculateApertureIo16() leaves it as it is */
		reserved = gpupt_align_up(reserved, granule);
	result->length = used > reserved ? used : reserved;
	if (result->first != GPUPT_MMIO_NONE && state->nodes[result->first].align > result->align)
		result->align = state->nodes[result->first].align;
}

struct lists {
	struct list io, mem32, pmem32, mem64, pmem64;
};

static void add(struct gpupt_ovmf *state, struct list *list, size_t id, uint64_t length,
		uint64_t align)
{
	state->nodes[id].length = length;
	state->nodes[id].align = align;
	insert(state, list, id);
}

/* GetResourceFromDevice(), PciParseBar() and, for VFs, PciIovParseVfBar(): as many as
 * there can be. Option ROMs share room on the root bus. */
static void add_bars(struct gpupt_ovmf *state, struct lists *lists, size_t i)
{
	const struct gpupt_mmio_function *function = &state->model->functions[i];
	if (state->buses[i].gone && !gpupt_is_bridge(function))
		return;
	for (size_t b = 0; b < function->n_bars; b++) {
		const struct gpupt_mmio_bar *bar = &function->bars[b];
		if (bar->index == GPUPT_MMIO_ROM || !gpupt_is_power_of_two(bar->size))
			continue;
		struct list *list = bar->mem64 ? &lists->mem64 : &lists->mem32;
		if (bar->io)
			list = &lists->io;
		else if (bar->prefetchable)
			list = bar->mem64 ? &lists->pmem64 : &lists->pmem32;
		/* At least a page, so that memory can be handed on. */
		bool small = !bar->io && bar->size < 4 * GPUPT_KIB;
		add(state, list, i * NODES + b, bar->size, small ? 4 * GPUPT_KIB : bar->size);
	}
}

static void add_windows(struct gpupt_ovmf *state, struct lists *lists, size_t i)
{
	const struct result *results = state->buses[i].results;
	if (results[IO].first != GPUPT_MMIO_NONE)
		add(state, &lists->io, i * NODES + NODE_WINDOW + IO, results[IO].length,
		    results[IO].align);
	if (results[MEM].first != GPUPT_MMIO_NONE)
		add(state, &lists->mem32, i * NODES + NODE_WINDOW + MEM, results[MEM].length,
		    results[MEM].align);
	if (results[PREF].first != GPUPT_MMIO_NONE)
		add(state, state->buses[i].pref_low ? &lists->pmem32 : &lists->pmem64,
		    i * NODES + NODE_WINDOW + PREF, results[PREF].length, results[PREF].align);
}

/* ApplyResourcePadding(). */
static void add_padding(struct gpupt_ovmf *state, struct lists *lists, size_t i)
{
	const struct gpupt_mmio_function *port = &state->model->functions[i];
	if (state->buses[i].gone || !gpupt_is_bridge(port))
		return;
	uint64_t size = gpupt_ovmf_padding_io(state->model->guest, port);
	if (size)
		add(state, &lists->io, i * NODES + NODE_PADDING + IO, size, size);
	size = gpupt_ovmf_padding_mem(port);
	if (size)
		add(state, &lists->mem32, i * NODES + NODE_PADDING + MEM, size, size);
	size = gpupt_ovmf_padding_pref(state->model->guest, port);
	if (size)
		add(state, &lists->pmem64, i * NODES + NODE_PADDING + PREF, size, size);
}

/* GetMaxOptionRomSize(), one function or all behind a bridge. */
static uint64_t rom_of(const struct gpupt_ovmf *state, size_t i)
{
	const struct gpupt_mmio_function *function = &state->model->functions[i];
	if (gpupt_is_bridge(function))
		return state->buses[i].rom;
	for (size_t b = 0; b < function->n_bars && !state->buses[i].gone; b++)
		if (function->bars[b].index == GPUPT_MMIO_ROM && gpupt_is_power_of_two(function->bars[b].size))
			return function->bars[b].size;
	return 0;
}

/* CreateResourceMap(): what the functions on bus i ask for. */
static void collect(struct gpupt_ovmf *state, struct lists *lists, size_t i)
{
	struct gpupt_mmio_model *model = state->model;
	uint64_t rom = 0;
	for (size_t c = model->buses[i].first; c != GPUPT_MMIO_NONE; c = model->next[c])
		if (rom_of(state, c) > rom)
			rom = rom_of(state, c);
	state->buses[i].rom = rom;
	/* Room to show the largest option ROM in, in the root bridge's name. */
	if (gpupt_is_root(model, i) && rom)
		add(state, &lists->mem32, i * NODES, rom, rom);
	for (size_t c = model->buses[i].first; c != GPUPT_MMIO_NONE; c = model->next[c]) {
		add_bars(state, lists, c);
		if (gpupt_is_bridge(&model->functions[c]))
			add_windows(state, lists, c);
	}
}

/* DegradeResource() and CalculateResourceAperture() for the bus behind bridge i,
 * or for a root bus. */
static void size_bus(struct gpupt_ovmf *state, size_t i)
{
	bool root = gpupt_is_root(state->model, i);
	struct lists lists;
	lists.io.used = lists.mem32.used = lists.pmem32.used = 0;
	lists.mem64.used = lists.pmem64.used = 0;
	collect(state, &lists, i);
	if (!root)
		add_padding(state, &lists, i);
	if (!root || !state->high)
		merge(state, &lists.mem32, &lists.mem64);
	if (root && !state->high)
		merge(state, &lists.pmem32, &lists.pmem64);
	if (root || lists.pmem64.used)
		merge(state, &lists.mem32, &lists.pmem32);
	if (root)
		merge(state, &lists.mem64, &lists.pmem64);
	/* Behind a bridge a window is 64 bits wide or holds 32-bit BARs alone. */
	struct list *pref = root ? &lists.mem64 : &lists.pmem64;
	if (!root) {
		state->buses[i].pref_low = !lists.pmem64.used;
		if (state->buses[i].pref_low)
			pref = &lists.pmem32;
	}
	measure(state, &lists.io, IO_GRANULE, &state->buses[i].results[IO]);
	measure(state, &lists.mem32, GPUPT_MIB, &state->buses[i].results[MEM]);
	measure(state, pref, GPUPT_MIB, &state->buses[i].results[PREF]);
}

/* RejectPciDevice(). */
static bool reject(struct gpupt_ovmf *state, size_t id)
{
	if (id == GPUPT_MMIO_NONE || state->buses[id / NODES].gone)
		return false;
	size_t function = id / NODES;
	state->buses[function].gone = true;
	size_t bus = id % NODES >= NODE_PADDING ? function : state->model->parent[function];
	for (;;) {
		size_bus(state, bus);
		if (gpupt_is_root(state->model, bus))
			return true;
		bus = state->model->parent[bus];
	}
}

/* Root bus by root bus. */
static int allocate(struct gpupt_ovmf *state, bool *ret_all)
{
	const struct gpupt_mmio_model *model = state->model;
	const struct gpupt_range windows[N_TREES] = { gpupt_ovmf_io_window(model->guest),
						      gpupt_ovmf_low_window(model->guest),
						      model->firmware_window };
	*ret_all = true;
	for (enum tree t = IO; t < N_TREES; t++) {
		int r = gpupt_space_set(&state->free[t], windows[t]);
		if (r)
			return r;
	}
	for (size_t k = 0; k < model->n_roots; k++) {
		struct result *results = state->buses[model->roots[k]].results;
		struct gpupt_ovmf_request *requests[N_TREES];
		for (enum tree t = IO; t < N_TREES; t++) {
			requests[t] = &results[t].request;
			requests[t]->wanted = results[t].first != GPUPT_MMIO_NONE;
			requests[t]->length = results[t].length;
			requests[t]->align = results[t].align;
		}
		int r = gpupt_ovmf_allocate(state->free, requests, ret_all);
		if (r)
			return r;
	}
	return 0;
}

/* ProgramResource() for one bus: its nodes get their addresses. */
static void program(struct gpupt_ovmf *state, size_t bus, enum tree tree, uint64_t base)
{
	struct gpupt_mmio_model *model = state->model;
	for (size_t id = state->buses[bus].results[tree].first; id != GPUPT_MMIO_NONE;
	     id = state->nodes[id].next) {
		const struct node *node = &state->nodes[id];
		size_t function = id / NODES, kind = id % NODES;
		struct gpupt_range range = { base + node->offset, 0 };
		range.end = gpupt_add(range.start, node->length);
		if (gpupt_is_root(model, function))
			continue;
		if (kind < NODE_WINDOW) {
			struct gpupt_mmio_bar *bar = &model->functions[function].bars[kind];
			bar->placed_by = GPUPT_MMIO_FIRMWARE;
			bar->address = range.start;
		} else if (kind == NODE_WINDOW + MEM) {
			model->buses[function].mem = range;
		} else if (kind == NODE_WINDOW + PREF) {
			model->buses[function].pref = range;
		}
	}
}

/* GetMaxResourceConsumerDevice() for all root buses, which are sorted like anything
 * else. */
static size_t largest(struct gpupt_ovmf *state, enum tree tree)
{
	const struct gpupt_mmio_model *model = state->model;
	struct list list = { 0 };
	size_t best = GPUPT_MMIO_NONE;
	for (size_t k = 0; k < model->n_roots; k++) {
		const struct result *result = &state->buses[model->roots[k]].results[tree];
		add(state, &list, model->roots[k] * NODES + NODE_WINDOW + tree, result->length,
		    result->align);
	}
	for (size_t id = chain(state, &list); id != GPUPT_MMIO_NONE; id = state->nodes[id].next)
		best = larger(state, best, id);
	return best;
}

/* PciHostBridgeAdjustAllocation(). Whether a tree failed is what the last root bus that
 * asked for it says: GetResourceAllocationStatus() forgets the others. */
static bool reject_largest(struct gpupt_ovmf *state)
{
	const struct gpupt_mmio_model *model = state->model;
	size_t best[N_TREES];
	bool any = false;
	for (enum tree t = IO; t < N_TREES; t++) {
		bool failed = false;
		for (size_t k = 0; k < model->n_roots; k++) {
			const struct gpupt_ovmf_request *request =
				&state->buses[model->roots[k]].results[t].request;
			failed = request->asked ? !request->ok : failed;
		}
		best[t] = failed ? largest(state, t) : GPUPT_MMIO_NONE;
	}
	for (enum tree t = IO; t < N_TREES; t++)
		any |= reject(state, best[t]);
	return any;
}

/* SubmitResources() in PciHostBridgeDxe takes no request for 4 GiB or more of 32-bit
 * addresses, which is what all becomes without a 64-bit window. */
static bool is_acceptable(const struct gpupt_ovmf *state)
{
	const struct gpupt_mmio_model *model = state->model;
	for (size_t k = 0; k < model->n_roots; k++)
		if (state->buses[model->roots[k]].results[MEM].length >= 4 * GPUPT_GIB)
			return false;
	return true;
}

/* PciHostBridgeResourceAllocator(): allocate, else reject the largest and try
 * again. Gives up, and then programs nothing at all, when nothing can be
 * rejected; also when nothing is left to ask for above 4 GiB, since
 * PciHostBridgeDxe keeps the request that failed. */
static int settle(struct gpupt_ovmf *state, bool *ret_done)
{
	*ret_done = false;
	if (!is_acceptable(state))
		return 0;
	while (!*ret_done) {
		int r = allocate(state, ret_done);
		if (r || (!*ret_done && !reject_largest(state)))
			return r;
	}
	return 0;
}

static int place(struct gpupt_ovmf *state)
{
	struct gpupt_mmio_model *model = state->model;
	for (size_t i = model->n; i-- > 0;)
		if (gpupt_is_bridge(&model->functions[i]))
			size_bus(state, i);
	for (size_t k = 0; k < model->n_roots; k++)
		size_bus(state, model->roots[k]);
	bool done;
	int r = settle(state, &done);
	if (r)
		return r;
	model->firmware_aborted = !done;
	if (!done)
		return 0;
	for (size_t k = 0; k < model->n_roots; k++)
		for (enum tree t = MEM; t < N_TREES; t++)
			program(state, model->roots[k], t,
				state->buses[model->roots[k]].results[t].request.base);
	for (size_t i = 0; i < model->n; i++)
		if (gpupt_is_bridge(&model->functions[i])) {
			program(state, i, MEM, model->buses[i].mem.start);
			program(state, i, PREF, model->buses[i].pref.start);
		}
	return 0;
}

void gpupt_ovmf_free(struct gpupt_ovmf *state)
{
	for (enum tree t = IO; state && t < N_TREES; t++)
		gpupt_space_clear(&state->free[t]);
	free(state);
}

/* One block: the state, its buses, their nodes. */
static struct gpupt_ovmf *make_state(struct gpupt_mmio_model *model)
{
	const size_t count = model->n + 1, size = sizeof(struct bus) + NODES * sizeof(struct node);
	struct gpupt_ovmf *state = malloc(sizeof(*state) + count * size);
	if (!state)
		return NULL;
	*state = (struct gpupt_ovmf){ .model = model };
	state->nodes = (struct node *)&state->buses[count];
	return state;
}

int gpupt_ovmf_place(struct gpupt_mmio_model *model)
{
	const struct result nothing = { .first = GPUPT_MMIO_NONE, .best = GPUPT_MMIO_NONE };
	struct gpupt_ovmf *state = model->ovmf ? model->ovmf : make_state(model);
	if (!state)
		return GPUPT_E_NOMEM;
	model->ovmf = state;
	model->firmware_window = gpupt_ovmf_window(model->guest);
	state->high = !gpupt_range_empty(model->firmware_window);
	for (size_t i = 0; i <= model->n; i++)
		state->buses[i] = (struct bus){ .results = { nothing, nothing, nothing } };
	return place(state);
}
