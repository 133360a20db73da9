/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/util.h"

/* A string that cannot be copied is an "invalid token" (src/load.c lex_scan_string()).
 * malloc() sets errno then, and nothing sets it back. */
GPUPT_EXPORT json_t *gpupt_json_load(const char *text, size_t length, size_t flags,
				     json_error_t *why)
{
	int saved = errno;
	errno = 0;
	json_t *json = json_loadb(text, length, flags, why);
	if (!json && (errno == ENOMEM || json_error_code(why) == json_error_out_of_memory))
		*why->text = '\0';
	errno = saved;
	return json;
}

/* Into a buffer of the right size: json_dumps() forgets an object's key when its own
 * buffer cannot grow (src/dump.c do_dump()). */
GPUPT_EXPORT char *gpupt_json_dump(const json_t *json, size_t flags)
{
	size_t size = json_dumpb(json, NULL, 0, flags);
	char *text = size ? malloc(size + 1) : NULL;
	if (text && json_dumpb(json, text, size, flags) != size) {
		free(text);
		return NULL;
	}
	if (text)
		text[size] = '\0';
	return text;
}

/* jansson takes a string or does not: that is how it is asked about one character. */
static size_t character_length(const char *p)
{
	for (size_t length = 1; length <= 4 && p[length - 1]; length++) {
		json_t *character = json_stringn(p, length);
		json_decref(character);
		if (character)
			return length;
	}
	return 0;
}

GPUPT_EXPORT json_t *gpupt_json_text(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();
	struct gpupt_str repaired = { 0 };
	while (!string && *text) {
		size_t length = character_length(text);
		gpupt_str_add(&repaired, length ? text : "\xef\xbf\xbd", length ? length : 3);
		text += length ? length : 1;
	}
	GPUPT_AUTOFREE char *copy = gpupt_str_steal(&repaired, NULL);
	return string || !copy ? string : json_string(copy);
}
