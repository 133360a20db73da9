/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a start tag's attributes say, read as libvirt reads them. */

#include "domain/parse.h"

#include <limits.h>

#include "base/arena.h"
#include "base/util.h"

/* An attribute's value inside libxml2's buffer: not NUL-terminated. */
struct value {
	const char *text;
	size_t length;
};

static bool find(const struct gpupt_attributes *attributes, const char *name, struct value *ret)
{
	for (int i = 0; i < attributes->count; i++) {
		const xmlChar **item = attributes->items + 5 * i;
		if (item[1] || !gpupt_is((const char *)item[0], name))
			continue;
		ret->text = (const char *)item[3];
		ret->length = (size_t)(item[4] - item[3]);
		return true;
	}
	return false;
}

static bool equals(const struct value *value, const char *text)
{
	return value->length == strlen(text) && memcmp(value->text, text, value->length) == 0;
}

const char *gpupt_attribute(struct gpupt_parser *parser, const struct gpupt_attributes *attributes,
			    const char *name)
{
	struct value value;
	if (!find(attributes, name, &value))
		return NULL;
	char *copy = gpupt_arena_copy(&parser->domain->arena, value.text, value.length);
	parser->no_memory |= !copy;
	return copy;
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : UINT_MAX;
}

/* C's notation: 0x for hexadecimal, 0 for octal. */
static bool read_number(const struct value *value, uint64_t max, uint64_t *ret)
{
	const char *p = value->text, *end = p + value->length;
	unsigned int base = 10;
	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	} else if (end - p > 1 && p[0] == '0') {
		base = 8;
	}
	uint64_t number = 0;
	for (const char *digit = p; digit < end; digit++) {
		unsigned int d = digit_of(*digit);
		if (d >= base)
			return false;
		number = gpupt_add(gpupt_mul(number, base), d);
	}
	if (p == end || number > max || number == UINT64_MAX)
		return false;
	*ret = number;
	return true;
}

bool gpupt_attribute_number(const struct gpupt_attributes *attributes, const char *name,
			    uint64_t max, uint64_t *ret)
{
	struct value value;
	return find(attributes, name, &value) && read_number(&value, max, ret);
}

uint64_t gpupt_attribute_kib(const struct gpupt_attributes *attributes, const char *name)
{
	uint64_t kib = 0;
	gpupt_attribute_number(attributes, name, UINT64_MAX / 1024, &kib);
	return kib * 1024;
}

enum gpupt_tristate gpupt_attribute_switch(const struct gpupt_attributes *attributes,
					   const char *name)
{
	struct value value;
	if (!find(attributes, name, &value))
		return GPUPT_UNSET;
	return equals(&value, "on") || equals(&value, "yes") ? GPUPT_YES : GPUPT_NO;
}

bool gpupt_attribute_is(const struct gpupt_attributes *attributes, const char *name,
			const char *expected)
{
	struct value value;
	return find(attributes, name, &value) && equals(&value, expected);
}

bool gpupt_attribute_pci_address(const struct gpupt_attributes *attributes,
				 struct gpupt_pci_address *ret)
{
	static const char *const names[] = { "domain", "bus", "slot", "function" };
	static const uint64_t max[] = { UINT32_MAX, 0xff, 0x1f, 7 };
	uint64_t values[4] = { 0 };
	bool any = false;
	for (size_t i = 0; i < 4; i++) {
		struct value value;
		if (!find(attributes, names[i], &value))
			continue;
		if (!read_number(&value, max[i], &values[i]))
			return false;
		any = true;
	}
	*ret = (struct gpupt_pci_address){ (uint32_t)values[0], (uint8_t)values[1],
					   (uint8_t)values[2], (uint8_t)values[3] };
	return any;
}
