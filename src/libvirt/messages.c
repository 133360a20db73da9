/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/messages.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* What Linux says of a BAR without an address: drivers/pci/setup-res.c ("no space for",
 * "can't assign; no space", "can't assign; bogus alignment", "failed to assign"; the words
 * have changed more than once), and pci_enable_resources() ("can't enable device: BAR 1
 * [..] not assigned", "not claimed"). */
static const char *const complaints[] = {
	"can't assign", "no space", "failed to assign", "not assigned", "not claimed",
};

/* A line of the text, without its end. */
struct line {
	const char *start;
	size_t length;
};

static bool next_line(const char **p, const char *end, struct line *ret)
{
	if (*p >= end)
		return false;
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	ret->start = *p;
	ret->length = (size_t)((newline ? newline : end) - *p);
	*p = newline ? newline + 1 : end;
	return true;
}

static bool has(const struct line *line, const char *word)
{
	return memmem(line->start, line->length, word, strlen(word));
}

static void add(struct gpupt_lines *lines, const struct line *line)
{
	if (lines->count >= GPUPT_LINES_MAX || !line->length)
		return;
	size_t length = line->length < GPUPT_LINE_MAX ? line->length : GPUPT_LINE_MAX;
	const char *copy = gpupt_arena_copy(lines->arena, line->start, length);
	if (!copy || !GPUPT_GROW(lines->items, lines->count, lines->capacity)) {
		lines->failed = true;
		return;
	}
	lines->items[lines->count++] = copy;
}

void gpupt_lines_add_all(struct gpupt_lines *lines, const char *text, size_t length)
{
	const char *p = text;
	struct line line;
	while (lines->count < GPUPT_LINES_MAX && next_line(&p, text + length, &line))
		add(lines, &line);
}

/* Whether a function is passed through, or a bridge on the way to one that is. */
static bool is_concerned(const struct gpupt_seen_function *function,
			 const struct gpupt_seen_function *functions, size_t n_functions)
{
	if (!function->found || function->passed_through)
		return function->found;
	size_t length = strlen(function->path);
	for (size_t i = 0; i < n_functions; i++)
		if (functions[i].found && functions[i].passed_through &&
		    strncmp(functions[i].path, function->path, length) == 0 &&
		    functions[i].path[length] == '/')
			return true;
	return false;
}

static bool is_about(const struct line *line, const struct gpupt_seen_function *functions,
		     size_t n_functions)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < n_functions; i++)
		if (is_concerned(&functions[i], functions, n_functions) &&
		    has(line, gpupt_pci_address_format(functions[i].guest, address)))
			return true;
	return false;
}

/* "NVRM: loading ..." is none; nor is a bridge without I/O ports, which is common. */
static bool is_complaint(const struct line *line, const struct gpupt_seen_function *functions,
			 size_t n_functions)
{
	if (has(line, "NVRM"))
		return has(line, "invalid") || has(line, "BAR") || has(line, "failed") ||
		       has(line, "cannot");
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(complaints); i++)
		if (has(line, complaints[i]))
			return !has(line, "[io ") && is_about(line, functions, n_functions);
	return false;
}

void gpupt_lines_add_messages(struct gpupt_lines *lines, const char *log, size_t length,
			      const struct gpupt_seen_function *functions, size_t n_functions)
{
	const char *p = log;
	struct line line;
	while (lines->count < GPUPT_LINES_MAX && next_line(&p, log + length, &line))
		if (is_complaint(&line, functions, n_functions))
			add(lines, &line);
}
