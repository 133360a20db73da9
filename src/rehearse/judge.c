/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/judge.h"

#include "base/util.h"

struct judge {
	const struct gpupt_plan *plan;
	const struct gpupt_planned *planned;
	const struct gpupt_round *rounds;
	size_t n_rounds;
	bool with_kernel;
};

/* Where a BAR was seen. */
struct sight {
	bool known; /* something stood in for it */
	uint64_t address; /* 0: it has none */
};

const char *gpupt_rehearsal_verdict_name(enum gpupt_rehearsal_verdict verdict)
{
	switch (verdict) {
	case GPUPT_REHEARSAL_AS_PLANNED: return "as planned";
	case GPUPT_REHEARSAL_ASSIGNED: return "assigned";
	case GPUPT_REHEARSAL_ELSEWHERE: return "elsewhere";
	case GPUPT_REHEARSAL_AFTER_ALL: return "assigned after all";
	case GPUPT_REHEARSAL_MISSING: return "not assigned";
	case GPUPT_REHEARSAL_NOT_PLANNED: return "not planned";
	case GPUPT_REHEARSAL_NOT_SEEN_KERNEL: return "not seen (kernel)";
	case GPUPT_REHEARSAL_NOT_SEEN_STANDIN: break;
	}
	return "not seen (stand-in)";
}

static bool is_wide(const struct gpupt_mmio_bar *bar)
{
	return bar->mem64 && bar->prefetchable;
}

static bool is_shown(const struct gpupt_mmio_bar *bar)
{
	return !bar->io && bar->index != GPUPT_BAR_ROM;
}

/* ---- what was seen */

/* The stand-in may turn out to be otherwise than in QEMU 7.2. */
static struct sight sight_in(const struct gpupt_round *round, size_t i,
			     const struct gpupt_mmio_bar *bar)
{
	const struct gpupt_standin *standin = &round->standins[i];
	const struct gpupt_seen *seen = &round->seen[i];
	int index = standin->bar_of[bar->index];
	for (size_t b = 0; b < standin->n_bars && seen->found && index >= 0; b++)
		if ((int)standin->bars[b].index == index &&
		    standin->bars[b].size == seen->bars[index].size)
			return (struct sight){ true, seen->bars[index].address };
	return (struct sight){ false, 0 };
}

/* The first round has all large 64-bit BARs of a function, the second its large 32-bit
 * ones. What is in both counts as assigned only where it is in both, for the function
 * that it stands for is one. */
static struct sight sight_of(const struct judge *judge, size_t i, const struct gpupt_mmio_bar *bar)
{
	struct sight first = sight_in(&judge->rounds[0], i, bar);
	if (judge->n_rounds < 2)
		return first;
	struct sight second = sight_in(&judge->rounds[1], i, bar);
	if (!first.known || !second.known)
		return first.known ? first : second;
	if (!first.address || !second.address)
		return (struct sight){ true, 0 };
	return is_wide(bar) ? first : second;
}

/* ---- which possibility it was */

static uint64_t expected(const struct judge *judge, const struct gpupt_mmio_bar *bar)
{
	bool seen = bar->placed_by == GPUPT_MMIO_FIRMWARE ||
		    (bar->placed_by == GPUPT_MMIO_KERNEL && judge->with_kernel);
	return seen ? bar->address : 0;
}

static size_t differences(const struct judge *judge, const struct gpupt_mmio_function *functions)
{
	size_t count = 0;
	for (size_t i = 0; i < judge->planned->n_functions; i++)
		for (size_t b = 0; b < functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &functions[i].bars[b];
			if (!is_shown(bar) || !is_wide(bar))
				continue;
			struct sight sight = sight_of(judge, i, bar);
			count += sight.known && sight.address != expected(judge, bar);
		}
	return count;
}

static bool same_cpu(const struct gpupt_mmio_guest *a, const struct gpupt_mmio_guest *b)
{
	return a->vendor_amd == b->vendor_amd && a->vendor_intel == b->vendor_intel &&
	       a->pages_1g == b->pages_1g;
}

static int predict(const struct judge *judge, size_t world, struct gpupt_mmio_function *functions,
		   bool *ret_no_boot)
{
	struct gpupt_mmio_result result;
	size_t n = judge->planned->n_functions;
	memcpy(functions, judge->planned->functions, n * sizeof(*functions));
	int r = gpupt_mmio_place(&judge->planned->worlds[world].guest, functions, n, &result);
	if (r == 0)
		*ret_no_boot = result.firmware_stopped ||
			       (result.firmware_aborted && !judge->planned->boots_kernel);
	return r;
}

/* The one with the fewest differences; of several the one that the plan shows. */
static int find_world(const struct judge *judge, struct gpupt_mmio_function *functions,
		      size_t *ret_world, bool *ret_no_boot)
{
	size_t count, shown, best;
	gpupt_plan_get_possibilities(judge->plan, &count, &shown);
	int r = predict(judge, shown, functions, ret_no_boot);
	size_t least = r < 0 ? 0 : differences(judge, functions);
	best = shown;
	for (size_t w = 0; w < count && r == 0 && least; w++) {
		const struct gpupt_planned_world *worlds = judge->planned->worlds;
		if (!worlds[w].distinct || !same_cpu(&worlds[w].guest, &worlds[shown].guest))
			continue;
		r = predict(judge, w, functions, ret_no_boot);
		size_t differs = r < 0 ? 0 : differences(judge, functions);
		if (r < 0 || differs >= least)
			continue;
		best = w;
		least = differs;
	}
	*ret_world = best;
	return r < 0 ? r : predict(judge, best, functions, ret_no_boot);
}

/* ---- verdicts */

/* A stand-in of another class may be treated otherwise as soon as firmware runs out of
 * room, and then the other functions are too. */
static bool is_doubtful(const struct judge *judge, const struct gpupt_mmio_function *functions)
{
	bool other_class = false, short_of_room = false;
	for (size_t i = 0; i < judge->planned->n_functions; i++)
		for (size_t b = 0; b < functions[i].n_bars; b++) {
			if (!is_wide(&functions[i].bars[b]))
				continue;
			short_of_room |= functions[i].bars[b].placed_by != GPUPT_MMIO_FIRMWARE;
			for (size_t r = 0; r < judge->n_rounds; r++)
				other_class |= gpupt_standin_is_other_class(
					&functions[i], &judge->rounds[r].standins[i]);
		}
	return other_class && short_of_room;
}

/* Whether it has the function's memory BARs and no others. */
static bool is_exact(const struct gpupt_mmio_function *function,
		     const struct gpupt_standin *standin)
{
	size_t shown = 0, others = 0;
	for (size_t b = 0; b < function->n_bars; b++) {
		const struct gpupt_mmio_bar *bar = &function->bars[b];
		if (!is_shown(bar))
			continue;
		shown++;
		int index = standin->bar_of[bar->index];
		for (size_t s = 0; s < standin->n_bars && index >= 0; s++)
			if ((int)standin->bars[s].index == index &&
			    standin->bars[s].size != bar->size)
				index = -1;
		if (index < 0)
			return false;
	}
	for (size_t s = 0; s < standin->n_bars; s++)
		others += is_shown(&standin->bars[s]);
	return others == shown;
}

/* Where there is no room for all, a small BAR more or less decides who goes without. */
static bool is_contested(const struct judge *judge, const struct gpupt_mmio_function *functions)
{
	bool exact = true, short_of_room = false;
	for (size_t i = 0; i < judge->planned->n_functions; i++) {
		for (size_t r = 0; r < judge->n_rounds; r++)
			exact &= is_exact(&functions[i], &judge->rounds[r].standins[i]);
		for (size_t b = 0; b < functions[i].n_bars; b++)
			short_of_room |= is_shown(&functions[i].bars[b]) &&
					 functions[i].bars[b].placed_by == GPUPT_MMIO_NOBODY;
	}
	return short_of_room && !exact;
}

/* It is not as planned, in a BAR that the plan does not expect it of. */
static bool is_surprise(const struct gpupt_mmio_bar *bar, enum gpupt_rehearsal_verdict verdict)
{
	return verdict == GPUPT_REHEARSAL_ELSEWHERE || verdict == GPUPT_REHEARSAL_AFTER_ALL ||
	       (verdict == GPUPT_REHEARSAL_MISSING && bar->placed_by != GPUPT_MMIO_NOBODY);
}

static enum gpupt_rehearsal_verdict verdict_on(const struct judge *judge,
					       const struct gpupt_mmio_bar *bar,
					       struct sight sight)
{
	if (!sight.known)
		return GPUPT_REHEARSAL_NOT_SEEN_STANDIN;
	if (bar->placed_by == GPUPT_MMIO_NOBODY && !sight.address)
		return judge->with_kernel ? GPUPT_REHEARSAL_MISSING : GPUPT_REHEARSAL_NOT_PLANNED;
	if (bar->placed_by == GPUPT_MMIO_NOBODY)
		return GPUPT_REHEARSAL_AFTER_ALL;
	if (!sight.address)
		return bar->placed_by == GPUPT_MMIO_KERNEL && !judge->with_kernel ?
		       GPUPT_REHEARSAL_NOT_SEEN_KERNEL : GPUPT_REHEARSAL_MISSING;
	if (sight.address == bar->address)
		return GPUPT_REHEARSAL_AS_PLANNED;
	return is_wide(bar) ? GPUPT_REHEARSAL_ELSEWHERE : GPUPT_REHEARSAL_ASSIGNED;
}

static void fill(const struct judge *judge, const struct gpupt_mmio_function *functions,
		 struct gpupt_rehearsal *rehearsal)
{
	size_t n_layout, n = 0;
	const struct gpupt_layout_bar *layout = gpupt_plan_get_layout(judge->plan, &n_layout);
	bool doubtful = is_doubtful(judge, functions), contested = is_contested(judge, functions);
	for (size_t i = 0; i < judge->planned->n_functions; i++)
		for (size_t b = 0; b < functions[i].n_bars && n < n_layout; b++) {
			const struct gpupt_mmio_bar *bar = &functions[i].bars[b];
			if (!is_shown(bar))
				continue;
			struct sight sight = sight_of(judge, i, bar);
			sight.known &= !doubtful &&
				       !(contested && is_surprise(bar, verdict_on(judge, bar, sight)));
			rehearsal->bars[n] = (struct gpupt_rehearsal_bar){
				.planned = &layout[n],
				.placed_by = (enum gpupt_placer)bar->placed_by,
				.planned_address = bar->placed_by ? bar->address : 0,
				.seen_address = sight.known ? sight.address : 0,
				.verdict = verdict_on(judge, bar, sight),
			};
			n++;
		}
	rehearsal->n_bars = n;
}

int gpupt_judge(const struct gpupt_plan *plan, const struct gpupt_round *rounds, size_t n_rounds,
		bool with_kernel, struct gpupt_rehearsal *rehearsal)
{
	struct judge judge = { .plan = plan, .planned = gpupt_plan_get_planned(plan),
			       .rounds = rounds, .n_rounds = n_rounds,
			       .with_kernel = with_kernel };
	size_t n_layout;
	gpupt_plan_get_layout(plan, &n_layout);
	GPUPT_AUTOFREE struct gpupt_mmio_function *functions =
		calloc(judge.planned->n_functions + 1, sizeof(*functions));
	rehearsal->bars = calloc(n_layout + 1, sizeof(*rehearsal->bars));
	if (!functions || !rehearsal->bars)
		return GPUPT_E_NOMEM;
	int r = find_world(&judge, functions, &rehearsal->world, &rehearsal->no_boot);
	if (r == 0)
		fill(&judge, functions, rehearsal);
	return r;
}
