/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_FUZZ_H
#define GPUPT_TESTS_FUZZ_H

/* What every fuzz target includes. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target: called with any bytes; returns 0, or aborts when a property does
 * not hold. The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                  \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,       \
				#condition);                                                   \
			abort();                                                               \
		}                                                                              \
	} while (0)

#endif
