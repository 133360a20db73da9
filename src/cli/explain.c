/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "cli/output.h"
#include "cli/table.h"
#include "cli/work.h"

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
	switch (bar->placed_by) {
	case GPUPT_PLACED_BY_NOBODY:
		cli_table_add(table, "nobody%s%s", *bar->reason ? ": " : "", bar->reason);
		break;
	case GPUPT_PLACED_BY_FIRMWARE:
		cli_table_add(table, "firmware");
		break;
	case GPUPT_PLACED_BY_KERNEL:
		cli_table_add(table, "guest kernel");
		break;
	}
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
		if (bars[i].passed_through || work->settings->verbose)
			add_bar(&table, &bars[i]);
	int r = 0;
	if (table.n_cells || table.failed) {
		r = cli_table_print(&table, stdout, error);
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

static void print_numbers(const struct gpupt_hole_numbers *hole)
{
	print_size("Sum of the 64-bit prefetchable BARs", hole->bar_sum, "");
	print_size("Largest of them, and so the alignment", hole->largest_bar, "");
	if (hole->headroom)
		print_size("Headroom asked for", hole->headroom, "");
	if (hole->minimum)
		print_size("Smallest hole that works", hole->minimum, "");
	else
		printf("%-42s %s\n", "Smallest hole that works", "any, none is needed");
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

/* Why, in words. A partial plan is never said to fit. */
static void print_reason(const struct cli_work *work)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(work->plan);
	char minimum[GPUPT_SIZE_TEXT_MAX], planned[GPUPT_SIZE_TEXT_MAX];
	gpupt_size_format(hole->minimum, minimum);
	gpupt_size_format(hole->planned, planned);
	printf("\nVerdict: %s\n", gpupt_verdict_name(gpupt_plan_get_verdict(work->plan)));
	switch (gpupt_plan_get_verdict(work->plan)) {
	case GPUPT_VERDICT_NOTHING:
		puts("No device with memory BARs is passed through: nothing needs room.");
		break;
	case GPUPT_VERDICT_FIRMWARE:
		puts("The firmware places every BAR in its own window, so the size of <pcihole64> "
		     "does not\nmatter.");
		break;
	case GPUPT_VERDICT_KERNEL:
		printf("The BARs do not all fit the firmware's own window. The guest kernel places "
		       "the rest, in\nthe window that <pcihole64> extends. BARs lie at multiples "
		       "of their size, so their sum is\nnot enough: it takes at least %s. Planned: "
		       "%s%s.\n", minimum, planned, rounding_words(work));
		break;
	case GPUPT_VERDICT_PARTIAL:
		printf("A hole of %s gives the 64-bit BARs the room they need, but that alone "
		       "does not bring up\nevery BAR; see the findings for what else the guest "
		       "needs.\n", planned);
		break;
	case GPUPT_VERDICT_NO_FIT:
		puts("No hole that QEMU would start with is large enough; nothing is written.");
		break;
	case GPUPT_VERDICT_UNKNOWN:
		puts("Not computed: see the findings.");
		break;
	}
}

static int print_json(const struct cli_work *work, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = gpupt_plan_to_json(work->plan, &text, &length, error);
	return r < 0 ? r : cli_print_text(text, length, error);
}

static int explain(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	if (work->settings->format == CLI_FORMAT_JSON) {
		r = print_json(work, error);
	} else {
		r = print_bars(work, error);
		if (r == 0) {
			print_numbers(gpupt_plan_get_hole(work->plan));
			print_reason(work);
			r = cli_flush_output(error);
		}
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
