/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <stdbool.h>

#include "firmware/firmware.h"

/* Whatever is taken for firmware: what it says is printable, and its name is that of
 * its release. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_firmware firmware;
	struct gpupt_error *error = NULL;
	int r = gpupt_firmware_identify_image(data, size, "input", &firmware, &error);
	FUZZ_CHECK((r == 0) == (error == NULL));
	gpupt_error_free(error);
	if (r < 0)
		return 0;
	bool ovmf = firmware.kind == GPUPT_FIRMWARE_OVMF;
	FUZZ_CHECK(memchr(firmware.version, '\0', sizeof(firmware.version)));
	for (const char *p = firmware.version; *p; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
	FUZZ_CHECK(!firmware.release == !*firmware.version);
	FUZZ_CHECK((ovmf ? gpupt_ovmf_release(firmware.name) :
			   gpupt_seabios_release(firmware.name)) == firmware.release);
	return 0;
}
