/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_WORK_H
#define GPUPT_CLI_WORK_H

#include "cli/output.h"
#include "cli/request.h"

/* What diff, patch and explain have in common: from the options to a plan and
 * the new text. */
struct cli_work {
	const struct cli_settings *settings;
	struct cli_target target;
	struct gpupt_inventory *inventory;
	struct gpupt_request *request;
	struct gpupt_plan *plan;
	char *text; /* as it would be */
	size_t length;
	struct cli_changes changes; /* for diff; without text where there are none */
};

/* Reads the target, the inventory and the options into a request. */
int cli_work_open(const struct cli_settings *settings, enum cli_access access,
		  struct cli_work *ret, struct gpupt_error **error);
/* Plans and splices. */
int cli_work_plan(struct cli_work *work, struct gpupt_error **error);
/* For one that was not planned at once: others have the inventory grow, which then is
 * another. */
void cli_work_renew_inventory(struct cli_work *work);
void cli_work_close(struct cli_work *work);

/* Prints the plan's findings and returns CLI_DONE, or why nothing may be written:
 * CLI_NO_FIT, or CLI_TROUBLE where a size was asked for that could not be computed. */
int cli_judge(const struct cli_settings *settings, const struct gpupt_plan *plan,
	      const char *file);

/* Says that there is nothing to do where that is because nothing is passed through, which
 * is not what whoever asks about one domain expects; false where there is another reason. */
bool cli_note_idle(const struct cli_work *work, const struct gpupt_plan *plan);

/* What diff does with it: plans and makes the diff, then shows that, which returns an exit
 * status or a negative one. */
int cli_diff_prepare(struct cli_work *work, struct gpupt_error **error);
int cli_diff_show(const struct cli_work *work, struct gpupt_error **error);

/* What findings call the text they are about. */
const char *cli_work_file(const struct cli_work *work);
bool cli_work_differs(const struct cli_work *work);

#endif
