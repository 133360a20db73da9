/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/explain.h"

#include "cli/output.h"

/* ---- why the size is what it is */

static const char *rounding_words(const struct cli_work *work)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(work->plan);
	if (work->settings->hole == GPUPT_HOLE_KEEP)
		return ", what there is";
	if (work->settings->hole == GPUPT_HOLE_SIZE)
		return ", as asked for";
	if (hole->planned == hole->current && hole->present)
		return ", which the domain has";
	if (hole->planned == hole->minimum)
		return ", just that";
	return work->settings->rounding == GPUPT_ROUND_GIB ? "" :
							     ", rounded up to a power of two";
}

/* What is in the kernel's window: the end of the highest BAR or bridge, and how
 * much of it are BARs that are passed through. */
static uint64_t highest_in_window(const struct gpupt_plan *plan, uint64_t *ret_bars)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	uint64_t highest = 0;
	size_t count;
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	*ret_bars = 0;
	for (size_t i = 0; i < count; i++) {
		bool is_bar = map[i].kind == GPUPT_MAP_BAR;
		if ((!is_bar && map[i].kind != GPUPT_MAP_BRIDGE_WINDOW) ||
		    map[i].start < hole->window_start || map[i].end > hole->window_end)
			continue;
		if (map[i].end > highest)
			highest = map[i].end;
		if (is_bar && map[i].bar->passed_through)
			*ret_bars += map[i].bar->size_bytes;
	}
	return highest;
}

static void print_span(const struct gpupt_plan *plan, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	char start[GPUPT_SIZE_TEXT_MAX], end[GPUPT_SIZE_TEXT_MAX], span[GPUPT_SIZE_TEXT_MAX];
	char gaps[GPUPT_SIZE_TEXT_MAX];
	uint64_t bars, highest = highest_in_window(plan, &bars);
	if (!bars || highest < hole->window_start + bars)
		return;
	uint64_t used = highest - hole->window_start;
	cli_print_paragraph(out, 0, 0, "The kernel's window begins at %s, %s; what lies highest ends "
			    "at %s. That is a span of %s, %s of it gaps and other devices.",
			    cli_format_size(hole->window_start, start),
			    hole->window_start == hole->hole_start ? "where memory ends" :
			    "the lowest address that the firmware used",
			    cli_format_size(highest, end), cli_format_size(used, span),
			    cli_format_size(used - bars, gaps));
}

static void print_placers(const struct gpupt_plan *plan, FILE *out)
{
	size_t count, placed[3] = { 0 };
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (bars[i].passed_through)
			placed[bars[i].placed_by]++;
	cli_print_paragraph(out, 0, 0, "Of the BARs passed through the firmware places %zu, the guest "
			    "kernel %zu, nobody %zu.",
			    placed[GPUPT_PLACED_BY_FIRMWARE], placed[GPUPT_PLACED_BY_KERNEL],
			    placed[GPUPT_PLACED_BY_NOBODY]);
}

static void print_why(const struct gpupt_plan *plan, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	char sum[GPUPT_SIZE_TEXT_MAX], largest[GPUPT_SIZE_TEXT_MAX];
	print_placers(plan, out);
	cli_print_paragraph(out, 0, 0, "Their 64-bit prefetchable BARs add up to %s. A BAR lies at a "
			    "multiple of its size, so the largest, %s, decides where others can "
			    "go, and the kernel rounds up what lies behind a bridge.",
			    gpupt_size_format(hole->bar_sum, sum),
			    gpupt_size_format(hole->largest_bar, largest));
	print_span(plan, out);
}

/* ---- what another size would do */

/* The same plan with 1 GiB less than is needed; NULL where that cannot be had. */
static struct gpupt_plan *plan_smaller(const struct cli_work *work)
{
	struct cli_settings settings = *work->settings;
	struct gpupt_request *request = NULL;
	struct gpupt_plan *plan = NULL;
	uint64_t minimum = gpupt_plan_get_hole(work->plan)->minimum;
	settings.hole = GPUPT_HOLE_SIZE;
	settings.hole_bytes = minimum > GPUPT_GIB ? minimum - GPUPT_GIB : 0;
	settings.force = true;
	if (cli_request_make(&settings, &work->target, &request, NULL) == 0)
		gpupt_plan_make(work->target.domain, work->inventory, request, &plan, NULL);
	gpupt_request_free(request);
	return plan;
}

/* "BAR 1 (32 GiB) of ... finds no room in a hole of 63 GiB", as the finding says. */
static void print_smaller(const struct cli_work *work, const char *label, FILE *out)
{
	enum { HOLE_TOO_SMALL = 30 }; /* gpupt-xml-findings(7) */
	struct gpupt_plan *plan = plan_smaller(work);
	const struct gpupt_finding *first = NULL;
	size_t count = 0, lost = 0;
	const struct gpupt_finding *findings = plan ? gpupt_plan_get_findings(plan, &count) : NULL;
	for (size_t i = 0; i < count; i++) {
		if (findings[i].number != HOLE_TOO_SMALL)
			continue;
		first = first ? first : &findings[i];
		lost++;
	}
	if (lost > 1)
		cli_print_paragraph(out, 0, 0, "%s: %.*s, and %zu more BAR%s with it.", label,
				    (int)strcspn(first->text, ";"), first->text, lost - 1,
				    lost > 2 ? "s" : "");
	else if (lost)
		cli_print_paragraph(out, 0, 0, "%s: %.*s.", label,
				    (int)strcspn(first->text, ";"), first->text);
	gpupt_plan_free(plan);
}

static void print_larger(const struct gpupt_plan *plan, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	char maximum[GPUPT_SIZE_TEXT_MAX];
	if (hole->maximum == UINT64_MAX)
		fputs("Larger: nothing more is gained.\n", out);
	else
		cli_print_paragraph(out, 0, 0, "Larger, up to %s: nothing more is gained. Beyond "
				    "that QEMU does not start: \"phys-bits too low\" (since 7.1; "
				    "older ones start, and the addresses are of no use).",
				    gpupt_size_format(hole->maximum, maximum));
}

static void print_others(const struct cli_work *work, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(work->plan);
	char minimum[GPUPT_SIZE_TEXT_MAX];
	gpupt_size_format(hole->minimum, minimum);
	if (hole->planned < hole->minimum) {
		print_smaller(work, "Too small still", out);
		cli_print_paragraph(out, 0, 0, "Enough: %s.", minimum);
	} else if (hole->minimum) {
		bool rounded = hole->planned > hole->minimum;
		if (rounded)
			cli_print_paragraph(out, 0, 0, "Smaller, down to %s: nothing is lost.",
					    minimum);
		print_smaller(work, rounded ? "Smaller still" : "Smaller", out);
	}
	print_larger(work->plan, out);
}

/* In how many cases no size gives every 64-bit BAR its place. */
static size_t count_hopeless(const struct gpupt_plan *plan, size_t *ret_count)
{
	size_t hopeless = 0;
	const struct gpupt_possibility *list = gpupt_plan_get_possibilities(plan, ret_count, NULL);
	for (size_t i = 0; i < *ret_count; i++)
		hopeless += !list[i].has_minimum;
	return hopeless;
}

/* A partial plan is never said to fit. */
static void explain_partial(const struct cli_work *work, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(work->plan);
	char minimum[GPUPT_SIZE_TEXT_MAX], planned[GPUPT_SIZE_TEXT_MAX];
	gpupt_size_format(hole->minimum, minimum);
	gpupt_size_format(hole->planned, planned);
	size_t count, hopeless = count_hopeless(work->plan, &count);
	if (hole->planned > hole->maximum) {
		char maximum[GPUPT_SIZE_TEXT_MAX];
		cli_print_paragraph(out, 0, 0, "With a hole of %s QEMU does not start: at least "
				    "%s and at most %s do.", planned, minimum,
				    gpupt_size_format(hole->maximum, maximum));
		return;
	}
	if (hole->planned < hole->minimum)
		cli_print_paragraph(out, 0, 0, "A hole of %s does not give the 64-bit BARs the room "
				    "they need: it takes at least %s.", planned, minimum);
	else if (hopeless)
		cli_print_paragraph(out, 0, 0, "In %zu of %zu cases no size of the hole gives every "
				    "64-bit BAR an address; see the findings.", hopeless, count);
	else
		cli_print_paragraph(out, 0, 0, "A hole of %s gives the 64-bit BARs the room they "
				    "need, but that alone does not bring up every BAR; see the "
				    "findings for what else the guest needs.", planned);
	print_why(work->plan, out);
	print_others(work, out);
}

static void explain_kernel(const struct cli_work *work, FILE *out)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(work->plan);
	char minimum[GPUPT_SIZE_TEXT_MAX], planned[GPUPT_SIZE_TEXT_MAX];
	gpupt_size_format(hole->minimum, minimum);
	gpupt_size_format(hole->planned, planned);
	cli_print_paragraph(out, 0, 0, "The BARs do not all go into the firmware's own window. The "
			    "guest kernel places the rest, in the window that <pcihole64> "
			    "extends.");
	print_why(work->plan, out);
	if (hole->minimum)
		cli_print_paragraph(out, 0, 0, "So it takes at least %s. Planned: %s%s.", minimum,
				    planned, rounding_words(work));
	else
		cli_print_paragraph(out, 0, 0, "The 64-bit BARs have room in any hole. Planned: %s%s.",
				    planned, rounding_words(work));
	print_others(work, out);
}

void cli_explain_reason(const struct cli_work *work, FILE *out)
{
	enum gpupt_verdict verdict = gpupt_plan_get_verdict(work->plan);
	fprintf(out, "Verdict: %s\n", gpupt_verdict_name(verdict));
	switch (verdict) {
	case GPUPT_VERDICT_NOTHING:
		fputs("No device with memory BARs is passed through: nothing needs room.\n", out);
		break;
	case GPUPT_VERDICT_FIRMWARE:
		cli_print_paragraph(out, 0, 0, "The firmware places every BAR in its own window, so "
				    "the size of <pcihole64> does not matter.");
		print_larger(work->plan, out);
		break;
	case GPUPT_VERDICT_KERNEL:
		explain_kernel(work, out);
		break;
	case GPUPT_VERDICT_PARTIAL:
		explain_partial(work, out);
		break;
	case GPUPT_VERDICT_NO_FIT:
		cli_print_paragraph(out, 0, 0, "%s; nothing is written. See the findings.",
				    work->settings->hole == GPUPT_HOLE_SIZE ?
				    "The size asked for is refused" :
				    "No hole that QEMU would start with gives every BAR an address");
		break;
	case GPUPT_VERDICT_UNKNOWN:
		fputs("Not computed: see the findings.\n", out);
		break;
	}
}
