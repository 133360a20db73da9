/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "rehearse/payload.h"

static uint32_t word(const uint8_t *image, size_t offset)
{
	return image[offset] | (uint32_t)image[offset + 1] << 8 |
	       (uint32_t)image[offset + 2] << 16 | (uint32_t)image[offset + 3] << 24;
}

/* As UEFI finds its way: MZ, PE, the entry inside the one section, that in the file. */
static void uefi_finds_the_entry(void **state)
{
	(void)state;
	uint8_t image[GPUPT_PAYLOAD_BYTES];
	gpupt_payload_make(image);
	assert_memory_equal(image, "MZ", 2);
	uint32_t header = word(image, 0x3c);
	assert_memory_equal(image + header, "PE\0\0", 4);
	uint32_t optional = header + 24, entry = word(image, optional + 16);
	uint32_t sections = optional + (word(image, header + 20) & 0xffff);
	uint32_t start = word(image, sections + 12), size = word(image, sections + 8);
	assert_true(start <= entry && entry < start + size);
	assert_true(word(image, sections + 20) + word(image, sections + 16) <= sizeof(image));
	assert_int_equal(start, word(image, sections + 20));
	assert_true(sections + 40 <= 0x1f1); /* the two headers do not meet */
	assert_int_equal(word(image, entry), 0x0cf9ba66);
}

/* As a boot loader does: the jump at 0x200 leads behind the header. */
static void a_boot_loader_finds_the_code(void **state)
{
	(void)state;
	uint8_t image[GPUPT_PAYLOAD_BYTES];
	gpupt_payload_make(image);
	assert_memory_equal(image + 0x202, "HdrS", 4);
	assert_int_equal(image[0x200], 0xeb);
	size_t code = 0x202u + image[0x201];
	assert_true(code >= 0x268 && code < (image[0x1f1] + 1u) * 512);
	assert_int_equal(word(image, code), 0xb00cf9ba);
	assert_int_equal((image[0x1f1] + 1u) * 512 + word(image, 0x1f4) * 16, sizeof(image));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uefi_finds_the_entry),
		cmocka_unit_test(a_boot_loader_finds_the_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
