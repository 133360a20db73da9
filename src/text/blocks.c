/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/secrets.h"

#include <ctype.h>

#include "base/util.h"

/* Secrets of several lines: private keys in PEM, and the blocks of YAML, as cloud-init's
 * user-data has them. */

/* ---- PEM */

#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END"
#define PEM_DASHES "-----"
/* "-----BEGIN ENCRYPTED PRIVATE KEY-----" and the like; no label that counts is longer. */
#define MAX_PEM_LABEL 64

size_t gpupt_private_key_begin(const char *text, size_t length)
{
	static const char *const labels[] = { "PRIVATE KEY", "OpenVPN Static key" };
	size_t n = strlen(PEM_BEGIN);
	if (length < n || memcmp(text, PEM_BEGIN, n) != 0)
		return 0;
	size_t limit = length < n + MAX_PEM_LABEL ? length : n + MAX_PEM_LABEL, end = n;
	while (end < limit && (isalnum((unsigned char)text[end]) || text[end] == ' '))
		end++;
	if (length - end < strlen(PEM_DASHES) ||
	    memcmp(text + end, PEM_DASHES, strlen(PEM_DASHES)) != 0)
		return 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(labels); i++)
		if (memmem(text + n, end - n, labels[i], strlen(labels[i])))
			return end + strlen(PEM_DASHES);
	return 0;
}

size_t gpupt_private_key_end(const char *text, size_t at, size_t limit)
{
	const char *end = memmem(text + at, limit - at, PEM_END, strlen(PEM_END));
	return end ? (size_t)(end - text) : limit;
}

size_t gpupt_end_with_private_key(const char *text, size_t start, size_t end, size_t limit)
{
	size_t n = strlen(PEM_BEGIN);
	size_t stop = limit - end < n - 1 ? limit : end + n - 1; /* it may begin before `end` */
	const char *begin;
	while (start < end && (begin = memmem(text + start, stop - start, PEM_BEGIN, n))) {
		start = (size_t)(begin - text);
		if (gpupt_private_key_begin(begin, limit - start))
			start = gpupt_private_key_end(text, start, limit);
		else
			start += n;
	}
	return start > end ? start : end;
}

/* ---- YAML */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Columns in front of a key; where something else is there too, in front of that. */
static size_t indent_of_key(const char *text, size_t first, size_t key)
{
	const char *newline = memrchr(text + first, '\n', key - first);
	size_t line = newline ? (size_t)(newline - text) + 1 : first, at = line;
	while (at < key && is_blank(text[at]))
		at++;
	size_t indent = at - line;
	while (at < key && (is_blank(text[at]) || text[at] == '-')) /* of items in lists */
		at++;
	return at == key ? key - line : indent;
}

static bool starts_item(const char *text, size_t at, size_t limit)
{
	return text[at] == '-' && (at + 1 == limit || is_blank(text[at + 1]) ||
				   text[at + 1] == '\n' || text[at + 1] == '\r');
}

/* A line belongs to what is above it where it is blank, or further to the right, or an item
 * of a list below a key that has nothing behind its colon. */
size_t gpupt_end_of_block(const char *text, size_t first, size_t key, size_t start, size_t end,
			  size_t limit)
{
	size_t indent = indent_of_key(text, first, key);
	bool bare = true;
	for (size_t at = start; at < end && bare; at++)
		bare = is_blank(text[at]) || text[at] == '\r';
	size_t ret = end;
	for (size_t line = end; line < limit && text[line] == '\n';) {
		const char *newline = memchr(text + line + 1, '\n', limit - line - 1);
		size_t next = newline ? (size_t)(newline - text) : limit;
		size_t at = ++line;
		while (at < next && (is_blank(text[at]) || text[at] == '\r'))
			at++;
		bool is_item = bare && at < next && at - line == indent &&
			       starts_item(text, at, next);
		if (at < next && at - line <= indent && !is_item)
			break;
		if (at < next)
			ret = next;
		line = next;
	}
	return ret;
}
