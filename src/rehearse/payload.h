/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_PAYLOAD_H
#define GPUPT_REHEARSE_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

enum { GPUPT_PAYLOAD_BYTES = 0x2000 };

/* A program that firmware starts as it would a kernel, and that resets the machine at
 * once: by then firmware has placed every BAR that it places. Both a Linux image, for
 * SeaBIOS and QEMU's loader, and a UEFI application, for OVMF. */
void gpupt_payload_make(uint8_t image[GPUPT_PAYLOAD_BYTES]);

#endif
