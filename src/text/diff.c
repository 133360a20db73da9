/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/diff.h>

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"
#include "text/script.h"
#include "text/secrets.h"

/* One of the two texts, read from start to end. */
struct side {
	const char *text;
	size_t length;
	struct gpupt_secrets_scan scan;
	size_t next_secret; /* the first that does not end before what was shown */
};

struct output {
	struct gpupt_str text;
	struct side old_side;
	struct side new_side;
	size_t counted;   /* bytes of the old text that have old_lines lines */
	size_t old_lines;
	size_t new_lines; /* as many lines of the new text stand for them */
	size_t context;
	bool redact;
	bool redacted;
};

/* ---- lines ---- */

static size_t line_end(const char *text, size_t at, size_t end)
{
	const char *newline = memchr(text + at, '\n', end - at);
	return newline ? (size_t)(newline - text) + 1 : end;
}

/* Goes `lines` lines on from at, and back. */
static size_t skip_lines(const char *text, size_t at, size_t end, size_t lines)
{
	while (lines-- > 0 && at < end)
		at = line_end(text, at, end);
	return at;
}

static size_t skip_lines_back(const char *text, size_t at, size_t lines)
{
	while (lines-- > 0 && at > 0) {
		const char *newline = memrchr(text, '\n', at - 1);
		at = newline ? (size_t)(newline - text) + 1 : 0;
	}
	return at;
}

static size_t count_lines(const char *text, size_t at, size_t end)
{
	size_t lines = 0;
	for (; at < end; lines++)
		at = line_end(text, at, end);
	return lines;
}

/* ---- header ---- */

/* Quoted as git does (quote.c, quote_c_style): patch and git apply undo it. */
static void add_quoted(struct gpupt_str *out, const char *name)
{
	static const char plain[] = "\a\b\t\n\v\f\r\"\\", escaped[] = "abtnvfr\"\\";
	gpupt_str_adds(out, "\"");
	for (const char *p = name; *p; p++) {
		const char *found = strchr(plain, *p);
		if (found)
			gpupt_str_addf(out, "\\%c", escaped[found - plain]);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			gpupt_str_addf(out, "\\%03o", (unsigned int)*p);
		else
			gpupt_str_add(out, p, 1);
	}
	gpupt_str_adds(out, "\"");
}

static bool needs_quotes(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\')
			return true;
	return false;
}

static void add_header(struct gpupt_str *out, const char *mark, const char *name)
{
	gpupt_str_adds(out, mark);
	if (needs_quotes(name))
		add_quoted(out, name);
	else
		gpupt_str_adds(out, name);
	/* A tab ends a name with spaces where no time stamp does. */
	gpupt_str_adds(out, strchr(name, ' ') ? "\t\n" : "\n");
}

static void add_range(struct gpupt_str *out, char mark, size_t before, size_t lines)
{
	/* An empty range names the line before it. */
	gpupt_str_add(out, (const char[]){ ' ', mark }, 2);
	gpupt_str_add_number(out, lines ? before + 1 : before);
	if (lines != 1) {
		gpupt_str_adds(out, ",");
		gpupt_str_add_number(out, lines);
	}
}

/* ---- hunks ---- */

/* The first secret that ends behind `at`, which never goes back; or NULL. */
static const struct gpupt_secret *secret_behind(struct side *side, size_t at)
{
	const struct gpupt_secrets *found = &side->scan.found;
	while (side->next_secret < found->count && found->items[side->next_secret].end <= at)
		side->next_secret++;
	return side->next_secret < found->count ? &found->items[side->next_secret] : NULL;
}

/* The next secret of the line at `line` from byte `at` of it on, as bytes of the
 * line; one that starts at its end or later when there is none. */
static struct gpupt_secret secret_in_line(struct side *side, size_t line, size_t at)
{
	const struct gpupt_secret *secret = secret_behind(side, line + at);
	if (!secret)
		return (struct gpupt_secret){ SIZE_MAX, SIZE_MAX };
	size_t start = secret->start > line + at ? secret->start - line : at;
	return (struct gpupt_secret){ start, secret->end - line };
}

/* Adds the line at old_at, new_at or, of context, both: then what is a secret in
 * either text is one. */
static void add_line(struct output *o, char mark, size_t old_at, size_t new_at, size_t length)
{
	const char *line = mark == '+' ? o->new_side.text + new_at : o->old_side.text + old_at;
	gpupt_str_add(&o->text, &mark, 1);
	for (size_t at = 0; at < length;) {
		struct gpupt_secret secret = { SIZE_MAX, SIZE_MAX };
		if (mark != '+')
			secret = secret_in_line(&o->old_side, old_at, at);
		if (mark != '-') {
			struct gpupt_secret other = secret_in_line(&o->new_side, new_at, at);
			secret = other.start < secret.start ? other : secret;
		}
		bool found = secret.start < length;
		gpupt_str_add(&o->text, line + at, (found ? secret.start : length) - at);
		if (found) {
			gpupt_str_adds(&o->text, GPUPT_REDACTED);
			o->redacted = true;
		}
		at = found ? secret.end : length;
	}
	if (line[length - 1] != '\n')
		gpupt_str_adds(&o->text, "\n\\ No newline at end of file\n");
}

static void add_removed(struct output *o, size_t start, size_t end)
{
	for (size_t next; start < end; start = next) {
		next = line_end(o->old_side.text, start, end);
		add_line(o, '-', start, 0, next - start);
	}
}

static void add_added(struct output *o, size_t start, size_t end)
{
	for (size_t next; start < end; start = next) {
		next = line_end(o->new_side.text, start, end);
		add_line(o, '+', 0, start, next - start);
	}
}

static void add_context(struct output *o, size_t old_start, size_t old_end, size_t new_start)
{
	for (size_t next; old_start < old_end; old_start = next) {
		next = line_end(o->old_side.text, old_start, old_end);
		add_line(o, ' ', old_start, new_start, next - old_start);
		new_start += next - old_start;
	}
}

/* Numbers the lines of a hunk. Between hunks the texts are equal, so that only
 * one of them is counted. */
static void add_hunk_header(struct output *o, size_t start, size_t end, size_t new_start,
			    size_t new_end)
{
	size_t between = count_lines(o->old_side.text, o->counted, start);
	size_t old_count = count_lines(o->old_side.text, start, end);
	size_t new_count = count_lines(o->new_side.text, new_start, new_end);
	gpupt_str_adds(&o->text, "@@");
	add_range(&o->text, '-', o->old_lines + between, old_count);
	add_range(&o->text, '+', o->new_lines + between, new_count);
	gpupt_str_adds(&o->text, " @@\n");
	o->old_lines += between + old_count;
	o->new_lines += between + new_count;
	o->counted = end;
}

/* Finds the secrets in both texts of a hunk. */
static void read_secrets(struct output *o, const struct gpupt_change *changes, size_t count,
			 struct gpupt_change hunk)
{
	struct gpupt_secrets_scan *old = &o->old_side.scan, *new = &o->new_side.scan;
	for (size_t i = 0; i < count; i++) {
		gpupt_secrets_read_both(old, hunk.old_start, changes[i].old_start, new,
					hunk.new_start, changes[i].new_start);
		gpupt_secrets_read(old, hunk.old_start, changes[i].old_end);
		gpupt_secrets_read(new, hunk.new_start, changes[i].new_end);
	}
	gpupt_secrets_read_both(old, hunk.old_start, hunk.old_end, new, hunk.new_start,
				hunk.new_end);
}

/* Writes the changes as one hunk. */
static void add_hunk(struct output *o, const struct gpupt_change *changes, size_t count)
{
	const struct gpupt_change *first = &changes[0], *last = &changes[count - 1];
	const char *old_text = o->old_side.text;
	size_t start = skip_lines_back(old_text, first->old_start, o->context);
	size_t end = skip_lines(old_text, last->old_end, o->old_side.length, o->context);
	size_t new_start = first->new_start - (first->old_start - start);
	size_t new_end = last->new_end + (end - last->old_end);
	if (o->redact)
		read_secrets(o, changes, count, (struct gpupt_change){
			.old_start = start, .old_end = end, .new_start = new_start,
			.new_end = new_end });
	add_hunk_header(o, start, end, new_start, new_end);
	for (size_t i = 0; i < count; i++) {
		add_context(o, start, changes[i].old_start, new_start);
		add_removed(o, changes[i].old_start, changes[i].old_end);
		add_added(o, changes[i].new_start, changes[i].new_end);
		start = changes[i].old_end;
		new_start = changes[i].new_end;
	}
	add_context(o, start, end, new_start);
}

/* How many changes from the first on share one hunk: those whose context would
 * touch. */
static size_t hunk_length(const struct output *o, const struct gpupt_change *changes, size_t count)
{
	size_t n = 1;
	for (; n < count; n++) {
		size_t gap = changes[n - 1].old_end;
		size_t next = changes[n].old_start;
		if (skip_lines(o->old_side.text, gap, next, 2 * o->context) < next)
			break;
	}
	return n;
}

static void add_hunks(struct output *o, const struct gpupt_change *changes, size_t count)
{
	for (size_t n; count > 0; changes += n, count -= n) {
		n = hunk_length(o, changes, count);
		add_hunk(o, changes, n);
	}
}

/* ---- the whole ---- */

static int make_diff(struct output *o, const struct gpupt_diff_options *options)
{
	GPUPT_AUTOFREE struct gpupt_change *changes = NULL;
	size_t count = 0;
	int r = gpupt_script_make(o->old_side.text, o->old_side.length, o->new_side.text,
				  o->new_side.length, &changes, &count);
	if (r < 0 || count == 0)
		return r;
	add_header(&o->text, "--- ", options->old_name);
	add_header(&o->text, "+++ ", options->new_name);
	add_hunks(o, changes, count);
	if (o->old_side.scan.found.failed || o->new_side.scan.found.failed)
		return GPUPT_E_NOMEM;
	return 0;
}

GPUPT_EXPORT int gpupt_diff(const char *old_text, size_t old_length, const char *new_text,
			    size_t new_length, const struct gpupt_diff_options *options,
			    char **ret_text, size_t *ret_length, bool *ret_redacted,
			    struct gpupt_error **error)
{
	struct output o = {
		.old_side = { .text = old_text ? old_text : "", .length = old_length },
		.new_side = { .text = new_text ? new_text : "", .length = new_length },
		.context = options->context,
		.redact = options->redact,
	};
	o.old_side.scan = (struct gpupt_secrets_scan){ .text = o.old_side.text, .end = old_length };
	o.new_side.scan = (struct gpupt_secrets_scan){ .text = o.new_side.text, .end = new_length };
	char *text = NULL;
	if (make_diff(&o, options) == 0)
		text = gpupt_str_steal(&o.text, ret_length);
	gpupt_str_clear(&o.text);
	gpupt_secrets_clear(&o.old_side.scan.found);
	gpupt_secrets_clear(&o.new_side.scan.found);
	if (!text)
		return gpupt_fail_nomem(error);
	*ret_text = text;
	if (ret_redacted)
		*ret_redacted = o.redacted;
	return 0;
}
