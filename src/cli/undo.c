/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/define.h"
#include "cli/output.h"
#include "cli/store.h"
#include "text/same.h"

/* What one run works on. */
struct undo {
	const struct cli_settings *settings;
	struct cli_target target;
	const char *name;
	struct cli_text now; /* what the domain says */
	struct cli_store store;
	struct cli_kept_list list;
	/* what to put back */
	struct cli_kept kept;
	char *old;
	size_t old_length;
};

/* Somebody else's change is shown and stays. */
static int refuse(const struct undo *undo, const struct cli_kept *kept, const char *new,
		  size_t new_length, struct gpupt_error **error)
{
	char when[CLI_KEPT_TIME_MAX];
	GPUPT_AUTOFREE char *path = cli_store_path(&undo->store, kept, CLI_KEPT_OLD);
	struct gpupt_str command = { 0 };
	int r = cli_print_diff(undo->settings, undo->target.diff_name, new, new_length,
			       undo->now.text, undo->now.length, error);
	if (r < 0)
		return r;
	cli_add_word(&command, "virsh");
	cli_add_word(&command, "define");
	cli_add_word(&command, path ? path : "");
	GPUPT_AUTOFREE char *line = gpupt_str_steal(&command, NULL);
	return gpupt_fail(error, GPUPT_E_CONFLICT, "%s was changed by something else after the "
			  "apply of %s, as shown, and was left alone; %s would lose that change",
			  undo->name, cli_kept_format_time(kept, when), line ? line : "virsh define");
}

/* Looks at one kept change. 1: that is the one; 0: look at the one before it. */
static int try(struct undo *undo, const struct cli_kept *kept, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *new = NULL;
	GPUPT_AUTOFREE char *old = NULL;
	size_t new_length, old_length;
	int r = cli_store_read(&undo->store, kept, CLI_KEPT_NEW, &new, &new_length, error);
	if (r == 0)
		r = cli_store_read(&undo->store, kept, CLI_KEPT_OLD, &old, &old_length, error);
	if (r < 0)
		return r;
	r = gpupt_same_definition(undo->now.text, new, error);
	if (r > 0) {
		undo->kept = *kept;
		undo->old = GPUPT_STEAL(old);
		undo->old_length = old_length;
	}
	if (r != 0)
		return r;
	r = gpupt_same_definition(undo->now.text, old, error);
	if (r > 0) /* never made, or taken back */
		return 0;
	return r < 0 ? r : refuse(undo, kept, new, new_length, error);
}

/* A kept text is only put back where it is one of this domain. */
static int check_old(const struct undo *undo, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *old = NULL;
	GPUPT_AUTOFREE char *path = cli_store_path(&undo->store, &undo->kept, CLI_KEPT_OLD);
	int r = gpupt_domain_parse(undo->old, undo->old_length, path, &old, error);
	if (r < 0)
		return r;
	const char *uuid = gpupt_domain_get_uuid(old);
	if (!uuid || strcmp(uuid, gpupt_domain_get_uuid(undo->target.domain)) != 0)
		return gpupt_fail(error, GPUPT_E_UNSUPPORTED, "%s is no definition of %s",
				  path ? path : "what was kept", undo->name);
	return 0;
}

static int put_back(struct undo *undo, struct gpupt_error **error)
{
	const struct cli_hypervisor *hypervisor = &undo->target.hypervisor;
	struct gpupt_outcome *outcome = NULL;
	int r = hypervisor->guest_restore(undo->target.guest, undo->now.text, undo->old, &outcome,
					  error);
	if (r < 0)
		return r;
	cli_report_defined(undo->settings, &undo->target, outcome);
	hypervisor->outcome_free(outcome);
	/* one that stays is passed over the next time */
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *why = NULL;
	if (cli_store_drop(&undo->store, &undo->kept, &why) < 0)
		cli_note(undo->settings, "history still lists it: %s",
			 why ? gpupt_error_get_message(why) : "memory is short");
	return CLI_DONE;
}

static int undo_newest(struct undo *undo, struct gpupt_error **error)
{
	int r = 0;
	if (!undo->list.count)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND, "no earlier definition of %s is kept in %s",
				  undo->name, undo->store.path);
	for (size_t i = undo->list.count; i > 0 && r == 0; i--)
		r = try(undo, &undo->list.items[i - 1], error);
	if (r == 0)
		cli_note(undo->settings, "%s: nothing to undo, the last change was taken back or "
			 "never made", undo->name);
	if (r <= 0)
		return r;
	r = check_old(undo, error);
	if (r == 0)
		r = cli_print_diff(undo->settings, undo->target.diff_name, undo->now.text,
				   undo->now.length, undo->old, undo->old_length, error);
	if (r < 0 || undo->settings->dry_run)
		return r < 0 ? r : CLI_DIFFERS;
	r = cli_ask(undo->settings, "Put this back?", error);
	return r < 0 ? r : put_back(undo, error);
}

int cli_undo(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct undo undo = { .settings = settings };
	int r = cli_domain_only(settings, error);
	if (r == 0) /* secrets may be what was changed */
		r = cli_target_open(settings, settings->dry_run ? CLI_LOOK_SECRETS : CLI_CHANGE,
				    &undo.target, error);
	if (r < 0)
		return r;
	const struct cli_hypervisor *hypervisor = &undo.target.hypervisor;
	undo.name = hypervisor->guest_get_name(undo.target.guest);
	undo.now.text = gpupt_domain_get_text(undo.target.domain, &undo.now.length);
	r = cli_store_locate(hypervisor->connection_get_uri(undo.target.connection),
			     gpupt_domain_get_uuid(undo.target.domain), &undo.store, error);
	if (r == 0)
		r = cli_store_list(&undo.store, &undo.list, error);
	if (r == 0)
		r = undo_newest(&undo, error);
	free(undo.old);
	free(undo.list.items);
	cli_store_clear(&undo.store);
	cli_target_close(&undo.target);
	return r;
}
