/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/mmio.h"

#include <gpupt/error.h>

#include "base/util.h"
#include "mmio/model.h"

static enum gpupt_mmio_outcome outcome_of(const struct gpupt_mmio_function *functions, size_t n)
{
	enum gpupt_mmio_outcome outcome = GPUPT_MMIO_ALL_FIRMWARE;
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &functions[i].bars[b];
			if (!gpupt_is_memory(bar))
				continue;
			if (bar->placed_by == GPUPT_MMIO_NOBODY)
				return GPUPT_MMIO_SOME;
			if (bar->placed_by == GPUPT_MMIO_KERNEL)
				outcome = GPUPT_MMIO_ALL;
		}
	return outcome;
}

static uint64_t max_hole_rounded(uint64_t hole)
{
	return gpupt_align_down(hole, GPUPT_GIB);
}

struct gpupt_range gpupt_firmware_low_window(const struct gpupt_mmio_guest *guest)
{
	return guest->firmware == GPUPT_FIRMWARE_OVMF ? gpupt_ovmf_low_window(guest)
						      : gpupt_seabios_low_window(guest);
}

struct gpupt_range gpupt_firmware_window(const struct gpupt_mmio_guest *guest)
{
	return guest->firmware == GPUPT_FIRMWARE_OVMF ? gpupt_ovmf_window(guest)
						      : (struct gpupt_range){ 0 };
}

/* A guest has so many buses; what is more is not modelled. */
#define MAX_BUSES 256
#define MAX_FUNCTIONS_ON_BUS 256

static bool too_many(const struct gpupt_mmio_model *model)
{
	size_t buses = 1;
	for (size_t i = 0; i <= model->n; i++) {
		buses += i < model->n && model->functions[i].kind != GPUPT_MMIO_ENDPOINT;
		size_t on_bus = 0;
		for (size_t c = model->buses[i].first; c != GPUPT_MMIO_NONE; c = model->next[c])
			on_bus++;
		if (on_bus > MAX_FUNCTIONS_ON_BUS)
			return true;
	}
	return buses > MAX_BUSES;
}

/* Nothing has an address, for one reason. */
static void place_nothing(struct gpupt_mmio_function *functions, size_t n, const char *reason)
{
	for (size_t i = 0; i < n; i++) {
		functions[i].window_mem = functions[i].window_pref = (struct gpupt_range){ 0 };
		for (size_t b = 0; b < functions[i].n_bars; b++) {
			functions[i].bars[b].placed_by = GPUPT_MMIO_NOBODY;
			functions[i].bars[b].address = 0;
			functions[i].bars[b].reason = reason;
			functions[i].bars[b].trapped = false;
		}
	}
}

static void keep_windows(const struct gpupt_mmio_model *model)
{
	for (size_t i = 0; i < model->n; i++) {
		model->functions[i].window_mem = model->buses[i].mem;
		model->functions[i].window_pref = model->buses[i].pref;
	}
}

/* ---- what is known already ---- */

/* What a guest looked like when its firmware, or its kernel, had done its part. */
struct outcome {
	struct gpupt_mmio_guest guest;
	uint64_t traits;
	uint64_t hole_start;
	struct gpupt_mmio_result result;
	bool aborted;
	struct gpupt_range window;
	struct gpupt_mmio_bus *buses; /* in the same block; of the firmware's only */
	struct gpupt_mmio_function functions[];
};

/* Kernels and holes are tried in turn, and a few CPUs: that many are kept. */
enum { MAX_OUTCOMES = 16 };

struct memory {
	struct outcome *outcomes[MAX_OUTCOMES];
	size_t n, next; /* where the next one goes */
};

struct gpupt_mmio_session_state {
	bool too_many; /* more than PCI can address: nothing is placed */
	struct gpupt_mmio_guest guest; /* the one at hand */
	struct gpupt_mmio_model model;
	struct memory firmware, kernel;
};

int gpupt_mmio_session_init(struct gpupt_mmio_session *session,
			    struct gpupt_mmio_function *functions, size_t n_functions)
{
	*session = (struct gpupt_mmio_session){ .functions = functions,
						.n_functions = n_functions };
	struct gpupt_mmio_session_state *state = calloc(1, sizeof(*state));
	session->state = state;
	if (state && gpupt_model_init(&state->model, &state->guest, functions, n_functions) == 0) {
		state->too_many = too_many(&state->model);
		return 0;
	}
	gpupt_mmio_session_clear(session);
	return GPUPT_E_NOMEM;
}

static void forget(struct memory *memory)
{
	for (size_t i = 0; i < memory->n; i++)
		free(memory->outcomes[i]);
	*memory = (struct memory){ 0 };
}

void gpupt_mmio_session_forget(struct gpupt_mmio_session *session)
{
	forget(&session->state->firmware);
	forget(&session->state->kernel);
	session->last_minimum = 0;
}

void gpupt_mmio_session_clear(struct gpupt_mmio_session *session)
{
	struct gpupt_mmio_session_state *state = session->state;
	if (state) {
		gpupt_mmio_session_forget(session);
		gpupt_model_clear(&state->model);
		free(state);
	}
	*session = (struct gpupt_mmio_session){ 0 };
}

/* Firmware sees neither the kernel nor the hole, but for where the hole starts. */
static bool same_to_firmware(const struct gpupt_mmio_guest *a, const struct gpupt_mmio_guest *b)
{
	return a->machine == b->machine && a->ram_bytes == b->ram_bytes &&
	       a->max_ram_bytes == b->max_ram_bytes && a->memory_slots == b->memory_slots &&
	       a->epc_bytes == b->epc_bytes && a->phys_bits == b->phys_bits &&
	       a->firmware == b->firmware && a->has_window_override == b->has_window_override &&
	       a->window_override_mib == b->window_override_mib;
}

static bool same_to_kernel(const struct gpupt_mmio_guest *a, const struct gpupt_mmio_guest *b)
{
	return same_to_firmware(a, b) && a->realloc == b->realloc &&
	       gpupt_qemu_hole_bytes(a) == gpupt_qemu_hole_bytes(b);
}

static const struct outcome *recall(const struct memory *memory,
				    const struct gpupt_mmio_guest *guest, uint64_t traits,
				    uint64_t hole_start,
				    bool (*same)(const struct gpupt_mmio_guest *,
						 const struct gpupt_mmio_guest *))
{
	for (size_t i = 0; i < memory->n; i++) {
		const struct outcome *outcome = memory->outcomes[i];
		if (outcome->traits == traits && outcome->hole_start == hole_start &&
		    same(&outcome->guest, guest))
			return outcome;
	}
	return NULL;
}

static struct outcome *make_outcome(const struct gpupt_mmio_model *model)
{
	size_t buses = (model->n + 1) * sizeof(*model->buses);
	struct outcome *outcome =
		malloc(sizeof(*outcome) + buses + model->n * sizeof(*model->functions));
	if (outcome)
		outcome->buses = (struct gpupt_mmio_bus *)&outcome->functions[model->n];
	return outcome;
}

/* Keeps what the model holds now, in place of the oldest if need be; NULL: no memory. */
static struct outcome *keep(struct memory *memory, const struct gpupt_mmio_model *model,
			    uint64_t traits, uint64_t hole_start)
{
	struct outcome **place = &memory->outcomes[memory->next];
	if (!*place) {
		*place = make_outcome(model);
		if (!*place)
			return NULL;
		memory->n++;
	}
	struct outcome *outcome = *place;
	memcpy(outcome->functions, model->functions, model->n * sizeof(*model->functions));
	outcome->guest = *model->guest;
	outcome->traits = traits;
	outcome->hole_start = hole_start;
	outcome->aborted = model->firmware_aborted;
	outcome->window = model->firmware_window;
	memory->next = (memory->next + 1) % MAX_OUTCOMES;
	return outcome;
}

/* Leaves the model as the firmware does. */
static int run_firmware(struct gpupt_mmio_session_state *state, uint64_t traits,
			uint64_t hole_start)
{
	struct gpupt_mmio_model *model = &state->model;
	const struct outcome *known =
		recall(&state->firmware, &state->guest, traits, hole_start, same_to_firmware);
	if (known) {
		memcpy(model->functions, known->functions, model->n * sizeof(*model->functions));
		memcpy(model->buses, known->buses, (model->n + 1) * sizeof(*model->buses));
		model->firmware_aborted = known->aborted;
		model->firmware_window = known->window;
		return 0;
	}
	gpupt_model_reset(model);
	int r = state->guest.firmware == GPUPT_FIRMWARE_OVMF ? gpupt_ovmf_place(model)
							     : gpupt_seabios_place(model);
	struct outcome *outcome = r ? NULL : keep(&state->firmware, model, traits, hole_start);
	if (!outcome)
		return GPUPT_E_NOMEM;
	memcpy(outcome->buses, model->buses, (model->n + 1) * sizeof(*model->buses));
	return 0;
}

static int run_kernel(struct gpupt_mmio_model *model, struct gpupt_mmio_result *result)
{
	model->window = gpupt_qemu_window(model->guest, gpupt_model_programmed(model));
	result->firmware_stopped = model->firmware_aborted &&
				   model->guest->firmware == GPUPT_FIRMWARE_SEABIOS;
	int r = result->firmware_stopped ? 0 : gpupt_linux_place(model);
	if (r)
		return r;
	keep_windows(model);
	result->outcome = result->firmware_stopped ? GPUPT_MMIO_SOME
						   : outcome_of(model->functions, model->n);
	result->firmware_aborted = model->firmware_aborted;
	result->window_start = model->window.start;
	result->window_end = model->window.end;
	result->firmware_window_start = model->firmware_window.start;
	result->firmware_window_end = model->firmware_window.end;
	result->highest_end = gpupt_model_programmed(model).end;
	return 0;
}

static int run(struct gpupt_mmio_session *session, struct gpupt_mmio_result *result)
{
	struct gpupt_mmio_session_state *state = session->state;
	struct gpupt_mmio_model *model = &state->model;
	uint64_t traits = gpupt_mmio_traits(&state->guest);
	const struct outcome *known = recall(&state->kernel, &state->guest, traits,
					     result->hole_start, same_to_kernel);
	if (known) {
		memcpy(model->functions, known->functions, model->n * sizeof(*model->functions));
		*result = known->result;
		return 0;
	}
	int r = run_firmware(state, traits & ~GPUPT_MMIO_KERNEL_TRAITS, result->hole_start);
	if (!r)
		r = run_kernel(model, result);
	struct outcome *outcome =
		r ? NULL : keep(&state->kernel, model, traits, result->hole_start);
	if (!outcome)
		return GPUPT_E_NOMEM;
	outcome->result = *result;
	return 0;
}

int gpupt_mmio_session_place(struct gpupt_mmio_session *session,
			     const struct gpupt_mmio_guest *guest, struct gpupt_mmio_result *ret)
{
	struct gpupt_mmio_result result = {
		.hole_start = gpupt_qemu_hole_start(guest),
		.max_hole = gpupt_qemu_max_hole(guest),
	};
	const char *nothing = NULL;
	if (gpupt_qemu_refuses(guest)) {
		result.outcome = GPUPT_MMIO_REFUSED;
		nothing = "QEMU does not start with this hole";
	} else if (session->state->too_many) {
		result.outcome = GPUPT_MMIO_SOME;
		nothing = "the guest has more functions or buses than PCI can address";
	}
	session->state->guest = *guest;
	if (nothing)
		place_nothing(session->functions, session->n_functions, nothing);
	int r = nothing ? 0 : run(session, &result);
	if (r == 0)
		*ret = result;
	return r;
}

GPUPT_EXPORT int gpupt_mmio_place(const struct gpupt_mmio_guest *guest,
				  struct gpupt_mmio_function *functions, size_t n_functions,
				  struct gpupt_mmio_result *ret)
{
	struct gpupt_mmio_session session;
	int r = gpupt_mmio_session_init(&session, functions, n_functions);
	if (!r)
		r = gpupt_mmio_session_place(&session, guest, ret);
	gpupt_mmio_session_clear(&session);
	return r;
}

/* ---- the smallest hole ---- */

struct trial {
	struct gpupt_mmio_session *session;
	struct gpupt_mmio_guest guest;
	size_t placed; /* 64-bit prefetchable BARs that have an address */
	size_t total;
	struct gpupt_mmio_result result;
};

static int try_hole(struct trial *trial, uint64_t hole)
{
	trial->guest.hole_set = true;
	trial->guest.hole_bytes = hole;
	const struct gpupt_mmio_session *session = trial->session;
	int r = gpupt_mmio_session_place(trial->session, &trial->guest, &trial->result);
	trial->placed = trial->total = 0;
	for (size_t i = 0; i < session->n_functions; i++)
		for (size_t b = 0; b < session->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &session->functions[i].bars[b];
			if (!gpupt_is_memory(bar) || !gpupt_is_pref64(bar))
				continue;
			trial->total++;
			trial->placed += bar->placed_by != GPUPT_MMIO_NOBODY;
		}
	return r;
}

/* Whether a hole of `gib` GiB places as many as `best`. */
static int does(struct trial *trial, uint64_t gib, size_t best, bool *ret)
{
	int r = try_hole(trial, gib * GPUPT_GIB);
	*ret = !r && trial->placed >= best;
	return r;
}

/* What the last hole had to be as large as for all that is in it. */
static uint64_t used_hole(const struct trial *trial)
{
	return gpupt_align_up(gpupt_sub(trial->result.highest_end, trial->result.window_start),
			      GPUPT_GIB);
}

/* The smallest hole that does what the one just tried does, in GiB; none does not.
 * What lies above the highest address in use is not needed, and mostly that is the
 * end of it; else it is between that and nothing. */
static int shrink(struct trial *trial, uint64_t hole, uint64_t *ret_hole)
{
	size_t best = trial->placed;
	uint64_t enough = hole / GPUPT_GIB, too_small = 0;
	uint64_t guess = used_hole(trial) / GPUPT_GIB;
	for (uint64_t next = guess; too_small + 1 < enough;) {
		bool works = false;
		if (next <= too_small || next >= enough)
			next = too_small + (enough - too_small) / 2;
		int r = does(trial, next, best, &works);
		if (r)
			return r;
		if (works)
			enough = next;
		else
			too_small = next;
		/* right below the guess first */
		next = next == guess && works ? guess - 1 : 0;
	}
	*ret_hole = enough * GPUPT_GIB;
	return 0;
}

uint64_t gpupt_mmio_largest_hole(const struct gpupt_mmio_guest *guest)
{
	uint64_t most = gpupt_qemu_max_hole(guest);
	uint64_t reach = gpupt_sub(gpupt_address_limit(guest->phys_bits), 4 * GPUPT_GIB);
	return max_hole_rounded(most < reach ? most : reach);
}

/* The largest hole, but without moving an AMD guest's memory above 1 TiB if that is as
 * good. */
static int try_largest(struct trial *trial, uint64_t *ret_hole)
{
	const struct gpupt_mmio_guest *guest = &trial->guest;
	uint64_t most = gpupt_mmio_largest_hole(guest);
	uint64_t unmoved = max_hole_rounded(gpupt_qemu_max_hole_below_ht(guest));
	*ret_hole = most < unmoved ? most : unmoved;
	int r = try_hole(trial, *ret_hole);
	if (r || most == *ret_hole || trial->placed == trial->total)
		return r;
	size_t placed = trial->placed;
	uint64_t below = *ret_hole;
	*ret_hole = most;
	r = try_hole(trial, most);
	if (r || trial->placed > placed)
		return r;
	*ret_hole = below;
	return try_hole(trial, below);
}

static bool placed_all(const struct trial *trial)
{
	return trial->placed == trial->total && trial->result.outcome != GPUPT_MMIO_REFUSED;
}

/* Whether a hole places all, and one that is smaller by the least does not. */
static int confirm(struct trial *trial, uint64_t hole, bool *ret)
{
	*ret = false;
	int r = hole ? try_hole(trial, hole) : 0;
	if (r || !hole || !placed_all(trial))
		return r;
	r = try_hole(trial, hole - GPUPT_GIB);
	*ret = !placed_all(trial);
	return r;
}

/* Where the kernel has something to place, mostly the hole has to reach as far as that
 * does with the largest one. */
static int foresee(struct trial *trial, uint64_t *ret_hole, bool *ret)
{
	uint64_t largest;
	*ret = false;
	*ret_hole = 0;
	int r = try_largest(trial, &largest);
	if (r || trial->result.outcome != GPUPT_MMIO_ALL)
		return r;
	*ret_hole = used_hole(trial);
	return *ret_hole < largest ? confirm(trial, *ret_hole, ret) : 0;
}

static int search(struct trial *trial, uint64_t *ret_hole, bool *ret_all)
{
	int r = try_hole(trial, 0);
	size_t with_none = trial->placed;
	uint64_t hole = 0;
	if (!r && trial->placed < trial->total) {
		r = try_largest(trial, &hole);
		if (!r && trial->placed <= with_none)
			hole = 0;
	}
	*ret_all = placed_all(trial);
	if (!r && hole)
		r = shrink(trial, hole, &hole);
	*ret_hole = hole;
	return r;
}

int gpupt_mmio_session_minimal_hole(struct gpupt_mmio_session *session,
				    const struct gpupt_mmio_guest *guest, uint64_t *ret_hole,
				    bool *ret_all)
{
	struct trial trial = { .session = session, .guest = *guest };
	uint64_t hole = session->last_minimum; /* mostly guests that differ little need the same */
	bool all;
	int r = confirm(&trial, hole, &all);
	if (!r && !all)
		r = foresee(&trial, &hole, &all);
	if (!r && !all)
		r = search(&trial, &hole, &all);
	if (r)
		return r;
	session->last_minimum = all ? hole : 0;
	*ret_hole = hole;
	*ret_all = all;
	return 0;
}

int gpupt_mmio_minimal_hole(const struct gpupt_mmio_guest *guest,
			    struct gpupt_mmio_function *functions, size_t n_functions,
			    uint64_t *ret_hole, bool *ret_all)
{
	struct gpupt_mmio_session session;
	int r = gpupt_mmio_session_init(&session, functions, n_functions);
	if (!r)
		r = gpupt_mmio_session_minimal_hole(&session, guest, ret_hole, ret_all);
	if (!r) {
		struct gpupt_mmio_guest with = *guest;
		struct gpupt_mmio_result result;
		with.hole_set = true;
		with.hole_bytes = *ret_hole;
		r = gpupt_mmio_session_place(&session, &with, &result);
	}
	gpupt_mmio_session_clear(&session);
	return r;
}
