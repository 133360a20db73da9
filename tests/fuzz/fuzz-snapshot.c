/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arbitrary text as a snapshot's devices; writing, reading and writing again must
 * give the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "pci/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_inventory *inventory = NULL, *again = NULL;
	struct gpupt_error *error = NULL;
	char *first = NULL, *second = NULL;
	size_t first_length = 0, second_length = 0;
	if (gpupt_snapshot_parse((const char *)data, size, "fuzz", &inventory, &error) < 0) {
		if (!error)
			abort();
		gpupt_error_free(error);
		return 0;
	}
	if (gpupt_inventory_write_snapshot(inventory, &first, &first_length, NULL) < 0 ||
	    gpupt_snapshot_parse(first, first_length, "again", &again, NULL) < 0 ||
	    gpupt_inventory_write_snapshot(again, &second, &second_length, NULL) < 0 ||
	    first_length != second_length || memcmp(first, second, first_length) != 0)
		abort();
	free(first);
	free(second);
	gpupt_inventory_free(again);
	gpupt_inventory_free(inventory);
	return 0;
}
