/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/finding.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	unsigned int number;
	enum gpupt_severity severity;
	const char *remedy;
} known[] = {
#define FINDING(number, symbol, severity, meaning, remedy) { number, severity, remedy },
#include "plan/findings.def"
#undef FINDING
};

void gpupt_findings_add(struct gpupt_findings *findings, enum gpupt_finding_number number,
			const struct gpupt_domain *domain, const struct gpupt_element *element,
			const char *subject, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		text = NULL;
	struct gpupt_finding finding = { .number = number };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(known); i++) {
		if (known[i].number == number) {
			finding.severity = known[i].severity;
			finding.remedy = known[i].remedy;
		}
	}
	bool has_place = domain && element && element->whole.end;
	if (has_place)
		findings->domain = domain;
	finding.subject = gpupt_arena_copy(findings->arena, subject, strlen(subject));
	finding.text = text ? gpupt_arena_copy(findings->arena, text, (size_t)length) : NULL;
	free(text);
	if (!finding.subject || !finding.text ||
	    !GPUPT_GROW(findings->items, findings->count, findings->capacity) ||
	    !GPUPT_GROW(findings->offsets, findings->count, findings->c_offsets)) {
		findings->no_memory = true;
		return;
	}
	findings->offsets[findings->count] = has_place ? element->whole.start : SIZE_MAX;
	findings->items[findings->count++] = finding;
}

struct spot {
	size_t offset;
	size_t finding;
};

static int compare_spots(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* One walk through the text, however many findings there are. */
static void find_places(struct gpupt_findings *findings, struct spot *spots)
{
	size_t line = 1, line_start = 0, count = 0;
	for (size_t i = 0; i < findings->count; i++)
		if (findings->offsets[i] != SIZE_MAX)
			spots[count++] = (struct spot){ findings->offsets[i], i };
	qsort(spots, count, sizeof(*spots), compare_spots);
	for (size_t i = 0; i < count; i++) {
		const char *text = findings->domain->text;
		const char *newline;
		while ((newline = memchr(text + line_start, '\n', spots[i].offset - line_start))) {
			line++;
			line_start = (size_t)(newline - text) + 1;
		}
		findings->items[spots[i].finding].line = line;
		findings->items[spots[i].finding].column = spots[i].offset - line_start + 1;
	}
}

void gpupt_findings_settle(struct gpupt_findings *findings)
{
	struct gpupt_finding *sorted = calloc(findings->count + 1, sizeof(*sorted));
	GPUPT_AUTOFREE struct spot *spots = calloc(findings->count + 1, sizeof(*spots));
	if (!sorted || !spots) {
		free(sorted);
		findings->no_memory = true;
		return;
	}
	find_places(findings, spots);
	size_t count = 0;
	for (int severity = GPUPT_ERROR; severity >= GPUPT_INFO; severity--)
		for (size_t i = 0; i < findings->count; i++)
			if ((int)findings->items[i].severity == severity)
				sorted[count++] = findings->items[i];
	free(findings->items);
	free(findings->offsets);
	findings->items = sorted;
	findings->offsets = NULL;
	findings->capacity = findings->count;
	findings->c_offsets = 0;
}
