/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <ctype.h>
#include <stdbool.h>

/* Mutations for a plan's input that know what markup, JSON objects and numbers look
 * like: most of what comes out is still taken for a domain and an inventory, so that it
 * is the planner that is tried, not the parsers. */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A text in a buffer, and where the random numbers come from. */
struct text {
	char *bytes;
	size_t length;
	size_t room;
	uint32_t seed;
};

struct part {
	size_t start, end; /* end == 0: none */
};

static uint32_t pick(struct text *text, size_t count)
{
	text->seed = text->seed * 1664525 + 1013904223;
	return (uint32_t)((text->seed >> 8) % count);
}

/* Puts new bytes in the place of others. */
static void splice(struct text *text, struct part old, const char *new, size_t length)
{
	size_t removed = old.end - old.start;
	if (text->length - removed + length > text->room)
		return;
	char *copy = malloc(length + 1); /* it may be a part of the text itself */
	FUZZ_CHECK(copy);
	memcpy(copy, new, length);
	memmove(text->bytes + old.start + length, text->bytes + old.end, text->length - old.end);
	memcpy(text->bytes + old.start, copy, length);
	text->length += length - removed;
	free(copy);
}

/* The next place of that character from anywhere on; the text's length: none. */
static size_t find(struct text *text, char c)
{
	size_t from = pick(text, text->length);
	const char *at = memchr(text->bytes + from, c, text->length - from);
	return at ? (size_t)(at - text->bytes) : text->length;
}

/* An element with all that is in it, by counting tags. */
static struct part find_element(struct text *text)
{
	size_t start = find(text, '<');
	int depth = 0;
	for (size_t i = start; i + 1 < text->length; i++) {
		if (text->bytes[i] == '<')
			depth += text->bytes[i + 1] == '/' ? -1 : 1;
		else if (text->bytes[i] == '/' && text->bytes[i + 1] == '>')
			depth--;
		if (text->bytes[i + (text->bytes[i] == '/')] == '>' && depth <= 0)
			return (struct part){ start, i + 1 + (text->bytes[i] == '/') };
	}
	return (struct part){ 0, 0 };
}

static struct part find_object(struct text *text)
{
	size_t start = find(text, '{');
	int depth = 0;
	for (size_t i = start; i < text->length; i++) {
		depth += (text->bytes[i] == '{') - (text->bytes[i] == '}');
		if (depth == 0)
			return (struct part){ start, i + 1 };
	}
	return (struct part){ 0, 0 };
}

/* A run of digits, or of what is between quotes. */
static struct part find_run(struct text *text, int (*belongs)(int))
{
	size_t start = pick(text, text->length);
	while (start < text->length && !belongs((unsigned char)text->bytes[start]))
		start++;
	size_t end = start;
	while (end < text->length && belongs((unsigned char)text->bytes[end]))
		end++;
	return (struct part){ start, start < text->length ? end : 0 };
}

static int is_unquoted(int c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '.';
}

static void change_number(struct text *text)
{
	static const char *const small[] = { "0", "1", "2", "7", "8", "31", "32", "255", "256" };
	char number[32];
	struct part old = find_run(text, isxdigit);
	unsigned long long power = 1ULL << pick(text, 64);
	if (!old.end)
		return;
	if (pick(text, 2))
		snprintf(number, sizeof(number), "%s", small[pick(text, 9)]);
	else
		snprintf(number, sizeof(number), pick(text, 2) ? "%llu" : "%llx",
			 power + pick(text, 3) - 1);
	splice(text, old, number, strlen(number));
}

static void copy_word(struct text *text)
{
	struct part from = find_run(text, is_unquoted), to = find_run(text, is_unquoted);
	if (from.end && to.end)
		splice(text, to, text->bytes + from.start, from.end - from.start);
}

static void repeat_element(struct text *text)
{
	struct part element = find_element(text);
	size_t to = find(text, '<');
	if (element.end && to < text->length)
		splice(text, (struct part){ to, to }, text->bytes + element.start,
		       element.end - element.start);
}

static void remove_element(struct text *text)
{
	struct part element = find_element(text);
	if (element.end && element.end - element.start < text->length / 2)
		splice(text, element, "", 0);
}

static void repeat_object(struct text *text)
{
	struct part object = find_object(text);
	if (!object.end)
		return;
	splice(text, (struct part){ object.end, object.end }, text->bytes + object.start,
	       object.end - object.start);
	splice(text, (struct part){ object.end, object.end }, ",", 1);
}

static void insert_snippet(struct text *text)
{
	static const char *const snippets[] = {
		"<controller type='pci' index='9' model='pcie-root-port'/>",
		"<controller type='pci' index='8' model='pcie-to-pci-bridge'/>",
		"<controller type='pci' index='7' model='pcie-expander-bus'><target busNr='180'/>"
		"</controller>",
		"<controller type='pci' index='0' model='pci-root'/>",
		"<controller type='pci' index='0' model='pcie-root'/>",
		"<controller type='scsi' index='0' model='virtio-scsi'/>",
		"<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='8' slot='0' "
		"function='0'/></source></hostdev>",
		"<address type='pci' bus='0x01' slot='0x00' function='0x0'/>",
		"<pcihole64 unit='KiB'>2147483648</pcihole64>", "<pcihole64>0</pcihole64>",
		"<cpu mode='host-passthrough'><maxphysaddr mode='emulate' bits='40'/></cpu>",
		"<maxMemory slots='16' unit='GiB'>512</maxMemory>",
		"<rom bar='off'/>", "<!-- <devices> -->", "<![CDATA[</devices>]]>",
		"<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg value="
		"'name=opt/ovmf/X-PciMmio64Mb,string=65536'/></qemu:commandline>",
		"<os><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader></os>",
		"<target chassis='4' hotplug='off' memReserve='65536'/>",
	};
	const char *snippet = snippets[pick(text, sizeof(snippets) / sizeof(*snippets))];
	size_t to = find(text, '<');
	if (to < text->length)
		splice(text, (struct part){ to, to }, snippet, strlen(snippet));
}

static void change_wish(struct text *text)
{
	static const char letters[] = "agrodcnvkswhzfbm";
	char letter = letters[pick(text, sizeof(letters) - 1)];
	bool has_wish = text->bytes[0] != '<';
	splice(text, (struct part){ 0, has_wish && pick(text, 2) }, &letter, 1);
	if (!has_wish)
		splice(text, (struct part){ 1, 1 }, "\n", 1);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static void (*const ways[])(struct text *) = {
		change_number, change_number, copy_word, repeat_element, remove_element,
		repeat_object, insert_snippet, insert_snippet, change_wish,
	};
	struct text text = { (char *)data, size, max_size, seed };
	if (size == 0 || pick(&text, 10) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (uint32_t n = 1 + pick(&text, 3); n > 0 && text.length > 0; n--)
		ways[pick(&text, sizeof(ways) / sizeof(*ways))](&text);
	return text.length;
}
