/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/diff.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"
#include "text/secrets.h"

GPUPT_EXPORT int gpupt_redact(const char *text, size_t length, char **ret_text,
			      size_t *ret_length, struct gpupt_error **error)
{
	struct gpupt_secrets secrets = { 0 };
	struct gpupt_str copy = { 0 };
	char *copied = NULL;
	if (gpupt_secrets_find(text, length, length, &secrets) == 0) {
		size_t done = 0;
		for (size_t i = 0; i < secrets.count; i++) {
			gpupt_str_add(&copy, text + done, secrets.items[i].start - done);
			gpupt_str_adds(&copy, GPUPT_REDACTED);
			done = secrets.items[i].end;
		}
		gpupt_str_add(&copy, text + done, length - done);
		copied = gpupt_str_steal(&copy, ret_length);
	}
	gpupt_secrets_clear(&secrets);
	if (!copied)
		return gpupt_fail_nomem(error);
	*ret_text = copied;
	return 0;
}
