/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct gpupt_error {
	enum gpupt_status status;
	char *message;
	char *file;
	size_t line;
	size_t column;
	size_t offset;
};

/* Stands in when there is no memory left for a real one. */
static struct gpupt_error out_of_memory = {
	.status = GPUPT_E_NOMEM,
	.message = (char *)"out of memory",
};

GPUPT_EXPORT const char *gpupt_status_name(enum gpupt_status status)
{
	switch (status) {
	case GPUPT_OK: return "ok";
	case GPUPT_E_NOMEM: return "no memory";
	case GPUPT_E_ARGUMENT: return "argument";
	case GPUPT_E_IO: return "input/output";
	case GPUPT_E_SYNTAX: return "syntax";
	case GPUPT_E_UNSUPPORTED: return "unsupported";
	case GPUPT_E_LIMIT: return "limit";
	case GPUPT_E_NOT_FOUND: return "not found";
	case GPUPT_E_REFUSED: return "refused";
	case GPUPT_E_NO_FIT: return "cannot fit";
	case GPUPT_E_LIBVIRT: return "libvirt";
	case GPUPT_E_CONFLICT: return "conflict";
	case GPUPT_E_INTERNAL: return "internal";
	}
	return "unknown";
}

GPUPT_EXPORT void gpupt_error_free(struct gpupt_error *error)
{
	if (!error || error == &out_of_memory)
		return;
	free(error->message);
	free(error->file);
	free(error);
}

static int __attribute__((format(printf, 4, 0)))
fail(struct gpupt_error **error, enum gpupt_status status, const struct gpupt_place *place,
     const char *format, va_list args)
{
	if (!error)
		return status;
	struct gpupt_error *made = calloc(1, sizeof(*made));
	if (!made)
		return gpupt_fail_nomem(error);
	made->status = status;
	if (vasprintf(&made->message, format, args) < 0)
		made->message = NULL;
	if (place) {
		made->line = place->line;
		made->column = place->column;
		made->offset = place->offset;
		made->file = place->file ? strdup(place->file) : NULL;
	}
	if (!made->message || (place && place->file && !made->file)) {
		gpupt_error_free(made);
		return gpupt_fail_nomem(error);
	}
	gpupt_error_free(*error);
	*error = made;
	return status;
}

GPUPT_EXPORT int gpupt_fail(struct gpupt_error **error, enum gpupt_status status,
			    const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int r = fail(error, status, NULL, format, args);
	va_end(args);
	return r;
}

GPUPT_EXPORT int gpupt_fail_at(struct gpupt_error **error, enum gpupt_status status,
			       const struct gpupt_place *place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int r = fail(error, status, place, format, args);
	va_end(args);
	return r;
}

GPUPT_EXPORT int gpupt_fail_nomem(struct gpupt_error **error)
{
	if (error) {
		gpupt_error_free(*error);
		*error = &out_of_memory;
	}
	return GPUPT_E_NOMEM;
}

struct gpupt_place gpupt_place_of(const char *file, const char *text, size_t length,
				  size_t offset)
{
	if (offset > length)
		offset = length;
	struct gpupt_place place = { .file = file, .line = 1, .offset = offset };
	const char *line_start = text;
	const char *end = text + offset;
	for (const char *p; (p = memchr(line_start, '\n', (size_t)(end - line_start)));) {
		place.line++;
		line_start = p + 1;
	}
	place.column = (size_t)(end - line_start) + 1;
	return place;
}

GPUPT_EXPORT enum gpupt_status gpupt_error_get_status(const struct gpupt_error *error)
{
	return error->status;
}

GPUPT_EXPORT const char *gpupt_error_get_message(const struct gpupt_error *error)
{
	return error->message;
}

GPUPT_EXPORT const char *gpupt_error_get_file(const struct gpupt_error *error)
{
	return error->file;
}

GPUPT_EXPORT size_t gpupt_error_get_line(const struct gpupt_error *error)
{
	return error->line;
}

GPUPT_EXPORT size_t gpupt_error_get_column(const struct gpupt_error *error)
{
	return error->column;
}

GPUPT_EXPORT size_t gpupt_error_get_offset(const struct gpupt_error *error)
{
	return error->offset;
}
