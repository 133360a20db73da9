/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_FIRMWARE_FIRMWARE_H
#define GPUPT_FIRMWARE_FIRMWARE_H

/* What firmware images say of themselves. Images are hostile: nothing in them is
 * believed before it was compared with their length.
 *
 *   release.c     which release a version's text means
 *   image.c       kind and version of an image in memory
 *   ovmf-image.c  where OVMF has its version: mostly in what is compressed
 *   identify.c    the same of a file
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gpupt/firmware.h>

#include "base/error.h"
#include "base/util.h"

#define GPUPT_FIRMWARE_FILE_MAX (64 * GPUPT_MIB)
/* The longest version that is taken for one, with its NUL. */
#define GPUPT_FIRMWARE_VERSION_MAX sizeof(((struct gpupt_firmware *)0)->version)

/* --- release.c --- */

/* "edk2-stable202211" or "ovmf-202211" -> 202211; 0 for anything else. */
unsigned int gpupt_ovmf_release(const char *name);
/* "seabios-1.16.3" -> 11603; 0 for anything else. */
unsigned int gpupt_seabios_release(const char *name);

/* The release that a build's own version means, such as "2025.02-8+deb13u1",
 * "edk2-20230524-3.el9" or "1.16.2-debian-1.16.2-1"; 0 for anything else. */
unsigned int gpupt_ovmf_release_of_build(const char *version);
unsigned int gpupt_seabios_release_of_build(const char *version);

/* --- ovmf-image.c --- */

bool gpupt_is_ovmf_image(const uint8_t *data, size_t length);
/* Sets ret->version and ret->release where the image tells them. */
int gpupt_ovmf_image_read(const uint8_t *data, size_t length, struct gpupt_firmware *ret,
			  struct gpupt_error **error);

/* --- image.c --- */

/* Takes `text` for the version if it is one; false if not. */
bool gpupt_firmware_take_version(struct gpupt_firmware *firmware, const char *text);

/* `name` stands in error messages. */
int gpupt_firmware_identify_image(const void *data, size_t length, const char *name,
				  struct gpupt_firmware *ret, struct gpupt_error **error);

#endif
