/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arbitrary bytes as a sysfs `resource` file, of a function with virtual functions
 * and of a bridge. */
#include <stdlib.h>
#include <string.h>

#include "pci/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (uint16_t total_vfs = 0; total_vfs < 4; total_vfs++) {
		struct gpupt_pci_function function = {
			.is_bridge = total_vfs == 3,
			.total_vfs = total_vfs,
		};
		struct gpupt_error *error = NULL;
		int r = gpupt_sysfs_parse_resource(text, size, "fuzz", &function, &error);
		if ((r < 0) != (error != NULL) ||
		    gpupt_pci_bars_problem(function.bars, GPUPT_BAR_COUNT))
			abort();
		gpupt_error_free(error);
	}
	free(text);
	return 0;
}
