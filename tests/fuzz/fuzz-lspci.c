/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arbitrary text as an inventory; what is accepted must survive as a snapshot. */
#include <stdlib.h>

#include <gpupt/inventory.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_inventory *inventory = NULL, *again = NULL;
	char *text = NULL;
	size_t length = 0;
	if (gpupt_inventory_parse((const char *)data, size, "fuzz", &inventory, NULL) < 0)
		return 0;
	if (gpupt_inventory_write_snapshot(inventory, &text, &length, NULL) == 0) {
		if (gpupt_inventory_parse(text, length, "again", &again, NULL) < 0 ||
		    gpupt_inventory_count(again) != gpupt_inventory_count(inventory))
			abort();
		gpupt_inventory_free(again);
		free(text);
	}
	gpupt_inventory_free(inventory);
	return 0;
}
