/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <gpupt/diff.h>

#include "apply-diff.h"

/* Two texts: what is before a line "%%" and what is behind it. Their diff,
 * applied to the first, gives the second; redacted, it has the same lines. */

static char *diff(const char *old_text, size_t old_length, const char *new_text,
		  size_t new_length, unsigned int context, bool redact, size_t *ret_length)
{
	struct gpupt_diff_options options = { "a/vm", "b/vm", context, redact };
	char *text = NULL;
	bool redacted = false;
	FUZZ_CHECK(gpupt_diff(old_text, old_length, new_text, new_length, &options, &text,
			      ret_length, &redacted, NULL) == 0);
	FUZZ_CHECK(text && text[*ret_length] == '\0');
	FUZZ_CHECK(redact || !redacted);
	return text;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t lines = 0;
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *middle = memmem(text, size, "\n%%\n", 4);
	size_t old_length = middle ? (size_t)(middle - text) + 1 : size / 2;
	const char *new_text = middle ? middle + 4 : text + old_length;
	size_t new_length = size - (size_t)(new_text - text);

	size_t length, redacted_length, applied_length = 0;
	unsigned int context = size % 5;
	char *plain = diff(text, old_length, new_text, new_length, context, false, &length);
	bool equal = old_length == new_length && memcmp(text, new_text, old_length) == 0;
	FUZZ_CHECK((length == 0) == equal);
	char *applied = apply_diff(text, old_length, plain, length, &applied_length);
	FUZZ_CHECK(applied);
	FUZZ_CHECK(applied_length == new_length && memcmp(applied, new_text, new_length) == 0);
	char *redacted = diff(text, old_length, new_text, new_length, context, true,
			      &redacted_length);
	FUZZ_CHECK(count_lines(plain, length) == count_lines(redacted, redacted_length));
	free(redacted);
	free(applied);
	free(plain);
	return 0;
}
