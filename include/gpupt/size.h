/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_SIZE_H
#define GPUPT_SIZE_H

/**
 * @file
 * Sizes with units, spelled as libvirt spells them.
 */

#include <stdint.h>

#include <gpupt/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Enough room for any text gpupt_size_format() writes. Since 0.1. */
#define GPUPT_SIZE_TEXT_MAX 32

/**
 * Reads a size such as "64GiB", "64 G", "2147483648 KiB" or "1gb".
 *
 * Units as in libvirt's virScaleInteger (src/util/virutil.c, 9.0): b, byte,
 * bytes; k, M, G, T, P, E and KiB.. are powers of 1024; KB.. powers of 1000;
 * case does not matter.
 *
 * @param text          the size; white space around number and unit is allowed
 * @param default_unit  bytes per unit when @p text has none, e.g. 1024
 * @param ret_bytes     receives the size in bytes
 * @return 0, GPUPT_E_SYNTAX (no number, unknown unit) or GPUPT_E_LIMIT
 *         (past 2^64 - 1 bytes). Since 0.1.
 */
int gpupt_size_parse(const char *text, uint64_t default_unit, uint64_t *ret_bytes,
		     struct gpupt_error **error);

/**
 * Writes @p bytes with the largest binary unit that keeps it whole ("64 GiB",
 * "33 MiB", "4097 bytes") into @p buffer and returns @p buffer. Since 0.1.
 */
const char *gpupt_size_format(uint64_t bytes, char buffer[GPUPT_SIZE_TEXT_MAX]);

#ifdef __cplusplus
}
#endif

#endif
