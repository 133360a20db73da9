/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `lspci -v`, -vv or -vvv, with or without -n, -nn and -D, as people paste it:
 * quoted, re-indented or not indented at all, with other text around. What lspci
 * prints: pciutils 3.9 to 3.14, lspci.c (show_bases(), show_rom()) and ls-ecaps.c
 * (cap_sriov(), cap_rebar()). */
#include <ctype.h>
#include <string.h>

#include "pci/inventory.h"

#define LINE_MAX_BYTES 1024 /* lspci's own lines are shorter; the rest is cut off */
#define BAR_NONE SIZE_MAX

/* Which capability the lines being read belong to. */
enum section { SECTION_OTHER, SECTION_SRIOV, SECTION_REBAR, SECTION_VF_REBAR };

struct reader {
	const char *name;
	struct gpupt_inventory *inventory;
	struct gpupt_error **error;
	size_t line;
	bool in_device;
	size_t device_line;
	struct gpupt_pci_function function;
	enum section section;
	size_t next_bar; /* without -vv, BARs have no numbers */
	size_t last_bar; /* a wrapped line may bring its size; BAR_NONE */
	uint64_t current_sizes[GPUPT_BAR_ROM];    /* from Resizable BAR, as are */
	uint64_t resizable_sizes[GPUPT_BAR_ROM];
	bool has_modules;
};

static int fail_line(const struct reader *reader, size_t line, const char *problem)
{
	struct gpupt_place place = { .file = reader->name, .line = line, .column = 1 };
	return gpupt_fail_at(reader->error, GPUPT_E_SYNTAX, &place, "%s", problem);
}

static void skip_spaces(const char **p)
{
	*p += strspn(*p, " \t");
}

static bool take_decimal(const char **p, uint64_t *ret)
{
	uint64_t number = 0;
	const char *start = *p;
	for (; isdigit((unsigned char)**p); ++*p)
		number = gpupt_add(gpupt_mul(number, 10), (uint64_t)(**p - '0'));
	*ret = number;
	return *p > start;
}

/* What the Resizable BAR capability told, then the device is complete. */
static int finish_device(struct reader *reader)
{
	if (!reader->in_device)
		return 0;
	struct gpupt_pci_function *function = &reader->function;
	if (reader->next_bar)
		gpupt_catalogue_renumber(function);
	for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
		struct gpupt_bar *bar = &function->bars[i];
		if (!bar->present || bar->io)
			continue;
		bar->resizable_sizes = reader->resizable_sizes[i];
		if (!bar->size_bytes)
			bar->size_bytes = reader->current_sizes[i];
	}
	const char *problem = gpupt_pci_bars_problem(function->bars, GPUPT_BAR_COUNT);
	if (!problem)
		problem = gpupt_pci_bars_problem(function->vf_bars, GPUPT_BAR_ROM);
	if (problem)
		return fail_line(reader, reader->device_line, problem);
	/* lspci lists the modules right behind the driver: none in use, then */
	function->driver_known = function->driver || reader->has_modules;
	reader->in_device = false;
	return gpupt_inventory_add(reader->inventory, function, reader->error);
}

static void begin_device(struct reader *reader, const struct gpupt_pci_function *function)
{
	reader->in_device = true;
	reader->device_line = reader->line;
	reader->function = *function;
	reader->section = SECTION_OTHER;
	reader->next_bar = 0;
	reader->last_bar = BAR_NONE;
	memset(reader->current_sizes, 0, sizeof(reader->current_sizes));
	memset(reader->resizable_sizes, 0, sizeof(reader->resizable_sizes));
	reader->has_modules = false;
}

/* "[size=32G]" anywhere in text; false where it is there but makes no sense. */
static bool read_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *p = strstr(text, "[size=");
	uint64_t size;
	if (!p)
		return true;
	p += strlen("[size=");
	if (!take_decimal(&p, &size))
		return false;
	const char *unit = *p ? strchr(units, *p) : NULL;
	if (unit) {
		size = gpupt_mul(size, GPUPT_KIB << 10 * (unit - units));
		p++;
	}
	if (*p != ']' || size > UINT64_C(1) << 63)
		return false;
	*ret = size;
	return true;
}

/* "383000000000", "<unassigned>", "<ignored>" (the device has one, the host does
 * not use it), "<broken-64-bit-slot>" */
static bool take_address(const char **p, struct gpupt_bar *bar)
{
	if (**p == '<') {
		const char *end = strchr(*p, '>');
		*p = end ? end + 1 : *p;
		return end;
	}
	if (!gpupt_take_hex(p, 16, &bar->address))
		return false;
	bar->assigned = bar->address;
	return true;
}

/* What follows "Region 1: ", or the whole line without -vv. Older releases put
 * [virtual] in front: the host gave an address that the device does not show. */
static bool read_base(const char *text, bool rom, struct gpupt_bar *ret)
{
	struct gpupt_bar bar = { .present = true };
	const char *p = text;
	gpupt_skip(&p, "[virtual] ");
	if (rom ? !gpupt_skip(&p, "Expansion ROM at ") : !gpupt_skip(&p, "Memory at ")) {
		if (rom || !gpupt_skip(&p, "I/O ports at "))
			return false;
		bar.io = true;
	}
	if (!take_address(&p, &bar))
		return false;
	skip_spaces(&p);
	if (!rom && !bar.io) {
		if (!gpupt_skip(&p, "("))
			return false;
		bar.mem64 = gpupt_skip(&p, "64-bit, ");
		if (!bar.mem64 && !gpupt_skip(&p, "32-bit, ") && !gpupt_skip(&p, "low-1M, ") &&
		    !gpupt_skip(&p, "type 3, "))
			return false;
		bar.prefetchable = gpupt_skip(&p, "prefetchable)");
		if (!bar.prefetchable && !gpupt_skip(&p, "non-prefetchable)"))
			return false;
	}
	bar.enabled = !strstr(p, "[disabled");
	if (!read_size(p, &bar.size_bytes))
		return false;
	*ret = bar;
	return true;
}

static int read_region(struct reader *reader, const char *text)
{
	uint64_t index;
	const char *p = text;
	bool vf = reader->section == SECTION_SRIOV;
	struct gpupt_bar bar;
	if (!take_decimal(&p, &index) || index >= GPUPT_BAR_ROM || !gpupt_skip(&p, ": ") ||
	    !read_base(p, false, &bar))
		return fail_line(reader, reader->line,
				 "expected something like \"Region 1: Memory at 383000000000 "
				 "(64-bit, prefetchable) [size=32G]\"");
	struct gpupt_bar *bars = vf ? reader->function.vf_bars : reader->function.bars;
	if (bars[index].present)
		return fail_line(reader, reader->line,
				 "this region is there twice: is a device's first line missing?");
	bars[index] = bar;
	reader->last_bar = vf ? BAR_NONE : (size_t)index;
	return 0;
}

/* Without -vv: numbers follow from the order, as long as no BAR is missing;
 * for known GPUs that is put right in the end. */
static void read_unnumbered(struct reader *reader, const char *line)
{
	struct gpupt_bar bar;
	size_t i = reader->next_bar;
	if (i >= GPUPT_BAR_ROM || !read_base(line, false, &bar) ||
	    (bar.mem64 && i + 1 == GPUPT_BAR_ROM))
		return;
	reader->function.bars[i] = bar;
	reader->last_bar = i;
	reader->next_bar = i + (bar.mem64 ? 2 : 1);
}

/* " 256MB", " 32GB", up to EB: a power of two of MiB */
static bool take_rebar_size(const char **p, uint64_t *ret_bytes)
{
	static const char units[] = "MGTPE";
	const char *q = *p;
	uint64_t number;
	skip_spaces(&q);
	if (!take_decimal(&q, &number))
		return false;
	const char *unit = *q ? strchr(units, *q) : NULL;
	if (!unit || q[1] != 'B' || !gpupt_is_power_of_two(number))
		return false;
	*ret_bytes = gpupt_mul(number, GPUPT_MIB << 10 * (unit - units));
	*p = q + 2;
	return gpupt_is_power_of_two(*ret_bytes);
}

/* "BAR 1: current size: 256MB, supported: 64MB 128MB 256MB" */
static void read_rebar(struct reader *reader, const char *text)
{
	const char *p = text;
	uint64_t index, size, sizes = 0;
	if (!take_decimal(&p, &index) || index >= GPUPT_BAR_ROM ||
	    !gpupt_skip(&p, ": current size:") || !take_rebar_size(&p, &size))
		return;
	if (reader->section == SECTION_VF_REBAR) {
		reader->function.vf_bars[index].size_bytes = size;
		return;
	}
	reader->current_sizes[index] = size;
	if (gpupt_skip(&p, ", supported:"))
		while (take_rebar_size(&p, &size))
			sizes |= size / GPUPT_MIB;
	reader->resizable_sizes[index] = sizes & GPUPT_REBAR_SIZES_MASK;
}

static enum section section_of(const char *capability)
{
	if (strstr(capability, "Single Root I/O Virtualization"))
		return SECTION_SRIOV;
	if (strstr(capability, "Physical Resizable BAR"))
		return SECTION_REBAR;
	return strstr(capability, "Virtual Resizable BAR") ? SECTION_VF_REBAR : SECTION_OTHER;
}

static void read_total_vfs(struct reader *reader, const char *line)
{
	const char *p = strstr(line, "Total VFs: ");
	uint64_t number;
	if (p && gpupt_skip(&p, "Total VFs: ") && take_decimal(&p, &number) && number <= UINT16_MAX)
		reader->function.total_vfs = (uint16_t)number;
}

static void read_group(struct reader *reader, const char *text)
{
	uint64_t number;
	if (!take_decimal(&text, &number) || number > INT32_MAX)
		return;
	reader->function.iommu_group = (int)number;
	reader->function.iommu_group_known = true;
}

/* Without -vv: "Flags: bus master, fast devsel, latency 0, IOMMU group 12" */
static void read_flags(struct reader *reader, const char *text)
{
	const char *p = strstr(text, "IOMMU group ");
	if (p && gpupt_skip(&p, "IOMMU group "))
		read_group(reader, p);
}

static int read_driver(struct reader *reader, const char *name)
{
	size_t length = strcspn(name, " \t");
	if (!length)
		return 0;
	reader->function.driver = gpupt_inventory_keep(reader->inventory, name, length);
	return reader->function.driver ? 0 : gpupt_fail_nomem(reader->error);
}

/* The end of a line that a mail program wrapped. */
static int read_wrapped(struct reader *reader, const char *line)
{
	struct gpupt_pci_function *function = &reader->function;
	if (!function->vendor && gpupt_lspci_take_ids(line + 1, function))
		return 0;
	if (reader->last_bar == BAR_NONE || function->bars[reader->last_bar].size_bytes)
		return 0;
	struct gpupt_bar *bar = &function->bars[reader->last_bar];
	if (!read_size(line, &bar->size_bytes))
		return fail_line(reader, reader->line, "expected something like [size=32G]");
	bar->enabled &= !strstr(line, "[disabled");
	return 0;
}

static int read_detail(struct reader *reader, const char *line)
{
	const char *p = line;
	if (*p == '[' && !gpupt_skip(&p, "[virtual] "))
		return read_wrapped(reader, line);
	if (gpupt_skip(&p, "Region "))
		return read_region(reader, p);
	reader->last_bar = BAR_NONE;
	if (gpupt_skip(&p, "Capabilities: "))
		reader->section = section_of(p);
	else if (gpupt_skip(&p, "BAR ") && reader->section >= SECTION_REBAR)
		read_rebar(reader, p);
	else if (reader->section == SECTION_SRIOV && gpupt_skip(&p, "Initial VFs: "))
		read_total_vfs(reader, p);
	else if (gpupt_skip(&p, "Kernel driver in use: "))
		return read_driver(reader, p);
	else if (gpupt_skip(&p, "Kernel modules: "))
		reader->has_modules = true;
	else if (gpupt_skip(&p, "IOMMU group: "))
		read_group(reader, p);
	else if (gpupt_skip(&p, "Flags: "))
		read_flags(reader, p);
	else if (gpupt_skip(&p, "Bus: primary="))
		reader->function.is_bridge = true;
	else if (!read_base(p, true, &reader->function.bars[GPUPT_BAR_ROM]))
		read_unnumbered(reader, p);
	return 0;
}

/* One line without quotation marks, list bullets, indentation (tabs, spaces, or
 * the no-break spaces of a web page) and what ends it. */
static void clean_line(const char *line, size_t length, char buffer[LINE_MAX_BYTES])
{
	size_t start = 0;
	while (start < length) {
		if (strchr(" \t>*", line[start]))
			start++;
		else if (length - start >= 2 && memcmp(line + start, "\xc2\xa0", 2) == 0)
			start += 2;
		else
			break;
	}
	while (length > start && strchr(" \t\r*", line[length - 1]))
		length--;
	length -= start;
	if (length >= LINE_MAX_BYTES)
		length = LINE_MAX_BYTES - 1;
	memcpy(buffer, line + start, length);
	buffer[length] = '\0';
}

static int read_line(struct reader *reader, const char *line)
{
	struct gpupt_pci_function function;
	if (gpupt_lspci_read_header(line, &function)) {
		int r = finish_device(reader);
		if (r == 0)
			begin_device(reader, &function);
		return r;
	}
	return reader->in_device && *line ? read_detail(reader, line) : 0;
}

static int read_text(struct reader *reader, const char *data, size_t length)
{
	const char *end = data + length;
	for (const char *p = data; p < end;) {
		char buffer[LINE_MAX_BYTES];
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *line_end = newline ? newline : end;
		reader->line++;
		clean_line(p, (size_t)(line_end - p), buffer);
		int r = read_line(reader, buffer);
		if (r < 0)
			return r;
		p = line_end + 1;
	}
	return finish_device(reader);
}

int gpupt_lspci_parse(const char *data, size_t length, const char *name,
		      struct gpupt_inventory **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *made = gpupt_inventory_new();
	if (!made)
		return gpupt_fail_nomem(error);
	struct reader reader = { .name = name, .inventory = made, .error = error };
	int r = read_text(&reader, data, length);
	if (r < 0)
		return r;
	struct gpupt_place place = { .file = name };
	if (!gpupt_inventory_count(made))
		return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place,
				     "no PCI device in it: expected the output of lspci -vv or a "
				     "gpupt-snapshot in JSON");
	r = gpupt_inventory_seal(made, GPUPT_DUPLICATES_MERGE, name, error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(made);
	return 0;
}
