/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware/firmware.h"

#include <stdio.h>

/* What SeaBIOS prints first (src/post.c, maininit(); src/output.c), wherever it is
 * compiled in. Its option ROMs have other words. */
static const char seabios_mark[] = "SeaBIOS (version %s)";

bool gpupt_firmware_take_version(struct gpupt_firmware *firmware, const char *text)
{
	unsigned int release = firmware->kind == GPUPT_FIRMWARE_OVMF ?
				       gpupt_ovmf_release_of_build(text) :
				       gpupt_seabios_release_of_build(text);
	if (!release)
		return false;
	firmware->release = release;
	snprintf(firmware->version, sizeof(firmware->version), "%s", text);
	return true;
}

/* The printable text at data[at] up to its NUL; false if it is none or too long. */
static bool text_at(const uint8_t *data, size_t length, size_t at,
		    char text[GPUPT_FIRMWARE_VERSION_MAX])
{
	for (size_t i = 0; i < GPUPT_FIRMWARE_VERSION_MAX && at + i < length; i++) {
		text[i] = (char)data[at + i];
		if (!text[i])
			return true;
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return false;
}

/* Whether a string starts at data[at]: behind another one's NUL, or behind the NOPs with
 * which the linker fills gaps. */
static bool starts_text(const uint8_t *data, size_t at)
{
	enum { NOP = 0x90 };
	return at > 0 && (data[at - 1] == '\0' || data[at - 1] == NOP);
}

/* VERSION (out/autoversion.h) is a string of its own. An image that has two of them,
 * and not the same, tells nothing. */
static void read_seabios(const uint8_t *data, size_t length, struct gpupt_firmware *ret)
{
	static const char tag[] = "rel-";
	struct gpupt_firmware found = *ret;
	const uint8_t *hit, *next = data;
	while ((hit = memmem(next, (size_t)(data + length - next), "1.", 2))) {
		char text[GPUPT_FIRMWARE_VERSION_MAX];
		unsigned int before = found.release;
		size_t at = (size_t)(hit - data);
		if (at >= strlen(tag) && memcmp(hit - strlen(tag), tag, strlen(tag)) == 0)
			at -= strlen(tag);
		if (starts_text(data, at) && text_at(data, length, at, text) &&
		    gpupt_firmware_take_version(&found, text) && before &&
		    before != found.release)
			return;
		next = hit + 1;
	}
	*ret = found;
}

static void name_it(struct gpupt_firmware *firmware)
{
	unsigned int release = firmware->release;
	const char *kind = firmware->kind == GPUPT_FIRMWARE_OVMF ? "ovmf" : "seabios";
	if (!release)
		snprintf(firmware->name, sizeof(firmware->name), "%s", kind);
	else if (firmware->kind == GPUPT_FIRMWARE_OVMF)
		snprintf(firmware->name, sizeof(firmware->name), "edk2-stable%u", release);
	else
		snprintf(firmware->name, sizeof(firmware->name), "seabios-%u.%u.%u",
			 release / 10000, release / 100 % 100, release % 100);
}

int gpupt_firmware_identify_image(const void *data, size_t length, const char *name,
				  struct gpupt_firmware *ret, struct gpupt_error **error)
{
	struct gpupt_firmware firmware = { .kind = GPUPT_FIRMWARE_SEABIOS };
	if (gpupt_is_ovmf_image(data, length)) {
		firmware.kind = GPUPT_FIRMWARE_OVMF;
		int r = gpupt_ovmf_image_read(data, length, &firmware, error);
		if (r < 0)
			return r;
	} else if (memmem(data, length, seabios_mark, strlen(seabios_mark))) {
		read_seabios(data, length, &firmware);
	} else if (length >= 4 && memcmp(data, "QFI\xfb", 4) == 0) {
		return gpupt_fail(error, GPUPT_E_UNSUPPORTED,
				  "%s is a qcow2 image, and only raw firmware can be read: "
				  "qemu-img convert -O raw makes one of it", name);
	} else {
		return gpupt_fail(error, GPUPT_E_UNSUPPORTED,
				  "%s is neither OVMF's code nor SeaBIOS", name);
	}
	name_it(&firmware);
	*ret = firmware;
	return 0;
}
