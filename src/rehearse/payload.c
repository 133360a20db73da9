/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image as bzImages are that UEFI starts too: the headers of a UEFI application lie
 * before those of Linux (Documentation/arch/x86/boot.rst), which begin at 0x1f1. */

#include "rehearse/payload.h"

#include <string.h>

enum {
	PE_HEADER = 0x40,
	PE_OPTIONAL = PE_HEADER + 24, /* behind the signature and the COFF header */
	PE_DIRECTORIES = 6,
	PE_SECTION = PE_OPTIONAL + 112 + 8 * PE_DIRECTORIES,
	LINUX_HEADER = 0x1f1,
	LINUX_ENTRY = 0x200,
	LINUX_CODE = 0x268, /* behind the header */
	UEFI_CODE = 0x1000,
	CODE_BYTES = GPUPT_PAYLOAD_BYTES - UEFI_CODE,
};

static void put(uint8_t *image, size_t offset, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		image[offset + i] = (uint8_t)(value >> (8 * i));
}

/* mov $0xcf9,%dx; mov $6,%al; out %al,%dx; 1: hlt; jmp 1b: the reset control register,
 * which both chipsets have. */
static void put_reset(uint8_t *image, size_t offset)
{
	static const uint8_t code[] = { 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xf4, 0xeb, 0xfd };
	memcpy(image + offset, code, sizeof(code));
}

/* PE/COFF specification, section 3 and 4: one section, nothing to relocate. */
static void put_uefi(uint8_t *image)
{
	memcpy(image, "MZ", 2);
	put(image, 0x3c, PE_HEADER, 4);
	memcpy(image + PE_HEADER, "PE\0\0", 4);
	put(image, PE_HEADER + 4, 0x8664, 2);                        /* machine: x86-64 */
	put(image, PE_HEADER + 6, 1, 2);                             /* sections */
	put(image, PE_HEADER + 20, 112 + 8 * PE_DIRECTORIES, 2);     /* of the optional header */
	put(image, PE_HEADER + 22, 0x0206, 2);                       /* executable, as bzImages */
	put(image, PE_OPTIONAL, 0x20b, 2);                           /* PE32+ */
	put(image, PE_OPTIONAL + 4, CODE_BYTES, 4);
	put(image, PE_OPTIONAL + 16, UEFI_CODE, 4);                  /* entry */
	put(image, PE_OPTIONAL + 20, UEFI_CODE, 4);                  /* code */
	put(image, PE_OPTIONAL + 32, 0x1000, 4);                     /* alignment in memory */
	put(image, PE_OPTIONAL + 36, 0x200, 4);                      /* in the file */
	put(image, PE_OPTIONAL + 56, GPUPT_PAYLOAD_BYTES, 4);
	put(image, PE_OPTIONAL + 60, UEFI_CODE, 4);                  /* headers */
	put(image, PE_OPTIONAL + 68, 10, 2);                         /* a UEFI application */
	put(image, PE_OPTIONAL + 108, PE_DIRECTORIES, 4);
	memcpy(image + PE_SECTION, ".text", 5);
	put(image, PE_SECTION + 8, CODE_BYTES, 4);
	put(image, PE_SECTION + 12, UEFI_CODE, 4);
	put(image, PE_SECTION + 16, CODE_BYTES, 4);
	put(image, PE_SECTION + 20, UEFI_CODE, 4);
	put(image, PE_SECTION + 36, 0x60000020, 4);                  /* code that may be run */
	image[UEFI_CODE] = 0x66; /* 16 bits are for %dx alone here */
	put_reset(image, UEFI_CODE + 1);
}

static void put_linux(uint8_t *image)
{
	image[LINUX_HEADER] = 1; /* one sector more of real mode code */
	put(image, 0x1f4, (GPUPT_PAYLOAD_BYTES - 0x400) / 16, 4);
	put(image, 0x1fe, 0xaa55, 2);
	image[LINUX_ENTRY] = 0xeb; /* jmp to the code */
	image[LINUX_ENTRY + 1] = LINUX_CODE - LINUX_ENTRY - 2;
	memcpy(image + 0x202, "HdrS", 4);
	put(image, 0x206, 0x20b, 2);      /* boot protocol 2.11 */
	image[0x211] = 1;                 /* the rest goes to 1 MiB */
	put(image, 0x214, 0x100000, 4);
	put(image, 0x22c, 0x7fffffff, 4); /* where an initrd might lie */
	put(image, 0x238, 255, 4);        /* longest command line */
	put_reset(image, LINUX_CODE);
}

void gpupt_payload_make(uint8_t image[GPUPT_PAYLOAD_BYTES])
{
	memset(image, 0, GPUPT_PAYLOAD_BYTES);
	put_uefi(image);
	put_linux(image);
}
