/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line with which lspci begins a device: pciutils 3.9 to 3.14, lspci.c,
 * show_terse(). */
#include <ctype.h>

#include "pci/inventory.h"

/* Class names of pci.ids, as far as a host's topology or this library asks. */
static const struct {
	const char *name;
	uint32_t class_code;
} class_names[] = {
	{ "Non-Volatile memory controller", 0x010800 },
	{ "SATA controller", 0x010600 },
	{ "SCSI storage controller", 0x010000 },
	{ "IDE interface", 0x010100 },
	{ "RAID bus controller", 0x010400 },
	{ "Serial Attached SCSI controller", 0x010700 },
	{ "Mass storage controller", 0x018000 },
	{ "Ethernet controller", 0x020000 },
	{ "Infiniband controller", 0x020700 },
	{ "Fabric controller", 0x020800 },
	{ "Network controller", 0x028000 },
	{ "VGA compatible controller", 0x030000 },
	{ "XGA compatible controller", 0x030100 },
	{ "3D controller", 0x030200 },
	{ "Display controller", 0x038000 },
	{ "Multimedia controller", 0x048000 },
	{ "Audio device", 0x040300 },
	{ "RAM memory", 0x050000 },
	{ "Memory controller", 0x058000 },
	{ "CXL", 0x050200 },
	{ "Host bridge", 0x060000 },
	{ "ISA bridge", 0x060100 },
	{ "PCI bridge", 0x060400 },
	{ "CardBus bridge", 0x060700 },
	{ "Bridge", 0x068000 },
	{ "Serial controller", 0x070000 },
	{ "Communication controller", 0x078000 },
	{ "PIC", 0x080000 },
	{ "DMA controller", 0x080100 },
	{ "IOMMU", 0x080600 },
	{ "System peripheral", 0x088000 },
	{ "USB controller", 0x0c0300 },
	{ "Fibre Channel", 0x0c0400 },
	{ "SMBus", 0x0c0500 },
	{ "Serial bus controller", 0x0c8000 },
	{ "Encryption controller", 0x108000 },
	{ "Signal processing controller", 0x118000 },
	{ "Processing accelerators", 0x120000 },
	{ "Non-Essential Instrumentation", 0x130000 },
};

/* "3D controller", "3D controller [0302]", "0302" or "Class 0302"; 0: unknown. */
static uint32_t class_of(const char *text, size_t length)
{
	uint64_t number;
	const char *p = text;
	gpupt_skip(&p, "Class ");
	if (length >= 6 && text[length - 1] == ']' && text[length - 6] == '[')
		p = text + length - 5;
	const char *digits = p;
	if (gpupt_take_hex(&p, 4, &number) && p == digits + 4 &&
	    (*p == ']' || p == text + length))
		return (uint32_t)number << 8;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(class_names); i++)
		if (strlen(class_names[i].name) == length &&
		    strncmp(class_names[i].name, text, length) == 0)
			return class_names[i].class_code;
	return 0;
}

bool gpupt_lspci_take_ids(const char *p, struct gpupt_pci_function *function)
{
	const char *start = p;
	uint64_t vendor, device;
	if (!gpupt_take_hex(&p, 4, &vendor) || p != start + 4 || *p++ != ':' ||
	    !gpupt_take_hex(&p, 4, &device) || p != start + 9)
		return false;
	function->vendor = (uint16_t)vendor;
	function->device = (uint16_t)device;
	return true;
}

/* -n: ids alone; -nn: "[10de:1b39]" behind the names; otherwise names only, but
 * a device that pci.ids lacks shows its id: "NVIDIA Corporation Device 1eb8". */
static void read_ids(const char *names, struct gpupt_pci_function *function)
{
	if (gpupt_lspci_take_ids(names, function))
		return;
	for (const char *p = names; (p = strchr(p, '[')); p++)
		if (p[1] && strlen(p) > 10 && p[10] == ']')
			gpupt_lspci_take_ids(p + 1, function);
	uint64_t device;
	const char *p = names;
	if (!function->vendor && gpupt_skip(&p, "NVIDIA Corporation Device ") &&
	    gpupt_take_hex(&p, 4, &device) && (*p == ' ' || !*p)) {
		function->vendor = 0x10de;
		function->device = (uint16_t)device;
	}
}

/* "08:00.0 3D controller [0302]: NVIDIA Corporation ... (rev a1) (prog-if 00 [...])" */
bool gpupt_lspci_read_header(const char *line, struct gpupt_pci_function *ret)
{
	struct gpupt_pci_address address;
	const char *p = line;
	if (!gpupt_take_pci_address(&p, &address) || (*p != ' ' && *p != '\t'))
		return false;
	p += strspn(p, " \t");
	const char *colon = strstr(p, ": ");
	/* class names begin like this; a sentence about a device does not */
	if (!colon || !(isupper((unsigned char)*p) || isdigit((unsigned char)*p)))
		return false;
	*ret = gpupt_pci_function_make(address, GPUPT_SOURCE_LSPCI);
	ret->class_code = class_of(p, (size_t)(colon - p));
	ret->is_bridge = ret->class_code >> 8 == GPUPT_CLASS_PCI_BRIDGE;
	read_ids(colon + 2, ret);
	const char *interface = strstr(colon, "(prog-if ");
	uint64_t number;
	if (interface && gpupt_skip(&interface, "(prog-if ") &&
	    gpupt_take_hex(&interface, 2, &number))
		ret->class_code |= (uint32_t)number;
	return true;
}
