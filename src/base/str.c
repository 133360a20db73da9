/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static bool reserve(struct gpupt_str *str, size_t more)
{
	if (str->failed)
		return false;
	if (more > PTRDIFF_MAX - str->length - 1) /* no object is that large */
		goto fail;
	size_t need = str->length + more + 1;
	if (need <= str->capacity)
		return true;
	size_t capacity = str->capacity ? str->capacity : 256;
	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	char *data = realloc(str->data, capacity);
	if (!data)
		goto fail;
	str->data = data;
	str->capacity = capacity;
	return true;
fail:
	str->failed = true;
	return false;
}

GPUPT_EXPORT void gpupt_str_add(struct gpupt_str *str, const char *data, size_t length)
{
	if (!reserve(str, length))
		return;
	if (length)
		memcpy(str->data + str->length, data, length);
	str->length += length;
	str->data[str->length] = '\0';
}

GPUPT_EXPORT void gpupt_str_adds(struct gpupt_str *str, const char *text)
{
	gpupt_str_add(str, text, strlen(text));
}

GPUPT_EXPORT void gpupt_str_addf(struct gpupt_str *str, const char *format, ...)
{
	va_list args;
	size_t room = str->failed ? 0 : str->capacity - str->length;
	va_start(args, format);
	int length = vsnprintf(room ? str->data + str->length : NULL, room, format, args);
	va_end(args);
	if (length < 0)
		str->failed = true;
	bool fits = length >= 0 && (size_t)length < room;
	if (!fits) {
		if (!reserve(str, length < 0 ? 0 : (size_t)length))
			return;
		va_start(args, format);
		vsnprintf(str->data + str->length, (size_t)length + 1, format, args);
		va_end(args);
	}
	str->length += (size_t)length;
}

void gpupt_str_add_number(struct gpupt_str *str, size_t number)
{
	char digits[20], *first = digits + sizeof(digits);
	do
		*--first = (char)('0' + number % 10);
	while (number /= 10);
	gpupt_str_add(str, first, (size_t)(digits + sizeof(digits) - first));
}

GPUPT_EXPORT char *gpupt_str_steal(struct gpupt_str *str, size_t *ret_length)
{
	reserve(str, 0);
	if (str->failed) {
		gpupt_str_clear(str);
		return NULL;
	}
	str->data[str->length] = '\0';
	char *data = str->data;
	if (ret_length)
		*ret_length = str->length;
	*str = (struct gpupt_str){ 0 };
	return data;
}

GPUPT_EXPORT void gpupt_str_clear(struct gpupt_str *str)
{
	free(str->data);
	*str = (struct gpupt_str){ 0 };
}

GPUPT_EXPORT size_t gpupt_utf8_length(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	if (!left)
		return 0;
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3
			: p[0] < 0xf5 ? 4 : 0;
	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}
