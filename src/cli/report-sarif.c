/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/report-sarif.h"

#include <ctype.h>

#include "base/json.h"

void cli_sarif_init(struct cli_sarif *sarif)
{
	*sarif = (struct cli_sarif){ .results = json_array(), .rules = json_object() };
}

void cli_sarif_clear(struct cli_sarif *sarif)
{
	json_decref(sarif->results);
	json_decref(sarif->rules);
}

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

static json_t *location(const struct cli_report_target *target, json_int_t line,
			json_int_t column)
{
	if (strcmp(target->kind, "file") != 0)
		return json_pack("{s:[{s:o, s:s}]}", "logicalLocations", "fullyQualifiedName",
				 gpupt_json_text(target->label), "kind", target->kind);
	GPUPT_AUTOFREE char *uri = uri_of(target->name);
	json_t *region = json_pack("{s:I}", "startLine", line ? line : 1);
	if (line && column)
		json_object_set_new(region, "startColumn", json_integer(column));
	return json_pack("{s:{s:{s:s}, s:o}}", "physicalLocation", "artifactLocation", "uri",
			 uri ? uri : "", "region", region);
}

static void add_result(struct cli_sarif *sarif, const char *rule, const char *level,
		       const char *text, json_int_t line, json_int_t column)
{
	json_t *result = json_pack("{s:s, s:s, s:{s:o}, s:[o]}", "ruleId", rule, "level", level,
				   "message", "text", gpupt_json_text(text), "locations",
				   location(sarif->target, line, column));
	sarif->no_memory |= json_array_append_new(sarif->results, result) < 0 ||
			    json_object_set_new(sarif->rules, rule, json_true()) < 0;
}

static void add_finding(struct cli_sarif *sarif, const json_t *finding)
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
		sarif->no_memory = true;
		return;
	}
	add_result(sarif, json_string_value(json_object_get(finding, "id")),
		   strcmp(severity, "info") == 0 ? "note" : severity, message,
		   json_integer_value(json_object_get(finding, "line")),
		   json_integer_value(json_object_get(finding, "column")));
}

bool cli_sarif_add(struct cli_sarif *sarif, const struct cli_report_target *target,
		   const json_t *item, const struct gpupt_error *failure)
{
	size_t i;
	json_t *finding;
	sarif->target = target;
	json_array_foreach (json_object_get(item, "findings"), i, finding)
		add_finding(sarif, finding);
	if (json_object_get(item, "diff"))
		add_result(sarif, "GPUPT-DIFF", "warning",
			   "gpupt-xml would change this domain; gpupt-xml diff shows how", 0, 0);
	if (failure)
		add_result(sarif, "GPUPT-FAILED", "error", gpupt_error_get_message(failure),
			   (json_int_t)gpupt_error_get_line(failure),
			   (json_int_t)gpupt_error_get_column(failure));
	return !sarif->no_memory;
}

json_t *cli_sarif_document(const struct cli_sarif *sarif)
{
	json_t *rules = json_array();
	const char *id;
	json_t *ignored;
	json_object_foreach (sarif->rules, id, ignored)
		json_array_append_new(rules, json_pack("{s:s}", "id", id));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:O}]}", "$schema",
			 "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
			 "runs", "tool", "driver", "name", "gpupt-xml", "version", GPUPT_VERSION,
			 "rules", rules, "results", sarif->results);
}
