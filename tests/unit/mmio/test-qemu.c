/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include "mmio/model.h"

static void the_hole_starts_above_ram(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 4 * GIB);
	guest.ram_bytes = 0xb0000000 - 1;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 4 * GIB);
	guest.ram_bytes = 0xb0000000; /* split at 2 GiB: 768 MiB above */
	assert_int_equal(gpupt_qemu_hole_start(&guest), 5 * GIB);
	guest.ram_bytes = 8 * GIB;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 10 * GIB);
	guest.machine = GPUPT_MACHINE_I440FX;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 9 * GIB);
	guest.ram_bytes = 0xe0000000 - 1;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 4 * GIB);
}

static void memory_to_plug_in_moves_it(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.ram_bytes = 2 * GIB;
	guest.max_ram_bytes = 100 * GIB;
	guest.memory_slots = 3;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 105 * GIB);
}

static void largest_hole(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	assert_int_equal(gpupt_qemu_max_hole(&guest), 1020 * GIB);
	guest.qemu_version = 700;
	assert_int_equal(gpupt_qemu_max_hole(&guest), UINT64_MAX);
	guest.qemu_version = 702;
	guest.phys_bits = 32;
	assert_int_equal(gpupt_qemu_max_hole(&guest), 0);
}

/* QEMU 7.2 and 11.1 start with 1022 GiB and no hole, but not with 1 GiB more. */
static void memory_alone_reaches_too_far(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.hole_set = true;
	guest.ram_bytes = 1022 * GIB;
	assert_false(gpupt_qemu_refuses(&guest));
	guest.ram_bytes = 1023 * GIB;
	assert_int_equal(gpupt_qemu_max_hole(&guest), 0);
	assert_true(gpupt_qemu_refuses(&guest));
	guest.qemu_version = 700;
	assert_false(gpupt_qemu_refuses(&guest));
}

static void amd_keeps_off_1012_gib(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.vendor_intel = false;
	guest.vendor_amd = true;
	assert_int_equal(gpupt_qemu_max_hole(&guest), 1008 * GIB);
	guest.phys_bits = 41; /* moved to 1 TiB there is 1 TiB left */
	assert_int_equal(gpupt_qemu_max_hole(&guest), 1024 * GIB);
	guest.machine_version = 700; /* older machine types do not move */
	assert_int_equal(gpupt_qemu_max_hole(&guest), 2044 * GIB);
	guest.machine_version = 702;
	guest.hole_set = true;
	guest.hole_bytes = 1008 * GIB;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 4 * GIB);
	guest.hole_bytes++;
	assert_int_equal(gpupt_qemu_hole_start(&guest), 1024 * GIB);
}

static void the_window_follows_the_firmware(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	struct gpupt_range window = gpupt_qemu_window(&guest, (struct gpupt_range){ 0 });
	assert_int_equal(window.start, 4 * GIB);
	assert_int_equal(window.end, 36 * GIB);
	window = gpupt_qemu_window(&guest, (struct gpupt_range){ 32 * GIB, 33 * GIB });
	assert_int_equal(window.start, 32 * GIB);
	assert_int_equal(window.end, 64 * GIB);
	guest.hole_set = true; /* 0: nothing beyond what the firmware used */
	window = gpupt_qemu_window(&guest, (struct gpupt_range){ 32 * GIB, 33 * GIB + 5 });
	assert_int_equal(window.end, 33 * GIB + 5);
	guest.hole_bytes = GIB + 1; /* rounded up by QEMU */
	window = gpupt_qemu_window(&guest, (struct gpupt_range){ 0 });
	assert_int_equal(window.end, 6 * GIB);
	guest.machine_version = 210;
	window = gpupt_qemu_window(&guest, (struct gpupt_range){ 0 });
	assert_true(gpupt_range_empty(window));
}

static void huge_numbers_saturate(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.ram_bytes = UINT64_MAX - 1;
	guest.max_ram_bytes = UINT64_MAX;
	guest.memory_slots = UINT32_MAX;
	guest.phys_bits = 255;
	assert_int_equal(gpupt_qemu_hole_start(&guest), UINT64_MAX);
	assert_int_equal(gpupt_qemu_max_hole(&guest), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hole_starts_above_ram),
		cmocka_unit_test(memory_to_plug_in_moves_it),
		cmocka_unit_test(largest_hole),
		cmocka_unit_test(memory_alone_reaches_too_far),
		cmocka_unit_test(amd_keeps_off_1012_gib),
		cmocka_unit_test(the_window_follows_the_firmware),
		cmocka_unit_test(huge_numbers_saturate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
