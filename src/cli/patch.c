/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/file.h"
#include "cli/output.h"
#include "cli/work.h"

/* A file that is right already is not touched in place. */
static int write_result(const struct cli_work *work, struct gpupt_error **error)
{
	const struct cli_settings *settings = work->settings;
	if (settings->output)
		return cli_file_replace(settings->output, work->text, work->length, error);
	if (!settings->in_place)
		return cli_print_text(work->text, work->length, error);
	if (!cli_work_differs(work))
		return 0;
	int r = cli_file_replace(settings->operand, work->text, work->length, error);
	if (r == 0)
		cli_note(settings, "%s: rewritten", settings->operand);
	return r;
}

static int patch(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	r = cli_judge(work->settings, work->plan, cli_work_file(work));
	return r == CLI_DONE ? write_result(work, error) : r;
}

int cli_patch(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_settings as_file = *settings;
	as_file.as_file = true;
	if (settings->in_place && strcmp(settings->operand, "-") == 0)
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "--in-place needs a file, not standard input");
	struct cli_work work;
	int r = cli_work_open(&as_file, CLI_LOOK, &work, error);
	if (r < 0)
		return r;
	r = patch(&work, error);
	cli_work_close(&work);
	return r;
}
