/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/verify.h"

#include <inttypes.h>

#include "cli/output.h"
#include "cli/table.h"

/* ---- looking */

/* The monitor takes a connection that may write; without one, the XML can still be
 * compared. */
static int open_target(const struct cli_settings *settings, struct cli_target *ret,
		       bool *ret_monitor, struct gpupt_error **error)
{
	int r = cli_target_open(settings, CLI_CHANGE, ret, NULL);
	*ret_monitor = r == 0;
	return r == 0 ? 0 : cli_target_open(settings, CLI_LOOK, ret, error);
}

static void announce(const struct cli_settings *settings, const struct gpupt_inspect_options *how)
{
	if (how->monitor)
		cli_note(settings, "asking QEMU's monitor (query-pci, which changes nothing); "
			 "libvirt marks the running domain as tainted: custom-monitor");
	if (how->agent)
		cli_note(settings, "asking the agent in the guest (/sys, dmesg, nvidia-smi); "
			 "libvirt marks the running domain as tainted: custom-ga-command");
}

/* The guest as it runs: with the hole and the root ports that it has. */
static int make_plan(struct cli_verification *verification, struct gpupt_error **error)
{
	struct cli_target running = verification->target;
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	GPUPT_AUTO(gpupt_request_free) struct gpupt_request *request = NULL;
	running.domain = (struct gpupt_domain *)verification->running->domain;
	int r = cli_inventory_for(verification->settings, &running, &inventory, error);
	if (r == 0)
		r = cli_request_make(verification->settings, &running, &request, error);
	if (r == 0)
		r = gpupt_request_forbid(request, "hole,hotplug,memreserve", error);
	if (r < 0)
		return r;
	return gpupt_plan_make(running.domain, inventory, request, &verification->plan, error);
}

/* Without a prediction there is still something to see. */
static int predict(struct cli_verification *verification, struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	int r = make_plan(verification, &why);
	if (r == GPUPT_E_NOT_FOUND || r == GPUPT_E_REFUSED || r == GPUPT_E_UNSUPPORTED) {
		verification->no_plan = strdup(gpupt_error_get_message(why));
		r = verification->no_plan ? 0 : gpupt_fail_nomem(error);
	} else if (r < 0) {
		gpupt_fail(error, (enum gpupt_status)r, "%s", gpupt_error_get_message(why));
	}
	gpupt_error_free(why);
	return r;
}

/* Looks twice: only of a guest that runs is there anything to announce. */
static int inspect(struct cli_verification *verification,
		   const struct gpupt_inspect_options *how, struct gpupt_error **error)
{
	static const struct gpupt_inspect_options xml_only = { 0 };
	const struct cli_hypervisor *hypervisor = &verification->target.hypervisor;
	struct gpupt_guest *guest = verification->target.guest;
	int r = hypervisor->guest_inspect(guest, &xml_only, &verification->inspection, error);
	if (r == 0 && (how->monitor || how->agent)) {
		announce(verification->settings, how);
		hypervisor->inspection_free(GPUPT_STEAL(verification->inspection));
		r = hypervisor->guest_inspect(guest, how, &verification->inspection, error);
	}
	if (r == 0)
		verification->running = hypervisor->inspection_get(verification->inspection);
	return r;
}

static int look(struct cli_verification *verification, struct gpupt_error **error)
{
	const struct cli_settings *settings = verification->settings;
	struct gpupt_inspect_options how = { 0 };
	int r = open_target(settings, &verification->target, &how.monitor, error);
	if (r < 0)
		return r;
	how.agent = settings->guest_agent && how.monitor;
	r = inspect(verification, &how, error);
	if (r == 0)
		r = predict(verification, error);
	if (r < 0)
		return r;
	return gpupt_running_check(verification->running, verification->plan,
				   &verification->state, &verification->findings,
				   &verification->n_findings, error);
}

static void clear(struct cli_verification *verification)
{
	if (verification->inspection)
		verification->target.hypervisor.inspection_free(verification->inspection);
	gpupt_plan_free(verification->plan);
	free(verification->no_plan);
	free(verification->findings);
	cli_target_close(&verification->target);
}

/* ---- telling */

static void add_prediction(struct cli_table *table, const struct gpupt_layout_bar *predicted)
{
	if (!predicted)
		cli_table_add(table, "?");
	else if (predicted->placed_by == GPUPT_PLACED_BY_NOBODY)
		cli_table_add(table, "none");
	else
		cli_table_add(table, "0x%" PRIx64, predicted->guest_address);
}

static void add_bar(struct cli_table *table, const struct cli_verification *verification,
		    const struct gpupt_seen_function *function, unsigned int index)
{
	const struct gpupt_seen_bar *bar = &function->bars[index];
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], size[GPUPT_SIZE_TEXT_MAX];
	if (function->passed_through)
		cli_table_add(table, "%s", gpupt_pci_address_format(function->host, address));
	else
		cli_table_add(table, "%s", *function->id ? function->id : "-");
	cli_table_add(table, "%s", gpupt_pci_address_format(function->guest, address));
	if (index == GPUPT_BAR_ROM)
		cli_table_add(table, "ROM");
	else
		cli_table_add(table, "%u", index);
	cli_table_add(table, "%s", cli_format_size(bar->size_bytes, size));
	add_prediction(table, gpupt_running_predicted(verification->plan, function, index));
	if (bar->sight == GPUPT_SIGHT_ASSIGNED)
		cli_table_add(table, "0x%" PRIx64 "%s", bar->guest_address,
			      function->asked_guest ? " (says the guest)" : "");
	else
		cli_table_add(table, "%s%s", bar->sight == GPUPT_SIGHT_NONE ? "unknown" : "none",
			      function->asked_guest ? " (says the guest)" : "");
}

/* The guest's own devices, I/O ports and ROMs only when asked for more. */
static bool is_shown(const struct cli_verification *verification,
		     const struct gpupt_seen_function *function, unsigned int index)
{
	const struct gpupt_seen_bar *bar = &function->bars[index];
	if (!bar->size_bytes)
		return false;
	return verification->settings->verbose ||
	       (function->passed_through && !bar->io && index != GPUPT_BAR_ROM);
}

static int print_bars(const struct cli_verification *verification, struct gpupt_error **error)
{
	static const char *const headings[] = { "DEVICE", "IN THE GUEST", "BAR", "SIZE",
						"PREDICTED", "SEEN" };
	struct cli_table table = { .headings = headings,
				   .n_columns = GPUPT_ARRAY_SIZE(headings) };
	const struct gpupt_running *running = verification->running;
	for (size_t i = 0; i < running->n_functions; i++)
		for (unsigned int j = 0; j < GPUPT_BAR_COUNT; j++)
			if (is_shown(verification, &running->functions[i], j))
				add_bar(&table, verification, &running->functions[i], j);
	int r = 0;
	if (table.n_cells || table.failed)
		r = cli_table_print(&table, stdout, error);
	cli_table_clear(&table);
	return r;
}

static void print_lines(const char *heading, const char *const *lines, size_t count)
{
	if (count)
		printf("%s\n", heading);
	for (size_t i = 0; i < count; i++) {
		fputs("  ", stdout);
		cli_print_safe(stdout, lines[i], strlen(lines[i]), false);
		putchar('\n');
	}
}

static size_t count_passed_through(const struct gpupt_running *running)
{
	size_t count = 0;
	for (size_t i = 0; i < running->n_functions; i++)
		count += running->functions[i].passed_through;
	return count;
}

static void print_result(const struct cli_verification *verification)
{
	const struct gpupt_running *running = verification->running;
	const char *name = gpupt_domain_get_name(running->domain);
	name = name ? name : "the guest";
	switch (verification->state) {
	case GPUPT_STATE_ASSIGNED:
		cli_print_paragraph(stdout, 0, 0, count_passed_through(running) ?
				    "%s: every BAR passed through has an address." :
				    "%s: verified; no PCI device is passed through.", name);
		break;
	case GPUPT_STATE_UNASSIGNED:
		cli_print_paragraph(stdout, 0, 0, "%s: not every BAR passed through has an "
				    "address.", name);
		break;
	case GPUPT_STATE_UNKNOWN:
		cli_print_paragraph(stdout, 0, 0, "%s: not verified%s%s.", name,
				    running->qemu_trouble ? ": " : "",
				    running->qemu_trouble ? running->qemu_trouble : "");
		break;
	}
}

static int print_text(const struct cli_verification *verification, struct gpupt_error **error)
{
	const struct gpupt_running *running = verification->running;
	int r = print_bars(verification, error);
	if (r < 0)
		return r;
	print_lines("The guest's kernel says:", running->messages, running->n_messages);
	print_lines("nvidia-smi in the guest says:", running->gpus, running->n_gpus);
	print_result(verification);
	return cli_flush_output(error);
}

static void print_notes(const struct cli_verification *verification)
{
	const struct cli_settings *settings = verification->settings;
	const struct gpupt_running *running = verification->running;
	cli_print_findings(settings, NULL, verification->findings, verification->n_findings);
	if (verification->no_plan && count_passed_through(running))
		cli_note(settings, "no address was predicted: %s", verification->no_plan);
	if (settings->guest_agent && !running->asked_agent)
		cli_note(settings, "the guest agent was not asked: that takes more than a "
			 "read-only connection");
	if (running->agent_trouble)
		cli_note(settings, "%s", running->agent_trouble);
}

static int exit_status(const struct cli_verification *verification)
{
	switch (verification->state) {
	case GPUPT_STATE_ASSIGNED: return CLI_DONE;
	case GPUPT_STATE_UNASSIGNED: return CLI_UNASSIGNED;
	case GPUPT_STATE_UNKNOWN: break;
	}
	return CLI_TROUBLE;
}

int cli_verify(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_settings as_domain = *settings;
	as_domain.as_domain = true;
	as_domain.hole = GPUPT_HOLE_KEEP;
	struct cli_verification verification = { .settings = &as_domain };
	int r = look(&verification, error);
	if (r == 0)
		r = settings->format == CLI_FORMAT_JSON ?
			    cli_verification_print_json(&verification, error) :
			    print_text(&verification, error);
	if (r == 0) {
		print_notes(&verification);
		r = exit_status(&verification);
	}
	clear(&verification);
	return r;
}
