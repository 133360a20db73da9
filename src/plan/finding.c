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
	if (domain && element && element->whole.end) {
		struct gpupt_place place = gpupt_domain_place(domain, element->whole.start);
		finding.line = place.line;
		finding.column = place.column;
	}
	finding.subject = gpupt_arena_copy(findings->arena, subject, strlen(subject));
	finding.text = text ? gpupt_arena_copy(findings->arena, text, (size_t)length) : NULL;
	free(text);
	if (!finding.subject || !finding.text ||
	    !GPUPT_GROW(findings->items, findings->count, findings->capacity))
		findings->no_memory = true;
	else
		findings->items[findings->count++] = finding;
}

void gpupt_findings_sort(struct gpupt_findings *findings)
{
	/* insertion sort: stable, and there are few */
	for (size_t i = 1; i < findings->count; i++) {
		struct gpupt_finding moving = findings->items[i];
		size_t j = i;
		for (; j > 0 && findings->items[j - 1].severity < moving.severity; j--)
			findings->items[j] = findings->items[j - 1];
		findings->items[j] = moving;
	}
}
