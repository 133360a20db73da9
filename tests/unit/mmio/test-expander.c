/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include "mmio/model.h"

/* Guests like these were booted with QEMU 7.2, OVMF 2022.11, SeaBIOS 1.16.2 and Linux 6.1;
 * tests/boot/cases/expander.json has some. */

static int add_expander(struct machine *m, unsigned int bus_number)
{
	int index = (int)m->n;
	add_function(m, GPUPT_MMIO_EXPANDER, -1)->bus_number = bus_number;
	return index;
}

static int add_port_on(struct machine *m, int expander)
{
	int port = add_port(m);
	m->functions[port].parent = expander;
	return port;
}

static struct gpupt_mmio_bar *add_large(struct machine *m, int port, uint64_t size)
{
	return &add_gpu(m, port, 0, size, 0)->bars[0];
}

static void expect_at(const struct gpupt_mmio_bar *bar, uint64_t gib)
{
	assert_int_not_equal(bar->placed_by, GPUPT_MMIO_NOBODY);
	assert_int_equal(bar->address, gib * GIB);
}

/* OVMF: one block a root bus, in the order of the bus numbers, from one window. */
static void ovmf_shares_its_window(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_bar *main_bus = add_large(&m, add_port(&m), 4 * GIB);
	int late = add_expander(&m, 128), early = add_expander(&m, 64);
	struct gpupt_mmio_bar *third = add_large(&m, add_port_on(&m, late), 4 * GIB);
	struct gpupt_mmio_bar *second = add_large(&m, add_port_on(&m, early), 8 * GIB);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	expect_at(main_bus, 32);
	expect_at(second, 40);
	expect_at(third, 36);
	/* the kernel's window for the main bus goes around them */
	assert_int_equal(m.result.window_start, 32 * GIB);
	assert_int_equal(m.result.window_end, 64 * GIB);
}

/* What is left out on the main bus the kernel places, around the others; behind an
 * expander nobody does. */
static void the_kernel_goes_around(void **state)
{
	(void)state;
	struct machine m = machine();
	int port = add_port(&m);
	m.functions[port].hotplug = false;
	struct gpupt_mmio_bar *gpu = add_large(&m, port, 128 * GIB);
	add_virtio(&m);
	int expander = add_expander(&m, 64);
	struct gpupt_mmio_bar *left = add_large(&m, add_port_on(&m, expander), 64 * GIB);
	struct gpupt_mmio_bar *small = add_large(&m, add_port_on(&m, expander), 16 * MIB);
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_false(m.result.firmware_aborted);
	assert_int_equal(gpu->placed_by, GPUPT_MMIO_KERNEL);
	assert_int_equal(gpu->address, 128 * GIB);
	assert_int_equal(small->placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(left->placed_by, GPUPT_MMIO_NOBODY);
	assert_true(left->trapped);
	/* pci=realloc makes windows larger, but not root buses */
	m.guest.realloc = true;
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_int_equal(left->placed_by, GPUPT_MMIO_NOBODY);
}

/* PciBusDxe hears of the last root bus only: when that one has what it asked for, there
 * is nothing to reject, and it gives up. */
static void ovmf_hears_the_last(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_bar *gpu = add_large(&m, add_port(&m), 128 * GIB);
	add_virtio(&m);
	int port = add_port_on(&m, add_expander(&m, 64));
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_ALL);
	assert_false(m.result.firmware_aborted);
	struct gpupt_mmio_bar *other = add_large(&m, port, 16 * MIB);
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_true(m.result.firmware_aborted);
	assert_int_equal(gpu->placed_by, GPUPT_MMIO_KERNEL);
	assert_int_equal(other->placed_by, GPUPT_MMIO_NOBODY);
}

/* SeaBIOS: all root buses are bus 0, largest first. */
static void seabios_makes_no_difference(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.firmware = GPUPT_FIRMWARE_SEABIOS;
	m.guest.firmware_version = 11602;
	struct gpupt_mmio_bar *small = add_large(&m, add_port(&m), 4 * GIB);
	struct gpupt_mmio_bar *large = add_large(&m, add_port(&m), 16 * GIB);
	int one = add_expander(&m, 64), two = add_expander(&m, 32);
	struct gpupt_mmio_bar *first = add_large(&m, add_port_on(&m, one), 8 * GIB);
	struct gpupt_mmio_bar *second = add_large(&m, add_port_on(&m, two), 8 * GIB);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	expect_at(large, 16);
	expect_at(first, 32);
	expect_at(second, 40);
	expect_at(small, 48);
}

/* crs_replace_with_free_ranges(), whatever the firmware does. */
static void windows_of_the_main_bus(void **state)
{
	(void)state;
	struct machine m = machine();
	int port = add_port_on(&m, add_expander(&m, 64));
	struct gpupt_mmio_model model;
	struct gpupt_space windows = { 0 };
	assert_int_equal(gpupt_model_init(&model, &m.guest, m.functions, m.n), 0);
	struct gpupt_range *used = &model.buses[port].pref;
	const struct { struct gpupt_range used, expected[2]; } rows[] = {
		{ { 40 * GIB, 48 * GIB }, { { 32 * GIB, 40 * GIB }, { 48 * GIB, 64 * GIB } } },
		{ { 16 * GIB, 24 * GIB }, { { 24 * GIB, 64 * GIB } } },
		{ { 80 * GIB, 96 * GIB }, { { 32 * GIB, 80 * GIB } } },
		{ { 32 * GIB, 64 * GIB }, { { 0 } } },
	};
	model.window = (struct gpupt_range){ 32 * GIB, 64 * GIB };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rows); i++) {
		*used = rows[i].used;
		assert_int_equal(gpupt_acpi_windows(&model, model.n, &windows), 0);
		size_t low = 0;
		while (low < windows.n && windows.free[low].end <= 4 * GIB)
			low++;
		for (size_t j = 0; j < 2; j++) {
			struct gpupt_range none = { 0 };
			struct gpupt_range got = low + j < windows.n ? windows.free[low + j] : none;
			assert_int_equal(got.start, rows[i].expected[j].start);
			assert_int_equal(got.end, rows[i].expected[j].end);
		}
		assert_int_equal(gpupt_acpi_windows(&model, 0, &windows), 0);
		assert_int_equal(windows.n, 1);
		assert_int_equal(windows.free[0].start, rows[i].used.start);
		assert_int_equal(windows.free[0].end, rows[i].used.end);
	}
	gpupt_space_clear(&windows);
	gpupt_model_clear(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ovmf_shares_its_window),
		cmocka_unit_test(the_kernel_goes_around),
		cmocka_unit_test(ovmf_hears_the_last),
		cmocka_unit_test(seabios_makes_no_difference),
		cmocka_unit_test(windows_of_the_main_bus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
