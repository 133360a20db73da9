/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_ERROR_H
#define GPUPT_ERROR_H

/**
 * @file
 * Errors: what went wrong, and where.
 *
 * A function that can fail returns 0 or a negative `enum gpupt_status` and
 * takes `struct gpupt_error **error` as its last parameter. When that is not
 * NULL and the call fails, it receives an error that the caller frees with
 * gpupt_error_free(); *error is NULL before, or an older error, which is freed.
 * Out parameters are untouched on failure.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why a call failed. The numbers are part of the ABI. Since 0.1. */
enum gpupt_status {
	GPUPT_OK = 0,
	GPUPT_E_NOMEM = -1,       /**< an allocation failed */
	GPUPT_E_ARGUMENT = -2,    /**< the caller's argument makes no sense */
	GPUPT_E_IO = -3,          /**< reading or writing failed (errno in the message) */
	GPUPT_E_SYNTAX = -4,      /**< the input is not well-formed */
	GPUPT_E_UNSUPPORTED = -5, /**< well-formed, but nothing this library handles */
	GPUPT_E_LIMIT = -6,       /**< larger or deeper than the documented limits */
	GPUPT_E_NOT_FOUND = -7,   /**< no such device, domain or file */
	GPUPT_E_REFUSED = -8,     /**< would harm the host or lose something; can be forced */
	GPUPT_E_NO_FIT = -9,      /**< no size fits the guest's address width */
	GPUPT_E_LIBVIRT = -10,    /**< libvirt reported an error */
	GPUPT_E_CONFLICT = -11,   /**< somebody else changed the same thing meanwhile */
	GPUPT_E_INTERNAL = -12,   /**< a self-check failed: a bug worth reporting */
};

/** An error: status, message and, where it applies, a place in a text. */
struct gpupt_error;

/** Returns a short lower-case name such as "syntax"; never NULL. Since 0.1. */
const char *gpupt_status_name(enum gpupt_status status);

/** Frees @p error. NULL is fine. Since 0.1. */
void gpupt_error_free(struct gpupt_error *error);

/** Returns why the call failed. Since 0.1. */
enum gpupt_status gpupt_error_get_status(const struct gpupt_error *error);

/** Returns one sentence without a place or a final newline, valid until
 *  gpupt_error_free(). Since 0.1. */
const char *gpupt_error_get_message(const struct gpupt_error *error);

/** Returns the name of the text the error is in, or NULL. Since 0.1. */
const char *gpupt_error_get_file(const struct gpupt_error *error);

/** Returns the line, counted from 1, or 0 when there is none. Since 0.1. */
size_t gpupt_error_get_line(const struct gpupt_error *error);

/** Returns the column in bytes, counted from 1, or 0. Since 0.1. */
size_t gpupt_error_get_column(const struct gpupt_error *error);

/** Returns the byte offset in the text, counted from 0. Since 0.1. */
size_t gpupt_error_get_offset(const struct gpupt_error *error);

#ifdef __cplusplus
}
#endif

#endif
