/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What images say, whole and in pieces. */
#include "image.h"

#define VERSION "2025.02-8+deb13u1"

static unsigned int release_of(struct image image)
{
	struct gpupt_firmware firmware;
	assert_int_equal(identify(image.data, image.length, &firmware), 0);
	assert_int_equal(firmware.kind, GPUPT_FIRMWARE_OVMF);
	assert_true(!firmware.release == !*firmware.version);
	free(image.data);
	return firmware.release;
}

static void test_ovmf(void **state)
{
	(void)state;
	struct gpupt_firmware firmware;
	struct image image = image_with(VERSION, 1001, 5000);
	assert_int_equal(identify(image.data, image.length, &firmware), 0);
	assert_int_equal(firmware.kind, GPUPT_FIRMWARE_OVMF);
	assert_int_equal(firmware.release, 202502);
	assert_string_equal(firmware.version, VERSION);
	assert_string_equal(firmware.name, "edk2-stable202502");
	free(image.data);
	image = image_with("edk2-20230524-3.el9", 6, 5000);
	assert_int_equal(identify(image.data, image.length, &firmware), 0);
	assert_string_equal(firmware.version, "edk2-20230524-3.el9");
	assert_string_equal(firmware.name, "edk2-stable202305");
	free(image.data);
	image = image_with("0.0.0", 6, 5000);
	assert_int_equal(identify(image.data, image.length, &firmware), 0);
	assert_string_equal(firmware.name, "ovmf");
	assert_string_equal(firmware.version, "");
	free(image.data);
}

/* Wherever the pieces end in which the image is decompressed. */
static void test_borders(void **state)
{
	(void)state;
	for (size_t at = (1 << 16) - 48; at < (1 << 16) + 8; at++)
		assert_int_equal(release_of(image_with(VERSION, at, 70000)), 202502);
	assert_int_equal(release_of(image_with(VERSION, 300000, 300000 + 2 * sizeof(VERSION))),
			 202502);
}

/* A text without an end, and one that is too long. */
static void test_long(void **state)
{
	(void)state;
	uint8_t plain[1000] = { 0 };
	uint8_t *end = put_wide(plain + 100, "2025.02-");
	for (size_t i = 0; i < 200; i++)
		end[2 * i - 2] = 'x';
	assert_int_equal(release_of(make_image(plain, sizeof(plain))), 0);
	end = put_wide(plain, VERSION);
	assert_int_equal(release_of(make_image(plain, (size_t)(end - plain))), 202502);
	assert_int_equal(release_of(make_image(plain, (size_t)(end - plain - 2))), 0);
	assert_int_equal(release_of(make_image(plain, (size_t)(end - plain - 1))), 0);
}

static void test_not_compressed(void **state)
{
	(void)state;
	static const char path[] = "/build/x/edk2-2020.11/Build/Ovmf3264/SecMain.dll";
	struct image image = image_with("0.0.0", 0, 5000);
	image.data = realloc(image.data, image.length + sizeof(path));
	memcpy(image.data + image.length, path, sizeof(path));
	image.length += sizeof(path);
	struct gpupt_firmware firmware;
	assert_int_equal(identify(image.data, image.length, &firmware), 0);
	assert_string_equal(firmware.version, "edk2-2020.11");
	assert_int_equal(firmware.release, 202011);
	free(image.data);
}

static void test_truncated(void **state)
{
	(void)state;
	struct image image = image_with(VERSION, 100, 3000);
	size_t told = 0;
	for (size_t length = 0; length < image.length; length++) {
		struct gpupt_firmware firmware;
		int r = identify(image.data, length, &firmware);
		/* the header makes the volume, and the section must be whole */
		assert_int_equal(r, length < 44 ? GPUPT_E_UNSUPPORTED : 0);
		told += r == 0 && firmware.release;
	}
	assert_int_equal(told, 0);
	/* where the section says that it is that short, its beginning counts */
	put_section_header(image.data + SECTION, SECTION_HEADER + 400);
	assert_int_equal(release_of(image), 202502);
}

static void test_damaged(void **state)
{
	(void)state;
	struct image image = image_with(VERSION, 2000, 3000);
	for (size_t i = 0; i < image.length; i++) {
		struct gpupt_firmware firmware;
		uint8_t was = image.data[i];
		for (uint8_t bit = 1; bit; bit = (uint8_t)(bit << 3)) {
			image.data[i] = was ^ bit;
			int r = identify(image.data, image.length, &firmware);
			assert_true(r == 0 || r == GPUPT_E_UNSUPPORTED);
		}
		image.data[i] = was;
	}
	assert_int_equal(release_of(image), 202502);
}

/* A section's size, where its data starts, and its dictionary are what it says. */
static void test_section_header(void **state)
{
	(void)state;
	static const struct {
		size_t at, bytes;
		uint64_t value;
	} lies[] = {
		{ SECTION, 3, 0 },            /* no size at all */
		{ SECTION, 3, 24 },           /* the header, and nothing behind it */
		{ SECTION, 3, 0xfffffe },     /* past the end */
		{ SECTION, 3, 0xffffff },     /* a larger size should follow */
		{ SECTION + 3, 1, 0x01 },     /* another type */
		{ SECTION + 20, 2, 0 },       /* data in the header */
		{ SECTION + 20, 2, 0xffff },  /* data past the end */
		{ PAYLOAD, 1, 0xff },         /* no such properties */
		{ PAYLOAD + 1, 4, UINT32_MAX }, /* a dictionary of 4 GiB */
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(lies); i++) {
		struct image image = image_with(VERSION, 100, 3000);
		put_number(image.data + lies[i].at, lies[i].bytes, lies[i].value);
		assert_int_equal(release_of(image), 0);
	}
	/* EFI_GUID_DEFINED_SECTION2 has the size behind the type */
	struct image image = image_with(VERSION, 100, 3000);
	struct image large = { calloc(1, image.length + 4), image.length + 4 };
	memcpy(large.data, image.data, SECTION);
	memcpy(large.data + SECTION + 4, image.data + SECTION, image.length - SECTION);
	put_number(large.data + SECTION, 4, 0x02ffffff);
	put_number(large.data + SECTION + 4, 4, large.length - SECTION);
	put_number(large.data + SECTION + 24, 2, SECTION_HEADER + 4);
	free(image.data);
	assert_int_equal(release_of(large), 202502);
}

/* A few kilobytes that become many megabytes: looked through up to a limit. */
static void test_bomb(void **state)
{
	(void)state;
	enum { MIB = 1 << 20, AT = 65 * MIB, LENGTH = 66 * MIB };
	uint8_t *plain = calloc(1, LENGTH);
	assert_non_null(plain);
	put_wide(plain + AT, VERSION);
	struct image image = make_image(plain, LENGTH);
	assert_true(image.length < MIB);
	assert_int_equal(release_of(image), 0);
	put_wide(plain + 63 * MIB, VERSION);
	assert_int_equal(release_of(make_image(plain, LENGTH)), 202502);
	free(plain);
}

/* More sections than any OVMF has: the first few are looked into. */
static void test_many_sections(void **state)
{
	(void)state;
	enum { BEFORE = 8 };
	struct image none = image_with("0.0.0", 0, 100), one = image_with(VERSION, 0, 100);
	size_t size = none.length - SECTION;
	for (size_t before = BEFORE - 1; before <= BEFORE; before++) {
		struct image image = { calloc(1, BEFORE * size + one.length), SECTION };
		memcpy(image.data, none.data, SECTION);
		for (size_t i = 0; i < before; i++, image.length += size)
			memcpy(image.data + image.length, none.data + SECTION, size);
		memcpy(image.data + image.length, one.data + SECTION, one.length - SECTION);
		image.length += one.length - SECTION;
		assert_int_equal(release_of(image), before < BEFORE ? 202502 : 0);
	}
	free(none.data);
	free(one.data);
}

#define MARK "SeaBIOS (version %s)\n"

static void assert_seabios(const char *data, size_t length, const char *name)
{
	struct gpupt_firmware firmware;
	assert_int_equal(identify(data, length, &firmware), 0);
	assert_int_equal(firmware.kind, GPUPT_FIRMWARE_SEABIOS);
	assert_string_equal(firmware.name, name);
}

#define ASSERT_SEABIOS(data, name) assert_seabios(data, sizeof(data), name)

static void test_seabios(void **state)
{
	(void)state;
	ASSERT_SEABIOS("x\0" MARK "\0ld 2.40\0" "1.16.2-debian-1.16.2-1\0\x90", "seabios-1.16.2");
	ASSERT_SEABIOS(MARK "\0" "2.35.1\0f\x90" "1.14.0-2", "seabios-1.14.0");
	ASSERT_SEABIOS(MARK "\0rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org", "seabios-1.16.3");
	ASSERT_SEABIOS("\0" "1.16.3\0" MARK "\0" "1.16.3", "seabios-1.16.3");
	ASSERT_SEABIOS("\0" "1.16.3\0" MARK "\0" "1.16.2", "seabios");
	ASSERT_SEABIOS(MARK "\0v1.16.2\0", "seabios");
	ASSERT_SEABIOS(MARK "\0" "1.16.2\x01", "seabios");
	assert_seabios(MARK "\0" "1.16.2", sizeof(MARK) + 6, "seabios"); /* cut off */
	assert_seabios(MARK "\0" "1.", sizeof(MARK) + 2, "seabios");
	ASSERT_SEABIOS("1.16.2\0" MARK, "seabios"); /* nothing in front */
}

static void test_neither(void **state)
{
	(void)state;
	struct gpupt_firmware firmware = { .release = 1 };
	assert_int_equal(identify("", 0, &firmware), GPUPT_E_UNSUPPORTED);
	assert_int_equal(identify("_FVH", 4, &firmware), GPUPT_E_UNSUPPORTED);
	assert_int_equal(identify("SeaBIOS VBE Adapter\0" "1.16.2", 27, &firmware),
			 GPUPT_E_UNSUPPORTED);
	assert_int_equal(identify("QFI\xfb", 4, &firmware), GPUPT_E_UNSUPPORTED);
	/* a volume of variables */
	struct image image = image_with(VERSION, 100, 3000);
	image.data[16] ^= 1;
	assert_int_equal(identify(image.data, image.length, &firmware), GPUPT_E_UNSUPPORTED);
	free(image.data);
	assert_int_equal(firmware.release, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ovmf),
		cmocka_unit_test(test_borders),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_not_compressed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_section_header),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_many_sections),
		cmocka_unit_test(test_seabios),
		cmocka_unit_test(test_neither),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
