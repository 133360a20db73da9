/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/diff.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"
#include "text/secrets.h"

/* A copy with the replacement in place of what was found, which is freed; NULL
 * when memory is or was short. */
static char *replace(const char *text, size_t length, struct gpupt_secrets *found,
		     size_t *ret_length)
{
	struct gpupt_str copy = { .failed = found->failed };
	size_t done = 0;
	for (size_t i = 0; i < found->count; i++) {
		gpupt_str_add(&copy, text + done, found->items[i].start - done);
		gpupt_str_adds(&copy, GPUPT_REDACTED);
		done = found->items[i].end;
	}
	gpupt_str_add(&copy, text + done, length - done);
	gpupt_secrets_clear(found);
	return gpupt_str_steal(&copy, ret_length);
}

GPUPT_EXPORT int gpupt_redact(const char *text, size_t length, char **ret_text,
			      size_t *ret_length, struct gpupt_error **error)
{
	struct gpupt_secrets_scan scan = { .text = text, .end = length };
	gpupt_secrets_read(&scan, 0, length);
	char *copied = replace(text, length, &scan.found, ret_length);
	if (!copied)
		return gpupt_fail_nomem(error);
	*ret_text = copied;
	return 0;
}

char *gpupt_redact_argument(const char *option, const char *argument)
{
	struct gpupt_secrets found = { 0 };
	size_t length = strlen(argument);
	bool words = gpupt_is_append(option, strlen(option));
	gpupt_secrets_add_assigned(&found, argument, 0, length,
				   words ? GPUPT_PROSE_TEXT : GPUPT_PROSE_ARGUMENT);
	return replace(argument, length, &found, NULL);
}
