/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/size.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/util.h"

static const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

/* The suffixes of libvirt's virScaleInteger (src/util/virutil.c, 9.0). */
static bool unit_bytes(const char *unit, size_t length, uint64_t *ret)
{
	static const char letters[] = "kmgtpe";
	if ((length == 1 && strncasecmp(unit, "b", 1) == 0) ||
	    (length == 4 && strncasecmp(unit, "byte", 4) == 0) ||
	    (length == 5 && strncasecmp(unit, "bytes", 5) == 0)) {
		*ret = 1;
		return true;
	}
	const char *letter = length ? strchr(letters, tolower((unsigned char)unit[0])) : NULL;
	if (!letter || !*letter)
		return false;
	uint64_t base;
	if (length == 1 || (length == 3 && strncasecmp(unit + 1, "ib", 2) == 0))
		base = 1024;
	else if (length == 2 && strncasecmp(unit + 1, "b", 1) == 0)
		base = 1000;
	else
		return false;
	uint64_t scale = 1;
	for (const char *p = letters; p <= letter; p++)
		scale *= base;
	*ret = scale;
	return true;
}

GPUPT_EXPORT int gpupt_size_parse(const char *text, uint64_t default_unit, uint64_t *ret_bytes,
				  struct gpupt_error **error)
{
	const char *p = skip_space(text);
	if (!isdigit((unsigned char)*p))
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%s\" is no size: expected a number and a unit, e.g. 64GiB",
				  text);
	uint64_t number = 0;
	for (; isdigit((unsigned char)*p); p++)
		number = gpupt_add(gpupt_mul(number, 10), (uint64_t)(*p - '0'));
	p = skip_space(p);
	size_t length = 0;
	while (p[length] && !isspace((unsigned char)p[length]))
		length++;
	uint64_t unit = default_unit;
	if ((length && !unit_bytes(p, length, &unit)) || *skip_space(p + length))
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%s\": unknown unit \"%s\"; use bytes, KiB, MiB, GiB, TiB, "
				  "PiB or EiB", text, p);
	uint64_t bytes = gpupt_mul(number, unit);
	if (bytes == UINT64_MAX)
		return gpupt_fail(error, GPUPT_E_LIMIT, "\"%s\" is more than 64 bits can count",
				  text);
	*ret_bytes = bytes;
	return 0;
}

GPUPT_EXPORT const char *gpupt_size_format(uint64_t bytes, char buffer[GPUPT_SIZE_TEXT_MAX])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	while (bytes && bytes % 1024 == 0 && unit + 1 < GPUPT_ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buffer, GPUPT_SIZE_TEXT_MAX, "%" PRIu64 " %s", bytes, units[unit]);
	return buffer;
}
