/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/script.h"

#include <gpupt/error.h>

#include "base/util.h"

/* The greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its
 * Variations" (Algorithmica 1, 1986). A point of the edit graph is kept as two
 * byte offsets instead of two line numbers: then a snake (a run of equal lines)
 * is one comparison of memory, and no table of lines or hashes is needed. That
 * makes the usual case, a few edits in a text of any size, as fast as memcmp. */

/* More edits than this are not searched: the rest of the texts is then one
 * change. Bounds the memory to 8 MiB and the time to half a million steps. */
#define MAX_EDITS 1024

struct point {
	size_t old;
	size_t new;
};

#define NOWHERE ((struct point){ SIZE_MAX, SIZE_MAX })

/* The part of the texts that is not equal from the start or up to the end. */
struct search {
	const char *old_text;
	const char *new_text;
	struct point start;
	struct point end;
	/* points[d(d+1)/2 + i]: how far d edits lead when i of them are
	 * deletions, 0 <= i <= d; NOWHERE when that many are impossible. */
	struct point *points;
};

/* How many bytes a and b have in common from the start. */
static size_t common_bytes(const char *a, const char *b, size_t length)
{
	size_t n = 0;
	for (size_t block = 4096; block >= 64; block /= 8)
		while (length - n >= block && memcmp(a + n, b + n, block) == 0)
			n += block;
	while (n < length && a[n] == b[n])
		n++;
	return n;
}

/* How many bytes the texts that end at a and b have in common at the end. */
static size_t common_bytes_back(const char *a, const char *b, size_t length)
{
	size_t n = 0;
	for (size_t block = 4096; block >= 64; block /= 8)
		while (length - n >= block && memcmp(a - n - block, b - n - block, block) == 0)
			n += block;
	while (n < length && *(a - n - 1) == *(b - n - 1))
		n++;
	return n;
}

static size_t next_line(const char *text, size_t at, size_t end)
{
	const char *newline = memchr(text + at, '\n', end - at);
	return newline ? (size_t)(newline - text) + 1 : end;
}

/* Goes on from `at` for as long as lines are equal. */
static struct point follow_snake(const struct search *s, struct point at)
{
	size_t old_left = s->end.old - at.old;
	size_t new_left = s->end.new - at.new;
	size_t n = common_bytes(s->old_text + at.old, s->new_text + at.new,
				old_left < new_left ? old_left : new_left);
	if (n < old_left || n < new_left) {
		const char *newline = memrchr(s->old_text + at.old, '\n', n);
		n = newline ? (size_t)(newline - s->old_text) + 1 - at.old : 0;
	}
	return (struct point){ at.old + n, at.new + n };
}

static struct point delete_line(const struct search *s, struct point at)
{
	if (at.old >= s->end.old)
		return NOWHERE;
	return (struct point){ next_line(s->old_text, at.old, s->end.old), at.new };
}

static struct point insert_line(const struct search *s, struct point at)
{
	if (at.new >= s->end.new)
		return NOWHERE;
	return (struct point){ at.old, next_line(s->new_text, at.new, s->end.new) };
}

static struct point *point_of(const struct search *s, size_t edits, size_t deletions)
{
	return &s->points[edits * (edits + 1) / 2 + deletions];
}

/* The last of `edits` edits: from where it started, and where it led. */
static struct point last_edit(const struct search *s, size_t edits, size_t deletions,
			      struct point *ret_from)
{
	struct point by_delete = NOWHERE, by_insert = NOWHERE;
	if (deletions > 0)
		by_delete = delete_line(s, *point_of(s, edits - 1, deletions - 1));
	if (deletions < edits)
		by_insert = insert_line(s, *point_of(s, edits - 1, deletions));
	/* Both are on one diagonal: further in one text is further in both. */
	if (by_insert.old == SIZE_MAX ||
	    (by_delete.old != SIZE_MAX && by_delete.old >= by_insert.old)) {
		if (deletions > 0)
			*ret_from = *point_of(s, edits - 1, deletions - 1);
		return by_delete;
	}
	*ret_from = *point_of(s, edits - 1, deletions);
	return by_insert;
}

/* Finds the fewest edits from start to end, or the path that comes furthest
 * with MAX_EDITS of them. */
static int search_path(struct search *s, size_t *ret_edits, size_t *ret_deletions)
{
	size_t capacity = 0;
	for (size_t d = 0; d <= MAX_EDITS; d++) {
		size_t best = 0, best_reach = 0;
		for (size_t i = 0; i <= d; i++) {
			if (!GPUPT_GROW(s->points, d * (d + 1) / 2 + i, capacity))
				return GPUPT_E_NOMEM;
			struct point from = s->start, at = s->start;
			if (d > 0)
				at = last_edit(s, d, i, &from);
			if (at.old != SIZE_MAX)
				at = follow_snake(s, at);
			*point_of(s, d, i) = at;
			if (at.old == SIZE_MAX || at.old + at.new < best_reach)
				continue;
			best = i;
			best_reach = at.old + at.new;
		}
		*ret_edits = d;
		*ret_deletions = best;
		if (best_reach == s->end.old + s->end.new)
			break;
	}
	return 0;
}

/* Puts the edit before the first of the changes, or makes it part of that. The
 * list is kept last change first. */
static bool prepend(struct gpupt_change **changes, size_t *count, size_t *capacity,
		    struct point from, struct point to)
{
	if (from.old == to.old && from.new == to.new)
		return true;
	struct gpupt_change *first = *count ? &(*changes)[*count - 1] : NULL;
	if (first && first->old_start == to.old && first->new_start == to.new) {
		first->old_start = from.old;
		first->new_start = from.new;
		return true;
	}
	if (!GPUPT_GROW(*changes, *count, *capacity))
		return false;
	(*changes)[(*count)++] = (struct gpupt_change){ from.old, to.old, from.new, to.new };
	return true;
}

/* Walks the path back and lists its edits. */
static int collect(const struct search *s, size_t edits, size_t deletions,
		   struct gpupt_change **ret_changes, size_t *ret_count)
{
	GPUPT_AUTOFREE struct gpupt_change *changes = NULL;
	size_t count = 0, capacity = 0;
	if (!prepend(&changes, &count, &capacity, *point_of(s, edits, deletions), s->end))
		return GPUPT_E_NOMEM;
	while (edits > 0) {
		struct point from = s->start;
		struct point to = last_edit(s, edits, deletions, &from);
		if (!prepend(&changes, &count, &capacity, from, to))
			return GPUPT_E_NOMEM;
		if (to.old != from.old)
			deletions--;
		edits--;
	}
	for (size_t i = 0; i < count / 2; i++) {
		struct gpupt_change swapped = changes[i];
		changes[i] = changes[count - 1 - i];
		changes[count - 1 - i] = swapped;
	}
	*ret_changes = GPUPT_STEAL(changes);
	*ret_count = count;
	return 0;
}

/* Leaves out the lines that are equal at both ends. */
static struct search trim(const char *old_text, size_t old_length, const char *new_text,
			  size_t new_length)
{
	struct search s = { .old_text = old_text, .new_text = new_text,
			    .end = { old_length, new_length } };
	s.start = follow_snake(&s, s.start);
	size_t old_left = old_length - s.start.old;
	size_t new_left = new_length - s.start.new;
	size_t n = common_bytes_back(old_text + old_length, new_text + new_length,
				     old_left < new_left ? old_left : new_left);
	struct point tail = { old_length - n, new_length - n };
	bool line_starts = (tail.old == s.start.old || old_text[tail.old - 1] == '\n') &&
			   (tail.new == s.start.new || new_text[tail.new - 1] == '\n');
	if (!line_starts) {
		size_t cut = next_line(old_text, tail.old, old_length) - tail.old;
		tail.old += cut;
		tail.new += cut;
	}
	s.end = tail;
	return s;
}

/* How well a block reads that starts with the line at `at`; less is better. An
 * element reads best from its start tag, which is not indented more than what
 * is in it. */
static size_t start_cost(const char *text, size_t at, size_t end)
{
	size_t first = at;
	while (first < end && (text[first] == ' ' || text[first] == '\t'))
		first++;
	bool end_tag = end - first >= 2 && memcmp(text + first, "</", 2) == 0;
	return 2 * (first - at) + end_tag;
}

/* A block of new lines whose last line is equal to the one before the block may
 * as well start with that one: start and end go up by one line, `*ret_by` bytes.
 * Likewise a block of removed lines. */
static bool can_slide_up(const char *text, size_t floor, size_t start, size_t end, size_t *ret_by)
{
	if (start <= floor)
		return false;
	const char *newline = memrchr(text + floor, '\n', start - 1 - floor);
	size_t before = newline ? (size_t)(newline - text) + 1 : floor;
	size_t length = start - before;
	*ret_by = length;
	return before > floor && length <= end - start &&
	       memcmp(text + before, text + end - length, length) == 0 &&
	       (end - length == start || text[end - length - 1] == '\n');
}

/* Of the places that mean the same, moves the change to the one that reads best.
 * `floor` is where the common lines before the change start. */
static void slide(const struct search *s, struct gpupt_change *c, struct point floor)
{
	bool insertion = c->old_start == c->old_end;
	if (!insertion && c->new_start != c->new_end)
		return;
	const char *text = insertion ? s->new_text : s->old_text;
	size_t lowest = insertion ? floor.new : floor.old;
	size_t start = insertion ? c->new_start : c->old_start;
	size_t end = insertion ? c->new_end : c->old_end;
	size_t best_cost = start_cost(text, start, end), best_up = 0;
	/* Going up by the whole block or more gives the same places again. */
	for (size_t up = 0, by; up < end - start; ) {
		if (!can_slide_up(text, lowest, start - up, end - up, &by))
			break;
		up += by;
		size_t cost = start_cost(text, start - up, end - up);
		if (cost < best_cost) {
			best_cost = cost;
			best_up = up;
		}
	}
	c->old_start -= best_up;
	c->old_end -= best_up;
	c->new_start -= best_up;
	c->new_end -= best_up;
}

int gpupt_script_make(const char *old_text, size_t old_length, const char *new_text,
		      size_t new_length, struct gpupt_change **ret_changes, size_t *ret_count)
{
	struct search s = trim(old_text, old_length, new_text, new_length);
	size_t edits = 0, deletions = 0;
	int r = search_path(&s, &edits, &deletions);
	if (r == 0)
		r = collect(&s, edits, deletions, ret_changes, ret_count);
	free(s.points);
	struct point floor = { 0, 0 };
	for (size_t i = 0; r == 0 && i < *ret_count; i++) {
		slide(&s, &(*ret_changes)[i], floor);
		floor = (struct point){ (*ret_changes)[i].old_end, (*ret_changes)[i].new_end };
	}
	return r;
}
