/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_FIRMWARE_H
#define GPUPT_FIRMWARE_H

/**
 * @file
 * What a firmware file says of itself: OVMF or SeaBIOS, and which release.
 */

#include <gpupt/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The kinds of firmware that x86 guests start with. Since 0.1. */
enum gpupt_firmware_kind {
	GPUPT_FIRMWARE_OVMF,
	GPUPT_FIRMWARE_SEABIOS,
};

/** What a firmware file says. Since 0.1. */
struct gpupt_firmware {
	enum gpupt_firmware_kind kind;
	/** The release it was built from: 202211 for edk2-stable202211, 11602 for SeaBIOS
	 *  1.16.2; 0 where the file does not tell, as many builds of OVMF don't. */
	unsigned int release;
	char version[96]; /**< its own words, "2025.02-8+deb13u1", or "" */
	/** The same for gpupt_request_set_firmware(): "edk2-stable202502",
	 *  "seabios-1.16.2"; "ovmf" or "seabios" where the release is not known. */
	char name[32];
};

/**
 * Reads a firmware file, as large as 64 MiB, and says what it is. A file that does not
 * tell its release is no error.
 * @return 0, GPUPT_E_NOT_FOUND, GPUPT_E_IO, GPUPT_E_LIMIT, GPUPT_E_UNSUPPORTED (neither
 *         OVMF nor SeaBIOS), GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_firmware_identify(const char *path, struct gpupt_firmware *ret,
			    struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
