/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_MACHINE_H
#define GPUPT_REHEARSE_MACHINE_H

#include "rehearse/firmware.h"
#include "rehearse/process.h"
#include "rehearse/rehearse.h"
#include "rehearse/standin.h"

/* What a boot is made from. */
struct gpupt_machine_order {
	const struct gpupt_planned *planned;
	const struct gpupt_mmio_guest *guest; /* of the possibility that is rehearsed */
	const struct gpupt_standin *standins; /* one for each function */
	const struct gpupt_firmware_files *firmware;
	const struct gpupt_rehearsal_options *options;
	unsigned int qemu_version; /* 702 */
};

/* Functions that the machine has without being told. */
bool gpupt_machine_has(const struct gpupt_planned *planned, size_t function);

/* QEMU's arguments, and the files that go with them. Function i is the device "fi". */
int gpupt_machine_arguments(const struct gpupt_machine_order *order, const char *emulator,
			    struct gpupt_words *ret_words, struct gpupt_memory_files *ret_files,
			    struct gpupt_error **error);

#endif
