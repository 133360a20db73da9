/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

static struct machine seabios(unsigned int version)
{
	struct machine m = machine();
	m.guest.firmware = GPUPT_FIRMWARE_SEABIOS;
	m.guest.firmware_version = version;
	return m;
}

/* All of it below 4 GiB when it fits there. */
static void small_things_stay_low(void **state)
{
	(void)state;
	struct machine m = seabios(11602);
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 0, 256 * MIB, 0);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(gpu->bars[0].address, 0xe0000000);
	m.guest.firmware_version = 11603;
	m.guest.ram_bytes = 8 * GIB; /* RAM above 4 GiB: 64 bits, even so */
	m.guest.phys_bits = 42;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_true(gpu->bars[0].address >= 3584 * GIB);
}

/* 128 GiB and 32 MiB take a window of 256 GiB; the higher bus first. */
static void windows_are_multiples_of_the_largest(void **state)
{
	(void)state;
	struct machine m = seabios(11602);
	struct gpupt_mmio_function *first = add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	struct gpupt_mmio_function *second = add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(second->bars[0].address, 128 * GIB);
	assert_int_equal(second->bars[1].address, 256 * GIB);
	assert_int_equal(first->bars[0].address, 384 * GIB);
	bool all = false;
	assert_int_equal(minimal(&m, &all), 0);
	assert_true(all);
}

/* 1.16.3 misplaces BARs larger than 2^(bits - 11) with RAM above 4 GiB. */
static void the_1_16_3_bug(void **state)
{
	(void)state;
	struct machine m = seabios(11603);
	m.guest.ram_bytes = 4 * GIB;
	m.guest.phys_bits = 44;
	m.guest.pages_1g = true;
	for (int i = 0; i < 8; i++)
		add_gpu(&m, add_port(&m), 0, 256 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	unsigned int lost = 0;
	for (size_t i = 1; i < m.n; i += 2)
		lost += m.functions[i].bars[0].placed_by == GPUPT_MMIO_NOBODY;
	assert_int_equal(lost, 7);
	m.guest.firmware_version = 11700;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
}

static void beyond_the_reach_of_the_cpu(void **state)
{
	(void)state;
	struct machine m = seabios(11602);
	for (int i = 0; i < 8; i++)
		add_gpu(&m, add_port(&m), 0, 256 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	m.guest.phys_bits = 43;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
}

/* 1.17 stays below 16 TiB, 1.16.3 below 64. */
static void top(void **state)
{
	(void)state;
	struct machine m = seabios(11603);
	m.guest.phys_bits = 52;
	add_gpu(&m, add_port(&m), 0, 64 * GIB, 0);
	place(&m);
	assert_int_equal(m.functions[1].bars[0].address, (UINT64_C(1) << 46) - 64 * GIB);
	m.guest.firmware_version = 11700;
	place(&m);
	assert_int_equal(m.functions[1].bars[0].address, (UINT64_C(1) << 44) - 64 * GIB);
}

static void no_room_below_4g(void **state)
{
	(void)state;
	struct machine m = seabios(11602);
	const struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 2 * GIB, GIB, 0);
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_true(m.result.firmware_aborted);
	assert_true(m.result.firmware_stopped); /* there is no kernel to do better */
	assert_int_equal(gpu->bars[1].placed_by, GPUPT_MMIO_NOBODY);
	assert_string_equal(gpu->bars[1].reason,
			    "SeaBIOS stops before the guest boots: what has to lie below 4 GiB "
			    "does not fit there");
}

/* 4 KiB of I/O ports for each bridge with any behind it, out of 60 KiB or 36. */
static void no_io_ports(void **state)
{
	(void)state;
	struct machine m = seabios(11602);
	struct gpupt_mmio_function *gpu = NULL;
	for (unsigned int i = 0; i < 14; i++) {
		gpu = add_gpu(&m, add_port(&m), 0, GIB, 0);
		gpu->bars[gpu->n_bars++] = (struct gpupt_mmio_bar){ .index = 5, .size = 128, .io = true };
	}
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	add_gpu(&m, add_port(&m), 0, GIB, 0); /* without ports */
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	gpu = add_gpu(&m, add_port(&m), 0, GIB, 0);
	gpu->bars[gpu->n_bars++] = (struct gpupt_mmio_bar){ .index = 5, .size = 128, .io = true };
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_true(m.result.firmware_stopped);
	m = seabios(11602);
	m.guest.machine = GPUPT_MACHINE_I440FX;
	add_gpu(&m, -1, 0, GIB, 0);
	for (unsigned int i = 0; i < 9; i++) {
		assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
		add_function(&m, GPUPT_MMIO_PCI_BRIDGE, -1)->hotplug = true;
	}
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_things_stay_low),
		cmocka_unit_test(windows_are_multiples_of_the_largest),
		cmocka_unit_test(the_1_16_3_bug),
		cmocka_unit_test(beyond_the_reach_of_the_cpu),
		cmocka_unit_test(top),
		cmocka_unit_test(no_room_below_4g),
		cmocka_unit_test(no_io_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
