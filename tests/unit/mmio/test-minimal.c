/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

/* One function with 32 GiB and one with 32 MiB in one slot, as a card with the
 * two BARs was first imitated: they share the port, not the rejection. */
static struct machine two_functions(void)
{
	struct machine m = machine();
	int port = add_port(&m);
	add_gpu(&m, port, 0, 32 * GIB, 0);
	add_gpu(&m, port, 0, 0, 32 * MIB);
	return m;
}

static void the_story(void **state)
{
	(void)state;
	struct machine m = two_functions();
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_SOME);
	assert_string_equal(m.functions[1].bars[0].reason,
			    "its root port's 64-bit window was sized by the firmware without it "
			    "and the kernel does not enlarge it");
	m.guest.realloc = true;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(place_with_hole(&m, 48 * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(place_with_hole(&m, 47 * GIB), GPUPT_MMIO_SOME);
	bool all = false;
	assert_int_equal(minimal(&m, &all), 48);
	assert_true(all);
	assert_int_equal(place_with_hole(&m, 2048 * GIB), GPUPT_MMIO_REFUSED);
}

static void one_gpu(void **state)
{
	(void)state;
	bool all = false;
	struct machine m = machine();
	add_gpu(&m, add_port(&m), 0, 32 * GIB, 32 * MIB);
	assert_int_equal(minimal(&m, &all), 60);
	assert_true(all);
	add_virtio(&m);
	assert_int_equal(minimal(&m, &all), 64);
	assert_true(all);
	/* Alone its BAR just fits OVMF's window. */
	struct machine single = machine();
	add_gpu(&single, add_port(&single), 0, 32 * GIB, 0);
	assert_int_equal(minimal(&single, &all), 0);
	assert_true(all);
	assert_int_equal(place(&single), GPUPT_MMIO_ALL_FIRMWARE);
}

/* N equal GPUs and one small 64-bit device under OVMF's classic window. */
static void table(void **state)
{
	(void)state;
	static const struct { uint64_t memory; int n; uint64_t old, new; } rows[] = {
		{ 32, 1, 64, 64 },    { 32, 2, 112, 97 },   { 32, 4, 208, 193 },
		{ 32, 8, 400, 385 },  { 64, 1, 128, 96 },   { 64, 2, 224, 161 },
		{ 64, 4, 416, 353 },  { 64, 8, 800, 737 },  { 128, 1, 224, 224 },
		{ 128, 2, 416, 353 }, { 128, 4, 800, 737 }, { 256, 1, 480, 480 },
		{ 256, 2, 864, 737 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rows); i++) {
		bool all = false;
		struct machine m = machine();
		add_virtio(&m);
		for (int n = 0; n < rows[i].n; n++)
			add_gpu(&m, add_port(&m), 0, rows[i].memory * GIB, 32 * MIB);
		assert_int_equal(minimal(&m, &all), rows[i].old);
		assert_true(all);
		m.guest.kernel_version = 702;
		assert_int_equal(minimal(&m, &all), rows[i].new);
		assert_true(all);
	}
}

/* The result is exact: it works, and one GiB less does not. */
static void exact(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.ram_bytes = 8 * GIB;
	m.guest.max_ram_bytes = 64 * GIB;
	m.guest.memory_slots = 8;
	add_virtio(&m);
	add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	add_gpu(&m, add_port(&m), 0, 16 * GIB, 32 * MIB);
	bool all = false;
	uint64_t hole = minimal(&m, &all);
	assert_true(all);
	assert_int_equal(place_with_hole(&m, hole * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(place_with_hole(&m, hole * GIB - GIB), GPUPT_MMIO_SOME);
}

static void no_size_is_enough(void **state)
{
	(void)state;
	struct machine m = machine();
	add_virtio(&m);
	for (int n = 0; n < 8; n++)
		add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	bool all = true;
	uint64_t hole = minimal(&m, &all);
	assert_false(all);
	/* Five of 192 GiB each, from 64 GiB on, fit below 1 TiB. */
	assert_int_equal(hole, 64 + 5 * 192 - 32);
	assert_true(hole * GIB <= gpupt_qemu_max_hole(&m.guest));
	m.guest.phys_bits = 39;
	m.guest.firmware_version = 202208;
	assert_int_equal(minimal(&m, &all), 64 + 2 * 192 - 32);
	assert_false(all);
}

/* What the hole cannot do is not asked of it. */
static void the_trap_does_not_count(void **state)
{
	(void)state;
	struct machine m = machine();
	add_virtio(&m);
	add_gpu(&m, add_port(&m), 16 * MIB, 32 * GIB, 32 * MIB);
	bool all = false;
	assert_int_equal(minimal(&m, &all), 64);
	assert_true(all);
	assert_int_equal(m.functions[3].bars[0].placed_by, GPUPT_MMIO_NOBODY);
	assert_non_null(strstr(m.functions[3].bars[0].reason, "the 32-bit trap"));
}

static void amd_stays_below_1_tib_when_it_can(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.vendor_intel = false;
	m.guest.vendor_amd = true;
	m.guest.phys_bits = 43;
	m.guest.firmware_version = 202208;
	add_virtio(&m);
	add_gpu(&m, add_port(&m), 0, 64 * GIB, 32 * MIB);
	bool all = false;
	assert_int_equal(minimal(&m, &all), 128);
	assert_true(all);
	/* Larger than what is left there: memory above 1 TiB. */
	struct machine big = machine();
	big.guest = m.guest;
	big.guest.ram_bytes = 8 * GIB;
	add_gpu(&big, add_port(&big), 0, 1024 * GIB, 32 * MIB);
	uint64_t hole = minimal(&big, &all);
	assert_true(all);
	assert_true(hole > 1012);
	assert_true(big.result.hole_start == 0);
	assert_int_equal(place_with_hole(&big, hole * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(big.result.hole_start, 1030 * GIB);
	assert_int_equal(place_with_hole(&big, hole * GIB - GIB), GPUPT_MMIO_SOME);
}

static void nothing_to_place(void **state)
{
	(void)state;
	struct machine m = machine();
	bool all = false;
	assert_int_equal(minimal(&m, &all), 0);
	assert_true(all);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
}

static void huge_bars_do_not_wrap(void **state)
{
	(void)state;
	struct machine m = machine();
	for (unsigned int order = 20; order < 64; order++)
		add_gpu(&m, order & 1 ? -1 : add_port(&m), UINT64_C(1) << (order % 40),
			UINT64_C(1) << order, UINT64_C(1) << 63);
	bool all = true;
	for (unsigned int i = 0; i < 16; i++) {
		m.guest.firmware = i & 1 ? GPUPT_FIRMWARE_OVMF : GPUPT_FIRMWARE_SEABIOS;
		m.guest.firmware_version = i & 1 ? 202611 : 11700;
		m.guest.realloc = i & 2;
		m.guest.kernel_version = i & 4 ? 702 : 601;
		m.guest.phys_bits = i & 8 ? 52 : 40;
		minimal(&m, &all);
		assert_false(all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_story),
		cmocka_unit_test(one_gpu),
		cmocka_unit_test(table),
		cmocka_unit_test(exact),
		cmocka_unit_test(no_size_is_enough),
		cmocka_unit_test(the_trap_does_not_count),
		cmocka_unit_test(amd_stays_below_1_tib_when_it_can),
		cmocka_unit_test(nothing_to_place),
		cmocka_unit_test(huge_bars_do_not_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
