/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

/* What boots of random guests taught, in the smallest guests that show it. */

/* Debian 11's guest: 5.10 disables BARs that 5.15 places. */
static void old_kernels_disable_bars_above_128_gib(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 45;
	m.guest.pages_1g = true;
	m.guest.firmware_version = 202011;
	add_virtio(&m);
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 0, 256 * GIB, 0);
	m.guest.kernel_version = 515;
	assert_int_equal(place_with_hole(&m, 4096 * GIB), GPUPT_MMIO_ALL);
	m.guest.kernel_version = 510;
	assert_int_equal(place_with_hole(&m, 4096 * GIB), GPUPT_MMIO_SOME);
	assert_string_equal(gpu->bars[0].reason,
			    "the guest kernel disables BARs as large as this");
	gpu->bars[0].size = 128 * GIB;
	assert_int_equal(place_with_hole(&m, 4096 * GIB), GPUPT_MMIO_ALL);
	gpu->bars[0].size = 256 * GIB;
	gpu->parent = -1; /* only what is behind a bridge is looked at so */
	assert_int_equal(place_with_hole(&m, 4096 * GIB), GPUPT_MMIO_ALL);
}

/* With pci=realloc a 64-bit BAR that finds no room costs the other BARs their window,
 * which then goes to the lowest address below 4 GiB. */
static void realloc_moves_the_other_window(void **state)
{
	(void)state;
	struct machine m = machine();
	add_virtio(&m);
	struct gpupt_mmio_function *gpu =
		add_gpu(&m, add_port(&m), 16 * GPUPT_KIB, 64 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_true(gpu->bars[0].address >= 0xc0000000);
	m.guest.realloc = true;
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(gpu->bars[0].address, 512 * MIB);
}

/* SeaBIOS 1.16.2 does not know where the address space ends; Linux cuts the window
 * that lies across its end, and keeps the BAR in what is left. */
static void a_window_across_the_end_is_cut(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.vendor_intel = false;
	m.guest.vendor_amd = true;
	m.guest.firmware = GPUPT_FIRMWARE_SEABIOS;
	m.guest.firmware_version = 11602;
	struct gpupt_mmio_function *last = add_gpu(&m, add_port(&m), 0, 256 * GIB, 32 * MIB);
	struct gpupt_mmio_function *second = add_gpu(&m, add_port(&m), 0, 256 * GIB, 32 * MIB);
	struct gpupt_mmio_function *first = add_gpu(&m, add_port(&m), 0, 256 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(first->bars[0].address, 256 * GIB);
	assert_int_equal(first->bars[1].address, 512 * GIB);
	assert_int_equal(second->bars[0].address, 768 * GIB);
	assert_int_equal(second->bars[1].address, 0);
	assert_int_equal(last->bars[0].address, 0);
}

/* QEMU 10.1's machine types hide the vendor from OVMF, if it is Intel. */
static void new_machine_types_hide_intel(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 39;
	m.guest.firmware_version = 202608;
	m.guest.qemu_version = 1101;
	m.guest.machine_version = 1000;
	add_virtio(&m);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(m.result.firmware_window_start, 448 * GIB);
	m.guest.machine_version = 1001;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(m.result.firmware_window_start, 32 * GIB);
	m.guest.phys_bits = 40;
	m.guest.vendor_intel = false;
	m.guest.vendor_amd = true;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(m.result.firmware_window_start, 768 * GIB);
}

/* OVMF aligns a 256 byte BAR to a page and puts it before one of 4 KiB. */
static void small_bars_take_a_page(void **state)
{
	(void)state;
	struct machine m = machine();
	int port = add_port(&m);
	struct gpupt_mmio_function *large = add_function(&m, GPUPT_MMIO_ENDPOINT, port);
	struct gpupt_mmio_function *small = add_function(&m, GPUPT_MMIO_ENDPOINT, port);
	add_bar(large, 1, 4 * GPUPT_KIB, false, false);
	small->function = 1;
	add_bar(small, 0, 256, false, false);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(large->bars[0].address, small->bars[0].address + 4 * GPUPT_KIB);
}

/* To the kernel a bridge with SHPC takes no hotplug: its window is of one MiB, and
 * what comes after it starts there. */
static void no_hotplug_room_behind_conventional_bridges(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.machine = GPUPT_MACHINE_I440FX;
	int bridge = (int)m.n;
	add_function(&m, GPUPT_MMIO_PCI_BRIDGE, -1)->hotplug = true;
	m.functions[bridge].class_code = 0x060400;
	add_bar(add_function(&m, GPUPT_MMIO_ENDPOINT, bridge), 0, 4 * GPUPT_KIB, false, false);
	struct gpupt_mmio_function *gpu = add_gpu(&m, -1, MIB, 64 * GIB, 0);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME); /* nobody may reject it: OVMF gives up */
	assert_true(m.result.firmware_aborted);
	assert_int_equal(gpu->bars[0].address, 513 * MIB);
}

/* X-PciMmio64Mb=0: what is large is asked for below 4 GiB, and OVMF does nothing. */
static void without_a_64_bit_window(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.has_window_override = true;
	add_virtio(&m);
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 0, 2 * GIB, 0);
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	assert_false(m.result.firmware_aborted); /* it rejects the BAR */
	gpu->bars[0].size = 8 * GIB;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	assert_true(m.result.firmware_aborted);
}

/* A ROM, of the larger alignment, goes first. Since 6.15 it has to stand back when
 * something else of its bus finds no room. */
static void roms_stand_back(void **state)
{
	(void)state;
	struct machine m = machine();
	add_virtio(&m);
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 4 * GPUPT_KIB, 64 * GIB, 0);
	add_bar(gpu, 6, 256 * GPUPT_KIB, false, false);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	uint64_t address = gpu->bars[0].address;
	assert_int_equal(address % MIB, 256 * GPUPT_KIB);
	m.guest.kernel_version = 702;
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(gpu->bars[0].address, address - 256 * GPUPT_KIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_kernels_disable_bars_above_128_gib),
		cmocka_unit_test(realloc_moves_the_other_window),
		cmocka_unit_test(a_window_across_the_end_is_cut),
		cmocka_unit_test(new_machine_types_hide_intel),
		cmocka_unit_test(small_bars_take_a_page),
		cmocka_unit_test(no_hotplug_room_behind_conventional_bridges),
		cmocka_unit_test(without_a_64_bit_window),
		cmocka_unit_test(roms_stand_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
