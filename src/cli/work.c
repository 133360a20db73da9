/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/work.h"

#include "cli/report.h"
#include "cli/session.h"

int cli_work_open(const struct cli_settings *settings, enum cli_access access,
		  struct cli_work *ret, struct gpupt_error **error)
{
	struct cli_work work = { .settings = settings };
	int r = cli_target_open(settings, access, &work.target, error);
	if (r < 0)
		return r;
	r = cli_inventory_for(settings, &work.target, &work.inventory, error);
	if (r == 0)
		r = cli_request_make(settings, &work.target, &work.request, error);
	if (r == 0)
		r = cli_inventory_add_firmware(settings, &work.target, work.request,
					       &work.inventory, error);
	if (r < 0)
		cli_work_close(&work);
	else
		*ret = work;
	return r;
}

int cli_work_plan(struct cli_work *work, struct gpupt_error **error)
{
	int r = gpupt_plan_make(work->target.domain, work->inventory, work->request, &work->plan,
				error);
	if (r < 0)
		return r;
	return gpupt_plan_apply(work->plan, work->target.domain, &work->text, &work->length,
				error);
}

void cli_work_renew_inventory(struct cli_work *work)
{
	if (work->inventory && work->settings->session)
		work->inventory = work->settings->session->host;
}

void cli_work_close(struct cli_work *work)
{
	free(work->changes.text);
	free(work->text);
	gpupt_plan_free(work->plan);
	gpupt_request_free(work->request);
	if (!work->settings->session)
		gpupt_inventory_free(work->inventory);
	cli_target_close(&work->target);
	*work = (struct cli_work){ 0 };
}

static void note_numbers(const struct cli_settings *settings, const struct gpupt_plan *plan)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	char current[GPUPT_SIZE_TEXT_MAX], planned[GPUPT_SIZE_TEXT_MAX];
	char minimum[GPUPT_SIZE_TEXT_MAX], maximum[GPUPT_SIZE_TEXT_MAX];
	cli_note(settings, "verdict %s; hole %s, planned %s, smallest %s, largest %s",
		 gpupt_verdict_name(gpupt_plan_get_verdict(plan)),
		 gpupt_size_format(hole->current, current),
		 gpupt_size_format(hole->planned, planned),
		 gpupt_size_format(hole->minimum, minimum),
		 gpupt_size_format(hole->maximum, maximum));
}

int cli_judge(const struct cli_settings *settings, const struct gpupt_plan *plan,
	      const char *file)
{
	size_t n_findings;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &n_findings);
	if (settings->verbose)
		note_numbers(settings, plan);
	if (settings->report)
		cli_report_plan(settings->report, plan);
	else
		cli_print_findings(settings, file, findings, n_findings);
	int status = gpupt_plan_get_status(plan);
	if (status == 0)
		return CLI_DONE;
	return status == GPUPT_E_NO_FIT ? CLI_NO_FIT : CLI_TROUBLE;
}

bool cli_note_idle(const struct cli_work *work, const struct gpupt_plan *plan)
{
	size_t count;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	if (gpupt_plan_get_verdict(plan) != GPUPT_VERDICT_NOTHING || work->settings->report ||
	    (count && findings[0].severity > GPUPT_INFO)) /* such as a mediated device */
		return false;
	cli_note(work->settings, "%s: nothing to do: no device is passed through that needs room; "
		 "--add-device adds one of those that gpupt-xml devices lists",
		 work->target.is_file ? cli_work_file(work) : work->target.label);
	return true;
}

const char *cli_work_file(const struct cli_work *work)
{
	if (!work->target.is_file)
		return work->target.diff_name;
	return strcmp(work->settings->operand, "-") == 0 ? "<stdin>" : work->settings->operand;
}

bool cli_work_differs(const struct cli_work *work)
{
	size_t length;
	const char *text = gpupt_domain_get_text(work->target.domain, &length);
	return length != work->length || memcmp(text, work->text, length) != 0;
}
