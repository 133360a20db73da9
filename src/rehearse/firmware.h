/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_FIRMWARE_H
#define GPUPT_REHEARSE_FIRMWARE_H

#include <stdbool.h>

#include "base/error.h"
#include "plan/planned.h"

/* The files a guest's firmware is made of. */
struct gpupt_firmware_files {
	char *code;  /* NULL: QEMU's own SeaBIOS */
	bool is_rom; /* for -bios, not a flash device */
	char *variables; /* an empty store to copy; NULL: OVMF does without */
};

/* The domain's loader; where libvirt is to choose one, the first that the host's
 * firmware descriptions (QEMU's docs/interop/firmware.json) offer for the machine and
 * that needs no system management mode. GPUPT_E_NOT_FOUND: none. */
int gpupt_firmware_find(const struct gpupt_planned *planned, struct gpupt_firmware_files *ret,
			struct gpupt_error **error);
void gpupt_firmware_clear(struct gpupt_firmware_files *files);

#endif
