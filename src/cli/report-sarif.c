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
	free(sarif->places);
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

/* ---- columns: all else counts them in bytes, SARIF in UTF-16 code units (3.14.27 columnKind) */

/* A byte that belongs to no character is one of its own. */
static size_t count_units(const char *p, const char *end)
{
	size_t units = 0;
	while (p < end) {
		size_t length = gpupt_utf8_length(p, (size_t)(end - p));
		units += length == 4 ? 2 : 1; /* a surrogate pair */
		p += length ? length : 1;
	}
	return units;
}

static int compare_places(const void *a, const void *b)
{
	const struct cli_sarif_place *x = a, *y = b;
	return x->line != y->line ? (x->line < y->line ? -1 : 1) :
				    (x->column > y->column) - (x->column < y->column);
}

/* One walk through the text, however many places there are. */
static void set_columns(struct cli_sarif *sarif)
{
	static const char mark[] = "\xef\xbb\xbf"; /* is no part of the text (3.30.2) */
	const char *p = sarif->target->text, *end = p + sarif->target->length;
	const char *line_start = p;
	size_t line = 1, units = 0;
	if (sarif->target->length >= 3 && memcmp(p, mark, 3) == 0)
		p += 3;
	qsort(sarif->places, sarif->n_places, sizeof(*sarif->places), compare_places);
	for (size_t i = 0; i < sarif->n_places; i++) {
		const struct cli_sarif_place *place = &sarif->places[i];
		const char *newline;
		while (line < place->line && (newline = memchr(p, '\n', (size_t)(end - p)))) {
			p = line_start = newline + 1;
			line++;
			units = 0;
		}
		const char *spot = place->column - 1 < (size_t)(end - line_start) ?
					   line_start + place->column - 1 : end;
		if (spot > p) {
			units += count_units(p, spot);
			p = spot;
		}
		sarif->no_memory |= json_object_set_new(place->region, "startColumn",
							json_integer((json_int_t)units + 1)) < 0;
	}
	sarif->n_places = 0;
}

/* ---- results */

/* A column is known once the text was walked through; without a text it is the line. */
static json_t *region_of(struct cli_sarif *sarif, bool is_own, size_t line, size_t column)
{
	json_t *region = json_pack("{s:I}", "startLine", (json_int_t)(line ? line : 1));
	if (!line || !column || !is_own || !sarif->target->text)
		return region;
	if (GPUPT_GROW(sarif->places, sarif->n_places, sarif->c_places))
		sarif->places[sarif->n_places++] =
			(struct cli_sarif_place){ line, column, region };
	else
		sarif->no_memory = true;
	return region;
}

/* In the target, or in another file: in a snapshot. */
static json_t *location(struct cli_sarif *sarif, const char *file, size_t line, size_t column)
{
	const struct cli_report_target *target = sarif->target;
	if (!file && strcmp(target->kind, "file") != 0)
		return json_pack("{s:[{s:o, s:s}]}", "logicalLocations", "fullyQualifiedName",
				 gpupt_json_text(target->label), "kind", target->kind);
	GPUPT_AUTOFREE char *uri = uri_of(file ? file : target->name);
	return json_pack("{s:{s:{s:s}, s:o}}", "physicalLocation", "artifactLocation", "uri",
			 uri ? uri : "", "region", region_of(sarif, !file, line, column));
}

static void add_result(struct cli_sarif *sarif, const char *rule, const char *level,
		       const char *text, const char *file, size_t line, size_t column)
{
	json_t *result = json_pack("{s:s, s:s, s:{s:o}, s:[o]}", "ruleId", rule, "level", level,
				   "message", "text", gpupt_json_text(text), "locations",
				   location(sarif, file, line, column));
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
		   strcmp(severity, "info") == 0 ? "note" : severity, message, NULL,
		   (size_t)json_integer_value(json_object_get(finding, "line")),
		   (size_t)json_integer_value(json_object_get(finding, "column")));
}

static void add_failure(struct cli_sarif *sarif, const struct gpupt_error *failure)
{
	const char *file = gpupt_error_get_file(failure);
	add_result(sarif, "GPUPT-FAILED", "error", gpupt_error_get_message(failure),
		   file && !cli_report_is_own(sarif->target, file) ? file : NULL,
		   gpupt_error_get_line(failure), gpupt_error_get_column(failure));
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
			   "gpupt-xml would change this domain; gpupt-xml diff shows how", NULL,
			   0, 0);
	if (failure)
		add_failure(sarif, failure);
	if (sarif->n_places && !sarif->no_memory)
		set_columns(sarif);
	return !sarif->no_memory;
}

json_t *cli_sarif_document(const struct cli_sarif *sarif)
{
	json_t *rules = json_array();
	const char *id;
	json_t *ignored;
	json_object_foreach (sarif->rules, id, ignored)
		json_array_append_new(rules, json_pack("{s:s}", "id", id));
	return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:O}]}", "$schema",
			 "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
			 "runs", "tool", "driver", "name", "gpupt-xml", "version", GPUPT_VERSION,
			 "rules", rules, "columnKind", "utf16CodeUnits", "results",
			 sarif->results);
}
