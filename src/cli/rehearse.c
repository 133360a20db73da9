/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/rehearse.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "cli/output.h"
#include "base/json.h"
#include "cli/print-json.h"
#include "cli/table.h"
#include "cli/work.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_plan, gpupt_plan_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_rehearsal, gpupt_rehearsal_free)

enum { DEFAULT_TIMEOUT_SECONDS = 120 };
#define NORESERVE "gpupt-noreserve.so"

/* Set and not empty. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* Where it is installed, or in the tree that this program was built in. */
static const char *find_noreserve(char built[PATH_MAX])
{
	static const char installed[] = GPUPT_LIBEXECDIR "/" NORESERVE;
	const char *said = variable("GPUPT_NORESERVE");
	if (said || access(installed, R_OK) == 0)
		return said ? said : installed;
	ssize_t length = readlink("/proc/self/exe", built, PATH_MAX - 1);
	if (length <= 0)
		return NULL;
	built[length] = '\0';
	char *slash = strrchr(built, '/');
	size_t room = slash ? (size_t)(built + PATH_MAX - slash) : 0;
	if (!slash || snprintf(slash, room, "/../rehearse/" NORESERVE) >= (int)room)
		return NULL;
	return access(built, R_OK) == 0 ? built : NULL;
}

static struct gpupt_rehearsal_options options_of(const struct cli_settings *settings,
						 char built[PATH_MAX])
{
	return (struct gpupt_rehearsal_options){
		.emulator = settings->emulator,
		.kernel = settings->kernel ? settings->kernel : variable("GPUPT_REHEARSAL_KERNEL"),
		.initrd = settings->initrd ? settings->initrd : variable("GPUPT_REHEARSAL_INITRD"),
		.noreserve = find_noreserve(built),
		.timeout_seconds = settings->timeout_seconds ? settings->timeout_seconds :
							       DEFAULT_TIMEOUT_SECONDS,
	};
}

/* ---- what came of it */

struct tally {
	size_t devices, assigned, differing, not_seen; /* BARs passed through */
	size_t others; /* the guest's own that differ */
};

/* A 32-bit BAR that is somewhere else is as good there: the stand-ins' own small BARs
 * lie around it. */
static bool is_fine(const struct gpupt_rehearsal_bar *bar)
{
	return bar->verdict == GPUPT_REHEARSAL_AS_PLANNED ||
	       bar->verdict == GPUPT_REHEARSAL_ASSIGNED;
}

static bool is_unseen(const struct gpupt_rehearsal_bar *bar)
{
	return bar->verdict == GPUPT_REHEARSAL_NOT_SEEN_KERNEL ||
	       bar->verdict == GPUPT_REHEARSAL_NOT_SEEN_STANDIN;
}

static struct tally tally_of(const struct gpupt_rehearsal *rehearsal)
{
	struct tally tally = { 0 };
	for (size_t i = 0; i < rehearsal->n_bars; i++) {
		const struct gpupt_rehearsal_bar *bar = &rehearsal->bars[i];
		bool differs = !is_fine(bar) && !is_unseen(bar);
		if (!bar->planned->passed_through) {
			tally.others += differs;
			continue;
		}
		tally.devices++;
		tally.assigned += is_fine(bar);
		tally.differing += differs;
		tally.not_seen += is_unseen(bar);
	}
	return tally;
}

static int status_of(const struct gpupt_rehearsal *rehearsal)
{
	struct tally tally = tally_of(rehearsal);
	if (rehearsal->refusal || rehearsal->no_boot || tally.differing || tally.others)
		return CLI_DIFFERS;
	return tally.not_seen ? CLI_NOT_SEEN : CLI_DONE;
}

static void add_address(struct cli_table *table, uint64_t address)
{
	if (address)
		cli_table_add(table, "%#" PRIx64, address);
	else
		cli_table_add(table, "-");
}

static int print_table(const struct cli_settings *settings, const struct gpupt_rehearsal *rehearsal,
		       struct gpupt_error **error)
{
	static const char *const headings[] = { "DEVICE", "BAR", "SIZE", "PLACED BY", "PLANNED",
						"SEEN", "VERDICT" };
	struct cli_table table = { .headings = headings,
				   .n_columns = GPUPT_ARRAY_SIZE(headings) };
	char size[GPUPT_SIZE_TEXT_MAX];
	for (size_t i = 0; i < rehearsal->n_bars; i++) {
		const struct gpupt_rehearsal_bar *bar = &rehearsal->bars[i];
		bool own = !bar->planned->passed_through;
		if (own && !settings->verbose && (is_fine(bar) || is_unseen(bar)))
			continue;
		cli_table_add(&table, "%s", bar->planned->device);
		cli_table_add(&table, "%u", bar->planned->bar);
		cli_table_add(&table, "%s", cli_format_size(bar->planned->size_bytes, size));
		cli_table_add(&table, "%s", cli_placer_name(bar->placed_by));
		add_address(&table, bar->planned_address);
		add_address(&table, bar->seen_address);
		cli_table_add(&table, "%s", gpupt_rehearsal_verdict_name(bar->verdict));
	}
	int r = table.n_cells || table.failed ? cli_table_print(&table, stdout, error) : 0;
	cli_table_clear(&table);
	return r;
}

static void print_end(const struct cli_settings *settings, const struct gpupt_plan *plan,
		      const struct gpupt_rehearsal_options *options,
		      const struct gpupt_rehearsal *rehearsal)
{
	struct tally tally = tally_of(rehearsal);
	size_t count;
	const struct gpupt_possibility *worlds = gpupt_plan_get_possibilities(plan, &count, NULL);
	const char *kernel = options->kernel ? options->kernel : "no kernel";
	if (rehearsal->refusal) {
		printf("QEMU does not start: %s\n", rehearsal->refusal);
		return;
	}
	printf("%s%zu of %zu BARs have an address as planned", rehearsal->n_bars ? "\n" : "",
	       tally.assigned, tally.devices);
	if (tally.differing)
		printf(", %zu not so", tally.differing);
	if (tally.not_seen)
		printf(", %zu not seen", tally.not_seen);
	puts(".");
	if (rehearsal->no_boot)
		puts("The firmware gives up on all PCI devices: such a guest boots from no disk.");
	if (tally.not_seen && !options->kernel)
		puts("Without a kernel only the firmware's part is seen; give one with --kernel.");
	cli_note(settings, "booted %s (%u.%u) with %s and %s%s; compared with the plan for %s",
		 rehearsal->emulator, rehearsal->qemu_version / 100, rehearsal->qemu_version % 100,
		 rehearsal->firmware ? rehearsal->firmware : "its SeaBIOS", kernel,
		 rehearsal->boots > 1 ? ", twice, with other stand-ins" : "",
		 worlds[rehearsal->world].name);
}

/* ---- JSON */

static json_t *address_or_null(uint64_t address)
{
	return address ? json_sprintf("%#" PRIx64, address) : json_null();
}

static json_t *json_of_bar(const struct gpupt_rehearsal_bar *bar)
{
	const struct gpupt_layout_bar *planned = bar->planned;
	return json_pack("{s:s, s:s, s:b, s:i, s:I, s:b, s:b, s:s, s:o, s:o, s:s}",
			 "device", planned->device, "guest_path", planned->guest_path,
			 "passed_through", planned->passed_through, "bar", (int)planned->bar,
			 "size_bytes", (json_int_t)planned->size_bytes, "mem64", planned->mem64,
			 "prefetchable", planned->prefetchable,
			 "placed_by", cli_placer_name(bar->placed_by),
			 "planned_address", address_or_null(bar->planned_address),
			 "seen_address", address_or_null(bar->seen_address),
			 "verdict", gpupt_rehearsal_verdict_name(bar->verdict));
}

static int print_json(const struct gpupt_plan *plan, const struct gpupt_rehearsal_options *options,
		      const struct gpupt_rehearsal *rehearsal, struct gpupt_error **error)
{
	size_t count;
	const struct gpupt_possibility *worlds = gpupt_plan_get_possibilities(plan, &count, NULL);
	json_t *bars = json_array();
	for (size_t i = 0; i < rehearsal->n_bars; i++)
		json_array_append_new(bars, json_of_bar(&rehearsal->bars[i]));
	json_t *root = json_pack(
		"{s:s, s:i, s:o, s:o, s:o, s:o, s:s, s:i, s:b, s:b, s:b, s:o}", "format",
		"gpupt-rehearsal", "version", 1, "emulator", gpupt_json_text(rehearsal->emulator),
		"firmware", gpupt_json_text(rehearsal->firmware), "kernel",
		gpupt_json_text(options->kernel), "refusal", gpupt_json_text(rehearsal->refusal),
		"possibility", worlds[rehearsal->world].name, "rehearsals", (int)rehearsal->boots,
		"boots", !rehearsal->no_boot, "as_planned", status_of(rehearsal) == CLI_DONE,
		"all_seen", !rehearsal->refusal && !tally_of(rehearsal).not_seen, "bars", bars);
	return cli_print_json(root, error);
}

/* ---- the command */

/* The plan for the text as it would be: nothing is to change any more, and what the
 * changes are worth comes out of the text like everything else. */
static int plan_of_text(const struct cli_work *work, struct gpupt_domain **ret_domain,
			struct gpupt_plan **ret_plan, struct gpupt_error **error)
{
	const struct cli_settings *settings = work->settings;
	struct gpupt_request *request = gpupt_request_new();
	if (!request)
		return gpupt_fail_nomem(error);
	gpupt_request_set_hole(request, GPUPT_HOLE_KEEP, 0);
	/* what was to be done is in the text, but for what the guest itself has to do */
	int r = gpupt_request_forbid(request, "memreserve,hotplug", error);
	for (size_t i = 0; r == 0 && i < settings->allowed.count; i++)
		if (strstr(settings->allowed.items[i], "cmdline"))
			r = gpupt_request_allow(request, "cmdline", error);
	if (r == 0)
		r = gpupt_request_set_firmware(request, settings->firmware, error);
	if (r == 0)
		r = gpupt_request_set_guest_kernel(request, settings->guest_kernel, error);
	if (r == 0)
		r = gpupt_domain_parse(work->text, work->length, cli_work_file(work), ret_domain,
				       error);
	if (r == 0)
		r = gpupt_plan_make(*ret_domain, work->inventory, request, ret_plan, error);
	gpupt_request_free(request);
	return r;
}

static int rehearse(const struct cli_settings *settings, const struct gpupt_plan *plan,
		    struct gpupt_error **error)
{
	char built[PATH_MAX];
	struct gpupt_rehearsal_options options = options_of(settings, built);
	GPUPT_AUTO(gpupt_rehearsal_free) struct gpupt_rehearsal *rehearsal = NULL;
	int interrupted = 0;
	int r = gpupt_rehearse(plan, &options, &rehearsal, &interrupted, error);
	if (interrupted)
		raise(interrupted); /* now that nothing is left behind */
	if (r < 0)
		return r;
	if (settings->format == CLI_FORMAT_JSON) {
		r = print_json(plan, &options, rehearsal, error);
	} else {
		r = print_table(settings, rehearsal, error);
		if (r == 0)
			print_end(settings, plan, &options, rehearsal);
	}
	return r < 0 ? r : status_of(rehearsal);
}

static int plan_and_rehearse(struct cli_work *work, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = NULL;
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	r = cli_judge(work->settings, work->plan, cli_work_file(work));
	if (r != CLI_DONE)
		return r;
	if (gpupt_plan_get_verdict(work->plan) == GPUPT_VERDICT_NOTHING) {
		cli_note(work->settings, "no device with BARs is passed through: nothing to "
			 "rehearse");
		return CLI_DONE;
	}
	r = plan_of_text(work, &domain, &plan, error);
	return r < 0 ? r : rehearse(work->settings, plan, error);
}

int cli_rehearse(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_work work;
	int r = cli_work_open(settings, CLI_LOOK, &work, error);
	if (r < 0)
		return r;
	r = plan_and_rehearse(&work, error);
	cli_work_close(&work);
	return r;
}
