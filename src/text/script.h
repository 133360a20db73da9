/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TEXT_SCRIPT_H
#define GPUPT_TEXT_SCRIPT_H

/* Which lines of two texts differ. */

#include <stddef.h>

/* The bytes [old_start, old_end) of the old text became [new_start, new_end) of
 * the new one. All four are at the start of a line or at the end of a text. */
struct gpupt_change {
	size_t old_start;
	size_t old_end;
	size_t new_start;
	size_t new_end;
};

/* Compares line by line; a line without a newline differs from the same line
 * with one. The changes are sorted, not empty, and do not touch; they are the
 * fewest possible lines, unless there are more than a thousand of them.
 * *ret_changes is freed with free(), and NULL when the texts are equal.
 * 0 or GPUPT_E_NOMEM. */
int gpupt_script_make(const char *old_text, size_t old_length, const char *new_text,
		      size_t new_length, struct gpupt_change **ret_changes, size_t *ret_count);

#endif
