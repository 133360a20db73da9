/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include "mmio/model.h"

static void check_window(const struct gpupt_mmio_guest *guest, uint64_t start, uint64_t end)
{
	struct gpupt_range window = gpupt_ovmf_window(guest);
	assert_int_equal(window.start, start * GIB);
	assert_int_equal(window.end, end * GIB);
}

static void classic_window(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	check_window(&guest, 32, 64);
	guest.ram_bytes = 30 * GIB; /* ends at 32 GiB */
	check_window(&guest, 32, 64);
	guest.ram_bytes = 31 * GIB;
	check_window(&guest, 64, 96);
	guest.ram_bytes = 2 * GIB;
	guest.max_ram_bytes = 100 * GIB;
	guest.memory_slots = 3;
	check_window(&guest, 128, 160);
}

static void dynamic_window(void **state)
{
	(void)state;
	static const struct { unsigned int bits; uint64_t start, end; } rows[] = {
		{ 36, 32, 64 },	    { 39, 448, 512 },	     { 40, 32, 64 },
		{ 41, 1792, 2048 }, { 42, 3584, 4096 },	     { 46, 7 << 13, 8 << 13 },
		{ 48, 7 << 13, 8 << 13 },
	};
	struct gpupt_mmio_guest guest = machine().guest;
	guest.pages_1g = true;
	guest.firmware_version = 202608;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rows); i++) {
		guest.phys_bits = rows[i].bits;
		check_window(&guest, rows[i].start, rows[i].end);
	}
	guest.firmware_version = 202211; /* 47 bits then */
	check_window(&guest, 7 << 14, 8 << 14);
	guest.pages_1g = false;
	check_window(&guest, 896, 1024);
	guest.firmware_version = 202208;
	check_window(&guest, 32, 64);
	guest.pages_1g = true;
	guest.phys_bits = 42;
	guest.firmware_version = 202611; /* a quarter */
	check_window(&guest, 3072, 4096);
}

static void whom_it_trusts(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.firmware_version = 202402;
	guest.guest_phys_bits = 40;
	check_window(&guest, 32, 64);
	guest.firmware_version = 202408;
	check_window(&guest, 896, 1024);
	guest.guest_phys_bits = 0;
	guest.vendor_intel = false;
	guest.vendor_amd = true; /* and off the HyperTransport range */
	check_window(&guest, 768, 896);
	guest.firmware_version = 202211;
	check_window(&guest, 896, 1024);
}

static void override(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	guest.has_window_override = true;
	guest.window_override_mib = 524288;
	check_window(&guest, 512, 1024);
	guest.window_override_mib = 2048;
	check_window(&guest, 4, 6);
	guest.window_override_mib = 0x1000001; /* malformed */
	check_window(&guest, 32, 64);
	guest.window_override_mib = 0;
	assert_true(gpupt_range_empty(gpupt_ovmf_window(&guest)));
	guest.pages_1g = true;
	guest.phys_bits = 42;
	guest.window_override_mib = 65536;
	check_window(&guest, 3584, 4096); /* smaller than the dynamic one */
	guest.firmware_keeps_override = true;
	check_window(&guest, 64, 128);
	guest.firmware_keeps_override = false;
	guest.firmware_version = 202505;
	check_window(&guest, 64, 128);
}

static void reservations(void **state)
{
	(void)state;
	struct gpupt_mmio_guest guest = machine().guest;
	struct gpupt_mmio_function port = { .kind = GPUPT_MMIO_ROOT_PORT, .hotplug = true };
	assert_int_equal(gpupt_ovmf_padding_mem(&port), 2 * MIB);
	assert_int_equal(gpupt_ovmf_padding_pref(&guest, &port), 0);
	port.has_mem_reserve = true;
	assert_int_equal(gpupt_ovmf_padding_mem(&port), 0);
	port.mem_reserve = 17 * MIB;
	assert_int_equal(gpupt_ovmf_padding_mem(&port), 32 * MIB);
	guest.phys_bits = 42;
	guest.pages_1g = true;
	assert_int_equal(gpupt_ovmf_padding_pref(&guest, &port), 2 * GIB);
	port.has_pref64_reserve = true;
	port.pref64_reserve = 33 * GIB;
	assert_int_equal(gpupt_ovmf_padding_pref(&guest, &port), 64 * GIB);
	port.hotplug = false;
	assert_int_equal(gpupt_ovmf_padding_mem(&port), 0);
	assert_int_equal(gpupt_ovmf_padding_pref(&guest, &port), 0);
}

/* Only what is too large loses its place, and all BARs of that function do. */
static void rejection(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_function *small = add_gpu(&m, add_port(&m), 0, 8 * GIB, 32 * MIB);
	struct gpupt_mmio_function *large = add_gpu(&m, add_port(&m), MIB, 64 * GIB, 32 * MIB);
	assert_int_equal(place_with_hole(&m, 0), GPUPT_MMIO_SOME);
	assert_false(m.result.firmware_aborted);
	assert_int_equal(small->bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(small->bars[0].address, 32 * GIB);
	assert_int_equal(small->bars[1].address, 40 * GIB);
	assert_int_equal(large->bars[0].placed_by, GPUPT_MMIO_KERNEL); /* fits the 2 MiB */
	assert_int_equal(large->bars[1].placed_by, GPUPT_MMIO_NOBODY);
}

static void it_gives_up(void **state)
{
	(void)state;
	/* Nothing else wants 64 bits. */
	struct machine m = machine();
	add_gpu(&m, add_port(&m), 16 * MIB, 64 * GIB, 32 * MIB);
	place(&m);
	assert_true(m.result.firmware_aborted);
	/* On the root bus nothing is rejected. */
	struct machine root = machine();
	add_virtio(&root);
	add_gpu(&root, -1, 16 * MIB, 64 * GIB, 32 * MIB);
	place(&root);
	assert_true(root.result.firmware_aborted);
	/* Nor is a VGA; what else there is goes first. */
	struct machine vga = machine();
	add_virtio(&vga);
	add_gpu(&vga, add_port(&vga), 16 * MIB, 64 * GIB, 32 * MIB)->class_code = 0x030000;
	place(&vga);
	assert_true(vga.result.firmware_aborted);
	vga.functions[3].class_code = 0x030200;
	place(&vga);
	assert_false(vga.result.firmware_aborted);
}

/* 2N - 1 times the large BAR and the rest. */
static void equal_gpus(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 42;
	m.guest.pages_1g = true;
	for (int i = 0; i < 4; i++)
		add_gpu(&m, add_port(&m), 0, 64 * GIB, 32 * MIB);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(m.functions[2 * i + 1].bars[0].address,
				 (3584 + 128 * i) * GIB);
	m.functions[8] = m.functions[0]; /* one more, and the last is out */
	m.n++;
	m.functions[9] = m.functions[1];
	m.functions[9].parent = 8;
	m.n++;
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(m.functions[9].bars[0].placed_by, GPUPT_MMIO_NOBODY);
	assert_int_equal(m.functions[7].bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
}

static void bars_of_32_bits(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 16 * MIB, 256 * MIB, 32 * MIB);
	struct gpupt_mmio_function *sata = add_function(&m, GPUPT_MMIO_ENDPOINT, -1);
	add_bar(sata, 5, 4 * GPUPT_KIB, false, false);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(gpu->bars[0].address, 0xc0000000);
	assert_int_equal(sata->bars[0].address, 0xc1000000);
	m.guest.firmware_version = 202308; /* MMCONFIG above it */
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(gpu->bars[0].address, 0x80000000);
	/* More than there is below 4 GiB: the largest go, here from the first on. */
	for (int i = 0; i < 5; i++)
		add_gpu(&m, add_port(&m), 512 * MIB, 0, 0);
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
	assert_int_equal(gpu->bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(m.functions[4].bars[0].placed_by, GPUPT_MMIO_NOBODY);
	assert_int_equal(m.functions[m.n - 1].bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
}

/* A GPU behind one of fourteen ports, as virt-install makes them. Until
 * stable202305 every port wants I/O, of which q35 has 40 KiB: the first four lose
 * all that was reserved for them, and what is behind them is not trapped. */
static void fourteen_ports(void **state)
{
	(void)state;
	for (int gpu_port = 0; gpu_port < 14; gpu_port++) {
		struct machine m = machine();
		for (int i = 0; i < 14; i++)
			add_port(&m);
		struct gpupt_mmio_function *virtio = add_function(&m, GPUPT_MMIO_ENDPOINT,
								  gpu_port ? 0 : 1);
		add_bar(virtio, 4, 16 * GPUPT_KIB, true, true);
		struct gpupt_mmio_function *gpu =
			add_gpu(&m, gpu_port, 16 * MIB, 32 * GIB, 32 * MIB);
		struct gpupt_mmio_function *smbus = add_function(&m, GPUPT_MMIO_ENDPOINT, -1);
		smbus->bars[smbus->n_bars++] = (struct gpupt_mmio_bar){ .index = 4, .size = 64,
									.io = true };
		bool trapped = gpu_port >= 4;
		assert_int_equal(place_with_hole(&m, 64 * GIB),
				 trapped ? GPUPT_MMIO_SOME : GPUPT_MMIO_ALL);
		assert_int_equal(gpu->bars[0].placed_by,
				 trapped ? GPUPT_MMIO_NOBODY : GPUPT_MMIO_KERNEL);
		m.guest.firmware_version = 202308;
		assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_SOME);
	}
}

static void room_for_option_roms(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_function *sata = add_function(&m, GPUPT_MMIO_ENDPOINT, -1);
	add_bar(sata, 5, 4 * GPUPT_KIB, false, false);
	place(&m);
	assert_int_equal(sata->bars[0].address, 0xc0000000);
	struct gpupt_mmio_function *net = add_gpu(&m, add_port(&m), 0, 0, MIB);
	add_bar(net, 6, 256 * GPUPT_KIB, false, false);
	place(&m);
	assert_int_equal(sata->bars[0].address, 0xc0240000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_window),
		cmocka_unit_test(dynamic_window),
		cmocka_unit_test(whom_it_trusts),
		cmocka_unit_test(override),
		cmocka_unit_test(reservations),
		cmocka_unit_test(rejection),
		cmocka_unit_test(it_gives_up),
		cmocka_unit_test(equal_gpus),
		cmocka_unit_test(bars_of_32_bits),
		cmocka_unit_test(fourteen_ports),
		cmocka_unit_test(room_for_option_roms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
