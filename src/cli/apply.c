/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/work.h"

/* What the confirm callback needs, and what it found. */
struct consent {
	struct cli_work *work;
	unsigned int times_asked;
	int status; /* exit status or negative: why nothing may be defined */
	struct gpupt_error **error;
};

static int print_outcome_diff(const struct cli_work *work, const struct gpupt_outcome *outcome,
			      struct gpupt_error **error)
{
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	size_t old_length, new_length;
	const char *old_text =
		gpupt_domain_get_text(hypervisor->outcome_get_domain(outcome), &old_length);
	const char *new_text = hypervisor->outcome_get_text(outcome, &new_length);
	return cli_print_diff(work->settings, work->target.diff_name, old_text, old_length,
			      new_text, new_length, error);
}

/* Somebody sits there: an answer can be typed, and one of the outputs is seen. */
static bool is_interactive(void)
{
	return isatty(STDIN_FILENO) && (isatty(STDERR_FILENO) || isatty(STDOUT_FILENO));
}

/* Either output may be a file; the question goes to the terminal. */
static bool ask(void)
{
	char answer[16];
	FILE *terminal = isatty(STDERR_FILENO) ? stderr : stdout;
	fputs("Define this? [y/N] ", terminal);
	fflush(terminal);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/* gpupt_guest_apply() calls this with something to define. */
static int confirm(const struct gpupt_outcome *proposal, void *data)
{
	struct consent *consent = data;
	const struct cli_settings *settings = consent->work->settings;
	if (consent->times_asked++)
		cli_note(settings, "the domain changed meanwhile; planned anew");
	consent->status =
		cli_judge(settings, consent->work->target.hypervisor.outcome_get_plan(proposal),
			  consent->work->target.diff_name);
	if (consent->status != CLI_DONE)
		return 1;
	consent->status = print_outcome_diff(consent->work, proposal, consent->error);
	if (consent->status < 0)
		return 1;
	if (settings->yes || !is_interactive() || ask())
		return 0;
	consent->status = gpupt_fail(consent->error, GPUPT_E_REFUSED, "nothing was defined");
	return 1;
}

static void note_managed_save(const struct cli_settings *settings, const char *name)
{
	struct gpupt_str command = { 0 };
	cli_add_word(&command, "virsh");
	if (settings->uri) {
		cli_add_word(&command, "-c");
		cli_add_word(&command, settings->uri);
	}
	cli_add_word(&command, "managedsave-remove");
	cli_add_word(&command, name);
	GPUPT_AUTOFREE char *line = gpupt_str_steal(&command, NULL);
	cli_note(settings, "%s has a managed-save image: the change takes effect only after %s",
		 name, line ? line : "virsh managedsave-remove");
}

static void report(const struct cli_work *work, const struct gpupt_outcome *outcome)
{
	const struct cli_settings *settings = work->settings;
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	const char *name = hypervisor->guest_get_name(work->target.guest);
	const char *invalid = hypervisor->outcome_get_validation_error(outcome);
	if (invalid)
		cli_note(settings, "%s: defined without validation, because the definition as it "
			 "stood fails it: %s", name, invalid);
	cli_note(settings, "%s: defined, read back and found right", name);
	if (hypervisor->outcome_has_managed_save(outcome))
		note_managed_save(settings, name);
	if (hypervisor->outcome_needs_restart(outcome))
		cli_note(settings, "%s is running: the change takes effect after a full stop and "
			 "start; a reboot inside the guest is not enough", name);
}

/* The domain is as it was: nothing to do, a dry run, or no size that fits. */
static int report_undefined(const struct cli_work *work, const struct gpupt_outcome *outcome,
			    struct gpupt_error **error)
{
	const struct cli_settings *settings = work->settings;
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	int r = cli_judge(settings, hypervisor->outcome_get_plan(outcome),
			  work->target.diff_name);
	if (r != CLI_DONE)
		return r;
	if (hypervisor->outcome_differs(outcome)) {
		r = print_outcome_diff(work, outcome, error);
		return r < 0 ? r : CLI_DIFFERS;
	}
	cli_note(settings, "%s: nothing to do", hypervisor->guest_get_name(work->target.guest));
	return CLI_DONE;
}

static int apply(struct cli_work *work, struct gpupt_error **error)
{
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	struct consent consent = { .work = work, .error = error };
	struct gpupt_apply_options options = {
		.dry_run = work->settings->dry_run,
		.confirm = confirm,
		.confirm_data = &consent,
	};
	struct gpupt_outcome *outcome = NULL;
	int r = hypervisor->guest_apply(work->target.guest, work->inventory, work->request,
					&options, &outcome, error);
	if (r < 0)
		return r;
	if (hypervisor->outcome_is_defined(outcome)) {
		report(work, outcome);
		r = CLI_DONE;
	} else if (consent.times_asked) {
		r = consent.status;
	} else {
		r = report_undefined(work, outcome, error);
	}
	hypervisor->outcome_free(outcome);
	return r;
}

static int fail_file(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct gpupt_str word = { 0 };
	cli_add_word(&word, settings->operand);
	GPUPT_AUTOFREE char *file = gpupt_str_steal(&word, NULL);
	if (!file)
		return gpupt_fail_nomem(error);
	return gpupt_fail(error, GPUPT_E_ARGUMENT,
			  "apply takes a domain, and %s looks like a file: use gpupt-xml patch "
			  "-i %s, or --domain", settings->operand, file);
}

int cli_apply(const struct cli_settings *settings, struct gpupt_error **error)
{
	if (cli_target_is_file(settings))
		return fail_file(settings, error);
	bool look = settings->dry_run && !settings->show_secrets;
	struct cli_work work;
	int r = cli_work_open(settings, look ? CLI_LOOK : CLI_CHANGE, &work, error);
	if (r < 0)
		return r;
	r = apply(&work, error);
	cli_work_close(&work);
	return r;
}
