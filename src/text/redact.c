/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/diff.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"
#include "text/secrets.h"

GPUPT_EXPORT int gpupt_redact(const char *text, size_t length, char **ret_text,
			      size_t *ret_length, struct gpupt_error **error)
{
	struct gpupt_secrets_scan scan = { .text = text, .end = length };
	gpupt_secrets_read(&scan, 0, length);
	struct gpupt_str copy = { .failed = scan.found.failed };
	size_t done = 0;
	for (size_t i = 0; i < scan.found.count; i++) {
		gpupt_str_add(&copy, text + done, scan.found.items[i].start - done);
		gpupt_str_adds(&copy, GPUPT_REDACTED);
		done = scan.found.items[i].end;
	}
	gpupt_str_add(&copy, text + done, length - done);
	gpupt_secrets_clear(&scan.found);
	char *copied = gpupt_str_steal(&copy, ret_length);
	if (!copied)
		return gpupt_fail_nomem(error);
	*ret_text = copied;
	return 0;
}
