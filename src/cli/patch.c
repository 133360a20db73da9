/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/work.h"

/* A file that is right already is not touched. */
static int rewrite(const struct cli_work *work, struct gpupt_error **error)
{
	const struct cli_settings *settings = work->settings;
	struct cli_text old, new = { work->text, work->length };
	struct stat st;
	if (!cli_work_differs(work))
		return 0;
	old.text = gpupt_domain_get_text(work->target.domain, &old.length);
	bool linked = stat(settings->operand, &st) == 0 && st.st_nlink > 1;
	int r = cli_file_replace(settings->operand, &old, &new, error);
	if (r < 0)
		return r;
	if (settings->session)
		settings->session->changed = true;
	cli_note(settings, "%s: rewritten%s", settings->operand,
		 linked ? "; its other hard links still lead to the old text" : "");
	return 0;
}

/* As with cp(1): a new file keeps out whom the old one, which may hold passwords, kept
 * out. A pipe has the mode 0600. */
static void let_nobody_else_in(const struct cli_settings *settings)
{
	struct stat st;
	int r = strcmp(settings->operand, "-") == 0 ? fstat(STDIN_FILENO, &st) :
						      stat(settings->operand, &st);
	mode_t mask = umask(077);
	if (r == 0)
		umask(mask | (~st.st_mode & 0777));
}

static int patch(struct cli_work *work, struct gpupt_error **error)
{
	int r = cli_work_plan(work, error);
	if (r < 0)
		return r;
	r = cli_judge(work->settings, work->plan, cli_work_file(work));
	if (r != CLI_DONE)
		return r;
	if (work->settings->in_place)
		return rewrite(work, error);
	let_nobody_else_in(work->settings);
	return cli_put_text(work->settings, work->text, work->length, error);
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
