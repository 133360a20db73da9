/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/report.h"

#include "base/json.h"
#include "cli/print-json.h"
#include "cli/report-sarif.h"
#include "cli/table.h"
#include "plan/json.h"

struct cli_report {
	enum cli_format format;
	bool no_memory; /* something could not be made: the end tells */
	struct cli_report_target target;
	struct text { /* of files whose end is still to come, some of them read ahead */
		char *name;
		char *text;
		size_t length;
	} *texts;
	size_t n_texts, c_texts;
	json_t *item; /* of JSON the line, of the others what they are made of */
	struct cli_sarif sarif;
	struct cli_table table;
};

static const char *const headings[] = { "TARGET", "RESULT", "HOLE", "PLANNED", "VERDICT",
					"ERRORS", "WARNINGS" };

int cli_report_new(const struct cli_settings *settings, struct cli_report **ret,
		   struct gpupt_error **error)
{
	struct cli_report *report = calloc(1, sizeof(*report));
	if (!report)
		return gpupt_fail_nomem(error);
	report->format = settings->format;
	report->table.headings = headings;
	report->table.n_columns = GPUPT_ARRAY_SIZE(headings);
	cli_sarif_init(&report->sarif);
	*ret = report;
	return 0;
}

static void drop_text(struct cli_report *report, size_t i)
{
	free(report->texts[i].name);
	free(report->texts[i].text);
	report->texts[i] = report->texts[--report->n_texts];
}

void cli_report_free(struct cli_report *report)
{
	if (!report)
		return;
	while (report->n_texts)
		drop_text(report, report->n_texts - 1);
	free(report->texts);
	json_decref(report->item);
	cli_sarif_clear(&report->sarif);
	cli_table_clear(&report->table);
	free(report);
}

/* Takes the value; NULL is a value that there was no memory for. */
static void set(struct cli_report *report, const char *key, json_t *value)
{
	report->no_memory |= json_object_set_new(report->item, key, value) < 0;
}

void cli_report_begin(struct cli_report *report, const struct cli_report_target *target)
{
	json_decref(report->item);
	report->item = json_object();
	report->target = *target;
	set(report, "target", gpupt_json_text(target->name));
	set(report, "kind", json_string(target->kind));
	if (target->uri)
		set(report, "uri", gpupt_json_text(target->uri));
}

void cli_report_text(struct cli_report *report, const char *name, char *text, size_t length)
{
	char *copy = report->format == CLI_FORMAT_SARIF ? strdup(name) : NULL;
	if (copy && GPUPT_GROW(report->texts, report->n_texts, report->c_texts)) {
		report->texts[report->n_texts++] = (struct text){ copy, text, length };
		return;
	}
	report->no_memory |= report->format == CLI_FORMAT_SARIF;
	free(copy);
	free(text);
}

static void add_sarif(struct cli_report *report, const struct gpupt_error *failure)
{
	size_t i = strcmp(report->target.kind, "file") == 0 ? 0 : report->n_texts;
	while (i < report->n_texts && strcmp(report->texts[i].name, report->target.name) != 0)
		i++;
	if (i < report->n_texts) {
		report->target.text = report->texts[i].text;
		report->target.length = report->texts[i].length;
	}
	report->no_memory |=
		!cli_sarif_add(&report->sarif, &report->target, report->item, failure);
	if (i < report->n_texts)
		drop_text(report, i);
}

bool cli_report_is_own(const struct cli_report_target *target, const char *file)
{
	return strcmp(file, strcmp(target->name, "-") == 0 ? "<stdin>" : target->name) == 0;
}

void cli_report_plan(struct cli_report *report, const struct gpupt_plan *plan)
{
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	size_t count;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		report->no_memory |=
			json_array_append_new(array, gpupt_json_of_finding(&findings[i])) < 0;
	set(report, "verdict", json_string(gpupt_verdict_name(gpupt_plan_get_verdict(plan))));
	set(report, "hole", json_pack("{s:o, s:o}", "current_bytes",
				      gpupt_json_of_number(hole->current), "planned_bytes",
				      gpupt_json_of_number(hole->planned)));
	set(report, "findings", array);
}

void cli_report_change(struct cli_report *report, bool needs_restart, bool managed_save,
		       const char *validation_error)
{
	set(report, "needs_restart", json_boolean(needs_restart));
	set(report, "managed_save", json_boolean(managed_save));
	if (validation_error)
		set(report, "validation_error", gpupt_json_text(validation_error));
}

int cli_show_changes(const struct cli_settings *settings, const struct cli_changes *changes,
		     struct gpupt_error **error)
{
	if (!settings->report)
		return cli_print_changes(settings, changes, error);
	set(settings->report, "diff", gpupt_json_text(changes->text));
	return 0;
}

/* ---- a table */

static void add_size(struct cli_report *report, const char *key)
{
	char text[GPUPT_SIZE_TEXT_MAX];
	const json_t *size = json_object_get(json_object_get(report->item, "hole"), key);
	cli_table_add(&report->table, "%s", json_is_integer(size) ?
			      gpupt_size_format((uint64_t)json_integer_value(size), text) : "");
}

/* Where there was no plan: nothing. */
static void add_count(struct cli_report *report, const char *severity)
{
	const json_t *findings = json_object_get(report->item, "findings"), *finding;
	size_t i, n = 0;
	json_array_foreach (findings, i, finding) {
		const char *own = json_string_value(json_object_get(finding, "severity"));
		n += own && strcmp(own, severity) == 0;
	}
	if (findings)
		cli_table_add(&report->table, "%zu", n);
	else
		cli_table_add(&report->table, "%s", "");
}

static void add_row(struct cli_report *report, const char *result)
{
	const char *verdict = json_string_value(json_object_get(report->item, "verdict"));
	cli_table_add(&report->table, "%s", report->target.label);
	cli_table_add(&report->table, "%s", result);
	add_size(report, "current_bytes");
	add_size(report, "planned_bytes");
	cli_table_add(&report->table, "%s", verdict ? verdict : "");
	add_count(report, "error");
	add_count(report, "warning");
}

/* ---- the ends */

static void set_failure(struct cli_report *report, const struct gpupt_error *failure)
{
	const char *file = gpupt_error_get_file(failure);
	if (file && !cli_report_is_own(&report->target, file))
		set(report, "file", gpupt_json_text(file));
	set(report, "error", gpupt_json_text(gpupt_error_get_message(failure)));
	set(report, "line", json_integer((json_int_t)gpupt_error_get_line(failure)));
	set(report, "column", json_integer((json_int_t)gpupt_error_get_column(failure)));
}

int cli_report_end(struct cli_report *report, const char *result, int status,
		   const struct gpupt_error *failure, struct gpupt_error **error)
{
	if (failure)
		set_failure(report, failure);
	set(report, "result", json_string(result));
	set(report, "status", json_integer(status));
	if (report->format == CLI_FORMAT_SARIF)
		add_sarif(report, failure);
	else if (report->format == CLI_FORMAT_TABLE)
		add_row(report, result);
	if (report->no_memory)
		return gpupt_fail_nomem(error);
	return report->format == CLI_FORMAT_JSON ?
		       cli_print_json_line(json_incref(report->item), error) : 0;
}

int cli_report_close(struct cli_report *report, struct gpupt_error **error)
{
	switch (report->format) {
	case CLI_FORMAT_SARIF:
		return cli_print_json(report->no_memory ? NULL :
							  cli_sarif_document(&report->sarif), error);
	case CLI_FORMAT_TABLE:
		return report->table.n_cells ? cli_table_print(&report->table, stdout, error) : 0;
	default: return 0;
	}
}
