/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_APPLY_DIFF_H
#define GPUPT_TESTS_APPLY_DIFF_H

/* A patch(1) for tests that trusts nothing: every number in a hunk's header,
 * every context line and every removed line must be right to the byte. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct apply_cursor {
	const char *at;
	const char *end;
};

/* Takes one line, newline included; false at the end. */
static inline bool apply_take_line(struct apply_cursor *c, const char **ret, size_t *ret_length)
{
	if (c->at == c->end)
		return false;
	const char *newline = memchr(c->at, '\n', (size_t)(c->end - c->at));
	const char *next = newline ? newline + 1 : c->end;
	*ret = c->at;
	*ret_length = (size_t)(next - c->at);
	c->at = next;
	return true;
}

/* Reads "12,3" or "12"; numbers the first line as from 0. */
static inline const char *apply_take_range(const char *p, size_t *ret_start, size_t *ret_count)
{
	char *end;
	*ret_start = strtoul(p, &end, 10);
	*ret_count = 1;
	if (*end == ',')
		*ret_count = strtoul(end + 1, &end, 10);
	if (*ret_count > 0)
		(*ret_start)--;
	return end;
}

struct apply_state {
	struct apply_cursor old_text;
	size_t old_line, new_line; /* lines taken and made */
	char *made;
	size_t length;
};

static inline void apply_make(struct apply_state *s, const char *line, size_t length)
{
	memcpy(s->made + s->length, line, length);
	s->length += length;
	s->new_line++;
}

static inline bool apply_hunk(struct apply_state *s, struct apply_cursor *diff)
{
	const char *line, *old_line;
	size_t length, old_length, old_start, old_count, new_start, new_count;
	apply_take_line(diff, &line, &length);
	if (length < 4 || memcmp(line, "@@ -", 4) != 0)
		return false;
	const char *p = apply_take_range(line + 4, &old_start, &old_count);
	if (strncmp(p, " +", 2) != 0)
		return false;
	p = apply_take_range(p + 2, &new_start, &new_count);
	if (strncmp(p, " @@\n", 4) != 0)
		return false;
	while (s->old_line < old_start && apply_take_line(&s->old_text, &line, &length)) {
		apply_make(s, line, length);
		s->old_line++;
	}
	if (s->old_line != old_start || s->new_line != new_start)
		return false;
	while (old_count > 0 || new_count > 0) {
		if (!apply_take_line(diff, &line, &length))
			return false;
		char mark = *line++;
		length--;
		if (diff->at < diff->end && *diff->at == '\\') { /* no newline at the end */
			const char *note;
			size_t note_length;
			length--;
			apply_take_line(diff, &note, &note_length);
		}
		if (mark == ' ' || mark == '-') {
			if (old_count-- == 0 ||
			    !apply_take_line(&s->old_text, &old_line, &old_length) ||
			    old_length != length || memcmp(old_line, line, length) != 0)
				return false;
			s->old_line++;
		}
		if (mark == ' ' || mark == '+') {
			if (new_count-- == 0)
				return false;
			apply_make(s, line, length);
		} else if (mark != '-') {
			return false;
		}
	}
	return true;
}

/* Applies the diff to the text; NULL when it does not fit. Freed with free(). */
static inline char *apply_diff(const char *text, size_t length, const char *diff,
			       size_t diff_length, size_t *ret_length)
{
	struct apply_cursor d = { diff, diff + diff_length };
	struct apply_state s = { .old_text = { text, text + length } };
	const char *line;
	size_t n;
	s.made = malloc(length + diff_length + 1);
	bool ok = s.made != NULL;
	if (ok && diff_length > 0) {
		ok = apply_take_line(&d, &line, &n) && n > 4 && memcmp(line, "--- ", 4) == 0 &&
		     apply_take_line(&d, &line, &n) && n > 4 && memcmp(line, "+++ ", 4) == 0 &&
		     d.at < d.end;
		while (ok && d.at < d.end)
			ok = apply_hunk(&s, &d);
	}
	if (!ok) {
		free(s.made);
		return NULL;
	}
	while (apply_take_line(&s.old_text, &line, &n))
		apply_make(&s, line, n);
	*ret_length = s.length;
	return s.made;
}

#endif
