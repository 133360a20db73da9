/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_ERROR_H
#define GPUPT_BASE_ERROR_H

#include <stdarg.h>

#include <gpupt/error.h>

/* libgpupt-libvirt and the command line make errors too; they find these under
 * the version LIBGPUPT_PRIVATE (src/libgpupt.map), which promises nothing. */

/* Where in which text an error is. line 0: no place is known. */
struct gpupt_place {
	const char *file; /* may be NULL */
	size_t line;
	size_t column;
	size_t offset;
};

/* Sets *error (unless error is NULL) and returns status, so that a function can
 * end in `return gpupt_fail(error, GPUPT_E_IO, "...")`. An error that is already
 * there is replaced. */
int gpupt_fail(struct gpupt_error **error, enum gpupt_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a place. */
int gpupt_fail_at(struct gpupt_error **error, enum gpupt_status status,
		  const struct gpupt_place *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

int gpupt_fail_nomem(struct gpupt_error **error);

/* Line and column (bytes, both from 1) of offset in text. */
struct gpupt_place gpupt_place_of(const char *file, const char *text, size_t length,
				  size_t offset);

#endif
