/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which release a version means: those of real packages, and what is near them. */
#include "unit.h"

#include "firmware/firmware.h"

static void test_ovmf(void **state)
{
	(void)state;
	static const struct {
		const char *version;
		unsigned int release;
	} cases[] = {
		{ "2025.02-8+deb13u1", 202502 },                   /* Debian 13 */
		{ "2026.08+ds-2", 202608 },                        /* Debian unstable */
		{ "2024.02-2ubuntu0.10", 202402 },                 /* Ubuntu 24.04 */
		{ "2022.11", 202211 },
		{ "edk2-2020.11", 202011 },                        /* Debian 11's directory */
		{ "edk2-stable202408-prebuilt.qemu.org", 202408 }, /* as QEMU brings it */
		{ "edk2-stable201903", 201903 },
		{ "edk2-20230524-3.el9", 202305 },                 /* RHEL */
		{ "edk2-20221207gitfff6d81270b5-9.el9", 202211 },  /* edk2-stable202211 itself */
		{ "edk2-20230301gitf80f052277c8-6.fc38", 202302 }, /* so is this stable202302 */
		{ "edk2-20240117-1", 202311 },
		{ "edk2-20190412-1", 201903 },
		{ "2025.03-1", 0 },       /* no tag */
		{ "2025.2-1", 0 },
		{ "2025.02", 202502 },
		{ "2025.023", 0 },
		{ "2025.02.1", 0 },
		{ "20250.02", 0 },
		{ "2015.02-1", 0 },       /* before tags */
		{ "2018.05-1", 0 },
		{ "edk2-stable20240", 0 },
		{ "edk2-stable2024080", 0 },
		{ "edk2-stable202409", 0 },
		{ "edk2-20231324-1", 0 },
		{ "edk2-20230532-1", 0 },
		{ "edk2-2023052-1", 0 },
		{ "edk2-16779ede2d36", 0 },
		{ "edk2-", 0 },
		{ "", 0 },
		{ "02/02/2022", 0 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++)
		if (gpupt_ovmf_release_of_build(cases[i].version) != cases[i].release)
			fail_msg("%s: %u", cases[i].version,
				 gpupt_ovmf_release_of_build(cases[i].version));
}

static void test_seabios(void **state)
{
	(void)state;
	static const struct {
		const char *version;
		unsigned int release;
	} cases[] = {
		{ "1.16.2-debian-1.16.2-1", 11602 },
		{ "1.14.0-2", 11400 },
		{ "1.17.0", 11700 },
		{ "rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org", 11603 },
		{ "1.16.3-4.el9", 11603 },
		{ "1.6.3", 0 },
		{ "2.16.3", 0 },
		{ "1.16", 0 },
		{ "1.16.", 0 },
		{ "1.16.2.1", 0 },
		{ "1.16.2rc1", 0 },
		{ "1.166.2", 0 },
		{ "rel-", 0 },
		{ "", 0 },
		{ "?-20220101_000000-host", 0 }, /* built without knowing */
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++)
		if (gpupt_seabios_release_of_build(cases[i].version) != cases[i].release)
			fail_msg("%s: %u", cases[i].version,
				 gpupt_seabios_release_of_build(cases[i].version));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ovmf),
		cmocka_unit_test(test_seabios),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
