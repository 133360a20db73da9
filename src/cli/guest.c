/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>

#include "cli/output.h"
#include "cli/print-json.h"
#include "cli/request.h"
#include "domain/running.h"

/* Findings that pci=realloc is a way out of, or may be. */
enum { TRAP_32BIT = 4, TRAP_64BIT = 39, GUEST_REALLOC = 103 };

/* Whether the guest needs it, by the plan. */
enum need { NEED_UNKNOWN, NEED_NOT, NEED_MAYBE, NEED_YES };

struct advice {
	const struct cli_settings *settings;
	struct cli_target target;
	enum need need;
	char *why; /* the finding that it is a way out of, or why that is not known */
	struct gpupt_tuning *tuning; /* what the agent found; NULL: it was not asked */
	const struct gpupt_recipe *recipe;
};

/* ---- whether it is needed */

static int judge(const struct gpupt_plan *plan, struct advice *advice, struct gpupt_error **error)
{
	size_t count;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	const struct gpupt_finding *reason = NULL;
	if (gpupt_plan_get_verdict(plan) == GPUPT_VERDICT_UNKNOWN)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND, "no placement could be computed");
	for (size_t i = 0; i < count && !reason; i++)
		if (findings[i].number == TRAP_32BIT || findings[i].number == TRAP_64BIT ||
		    findings[i].number == GUEST_REALLOC)
			reason = &findings[i];
	advice->need = !reason			      ? NEED_NOT :
		       reason->number == TRAP_64BIT ? NEED_MAYBE : NEED_YES;
	advice->why = strdup(reason ? reason->text : "");
	return advice->why ? 0 : gpupt_fail_nomem(error);
}

static int plan(struct advice *advice, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	GPUPT_AUTO(gpupt_request_free) struct gpupt_request *request = NULL;
	struct gpupt_plan *made = NULL;
	int r = cli_inventory_for(advice->settings, &advice->target, &inventory, error);
	if (r == 0)
		r = cli_request_make(advice->settings, &advice->target, &request, error);
	if (r == 0)
		r = gpupt_plan_make(advice->target.domain, inventory, request, &made, error);
	if (r == 0)
		r = judge(made, advice, error);
	gpupt_plan_free(made);
	return r;
}

/* The steps are the same whether or not a plan can be made. */
static int find_need(struct advice *advice, struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	int r = plan(advice, &why);
	if (r < 0 && r != GPUPT_E_NOMEM) {
		advice->why = strdup(gpupt_error_get_message(why));
		r = advice->why ? 0 : GPUPT_E_NOMEM;
	}
	gpupt_error_free(why);
	return r < 0 ? gpupt_fail_nomem(error) : 0;
}

/* ---- what to do */

static void add_step(struct gpupt_str *line, const struct gpupt_guest_step *step)
{
	if (!step->argv) {
		cli_add_word(line, "echo");
		cli_add_word(line, step->text);
		gpupt_str_adds(line, " >");
		cli_add_word(line, step->file);
	}
	for (size_t i = 0; step->argv && step->argv[i]; i++)
		cli_add_word(line, step->argv[i]);
}

/* As a line for a shell; NULL when memory is short. */
static char *format_step(const struct gpupt_guest_step *step)
{
	struct gpupt_str line = { 0 };
	add_step(&line, step);
	return gpupt_str_steal(&line, NULL);
}

static void print_steps(const struct gpupt_guest_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		GPUPT_AUTOFREE char *line = format_step(&steps[i]);
		printf("  %s\n", line ? line : "?");
	}
}

static void print_need(const struct advice *advice, const char *name)
{
	switch (advice->need) {
	case NEED_NOT:
		cli_print_paragraph(stdout, 0, 0, "By the plan, %s does not need pci=realloc.",
				    name);
		break;
	case NEED_MAYBE:
	case NEED_YES:
		cli_print_paragraph(stdout, 0, 0, "pci=realloc %s %s: %s. gpupt-xml explain names "
				    "ways that leave the guest as it is.",
				    advice->need == NEED_YES ? "helps" : "may help", name,
				    advice->why);
		break;
	case NEED_UNKNOWN:
		cli_print_paragraph(stdout, 0, 0, "Whether %s needs pci=realloc is not known: %s.",
				    name, advice->why);
		break;
	}
}

static void print_recipe(const struct gpupt_recipe *recipe)
{
	if (!recipe->n_steps) {
		cli_print_paragraph(stdout, 0, 0, "%s knows no such option: what helps it has to "
				    "be done in the domain.", recipe->name);
		return;
	}
	printf("For %s, as root in the guest:\n\n", recipe->name);
	print_steps(recipe->steps, recipe->n_steps);
	puts("\nThen reboot the guest; /proc/cmdline shows pci=realloc. To undo it:\n");
	print_steps(recipe->undo, recipe->n_undo);
}

/* What the agent found. */
static void print_tuning(const struct gpupt_tuning *tuning, const char *name)
{
	switch (tuning->state) {
	case GPUPT_TUNING_PRESENT:
		cli_print_paragraph(stdout, 0, 0, "%s runs with pci=realloc already; nothing was "
				    "changed.", name);
		break;
	case GPUPT_TUNING_WRITTEN:
		cli_print_paragraph(stdout, 0, 0, tuning->changed ?
				    "%s: the steps above were carried out. Reboot the guest: it "
				    "still runs without pci=realloc." :
				    "%s: pci=realloc is written down already, nothing was changed. "
				    "Reboot the guest: it still runs without.", name);
		break;
	case GPUPT_TUNING_MISSING:
		cli_print_paragraph(stdout, 0, 0, "%s runs without pci=realloc; nothing was changed."
				    " With --yes the agent carries the steps out.", name);
		break;
	}
}

static void print_text(const struct advice *advice)
{
	const char *name = gpupt_domain_get_name(advice->target.domain);
	const struct gpupt_tuning *tuning = advice->tuning;
	name = name ? name : "the guest";
	print_need(advice, name);
	if (gpupt_domain_boots_kernel(advice->target.domain)) {
		cli_print_paragraph(stdout, 0, 0, "%s boots a kernel that the host hands over: put "
				    "pci=realloc into <os><cmdline> of the domain.", name);
		return;
	}
	if (!tuning || tuning->changed || tuning->state == GPUPT_TUNING_MISSING) {
		puts("");
		print_recipe(advice->recipe);
	}
	if (tuning) {
		puts("");
		print_tuning(tuning, name);
	}
}

/* ---- for programs */

static json_t *steps_json(const struct gpupt_guest_step *steps, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; array && i < count; i++) {
		GPUPT_AUTOFREE char *line = format_step(&steps[i]);
		if (line && json_array_append_new(array, json_string(line)) == 0)
			continue;
		json_decref(array);
		return NULL;
	}
	return array;
}

static int print_json(const struct advice *advice, struct gpupt_error **error)
{
	static const char *const needs[] = { "unknown", "no", "maybe", "yes" };
	const struct gpupt_tuning *tuning = advice->tuning;
	const struct gpupt_recipe *recipe = advice->recipe;
	const char *name = gpupt_domain_get_name(advice->target.domain);
	json_t *command_line = tuning ? json_string(tuning->command_line) : NULL;
	json_t *document = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:s?, s:b, s:o}", "format",
		"gpupt-guest", "version", 1, "domain", name ? name : "", "needed",
		needs[advice->need], "why", advice->why, "system", recipe->name,
		"boots_kernel_of_host", gpupt_domain_boots_kernel(advice->target.domain), "steps",
		steps_json(recipe->steps, recipe->n_steps), "undo",
		steps_json(recipe->undo, recipe->n_undo), "state",
		tuning ? advice->target.hypervisor.tuning_state_name(tuning->state) : NULL,
		"changed", tuning && tuning->changed, "command_line",
		command_line ? command_line : json_null());
	return cli_print_json(document, error);
}

/* ---- the command */

static int ask_agent(struct advice *advice, const char *os, struct gpupt_error **error)
{
	const struct cli_settings *settings = advice->settings;
	const struct cli_hypervisor *hypervisor = &advice->target.hypervisor;
	cli_note(settings, "asking the agent in the guest; libvirt marks the running domain as "
		 "tainted: custom-ga-command");
	int r = hypervisor->guest_tune(advice->target.guest, os, settings->yes, &advice->tuning,
				       error);
	if (r == 0)
		advice->recipe = advice->tuning->recipe;
	return r;
}

static int advise(struct advice *advice, struct gpupt_error **error)
{
	const struct cli_settings *settings = advice->settings;
	const char *os = settings->guest_os ? settings->guest_os :
					      gpupt_domain_get_os_id(advice->target.domain);
	bool agent = settings->guest_agent && !gpupt_domain_boots_kernel(advice->target.domain);
	advice->recipe = advice->target.hypervisor.recipe_for(os);
	int r = find_need(advice, error);
	if (r == 0 && agent)
		r = ask_agent(advice, os, error);
	if (r < 0)
		return r;
	if (settings->format == CLI_FORMAT_JSON)
		return print_json(advice, error);
	print_text(advice);
	return cli_flush_output(error);
}

int cli_guest(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_settings as_domain = *settings;
	as_domain.as_domain = true;
	struct advice advice = { .settings = &as_domain };
	int r = cli_target_open(&as_domain, settings->guest_agent ? CLI_CHANGE : CLI_LOOK,
				&advice.target, error);
	if (r < 0)
		return r;
	r = advise(&advice, error);
	free(advice.why);
	if (advice.tuning)
		advice.target.hypervisor.tuning_free(advice.tuning);
	cli_target_close(&advice.target);
	return r;
}
