/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DIFF_H
#define GPUPT_DIFF_H

/**
 * @file
 * Unified diffs of domain XML, and the hiding of secrets in it.
 */

#include <stdbool.h>
#include <stddef.h>

#include <gpupt/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What gpupt_diff() is to do. Since 0.1. */
struct gpupt_diff_options {
	const char *old_name; /**< header line "--- ", e.g. "a/vm.xml" */
	const char *new_name; /**< header line "+++ ", e.g. "b/vm.xml" */
	unsigned int context; /**< lines of context, usually 3 */
	bool redact;          /**< replace secrets, see gpupt_redact() */
};

/**
 * Writes a unified diff that patch(1) applies to the old text; nothing when the
 * texts are equal. Works on bytes: CR, missing final newline and non-ASCII pass
 * through.
 * @param ret_text      freed with free(); "" when the texts are equal
 * @param ret_redacted  receives whether a line inside a hunk was redacted, so
 *                      that the diff no longer applies; may be NULL
 * @return 0 or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_diff(const char *old_text, size_t old_length, const char *new_text, size_t new_length,
	       const struct gpupt_diff_options *options, char **ret_text, size_t *ret_length,
	       bool *ret_redacted, struct gpupt_error **error);

/**
 * Copies domain XML with secrets replaced by "[redacted]": passwords of
 * graphics devices, secret and key material, cloud-init user data and the like.
 * Line structure is kept: each line of the copy stands for one line of the text.
 * @param ret_text  freed with free()
 * @return 0 or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_redact(const char *text, size_t length, char **ret_text, size_t *ret_length,
		 struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
