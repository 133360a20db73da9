/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sysfs file `resource`: one line "start end flags" per resource (Linux,
 * drivers/pci/pci-sysfs.c, resource_show()). Lines 0 to 5 are BARs, 6 the ROM;
 * with CONFIG_PCI_IOV 7 to 12 are the BARs of all virtual functions together;
 * whatever follows, and all from 7 on for a bridge, are bridge windows. */
#include <string.h>

#include "pci/inventory.h"

/* include/linux/ioport.h */
#define IORESOURCE_ROM_ENABLE UINT64_C(0x1) /* on a ROM's line only */
#define IORESOURCE_IO UINT64_C(0x100)
#define IORESOURCE_MEM UINT64_C(0x200)
#define IORESOURCE_PREFETCH UINT64_C(0x2000)
#define IORESOURCE_MEM_64 UINT64_C(0x100000)
#define IORESOURCE_DISABLED UINT64_C(0x10000000)
#define IORESOURCE_UNSET UINT64_C(0x20000000)

#define VF_BARS 6
#define LINES_MIN (GPUPT_BAR_ROM + 1)
#define LINES_MAX (LINES_MIN + VF_BARS)
#define SIZE_MAX_BYTES (UINT64_C(1) << 63) /* the largest a BAR can be */

struct resource {
	uint64_t start, end, flags;
};

static bool take_number(const char **p, char after, uint64_t *ret)
{
	if (strncmp(*p, "0x", 2) != 0)
		return false;
	*p += 2;
	if (!gpupt_take_hex(p, 16, ret) || **p != after)
		return false;
	++*p;
	return true;
}

/* text ends in a NUL; a last line without its newline is a truncated file. */
static int take_line(const char **p, const char *name, size_t line, struct resource *ret,
		     struct gpupt_error **error)
{
	const char *q = *p;
	if (!take_number(&q, ' ', &ret->start) || !take_number(&q, ' ', &ret->end) ||
	    !take_number(&q, '\n', &ret->flags)) {
		struct gpupt_place place = { .file = name, .line = line + 1, .column = 1 };
		return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place,
				     "expected \"0xSTART 0xEND 0xFLAGS\"");
	}
	*p = q;
	return 0;
}

/* How Linux shows a BAR to which it gave no address: start 0, end size - 1 and
 * IORESOURCE_UNSET (probe.c, __pci_read_base(); setup-res.c,
 * pci_claim_resource()); older kernels without that flag. Where it lost the size
 * too, start and end are 0 and the flags stay, or all three are 0 (setup-bus.c,
 * reset_resource()): such a BAR is not seen here. */
static int decode(const struct resource *resource, bool rom, const char *name, size_t line,
		  struct gpupt_bar *ret, struct gpupt_error **error)
{
	uint64_t flags = resource->flags;
	if (!(flags & (IORESOURCE_IO | IORESOURCE_MEM)))
		return 0;
	bool sized = !(resource->start == 0 && resource->end == 0) &&
		     resource->end != resource->start - 1;
	uint64_t size = sized ? resource->end - resource->start + 1 : 0;
	if (sized && (resource->end < resource->start || size > SIZE_MAX_BYTES)) {
		struct gpupt_place place = { .file = name, .line = line + 1, .column = 1 };
		return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place,
				     "no BAR starts or ends there");
	}
	bool assigned = resource->start && !(flags & IORESOURCE_UNSET);
	*ret = (struct gpupt_bar){
		.present = true,
		.io = flags & IORESOURCE_IO,
		.mem64 = !rom && flags & IORESOURCE_MEM && flags & IORESOURCE_MEM_64,
		.prefetchable = flags & IORESOURCE_MEM && flags & IORESOURCE_PREFETCH,
		.assigned = assigned,
		.enabled = !(flags & IORESOURCE_DISABLED) &&
			   (!rom || flags & IORESOURCE_ROM_ENABLE),
		.address = assigned ? resource->start : 0,
		.size_bytes = size,
	};
	return 0;
}

/* An SR-IOV resource holds the BARs of TotalVFs functions (drivers/pci/iov.c,
 * sriov_init()). A driver may have lowered what sriov_totalvfs shows; where that
 * gives no power of two, the size is not known. */
static void keep_one_of(struct gpupt_bar *bar, uint16_t total_vfs)
{
	uint64_t one = bar->size_bytes / total_vfs;
	bool exact = gpupt_is_power_of_two(one) && one * total_vfs == bar->size_bytes;
	bar->size_bytes = exact ? one : 0;
}

static int fail_bars(const char *name, const char *problem, struct gpupt_error **error)
{
	struct gpupt_place place = { .file = name };
	return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place, "%s", problem);
}

GPUPT_EXPORT int gpupt_sysfs_parse_resource(const char *text, size_t length, const char *name,
			       struct gpupt_pci_function *function, struct gpupt_error **error)
{
	struct gpupt_bar bars[GPUPT_BAR_COUNT] = { 0 }, vf_bars[VF_BARS] = { 0 };
	bool with_vfs = !function->is_bridge && function->total_vfs;
	const char *p = text;
	size_t line = 0;
	for (; line < LINES_MAX && p < text + length; line++) {
		struct resource resource;
		int r = take_line(&p, name, line, &resource, error);
		if (r == 0 && line < LINES_MIN)
			r = decode(&resource, line == GPUPT_BAR_ROM, name, line, &bars[line],
				   error);
		else if (r == 0 && with_vfs)
			r = decode(&resource, false, name, line, &vf_bars[line - LINES_MIN],
				   error);
		if (r < 0)
			return r;
	}
	if (line < LINES_MIN)
		return fail_bars(name, "fewer than 7 lines", error);
	for (size_t i = 0; i < VF_BARS; i++)
		if (vf_bars[i].present)
			keep_one_of(&vf_bars[i], function->total_vfs);
	const char *problem = gpupt_pci_bars_problem(bars, GPUPT_BAR_COUNT);
	if (!problem)
		problem = gpupt_pci_bars_problem(vf_bars, VF_BARS);
	if (problem)
		return fail_bars(name, problem, error);
	memcpy(function->bars, bars, sizeof(bars));
	memcpy(function->vf_bars, vf_bars, sizeof(vf_bars));
	return 0;
}
