/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "pci/inventory.h"

#define SLOT_MAX 0x1f
#define FUNCTION_MAX 7

bool gpupt_take_hex(const char **text, size_t max_digits, uint64_t *ret)
{
	uint64_t value = 0;
	size_t digits = 0;
	for (; isxdigit((unsigned char)(*text)[digits]); digits++) {
		if (digits == max_digits)
			return false;
		int c = tolower((unsigned char)(*text)[digits]);
		value = value << 4 | (uint64_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	if (!digits)
		return false;
	*text += digits;
	*ret = value;
	return true;
}

static bool take(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	++*text;
	return true;
}

enum outcome { READ, NO_ADDRESS, OUT_OF_RANGE };

/* domain, bus, slot and function; without a domain when `short_form`. The
 * function gets two digits so that "08:00.10" is out of range, not gibberish. */
static enum outcome take_parts(const char **text, bool short_form, char separator,
			       char last_separator, struct gpupt_pci_address *ret)
{
	const char *p = *text;
	uint64_t domain = 0, bus, slot, function;
	if (!short_form && (!gpupt_take_hex(&p, 8, &domain) || !take(&p, separator)))
		return NO_ADDRESS;
	if (!gpupt_take_hex(&p, 2, &bus) || !take(&p, separator) ||
	    !gpupt_take_hex(&p, 2, &slot) || !take(&p, last_separator) ||
	    !gpupt_take_hex(&p, 2, &function))
		return NO_ADDRESS;
	if (slot > SLOT_MAX || function > FUNCTION_MAX)
		return OUT_OF_RANGE;
	*ret = (struct gpupt_pci_address){
		.domain = (uint32_t)domain,
		.bus = (uint8_t)bus,
		.slot = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	*text = p;
	return READ;
}

static enum outcome take_address(const char **text, struct gpupt_pci_address *ret)
{
	enum outcome outcome = take_parts(text, false, ':', '.', ret);
	return outcome == NO_ADDRESS ? take_parts(text, true, ':', '.', ret) : outcome;
}

bool gpupt_take_pci_address(const char **text, struct gpupt_pci_address *ret)
{
	return take_address(text, ret) == READ;
}

GPUPT_EXPORT int gpupt_pci_address_parse(const char *text, struct gpupt_pci_address *ret_address,
					 struct gpupt_error **error)
{
	static const char node_device[] = "pci_"; /* as `virsh nodedev-list` names it */
	const char *p = text;
	struct gpupt_pci_address address;
	enum outcome outcome;
	if (strncmp(p, node_device, strlen(node_device)) == 0) {
		p += strlen(node_device);
		outcome = take_parts(&p, false, '_', '_', &address);
	} else {
		outcome = take_address(&p, &address);
	}
	if (outcome == OUT_OF_RANGE)
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%.40s\" is no PCI address: the slot goes to 1f and the "
				  "function to 7", text);
	if (outcome == NO_ADDRESS || *p)
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%.40s\" is no PCI address: expected something like "
				  "0000:08:00.0, 08:00.0 or pci_0000_08_00_0", text);
	*ret_address = address;
	return 0;
}

static char *add_hex(char *end, uint32_t value, unsigned int digits)
{
	while (digits-- > 0)
		*end++ = "0123456789abcdef"[value >> 4 * digits & 0xf];
	return end;
}

/* Written often, so without printf(). */
GPUPT_EXPORT const char *gpupt_pci_address_format(struct gpupt_pci_address address,
						  char buffer[GPUPT_PCI_ADDRESS_TEXT_MAX])
{
	char *end = buffer;
	unsigned int digits = 4;
	while (digits < 8 && address.domain >> 4 * digits)
		digits++;
	end = add_hex(end, address.domain, digits);
	*end++ = ':';
	end = add_hex(end, address.bus, 2);
	*end++ = ':';
	end = add_hex(end, address.slot, 2);
	*end++ = '.';
	end = add_hex(end, address.function, 1);
	*end = '\0';
	return buffer;
}

GPUPT_EXPORT int gpupt_pci_address_compare(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	if (a.domain != b.domain)
		return a.domain < b.domain ? -1 : 1;
	if (a.bus != b.bus)
		return a.bus < b.bus ? -1 : 1;
	if (a.slot != b.slot)
		return a.slot < b.slot ? -1 : 1;
	return (a.function > b.function) - (a.function < b.function);
}
