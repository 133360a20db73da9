/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_FAILING_MALLOC_H
#define GPUPT_TESTS_FAILING_MALLOC_H

/* malloc() and its kin, in front of glibc's, for the whole process: this library's,
 * libxml2's, jansson's and glibc's own calls. They fail when they are told to, and know
 * what was not freed. */

#include <stdbool.h>
#include <stddef.h>

/* From now on the nth allocation fails, and with `all` those behind it; 0: none does.
 * Counts, and keeps account, from anew. */
void failing_malloc_begin(size_t nth, bool all);

/* No allocation fails any more. Returns how many there were. */
size_t failing_malloc_end(void);

/* What was allocated since failing_malloc_begin() and is not free: printed, each with the
 * library whose call it was, and counted. */
size_t failing_malloc_report(const char *what);

#endif
