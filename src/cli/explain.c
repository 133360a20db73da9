/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/str.h"
#include "cli/drawing.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/table.h"

static const char *kind_of(const struct gpupt_layout_bar *bar)
{
	if (!bar->mem64)
		return bar->prefetchable ? "32-bit pref" : "32-bit";
	return bar->prefetchable ? "64-bit pref" : "64-bit";
}

static void add_placement(struct cli_table *table, const struct gpupt_layout_bar *bar)
{
	if (bar->placed_by == GPUPT_PLACED_BY_NOBODY)
		cli_table_add(table, "-");
	else
		cli_table_add(table, "0x%" PRIx64, bar->guest_address);
	cli_table_add(table, "%s%s", bar->placed_by == GPUPT_PLACED_BY_KERNEL ? "guest " : "",
		      cli_placer_name(bar->placed_by));
}

static void add_bar(struct cli_table *table, const struct gpupt_layout_bar *bar)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], size[GPUPT_SIZE_TEXT_MAX];
	cli_table_add(table, "%s", bar->passed_through ?
					   gpupt_pci_address_format(bar->host, address) :
					   bar->device);
	if (bar->bar == GPUPT_BAR_ROM)
		cli_table_add(table, "ROM");
	else
		cli_table_add(table, "%u", bar->bar);
	cli_table_add(table, "%s", gpupt_size_format(bar->size_bytes, size));
	cli_table_add(table, "%s", kind_of(bar));
	add_placement(table, bar);
}

static bool is_shown(const struct cli_work *work, const struct gpupt_layout_bar *bar)
{
	return bar->passed_through || work->settings->verbose;
}

static bool fails_for(const struct cli_work *work, const struct gpupt_layout_bar *bar,
		      const char *reason)
{
	return is_shown(work, bar) && bar->placed_by == GPUPT_PLACED_BY_NOBODY &&
	       strcmp(bar->reason, reason) == 0;
}

/* Each reason once, with the BARs that it holds for. */
static int print_failures(const struct cli_work *work, struct gpupt_error **error)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	struct gpupt_str names = { 0 };
	size_t count;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(work->plan, &count);
	for (size_t i = 0; i < count; i++) {
		const char *reason = bars[i].reason;
		bool told = !*reason || !fails_for(work, &bars[i], reason);
		for (size_t j = 0; j < i && !told; j++)
			told = fails_for(work, &bars[j], reason);
		names.length = 0;
		for (size_t j = i; j < count && !told; j++)
			if (fails_for(work, &bars[j], reason))
				gpupt_str_addf(&names, "%s%s BAR %u", names.length ? ", " : "",
					       bars[j].passed_through ?
					       gpupt_pci_address_format(bars[j].host, address) :
					       bars[j].device, bars[j].bar);
		if (names.length)
			cli_print_paragraph(stdout, 2, 0, "No address for %s: %s.", names.data,
					    reason);
	}
	bool failed = names.failed;
	gpupt_str_clear(&names);
	return failed ? gpupt_fail_nomem(error) : 0;
}

/* The guest's own devices only when asked for more. */
static int print_bars(const struct cli_work *work, struct gpupt_error **error)
{
	static const char *const headings[] = { "DEVICE", "BAR", "SIZE", "KIND", "GUEST ADDRESS",
						"PLACED BY" };
	struct cli_table table = { .headings = headings,
				   .n_columns = GPUPT_ARRAY_SIZE(headings) };
	size_t n_bars;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(work->plan, &n_bars);
	for (size_t i = 0; i < n_bars; i++)
		if (is_shown(work, &bars[i]))
			add_bar(&table, &bars[i]);
	int r = 0;
	if (table.n_cells || table.failed) {
		r = cli_table_print(&table, stdout, error);
		if (r == 0)
			r = print_failures(work, error);
		puts("");
	}
	cli_table_clear(&table);
	return r;
}

static void print_size(const char *label, uint64_t bytes, const char *remark)
{
	char size[GPUPT_SIZE_TEXT_MAX];
	printf("%-42s %s%s\n", label, gpupt_size_format(bytes, size), remark);
}

static void print_window(const char *label, uint64_t start, uint64_t end)
{
	if (end > start)
		printf("%-42s 0x%" PRIx64 " to 0x%" PRIx64 "\n", label, start, end - 1);
}

/* Whether there is a hole that does, in any case. */
static bool has_minimum(const struct gpupt_plan *plan)
{
	size_t count;
	const struct gpupt_possibility *list = gpupt_plan_get_possibilities(plan, &count, NULL);
	for (size_t i = 0; i < count; i++)
		if (list[i].has_minimum)
			return true;
	return count == 0;
}

static void print_numbers(const struct gpupt_plan *plan)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	print_size("Sum of the 64-bit prefetchable BARs", hole->bar_sum, "");
	print_size("Largest of them, and so the alignment", hole->largest_bar, "");
	if (hole->headroom)
		print_size("Headroom asked for", hole->headroom, "");
	if (hole->minimum)
		print_size("Smallest hole that works", hole->minimum, "");
	else
		printf("%-42s %s\n", "Smallest hole that works",
		       has_minimum(plan) ? "any, none is needed" : "there is none");
	if (hole->maximum == UINT64_MAX)
		printf("%-42s %s\n", "Largest hole QEMU starts with", "unlimited");
	else
		print_size("Largest hole QEMU starts with", hole->maximum, "");
	print_size("Hole so far", hole->current, hole->present ? "" : " (QEMU's default)");
	print_size("Hole as planned", hole->planned, "");
	printf("%-42s %u bits%s\n", "Guest's physical address width", hole->phys_bits,
	       hole->phys_bits_assumed ? " (assumed)" : "");
	print_window("Firmware's own 64-bit window", hole->firmware_window_start,
		     hole->firmware_window_end);
	print_window("64-bit window of the guest kernel", hole->window_start, hole->window_end);
}

/* What the plan does beside adding devices, each with its price. */
static void print_steps(const struct gpupt_plan *plan)
{
	size_t count;
	const struct gpupt_step *steps = gpupt_plan_get_steps(plan, &count);
	if (count)
		puts("What the plan does:");
	for (size_t i = 0; i < count; i++) {
		const struct gpupt_step *step = &steps[i];
		cli_print_paragraph(stdout, 2, 0, "- %s: %s; %s.%s%s%s%s%s%s",
				    gpupt_remedy_name(step->remedy), step->text, step->reason,
				    *step->cost ? " Its price: " : "", step->cost,
				    *step->cost ? "." : "", *step->needs ? " Needs " : "",
				    step->needs, *step->needs ? "." : "");
	}
	if (count)
		puts("");
}

static int print_json(const struct cli_work *work, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = gpupt_plan_to_json(work->plan, &text, &length, error);
	return r < 0 ? r : cli_print_text(text, length, error);
}

static int draw(const struct cli_work *work, struct gpupt_error **error)
{
	struct cli_drawing drawing;
	int r = cli_drawing_make(work->plan, work->settings->verbose, &drawing, error);
	if (r < 0 || !drawing.count)
		return r;
	const char *name = gpupt_domain_get_name(work->target.domain);
	if (work->settings->format == CLI_FORMAT_SVG) {
		r = cli_draw_svg(&drawing, work->plan, name ? name : "", stdout, error);
	} else {
		puts("The guest's physical addresses, high ones on top; each row's address is where "
		     "it\nbegins, and heights grow with the logarithm of sizes:\n");
		r = cli_draw_text(&drawing, cli_use_color(work->settings->color, stdout), stdout,
				  error);
		puts("");
	}
	cli_drawing_clear(&drawing);
	return r;
}

static int print_text(const struct cli_work *work, struct gpupt_error **error)
{
	int r = print_bars(work, error);
	if (r < 0)
		return r;
	print_numbers(work->plan);
	puts("");
	print_steps(work->plan);
	r = cli_explain_possibilities(work->plan, stdout, error);
	if (r == 0)
		r = draw(work, error);
	if (r == 0)
		cli_explain_reason(work, stdout);
	return r < 0 ? r : cli_flush_output(error);
}

static int explain(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	switch (work->settings->format) {
	case CLI_FORMAT_TEXT: r = print_text(work, error); break;
	case CLI_FORMAT_JSON: r = print_json(work, error); break;
	case CLI_FORMAT_SARIF:
	case CLI_FORMAT_TABLE: /* not among its formats */
	case CLI_FORMAT_SVG:
		r = draw(work, error);
		if (r == 0)
			r = cli_flush_output(error);
		break;
	}
	return r < 0 ? r : cli_judge(work->settings, work->plan, cli_work_file(work));
}

int cli_explain(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_work work;
	int r = cli_work_open(settings, CLI_LOOK, &work, error);
	if (r < 0)
		return r;
	r = explain(&work, error);
	cli_work_close(&work);
	return r;
}
