/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/report.h"

#include <ctype.h>
#include <jansson.h>

#include "base/json.h"
#include "cli/print-json.h"
#include "plan/json.h"

struct cli_report {
	bool is_sarif;
	bool no_memory; /* something could not be made: the end tells */
	const char *target;
	bool is_file;
	json_t *item;    /* JSON: the line; holds the findings for SARIF as well */
	json_t *results; /* SARIF */
	json_t *rules;   /* SARIF: {"GPUPT-0007": true} */
};

int cli_report_new(const struct cli_settings *settings, struct cli_report **ret,
		   struct gpupt_error **error)
{
	struct cli_report *report = calloc(1, sizeof(*report));
	if (!report)
		return gpupt_fail_nomem(error);
	report->is_sarif = settings->format == CLI_FORMAT_SARIF;
	report->results = json_array();
	report->rules = json_object();
	*ret = report;
	return 0;
}

void cli_report_free(struct cli_report *report)
{
	if (!report)
		return;
	json_decref(report->item);
	json_decref(report->results);
	json_decref(report->rules);
	free(report);
}

/* Takes the value; NULL is a value that there was no memory for. */
static void set(struct cli_report *report, const char *key, json_t *value)
{
	report->no_memory |= json_object_set_new(report->item, key, value) < 0;
}

void cli_report_begin(struct cli_report *report, const char *target, bool is_file)
{
	json_decref(report->item);
	report->item = json_object();
	report->target = target;
	report->is_file = is_file;
	set(report, "target", gpupt_json_text(target));
	set(report, "kind", json_string(is_file ? "file" : "domain"));
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

int cli_show_diff(const struct cli_settings *settings, const char *name, const char *old_text,
		  size_t old_length, const char *new_text, size_t new_length,
		  struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *diff = NULL;
	size_t length;
	if (!settings->report)
		return cli_print_diff(settings, name, old_text, old_length, new_text, new_length,
				      error);
	int r = cli_make_diff(settings, name, old_text, old_length, new_text, new_length, &diff,
			      &length, NULL, error);
	if (r == 0)
		set(settings->report, "diff", gpupt_json_text(diff));
	return r;
}

/* ---- SARIF (OASIS, Static Analysis Results Interchange Format 2.1.0) */

/* A path as a URI reference (RFC 3986): what is no unreserved character is escaped. */
static char *uri_of(const char *path)
{
	struct gpupt_str uri = { 0 };
	for (; *path; path++) {
		if (isalnum((unsigned char)*path) || strchr("-._~/", *path))
			gpupt_str_add(&uri, path, 1);
		else
			gpupt_str_addf(&uri, "%%%02X", (unsigned char)*path);
	}
	return gpupt_str_steal(&uri, NULL);
}

static json_t *location(const struct cli_report *report, json_int_t line, json_int_t column)
{
	if (!report->is_file)
		return json_pack("{s:[{s:o, s:s}]}", "logicalLocations", "fullyQualifiedName",
				 gpupt_json_text(report->target), "kind", "domain");
	GPUPT_AUTOFREE char *uri = uri_of(report->target);
	json_t *region = json_pack("{s:I}", "startLine", line ? line : 1);
	if (line && column)
		json_object_set_new(region, "startColumn", json_integer(column));
	return json_pack("{s:{s:{s:s}, s:o}}", "physicalLocation", "artifactLocation", "uri",
			 uri ? uri : "", "region", region);
}

static void add_result(struct cli_report *report, const char *rule, const char *level,
		       const char *text, json_int_t line, json_int_t column)
{
	json_t *result = json_pack("{s:s, s:s, s:{s:o}, s:[o]}", "ruleId", rule, "level", level,
				   "message", "text", gpupt_json_text(text), "locations",
				   location(report, line, column));
	report->no_memory |= json_array_append_new(report->results, result) < 0 ||
			     json_object_set_new(report->rules, rule, json_true()) < 0;
}

static void add_finding(struct cli_report *report, const json_t *finding)
{
	const char *severity = json_string_value(json_object_get(finding, "severity"));
	const char *subject = json_string_value(json_object_get(finding, "subject"));
	const char *text = json_string_value(json_object_get(finding, "text"));
	const char *remedy = json_string_value(json_object_get(finding, "remedy"));
	GPUPT_AUTOFREE char *message = NULL;
	if (!severity || !subject || !text || !remedy ||
	    asprintf(&message, "%s%s%s%s%s", strstr(text, subject) ? "" : subject,
		     strstr(text, subject) ? "" : ": ", text, *remedy ? ". " : "", remedy) < 0) {
		message = NULL;
		report->no_memory = true;
		return;
	}
	add_result(report, json_string_value(json_object_get(finding, "id")),
		   strcmp(severity, "info") == 0 ? "note" : severity, message,
		   json_integer_value(json_object_get(finding, "line")),
		   json_integer_value(json_object_get(finding, "column")));
}

static void add_to_sarif(struct cli_report *report, const struct gpupt_error *failure)
{
	size_t i;
	json_t *finding;
	json_array_foreach (json_object_get(report->item, "findings"), i, finding)
		add_finding(report, finding);
	if (json_object_get(report->item, "diff"))
		add_result(report, "GPUPT-DIFF", "warning",
			   "gpupt-xml would change this domain; gpupt-xml diff shows how", 0, 0);
	if (failure)
		add_result(report, "GPUPT-FAILED", "error", gpupt_error_get_message(failure),
			   (json_int_t)gpupt_error_get_line(failure),
			   (json_int_t)gpupt_error_get_column(failure));
}

static json_t *sarif_document(const struct cli_report *report)
{
	json_t *rules = json_array();
	const char *id;
	json_t *ignored;
	json_object_foreach (report->rules, id, ignored)
		json_array_append_new(rules, json_pack("{s:s}", "id", id));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:O}]}", "$schema",
			 "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
			 "runs", "tool", "driver", "name", "gpupt-xml", "version", GPUPT_VERSION,
			 "rules", rules, "results", report->results);
}

/* ---- the ends */

static void set_failure(struct cli_report *report, const struct gpupt_error *failure)
{
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
	if (report->is_sarif)
		add_to_sarif(report, failure);
	if (report->no_memory)
		return gpupt_fail_nomem(error);
	return report->is_sarif ? 0 : cli_print_json_line(json_incref(report->item), error);
}

int cli_report_close(struct cli_report *report, struct gpupt_error **error)
{
	if (!report->is_sarif)
		return 0;
	return cli_print_json(report->no_memory ? NULL : sarif_document(report), error);
}
