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

static int show(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	r = cli_judge(work->settings, work->plan, cli_work_file(work));
	if (r != CLI_DONE)
		return r;
	if (!cli_work_differs(work)) {
		cli_note_idle(work, work->plan);
		return status_of(work, r);
	}
	size_t length;
	const char *text = gpupt_domain_get_text(work->target.domain, &length);
	r = cli_show_diff(work->settings, work->target.diff_name, text, length, work->text,
			   work->length, error);
	return r < 0 ? r : status_of(work, CLI_DIFFERS);
}

int cli_diff(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_work work;
	int r = cli_work_open(settings, cli_access_for(settings), &work, error);
	if (r < 0)
		return r;
	r = show(&work, error);
	cli_work_close(&work);
	return r;
}
