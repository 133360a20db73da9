/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/report.h"
#include "cli/work.h"

static bool has_errors(const struct gpupt_plan *plan)
{
	size_t count;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	return count && findings[0].severity == GPUPT_ERROR; /* the most serious come first */
}

/* Without --strict a finding is for people to read. */
static int status_of(const struct cli_work *work, int status)
{
	return work->settings->strict && has_errors(work->plan) ? CLI_FINDINGS : status;
}

int cli_diff_prepare(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0 || gpupt_plan_get_status(work->plan) < 0 || !cli_work_differs(work))
		return r;
	size_t length;
	const char *text = gpupt_domain_get_text(work->target.domain, &length);
	return cli_make_diff(work->settings, work->target.diff_name, text, length, work->text,
			     work->length, &work->changes, error);
}

int cli_diff_show(const struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_judge(work->settings, work->plan, cli_work_file(work));
	if (r != CLI_DONE)
		return r;
	if (!work->changes.text)
		return status_of(work, r);
	r = cli_show_changes(work->settings, &work->changes, error);
	return r < 0 ? r : status_of(work, CLI_DIFFERS);
}

int cli_diff(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_work work;
	int r = cli_work_open(settings, cli_access_for(settings), &work, error);
	if (r < 0)
		return r;
	r = cli_diff_prepare(&work, error);
	if (r == 0)
		r = cli_diff_show(&work, error);
	if (r == CLI_DONE && !work.changes.text && !settings->session)
		cli_note_idle(&work, work.plan);
	cli_work_close(&work);
	return r;
}
