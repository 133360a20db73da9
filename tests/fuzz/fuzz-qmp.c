/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "libvirt/qmp.h"

/* Anything as QEMU's answer to query-pci: what comes out of it is in range. */

static void check(const struct gpupt_seen_function *function)
{
	FUZZ_CHECK(function->id && function->path && *function->path);
	FUZZ_CHECK(function->found && !function->passed_through);
	FUZZ_CHECK(function->guest.slot < 32 && function->guest.function < 8);
	bool mapped = false, unassigned = false;
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++) {
		const struct gpupt_seen_bar *bar = &function->bars[i];
		FUZZ_CHECK(bar->size_bytes || bar->sight == GPUPT_SIGHT_NONE);
		FUZZ_CHECK(bar->sight == GPUPT_SIGHT_ASSIGNED || bar->guest_address == 0);
		mapped |= !bar->io && bar->sight == GPUPT_SIGHT_ASSIGNED;
		unassigned |= !bar->io && bar->sight == GPUPT_SIGHT_UNASSIGNED;
	}
	FUZZ_CHECK(mapped || !unassigned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_arena *arena = NULL;
	struct gpupt_seen_functions functions = { .arena = &arena };
	struct gpupt_error *error = NULL;
	int r = gpupt_qmp_parse_pci((const char *)data, size, &functions, &error);
	FUZZ_CHECK(r == 0 || error);
	for (size_t i = 0; i < functions.count; i++)
		check(&functions.items[i]);
	gpupt_error_free(error);
	free(functions.items);
	gpupt_arena_free(arena);
	return 0;
}
