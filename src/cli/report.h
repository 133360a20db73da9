/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_REPORT_H
#define GPUPT_CLI_REPORT_H

#include "cli/output.h"

/* What diff and apply found, all alike: a line of JSON for each target as it is done, or
 * at the end SARIF 2.1.0 or a table. settings->report is NULL with --format text. */
struct cli_report;

int cli_report_new(const struct cli_settings *settings, struct cli_report **ret,
		   struct gpupt_error **error);
void cli_report_free(struct cli_report *report);

/* Borrowed until the target ends. */
struct cli_report_target {
	const char *name;  /* as it was named, or the domain's */
	const char *label; /* with the host's, where there are several */
	const char *uri;   /* of the hypervisor; NULL: not known, or a file */
	const char *kind;  /* "file", "domain", or "host" for one that cannot be had */
	const char *text;  /* of a file, where the format counts its columns; else NULL */
	size_t length;
};

/* Whether the file that an error names is the target itself. */
bool cli_report_is_own(const struct cli_report_target *target, const char *file);

/* A target begins; what the functions below take is about it. */
void cli_report_begin(struct cli_report *report, const struct cli_report_target *target);

/* Takes the text of a file that is a target, perhaps before its turn. */
void cli_report_text(struct cli_report *report, const char *name, char *text, size_t length);

/* The plan's findings and numbers, in the place of those of an earlier attempt. */
void cli_report_plan(struct cli_report *report, const struct gpupt_plan *plan);

/* The domain was defined: what it takes for that to take effect, and why libvirt could not
 * validate it, or NULL. */
void cli_report_change(struct cli_report *report, bool needs_restart, bool managed_save,
		       const char *validation_error);

/* The target ends: with a word for what it came to, an exit status, and an error or NULL. */
int cli_report_end(struct cli_report *report, const char *result, int status,
		   const struct gpupt_error *failure, struct gpupt_error **error);

/* All targets were. */
int cli_report_close(struct cli_report *report, struct gpupt_error **error);

/* Prints the diff, or puts it into the report. */
int cli_show_changes(const struct cli_settings *settings, const struct cli_changes *changes,
		     struct gpupt_error **error);

#endif
