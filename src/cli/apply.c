/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/define.h"
#include "cli/report.h"
#include "cli/store.h"
#include "cli/work.h"

/* What the confirm callback needs, and what it found. */
struct consent {
	struct cli_work *work;
	unsigned int times_asked;
	int status; /* exit status or negative: why nothing may be defined */
	struct gpupt_error **error;
};

/* What the keep and stored callbacks need. */
struct keeping {
	const struct cli_work *work;
	struct cli_store store;
	struct cli_kept kept;
};

static int print_outcome_diff(const struct cli_work *work, const struct gpupt_outcome *outcome,
			      struct gpupt_error **error)
{
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	size_t old_length, new_length;
	const char *old_text =
		gpupt_domain_get_text(hypervisor->outcome_get_domain(outcome), &old_length);
	const char *new_text = hypervisor->outcome_get_text(outcome, &new_length);
	struct cli_changes changes = { 0 };
	int r = cli_make_diff(work->settings, work->target.diff_name, old_text, old_length,
			      new_text, new_length, &changes, error);
	if (r == 0)
		r = cli_show_changes(work->settings, &changes, error);
	free(changes.text);
	return r;
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
	consent->status = cli_ask(settings, "Define this?", consent->error);
	return consent->status < 0;
}

/* ---- keeping what was there */

/* Why the old definition could not be kept is not why anything else failed. */
static int fail_keeping(const char *why, struct gpupt_error **error)
{
	return gpupt_fail(error, GPUPT_E_IO, "the present definition cannot be kept for undo, so "
			  "nothing was changed: %s; --no-backup goes without", why);
}

/* gpupt_guest_apply() calls this just before it defines. */
static int keep(const struct gpupt_outcome *proposal, void *data, struct gpupt_error **error)
{
	struct keeping *keeping = data;
	const struct cli_target *target = &keeping->work->target;
	const struct cli_hypervisor *hypervisor = &target->hypervisor;
	const struct gpupt_domain *domain = hypervisor->outcome_get_domain(proposal);
	struct cli_text old, new;
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *why = NULL;
	old.text = gpupt_domain_get_text(domain, &old.length);
	new.text = hypervisor->outcome_get_text(proposal, &new.length);
	cli_store_clear(&keeping->store);
	int r = cli_store_locate(hypervisor->connection_get_uri(target->connection),
				 gpupt_domain_get_uuid(domain), &keeping->store, &why);
	if (r == 0)
		r = cli_store_keep(&keeping->store, &old, &new, time(NULL), &keeping->kept, &why);
	return r < 0 ? fail_keeping(why ? gpupt_error_get_message(why) : "memory is short",
				    error) : 0;
}

/* Called with what libvirt made of it. */
static void settle(const char *text, void *data)
{
	struct keeping *keeping = data;
	struct cli_text new = { text, strlen(text) };
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *why = NULL;
	if (cli_store_settle(&keeping->store, &keeping->kept, &new, &why) < 0)
		cli_note(keeping->work->settings, "undo may not know this change again: %s",
			 why ? gpupt_error_get_message(why) : "memory is short");
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
	if (!cli_note_idle(work, hypervisor->outcome_get_plan(outcome)))
		cli_note(settings, "%s: nothing to do", work->target.label);
	return CLI_DONE;
}

static int apply(struct cli_work *work, struct gpupt_error **error)
{
	const struct cli_hypervisor *hypervisor = &work->target.hypervisor;
	struct consent consent = { .work = work, .error = error };
	struct keeping keeping = { .work = work };
	bool keeps = !work->settings->no_backup;
	struct gpupt_apply_options options = {
		.dry_run = work->settings->dry_run,
		.no_retry = work->settings->no_retry,
		.known = work->target.domain,
		.confirm = confirm,
		.confirm_data = &consent,
		.keep = keeps ? keep : NULL,
		.stored = keeps ? settle : NULL,
		.keep_data = &keeping,
	};
	struct gpupt_outcome *outcome = NULL;
	int r = hypervisor->guest_apply(work->target.guest, work->inventory, work->request,
					&options, &outcome, error);
	cli_store_clear(&keeping.store);
	if (r < 0)
		return r;
	if (hypervisor->outcome_is_defined(outcome)) {
		cli_report_defined(work->settings, &work->target, outcome);
		r = CLI_DONE;
	} else if (consent.times_asked) {
		r = consent.status;
	} else {
		r = report_undefined(work, outcome, error);
	}
	hypervisor->outcome_free(outcome);
	return r;
}

int cli_apply(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_work work;
	int r = cli_domain_only(settings, error);
	if (r < 0)
		return r;
	r = cli_work_open(settings, cli_access_for(settings), &work, error);
	if (r < 0)
		return r;
	r = apply(&work, error);
	cli_work_close(&work);
	return r;
}
