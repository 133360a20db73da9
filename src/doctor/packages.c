/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions, and which of them dpkg's database says is installed. */
#include <ctype.h>
#include <stdio.h>

#include "doctor/doctor.h"

bool gpupt_version_parse(const char *text, unsigned int ret_numbers[3])
{
	unsigned int numbers[3] = { 0 };
	size_t count = 0;
	const char *epoch = text + strspn(text, "0123456789");
	if (*epoch == ':')
		text = epoch + 1;
	while (count < GPUPT_ARRAY_SIZE(numbers) && isdigit((unsigned char)*text)) {
		char *end;
		unsigned long number = strtoul(text, &end, 10);
		if (number > 9999)
			return false;
		numbers[count++] = (unsigned int)number;
		text = *end == '.' ? end + 1 : "";
	}
	if (count < 2)
		return false;
	memcpy(ret_numbers, numbers, sizeof(numbers));
	return true;
}

/* The value of a field in a stanza, which ends at an empty line; "" without it. */
static size_t find_field(const char *stanza, size_t length, const char *name, const char **ret)
{
	size_t name_length = strlen(name);
	for (const char *line = stanza; line < stanza + length;) {
		size_t n = strcspn(line, "\n");
		if (n > name_length && strncmp(line, name, name_length) == 0 &&
		    line[name_length] == ':') {
			size_t skip = name_length + 1;
			skip += strspn(line + skip, " \t");
			*ret = line + skip;
			return skip < n ? n - skip : 0;
		}
		line += n + (line[n] == '\n');
	}
	*ret = "";
	return 0;
}

static bool is_equal(const char *text, size_t length, const char *expected)
{
	return length == strlen(expected) && strncmp(text, expected, length) == 0;
}

bool gpupt_dpkg_find(const char *status, const char *package, char version[GPUPT_VERSION_MAX])
{
	for (const char *stanza = status; *stanza;) {
		const char *end = strstr(stanza, "\n\n"), *value;
		size_t length = end ? (size_t)(end - stanza) + 1 : strlen(stanza);
		size_t n = find_field(stanza, length, "Package", &value);
		bool found = is_equal(value, n, package);
		if (found) {
			n = find_field(stanza, length, "Status", &value);
			found = n >= 10 && is_equal(value + n - 10, 10, " installed");
		}
		n = found ? find_field(stanza, length, "Version", &value) : 0;
		if (n) {
			snprintf(version, GPUPT_VERSION_MAX, "%.*s",
				 n < GPUPT_VERSION_MAX ? (int)n : GPUPT_VERSION_MAX - 1, value);
			gpupt_make_presentable(version, strlen(version));
			return true;
		}
		stanza += length + (end != NULL);
	}
	return false;
}
