/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <gpupt/diff.h>

#include "text/secrets.h"

/* A redacted text has the lines of the text, and what is between secrets; what
 * is redacted once stays as it is. */

static char *redact(const char *text, size_t length, size_t *ret_length)
{
	char *copy = NULL;
	FUZZ_CHECK(gpupt_redact(text, length, &copy, ret_length, NULL) == 0);
	FUZZ_CHECK(copy && copy[*ret_length] == '\0');
	return copy;
}

static void check_list(const char *text, size_t length)
{
	struct gpupt_secrets_scan scan = { .text = text, .end = length };
	gpupt_secrets_read(&scan, 0, length);
	size_t end = 0;
	for (size_t i = 0; i < scan.found.count; i++) {
		const struct gpupt_secret *secret = &scan.found.items[i];
		FUZZ_CHECK(secret->start >= end && secret->end > secret->start);
		end = secret->end;
		FUZZ_CHECK(end <= length);
		FUZZ_CHECK(!memchr(text + secret->start, '\n', end - secret->start));
	}
	gpupt_secrets_clear(&scan.found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t once_length, twice_length;
	check_list((const char *)data, size);
	char *once = redact((const char *)data, size, &once_length);
	char *twice = redact(once, once_length, &twice_length);
	FUZZ_CHECK(once_length == twice_length && memcmp(once, twice, once_length) == 0);
	free(twice);
	free(once);
	return 0;
}
