/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/define.h"

#include <unistd.h>

#include "cli/output.h"
#include "cli/report.h"
#include "cli/session.h"

int cli_domain_only(const struct cli_settings *settings, struct gpupt_error **error)
{
	const char *command = settings->command->name;
	if (!cli_target_is_file(settings))
		return 0;
	struct gpupt_str word = { 0 };
	cli_add_word(&word, settings->operand);
	GPUPT_AUTOFREE char *file = gpupt_str_steal(&word, NULL);
	if (!file)
		return gpupt_fail_nomem(error);
	if (settings->command->bit != CLI_APPLY)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s takes a domain, and %s looks like "
				  "a file: use --domain if it is none", command, file);
	return gpupt_fail(error, GPUPT_E_ARGUMENT,
			  "apply takes a domain, and %s looks like a file: use gpupt-xml patch "
			  "-i %s, or --domain", settings->operand, file);
}

/* Somebody sits there: an answer can be typed, and one of the outputs is seen. */
static bool is_interactive(void)
{
	return isatty(STDIN_FILENO) && (isatty(STDERR_FILENO) || isatty(STDOUT_FILENO));
}

int cli_ask(const struct cli_settings *settings, const char *question,
	    struct gpupt_error **error)
{
	char answer[16];
	if (settings->yes || !is_interactive())
		return 0;
	/* Either output may be a file; the question goes to the terminal. */
	FILE *terminal = isatty(STDERR_FILENO) ? stderr : stdout;
	fprintf(terminal, "%s [y/N] ", question);
	fflush(terminal);
	if (!fgets(answer, sizeof(answer), stdin))
		fputc('\n', terminal); /* the answer had none */
	else if (*answer == 'y' || *answer == 'Y')
		return 0;
	return gpupt_fail(error, GPUPT_E_REFUSED, "nothing was defined");
}

static void note_managed_save(const struct cli_settings *settings,
			      const struct cli_target *target)
{
	struct gpupt_str command = { 0 };
	cli_add_word(&command, "virsh");
	if (settings->uri) {
		cli_add_word(&command, "-c");
		cli_add_word(&command, settings->uri);
	}
	cli_add_word(&command, "managedsave-remove");
	cli_add_word(&command, target->hypervisor.guest_get_name(target->guest));
	GPUPT_AUTOFREE char *line = gpupt_str_steal(&command, NULL);
	cli_note(settings, "%s has a managed-save image: the change takes effect only after %s",
		 target->label, line ? line : "virsh managedsave-remove");
}

void cli_report_defined(const struct cli_settings *settings, const struct cli_target *target,
			const struct gpupt_outcome *outcome)
{
	const struct cli_hypervisor *hypervisor = &target->hypervisor;
	const char *name = target->label;
	const char *invalid = hypervisor->outcome_get_validation_error(outcome);
	bool needs_restart = hypervisor->outcome_needs_restart(outcome);
	bool managed_save = hypervisor->outcome_has_managed_save(outcome);
	if (settings->session)
		settings->session->changed = true;
	if (settings->report) /* which is quiet */
		cli_report_change(settings->report, needs_restart, managed_save, invalid);
	if (invalid)
		cli_note(settings, "%s: defined without validation, because the definition as it "
			 "stood fails it: %s", name, invalid);
	cli_note(settings, "%s: defined, read back and found right", name);
	if (managed_save)
		note_managed_save(settings, target);
	if (needs_restart)
		cli_note(settings, "%s is running: the change takes effect after a full stop and "
			 "start; a reboot inside the guest is not enough", name);
}
