/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/explain.h"

#include "base/str.h"
#include "cli/output.h"

/* What the guest may run on, grouped by what comes of it. */

static bool is_same(const struct gpupt_possibility *a, const struct gpupt_possibility *b)
{
	return a->verdict == b->verdict && a->has_minimum == b->has_minimum &&
	       a->minimum == b->minimum;
}

static bool is_first(const struct gpupt_possibility *list, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_same(&list[i], &list[j]))
			return false;
	return true;
}

static const char *verdict_words(enum gpupt_verdict verdict)
{
	switch (verdict) {
	case GPUPT_VERDICT_FIRMWARE: return "the firmware places every BAR";
	case GPUPT_VERDICT_KERNEL: return "the guest kernel places what the firmware leaves";
	case GPUPT_VERDICT_PARTIAL: return "not every BAR gets an address";
	default: return gpupt_verdict_name(verdict);
	}
}

/* "Debian 12" of "Debian 12, Linux up to 6.12, AMD host". */
static size_t platform_length(const char *name)
{
	const char *kernel = strstr(name, ", Linux ");
	return kernel ? (size_t)(kernel - name) : strlen(name);
}

static bool is_same_platform(const char *a, const char *b)
{
	size_t length = platform_length(a);
	return platform_length(b) == length && strncmp(a, b, length) == 0;
}

static const char *rest_of(const char *name)
{
	const char *rest = name + platform_length(name);
	return *rest ? rest + 2 : rest;
}

/* One line for each platform of a group. */
static void print_group(const struct gpupt_possibility *list, size_t count, size_t first,
			FILE *out, struct gpupt_str *line)
{
	char size[GPUPT_SIZE_TEXT_MAX];
	const struct gpupt_possibility *one = &list[first];
	fprintf(out, "- %s; ", verdict_words(one->verdict));
	if (!one->has_minimum)
		fputs("no hole is large enough:\n", out);
	else if (!one->minimum)
		fputs("any hole will do:\n", out);
	else
		fprintf(out, "at least %s:\n", gpupt_size_format(one->minimum, size));
	const char *platform = NULL;
	for (size_t i = first; i <= count; i++) {
		if (i < count && !is_same(one, &list[i]))
			continue;
		bool goes_on = i < count && platform && is_same_platform(platform, list[i].name);
		if (!goes_on && line->length && line->data)
			cli_print_paragraph(out, 8, 4, "%s", line->data);
		if (i == count)
			break;
		const char *name = platform = list[i].name;
		if (!goes_on) {
			line->length = 0;
			gpupt_str_add(line, name, platform_length(name));
			gpupt_str_adds(line, list[i].booted ? "" : "*");
		}
		gpupt_str_addf(line, "%s%s", goes_on ? "; " : ": ", rest_of(name));
	}
	line->length = 0;
}

int cli_explain_possibilities(const struct gpupt_plan *plan, FILE *out,
			      struct gpupt_error **error)
{
	size_t count, shown;
	const struct gpupt_possibility *list =
		gpupt_plan_get_possibilities(plan, &count, &shown);
	struct gpupt_str line = { 0 };
	bool from_source = false;
	if (!count)
		return 0;
	if (count == 1)
		cli_print_paragraph(out, 0, 0, "Computed for one case of firmware, QEMU and "
				    "kernel:");
	else
		cli_print_paragraph(out, 0, 0, "Which firmware, QEMU and kernel the guest runs on "
				    "is not known in full; the size has to do for all of %zu "
				    "cases. Shown is the worst: %s.", count, list[shown].name);
	for (size_t i = 0; i < count; i++) {
		from_source |= !list[i].booted;
		if (is_first(list, i))
			print_group(list, count, i, out, &line);
	}
	if (from_source)
		fputs("* read from source, not booted\n", out);
	fputc('\n', out);
	bool failed = line.failed;
	gpupt_str_clear(&line);
	return failed ? gpupt_fail_nomem(error) : 0;
}
