/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/same.h"

#include "base/util.h"

#define START "<controller "
#define END "</controller>"

/* A line, or all lines of a controller. */
struct piece {
	const char *text;
	size_t length;
	size_t position; /* CONTROLLER: anywhere */
};

#define CONTROLLER SIZE_MAX

static bool starts(const char *line, const char *with)
{
	return strncmp(line + strspn(line, " "), with, strlen(with)) == 0;
}

static size_t line_length(const char *line)
{
	size_t length = strcspn(line, "\n");
	return length + (line[length] == '\n');
}

static size_t controller_length(const char *text)
{
	const char *line = text;
	size_t length = line_length(line);
	const char *tag_end = memchr(line, '>', length);
	if (tag_end && tag_end > line && tag_end[-1] == '/')
		return length;
	while (*line && !starts(line, END))
		line += line_length(line);
	return (size_t)(line + line_length(line) - text);
}

static int compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	int order = memcmp(x->text, y->text, shorter);
	return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* The other lines as they come, then the controllers, sorted; NULL when memory is
 * short. */
static struct piece *take_apart(const char *text, size_t *ret_count)
{
	struct piece *pieces = NULL;
	size_t count = 0, capacity = 0, position = 0;
	do {
		bool controller = starts(text, START);
		size_t length = controller ? controller_length(text) : line_length(text);
		if (!GPUPT_GROW(pieces, count, capacity)) {
			free(pieces);
			return NULL;
		}
		pieces[count++] = (struct piece){ text, length,
						  controller ? CONTROLLER : position++ };
		text += length;
	} while (*text);
	qsort(pieces, count, sizeof(*pieces), compare);
	*ret_count = count;
	return pieces;
}

GPUPT_EXPORT int gpupt_same_definition(const char *a, const char *b, struct gpupt_error **error)
{
	size_t n_a = 0, n_b = 0;
	if (strcmp(a, b) == 0)
		return 1;
	GPUPT_AUTOFREE struct piece *in_a = take_apart(a, &n_a);
	GPUPT_AUTOFREE struct piece *in_b = take_apart(b, &n_b);
	if (!in_a || !in_b)
		return gpupt_fail_nomem(error);
	bool same = n_a == n_b;
	for (size_t i = 0; same && i < n_a; i++)
		same = compare(&in_a[i], &in_b[i]) == 0;
	return same;
}
