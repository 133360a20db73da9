/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OVMF is a firmware volume (UEFI PI 1.8, volume 3) that holds two more, for PEI and
 * for DXE, in one section compressed with LZMA (edk2, OvmfPkg/OvmfPkgX64.fdf,
 * FVMAIN_COMPACT). Modules that show PcdFirmwareVersionString have it in there, in
 * UTF-16; those of PEI come first, so that mostly little has to be decompressed. */

#include "firmware/firmware.h"

#include <lzma.h>

enum {
	CHUNK = 1 << 16,   /* decompressed at a time */
	CARRY = 256,       /* of which a text may reach into the next one */
	SECTIONS_MAX = 8,  /* that are looked into; OVMF has one or two */
	GUID_SIZE = 16,
	GUID_DEFINED = 0x02, /* EFI_SECTION_GUID_DEFINED */
};

/* The output of all sections; OVMF has 16 MiB. */
#define OUTPUT_MAX (64 * GPUPT_MIB)
/* OVMF's dictionary has 16 MiB (BaseTools' LzmaCompress). */
#define DECODER_MEMORY_MAX (80 * GPUPT_MIB)

/* EE4E5898-3914-4259-9D6E-DC7BD79403CF, MdeModulePkg's LzmaDecompress.h */
static const uint8_t lzma_guid[GUID_SIZE] = {
	0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42,
	0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf,
};

/* Volumes that hold files, as those that hold variables do not:
 * EFI_FIRMWARE_FILE_SYSTEM2_GUID and 3 (UEFI PI 1.8, volume 3, 3.2.2) */
static const uint8_t file_system_guids[][GUID_SIZE] = {
	{ 0x78, 0xe5, 0x8c, 0x8c, 0x3d, 0x8a, 0x1c, 0x4f,
	  0x99, 0x35, 0x89, 0x61, 0x85, 0xc3, 0x2d, 0xd3 },
	{ 0x7a, 0xc0, 0x73, 0x54, 0xcb, 0x3d, 0xca, 0x4d,
	  0xbd, 0x6f, 0x1e, 0x96, 0x89, 0xe7, 0x34, 0x9a },
};

static const uint8_t *find(const uint8_t *data, size_t length, const void *what, size_t size)
{
	return memmem(data, length, what, size);
}

bool gpupt_is_ovmf_image(const uint8_t *data, size_t length)
{
	enum { GUID_AT = 16, SIGNATURE_AT = 40 }; /* EFI_FIRMWARE_VOLUME_HEADER */
	const uint8_t *end = data + length;
	for (const uint8_t *p = data; (p = find(p, (size_t)(end - p), "_FVH", 4)); p++) {
		if (p - data < SIGNATURE_AT)
			continue;
		for (size_t i = 0; i < GPUPT_ARRAY_SIZE(file_system_guids); i++)
			if (memcmp(p - SIGNATURE_AT + GUID_AT, file_system_guids[i], GUID_SIZE) == 0)
				return true;
	}
	return false;
}

/* The text at p, of characters `width` bytes wide, up to what is not printable; false
 * if it is too long or reaches the end of the data. */
static bool take_text(const uint8_t *p, const uint8_t *end, size_t width, char stop,
		      struct gpupt_firmware *ret)
{
	char text[GPUPT_FIRMWARE_VERSION_MAX];
	for (size_t i = 0; i < sizeof(text) && (size_t)(end - p) >= width; i++, p += width) {
		uint8_t high = width == 2 ? p[1] : 0;
		text[i] = (char)p[0];
		if (!high && text[i] == stop) {
			text[i] = '\0';
			return gpupt_firmware_take_version(ret, text);
		}
		if (high || text[i] < ' ' || text[i] > '~')
			return false;
	}
	return false;
}

/* Where a version may start, and the character behind its last. */
static const struct {
	const char *text;
	size_t length, width;
	char stop;
} beginnings[] = {
	{ "e\0d\0k\0" "2\0-\0", 10, 2, '\0' },
	{ "2\0" "0\0", 4, 2, '\0' },
	/* where debug information was built, ".../edk2-2020.11/Build/..." */
	{ "/edk2-", 6, 1, '/' },
};

static bool search(const uint8_t *data, size_t length, struct gpupt_firmware *ret)
{
	const uint8_t *end = data + length;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(beginnings); i++) {
		size_t slash = beginnings[i].stop == '/';
		const uint8_t *p = data;
		while ((p = find(p, (size_t)(end - p), beginnings[i].text, beginnings[i].length))) {
			if (take_text(p + slash, end, beginnings[i].width, beginnings[i].stop, ret))
				return true;
			p++;
		}
	}
	return false;
}

static uint32_t number(const uint8_t *p, size_t bytes)
{
	uint32_t value = 0;
	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

/* The compressed bytes of the section whose GUID is at data[guid]: EFI_GUID_DEFINED_SECTION
 * or, from 16 MiB, its SECTION2. False where there is no such section. */
static bool section_at(const uint8_t *data, size_t length, size_t guid, size_t *ret_start,
		       size_t *ret_end)
{
	size_t start, size;
	if (guid >= 4 && data[guid - 1] == GUID_DEFINED && number(data + guid - 4, 3) != 0xffffff) {
		start = guid - 4;
		size = number(data + start, 3);
	} else if (guid >= 8 && data[guid - 5] == GUID_DEFINED &&
		   number(data + guid - 8, 3) == 0xffffff) {
		start = guid - 8;
		size = number(data + guid - 4, 4);
	} else {
		return false;
	}
	if (length - guid < GUID_SIZE + 2 || size > length - start)
		return false;
	size_t header = number(data + guid + GUID_SIZE, 2); /* DataOffset */
	if (header < guid - start + GUID_SIZE + 4 || header >= size)
		return false;
	*ret_start = start + header;
	*ret_end = start + size;
	return true;
}

/* Decompresses and searches until the version is found, the data ends or is damaged, or
 * *left bytes came out. */
static void search_stream(lzma_stream *stream, uint8_t *buffer, uint64_t *left,
			  struct gpupt_firmware *ret)
{
	size_t kept = 0;
	lzma_ret r = LZMA_OK;
	while (r == LZMA_OK && *left) {
		stream->next_out = buffer + kept;
		stream->avail_out = *left < CHUNK ? (size_t)*left : CHUNK;
		*left -= stream->avail_out;
		r = lzma_code(stream, LZMA_RUN);
		size_t length = (size_t)(stream->next_out - buffer);
		*left += stream->avail_out;
		if (search(buffer, length, ret))
			return;
		kept = length < CARRY ? length : CARRY;
		memmove(buffer, buffer + length - kept, kept);
	}
}

static int search_section(const uint8_t *data, size_t length, uint64_t *left,
			  struct gpupt_firmware *ret, struct gpupt_error **error)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	GPUPT_AUTOFREE uint8_t *buffer = malloc(CARRY + CHUNK);
	if (!buffer || lzma_alone_decoder(&stream, DECODER_MEMORY_MAX) != LZMA_OK)
		return gpupt_fail_nomem(error);
	stream.next_in = data;
	stream.avail_in = length;
	search_stream(&stream, buffer, left, ret);
	lzma_end(&stream);
	return 0;
}

int gpupt_ovmf_image_read(const uint8_t *data, size_t length, struct gpupt_firmware *ret,
			  struct gpupt_error **error)
{
	uint64_t left = OUTPUT_MAX;
	size_t sections = 0;
	/* what starts the processor is not compressed, and neither are some builds */
	if (search(data, length, ret))
		return 0;
	for (size_t at = 0; at < length && left && sections < SECTIONS_MAX; at++) {
		const uint8_t *guid = find(data + at, length - at, lzma_guid, GUID_SIZE);
		size_t start, end;
		if (!guid)
			return 0;
		at = (size_t)(guid - data);
		if (!section_at(data, length, at, &start, &end))
			continue;
		sections++;
		int r = search_section(data + start, end - start, &left, ret, error);
		if (r < 0 || ret->release)
			return r;
	}
	return 0;
}
