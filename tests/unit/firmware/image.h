/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_FIRMWARE_IMAGE_H
#define GPUPT_TESTS_FIRMWARE_IMAGE_H

/* Firmware images in small: a volume with one compressed section, as OVMF is. */

#include "unit.h"

#include <lzma.h>

#include "firmware/firmware.h"

struct image {
	uint8_t *data;
	size_t length;
};

enum {
	VOLUME_HEADER = 72,
	SECTION = VOLUME_HEADER, /* the section's header, and behind it what is compressed */
	SECTION_HEADER = 24,
	PAYLOAD = SECTION + SECTION_HEADER,
};

static inline void put_number(uint8_t *p, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

/* Puts UTF-16 and its NUL; returns where that ends. */
static inline uint8_t *put_wide(uint8_t *p, const char *text)
{
	do {
		*p++ = (uint8_t)*text;
		*p++ = 0;
	} while (*text++);
	return p;
}

/* EFI_FIRMWARE_VOLUME_HEADER of a volume with files. */
static inline void put_volume_header(uint8_t *p, size_t length)
{
	static const uint8_t file_system2[16] = {
		0x78, 0xe5, 0x8c, 0x8c, 0x3d, 0x8a, 0x1c, 0x4f,
		0x99, 0x35, 0x89, 0x61, 0x85, 0xc3, 0x2d, 0xd3,
	};
	memcpy(p + 16, file_system2, sizeof(file_system2));
	put_number(p + 32, 8, length);
	memcpy(p + 40, "_FVH", 4);
	put_number(p + 48, 2, VOLUME_HEADER);
}

/* EFI_GUID_DEFINED_SECTION of `length` bytes with its header. */
static inline void put_section_header(uint8_t *p, size_t length)
{
	static const uint8_t lzma[16] = {
		0x98, 0x58, 0x4e, 0xee, 0x14, 0x39, 0x59, 0x42,
		0x9d, 0x6e, 0xdc, 0x7b, 0xd7, 0x94, 0x03, 0xcf,
	};
	put_number(p, 3, length);
	p[3] = 0x02;
	memcpy(p + 4, lzma, sizeof(lzma));
	put_number(p + 20, 2, SECTION_HEADER);
	put_number(p + 22, 2, 1);
}

static inline struct image make_image(const uint8_t *plain, size_t length)
{
	lzma_options_lzma options;
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t room = PAYLOAD + length + length / 8 + 1024;
	struct image image = { calloc(1, room), 0 };
	assert_non_null(image.data);
	assert_false(lzma_lzma_preset(&options, 0));
	options.dict_size = 1 << 16;
	assert_int_equal(lzma_alone_encoder(&stream, &options), LZMA_OK);
	stream.next_in = plain;
	stream.avail_in = length;
	stream.next_out = image.data + PAYLOAD;
	stream.avail_out = room - PAYLOAD;
	assert_int_equal(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
	image.length = room - stream.avail_out;
	lzma_end(&stream);
	put_volume_header(image.data, image.length);
	put_section_header(image.data + SECTION, image.length - SECTION);
	return image;
}

/* An image with `text` in UTF-16 at `at` of `length` bytes that look like nothing. */
static inline struct image image_with(const char *text, size_t at, size_t length)
{
	uint8_t *plain = malloc(length);
	uint32_t seed = 1;
	assert_non_null(plain);
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		plain[i] = (uint8_t)(seed >> 28);
	}
	put_wide(plain + at, text);
	struct image image = make_image(plain, length);
	free(plain);
	return image;
}

/* Identifies a copy that ends where its memory ends, for the sanitizers. */
static inline int identify(const void *data, size_t length, struct gpupt_firmware *ret)
{
	void *copy = malloc(length ? length : 1);
	assert_non_null(copy);
	memcpy(copy, data, length);
	struct gpupt_error *error = NULL;
	int r = gpupt_firmware_identify_image(copy, length, "image", ret, &error);
	assert_true((r < 0) == (error != NULL));
	gpupt_error_free(error);
	free(copy);
	return r;
}

#endif
