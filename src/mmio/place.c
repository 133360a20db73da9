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

/* QEMU does not start: nothing has an address. */
static void refuse(struct gpupt_mmio_function *functions, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < functions[i].n_bars; b++) {
			functions[i].bars[b].placed_by = GPUPT_MMIO_NOBODY;
			functions[i].bars[b].address = 0;
			functions[i].bars[b].reason = "QEMU does not start with this hole";
		}
}

int gpupt_mmio_place(const struct gpupt_mmio_guest *guest, struct gpupt_mmio_function *functions,
		     size_t n_functions, struct gpupt_mmio_result *ret)
{
	struct gpupt_mmio_result result = {
		.hole_start = gpupt_qemu_hole_start(guest),
		.max_hole = gpupt_qemu_max_hole(guest),
	};
	if (gpupt_qemu_hole_bytes(guest) > result.max_hole) {
		result.outcome = GPUPT_MMIO_REFUSED;
		refuse(functions, n_functions);
		*ret = result;
		return 0;
	}
	struct gpupt_mmio_model model;
	int r = gpupt_model_init(&model, guest, functions, n_functions);
	if (r)
		return r;
	r = guest->firmware == GPUPT_FIRMWARE_OVMF ? gpupt_ovmf_place(&model)
						   : gpupt_seabios_place(&model);
	if (!r) {
		model.window = gpupt_qemu_window(guest, gpupt_model_programmed(&model));
		r = gpupt_linux_place(&model);
	}
	if (!r) {
		result.outcome = outcome_of(functions, n_functions);
		result.firmware_aborted = model.firmware_aborted;
		result.window_start = model.window.start;
		result.window_end = model.window.end;
		result.firmware_window_start = model.firmware_window.start;
		result.firmware_window_end = model.firmware_window.end;
		result.highest_end = gpupt_model_programmed(&model).end;
		*ret = result;
	}
	gpupt_model_clear(&model);
	return r;
}

/* ---- the smallest hole ---- */

struct trial {
	struct gpupt_mmio_guest guest;
	struct gpupt_mmio_function *functions;
	size_t n;
	size_t placed; /* 64-bit prefetchable BARs that have an address */
	size_t total;
	struct gpupt_mmio_result result;
};

static int try_hole(struct trial *trial, uint64_t hole)
{
	trial->guest.hole_set = true;
	trial->guest.hole_bytes = hole;
	int r = gpupt_mmio_place(&trial->guest, trial->functions, trial->n, &trial->result);
	trial->placed = trial->total = 0;
	for (size_t i = 0; i < trial->n; i++)
		for (size_t b = 0; b < trial->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &trial->functions[i].bars[b];
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

/* The smallest hole that does what `hole` does, in GiB. What lies above the highest
 * address in use is not needed, and mostly that is the end of it; else it is between
 * that and nothing. */
static int shrink(struct trial *trial, uint64_t hole, uint64_t *ret_hole)
{
	size_t best = trial->placed;
	uint64_t used = gpupt_sub(trial->result.highest_end, trial->result.window_start);
	uint64_t enough = hole / GPUPT_GIB, too_small = 0;
	bool works = false;
	int r = does(trial, 0, best, &works);
	if (r || works || !enough) {
		*ret_hole = 0;
		return r;
	}
	uint64_t guess = gpupt_align_up(used, GPUPT_GIB) / GPUPT_GIB;
	for (uint64_t next = guess; too_small + 1 < enough; ) {
		if (next <= too_small || next >= enough)
			next = too_small + (enough - too_small) / 2;
		r = does(trial, next, best, &works);
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

int gpupt_mmio_minimal_hole(const struct gpupt_mmio_guest *guest,
			    struct gpupt_mmio_function *functions, size_t n_functions,
			    uint64_t *ret_hole, bool *ret_all)
{
	struct trial trial = { .guest = *guest, .functions = functions, .n = n_functions };
	uint64_t most = gpupt_qemu_max_hole(guest);
	uint64_t reach = gpupt_sub(gpupt_address_limit(guest->phys_bits), 4 * GPUPT_GIB);
	most = max_hole_rounded(most < reach ? most : reach);
	/* Without moving an AMD guest's memory above 1 TiB, if that is as good. */
	uint64_t unmoved = max_hole_rounded(gpupt_qemu_max_hole_below_ht(guest));
	uint64_t from = most < unmoved ? most : unmoved;
	int r = try_hole(&trial, from);
	if (!r && most > from && trial.placed < trial.total) {
		size_t placed = trial.placed;
		r = try_hole(&trial, most);
		if (trial.placed > placed)
			from = most;
	}
	if (!r && trial.guest.hole_bytes != from)
		r = try_hole(&trial, from);
	uint64_t hole = 0;
	if (!r)
		r = shrink(&trial, from, &hole);
	if (!r && trial.guest.hole_bytes != hole)
		r = try_hole(&trial, hole);
	if (r)
		return r;
	*ret_hole = hole;
	*ret_all = trial.placed == trial.total;
	return 0;
}
