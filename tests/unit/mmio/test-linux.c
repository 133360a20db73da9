/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <time.h>

/* A GPU with a 32-bit BAR, and a small device that keeps OVMF from giving up. */
static struct machine with_gpu(uint64_t bar0)
{
	struct machine m = machine();
	add_virtio(&m);
	add_gpu(&m, add_port(&m), bar0, 32 * GIB, 32 * MIB);
	return m;
}

#define GPU 3

static void the_32_bit_trap(void **state)
{
	(void)state;
	struct machine m = with_gpu(16 * MIB);
	struct gpupt_mmio_function *gpu = &m.functions[GPU];
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_SOME);
	assert_int_equal(gpu->bars[0].placed_by, GPUPT_MMIO_NOBODY);
	assert_string_equal(gpu->bars[0].reason,
			    "its root port's 32-bit memory window is too small and the kernel "
			    "does not enlarge it (the 32-bit trap)");
	assert_int_equal(gpu->bars[1].placed_by, GPUPT_MMIO_KERNEL);
	assert_int_equal(gpu->bars[1].address, 64 * GIB);
	assert_int_equal(gpu->bars[2].address, 48 * GIB);
	m = with_gpu(2 * MIB); /* just fits the reservation for hotplug */
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
}

static void ways_out_of_it(void **state)
{
	(void)state;
	struct machine m = with_gpu(16 * MIB);
	m.guest.realloc = true;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	m.guest.realloc = false;
	m.functions[GPU - 1].hotplug = false;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	m.functions[GPU - 1].hotplug = true;
	m.functions[GPU - 1].has_mem_reserve = true;
	m.functions[GPU - 1].mem_reserve = 16 * MIB;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_ALL);
	m.functions[GPU - 1].mem_reserve = 8 * MIB;
	assert_int_equal(place_with_hole(&m, 64 * GIB), GPUPT_MMIO_SOME);
}

/* An all-64-bit GPU has nothing that could be trapped. */
static void no_32_bit_bar(void **state)
{
	(void)state;
	struct machine m = machine();
	add_virtio(&m);
	struct gpupt_mmio_function *gpu = add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	add_bar(gpu, 0, 16 * MIB, true, true);
	assert_int_equal(place_with_hole(&m, 224 * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(place_with_hole(&m, 223 * GIB), GPUPT_MMIO_SOME);
}

/* After OVMF gave up there are no windows: the kernel makes them all. */
static void no_trap_after_giving_up(void **state)
{
	(void)state;
	struct machine m = machine();
	add_gpu(&m, add_port(&m), 16 * MIB, 32 * GIB, 32 * MIB);
	assert_int_equal(place_with_hole(&m, 60 * GIB), GPUPT_MMIO_ALL);
	assert_true(m.result.firmware_aborted);
	assert_int_equal(m.functions[1].bars[0].placed_by, GPUPT_MMIO_KERNEL);
	assert_int_equal(m.result.window_start, 4 * GIB);
	assert_int_equal(m.result.highest_end, 64 * GIB);
	assert_int_equal(place_with_hole(&m, 59 * GIB), GPUPT_MMIO_SOME);
}

static void a_window_over_32g_traps_64_bits_too(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 41;
	m.guest.pages_1g = true;
	for (int i = 0; i < 4; i++)
		add_gpu(&m, add_port(&m), 0, 64 * GIB, 32 * MIB);
	assert_int_equal(place_with_hole(&m, 1024 * GIB), GPUPT_MMIO_REFUSED + GPUPT_MMIO_SOME);
	for (int i = 0; i < 4; i++)
		m.functions[2 * i].hotplug = false;
	m.guest.hole_bytes = 500 * GIB; /* but the window ends where the bits end */
	assert_int_equal(place(&m), GPUPT_MMIO_SOME);
}

static void too_large_for_the_kernel(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 46;
	m.guest.firmware_version = 202208;
	add_virtio(&m);
	add_gpu(&m, add_port(&m), 0, 16 * GPUPT_TIB, 0);
	assert_int_equal(place_with_hole(&m, 40 * GPUPT_TIB), GPUPT_MMIO_SOME);
	assert_string_equal(m.functions[3].bars[0].reason,
			    "the guest kernel disables BARs as large as this");
	m.guest.kernel_version = 702;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL);
}

/* Linux 7 puts the small BAR below the large one. */
static void tight_windows(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.kernel_version = 702;
	add_virtio(&m);
	add_gpu(&m, add_port(&m), 0, 128 * GIB, 32 * MIB);
	assert_int_equal(place_with_hole(&m, 224 * GIB), GPUPT_MMIO_ALL);
	assert_int_equal(m.functions[3].bars[0].address, 128 * GIB);
	assert_int_equal(m.functions[3].bars[1].address, 128 * GIB - 32 * MIB);
}

/* Small windows end up below 4 GiB when there is no room above. */
static void below_4g_at_last(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_function *large = add_gpu(&m, -1, 0, 32 * GIB, 0);
	struct gpupt_mmio_function *small = add_gpu(&m, add_port(&m), 0, MIB, 0);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL);
	assert_int_equal(large->bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(small->bars[0].placed_by, GPUPT_MMIO_KERNEL);
	assert_int_equal(small->bars[0].address, 0x20000000);
}

/* Released windows may leave more without a place than before: six GPUs where
 * four or five fit. */
static void realloc_can_make_it_worse(void **state)
{
	(void)state;
	struct machine m = machine();
	m.guest.phys_bits = 42;
	m.guest.pages_1g = true;
	for (int i = 0; i < 6; i++)
		add_gpu(&m, add_port(&m), 0, 64 * GIB, 32 * MIB);
	unsigned int placed[2] = { 0 };
	for (int with = 0; with < 2; with++) {
		m.guest.realloc = with;
		assert_int_equal(place_with_hole(&m, 511 * GIB), GPUPT_MMIO_SOME);
		for (size_t i = 1; i < m.n; i += 2)
			for (size_t b = 0; b < 2; b++)
				placed[with] += m.functions[i].bars[b].placed_by !=
						GPUPT_MMIO_NOBODY;
	}
	assert_int_equal(placed[0], 10);
	assert_int_equal(placed[1], 8);
}

/* Below a switch: one try more for each level of bridges. */
static void realloc_reaches_below_a_switch(void **state)
{
	(void)state;
	struct machine m = with_gpu(0);
	int port = add_port(&m);
	int up = (int)m.n;
	add_function(&m, GPUPT_MMIO_SWITCH, port);
	for (int i = 0; i < 2; i++) {
		int down = (int)m.n;
		add_function(&m, GPUPT_MMIO_SWITCH, up)->hotplug = true;
		add_gpu(&m, down, 16 * MIB, 16 * GIB, 32 * MIB);
	}
	assert_int_equal(place_with_hole(&m, 300 * GIB), GPUPT_MMIO_SOME);
	/* the upstream port's window holds the other GPU alone; that of its own port, which
	 * the firmware left without one, finds no room in it */
	const struct gpupt_mmio_bar *bar = &m.functions[up + 2].bars[1];
	assert_int_equal(bar->placed_by, GPUPT_MMIO_NOBODY);
	assert_true(bar->trapped);
	assert_string_equal(bar->reason,
			    "a bridge above its own has a 64-bit window that the firmware sized "
			    "without it and the kernel does not enlarge");
	m.guest.realloc = true;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL);
}

static void behind_an_expander(void **state)
{
	(void)state;
	struct machine m = machine();
	int expander = (int)m.n;
	add_function(&m, GPUPT_MMIO_EXPANDER, -1);
	int port = add_port(&m);
	m.functions[port].parent = expander;
	struct gpupt_mmio_function *gpu = add_gpu(&m, port, 0, GIB, 0);
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	gpu->bars[0].size = 64 * GIB;
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_true(gpu->bars[0].trapped);
	assert_non_null(gpu->bars[0].reason);
	/* the same GPU on the main root bus */
	m.functions[port].parent = -1;
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_ALL);
}

/* Booted: an NVMe drive there had addresses and did not answer. */
static void behind_a_dmi_to_pci_bridge(void **state)
{
	(void)state;
	struct machine m = machine();
	add_function(&m, GPUPT_MMIO_PCI_BRIDGE, -1)->class_code = 0x060401;
	struct gpupt_mmio_function *nvme = add_function(&m, GPUPT_MMIO_ENDPOINT, 0);
	add_bar(nvme, 0, 16 * GPUPT_KIB, true, false);
	add_bar(nvme, 4, 64 * GIB, true, true);
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_SOME);
	assert_int_equal(nvme->bars[0].placed_by, GPUPT_MMIO_NOBODY);
	assert_true(nvme->bars[0].address >= 4 * GIB);
	assert_non_null(strstr(nvme->bars[0].reason, "does not pass on"));
	assert_int_equal(nvme->bars[1].placed_by, GPUPT_MMIO_KERNEL);
	/* behind a bridge of another kind */
	m.functions[0].class_code = 0x060400;
	assert_int_equal(place_with_hole(&m, 512 * GIB), GPUPT_MMIO_ALL);
	assert_true(nvme->bars[0].address < 4 * GIB);
}

/* QEMU's igb, as booted with Debian 13. */
static struct gpupt_mmio_function *add_igb(struct machine *m)
{
	struct gpupt_mmio_function *igb =
		add_function(m, GPUPT_MMIO_ENDPOINT, add_port(m));
	add_bar(igb, 0, 128 * GPUPT_KIB, false, false);
	add_bar(igb, 1, 128 * GPUPT_KIB, false, false);
	add_bar(igb, 3, 16 * GPUPT_KIB, true, false);
	add_bar(igb, 7, 128 * GPUPT_KIB, true, true);
	add_bar(igb, 10, 128 * GPUPT_KIB, true, true);
	return igb;
}

/* OVMF leaves room for VFs, and by that has something to place above 4 GiB. SeaBIOS
 * does not; the kernel then puts them where it likes. */
static void virtual_functions(void **state)
{
	(void)state;
	struct machine m = machine();
	struct gpupt_mmio_function *igb = add_igb(&m);
	add_gpu(&m, add_port(&m), 0, 64 * GIB, 0);
	assert_int_equal(place_with_hole(&m, 256 * GIB), GPUPT_MMIO_ALL);
	assert_false(m.result.firmware_aborted);
	assert_int_equal(igb->bars[3].placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(igb->bars[3].address, 32 * GIB + 128 * GPUPT_KIB);
	assert_int_equal(igb->bars[4].address, 32 * GIB);
	igb->n_bars = 3;
	assert_int_equal(place_with_hole(&m, 256 * GIB), GPUPT_MMIO_ALL);
	assert_true(m.result.firmware_aborted);
	igb->n_bars = 5;
	m.guest.firmware = GPUPT_FIRMWARE_SEABIOS;
	m.guest.firmware_version = 11602;
	assert_int_equal(place(&m), GPUPT_MMIO_ALL_FIRMWARE);
	assert_int_equal(igb->bars[0].placed_by, GPUPT_MMIO_FIRMWARE);
	assert_int_equal(igb->bars[3].placed_by, GPUPT_MMIO_KERNEL);
}

/* CPU time: other programs do not count. */
static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* As many as PCI can address take a moment, not minutes. */
static void many_functions(void **state)
{
	(void)state;
	size_t ports = 200, each = 50, n = 0;
	struct gpupt_mmio_function *functions = calloc(ports * (each + 1), sizeof(*functions));
	assert_non_null(functions);
	for (size_t p = 0; p < ports; p++) {
		int parent = (int)n;
		functions[n++] = (struct gpupt_mmio_function){
			.kind = GPUPT_MMIO_ROOT_PORT, .parent = -1, .hotplug = true };
		for (size_t i = 0; i < each; i++, n++) {
			functions[n] = (struct gpupt_mmio_function){ .parent = parent,
								     .class_code = 0x030200 };
			add_bar(&functions[n], 0, 16 * MIB, false, false);
			add_bar(&functions[n], 1, GIB << (i % 4), true, true);
			add_bar(&functions[n], 3, MIB << (i % 7), true, true);
		}
	}
	struct gpupt_mmio_guest guest = machine().guest;
	double began = seconds();
	uint64_t hole;
	bool all;
	assert_int_equal(gpupt_mmio_minimal_hole(&guest, functions, n, &hole, &all), 0);
	print_message("%zu functions: %.2f s\n", n, seconds() - began);
	assert_false(all);
	assert_true(seconds() - began < 60);
	free(functions);
}

static void more_than_pci_has(void **state)
{
	(void)state;
	size_t n = 20000;
	struct gpupt_mmio_function *functions = calloc(n, sizeof(*functions));
	assert_non_null(functions);
	for (size_t i = 0; i < n; i += 2) {
		functions[i] = (struct gpupt_mmio_function){ .kind = GPUPT_MMIO_ROOT_PORT,
							     .parent = -1 };
		functions[i + 1] = (struct gpupt_mmio_function){ .parent = (int)i };
		add_bar(&functions[i + 1], 1, GIB, true, true);
	}
	struct gpupt_mmio_guest guest = machine().guest;
	struct gpupt_mmio_result result;
	assert_int_equal(gpupt_mmio_place(&guest, functions, n, &result), 0);
	assert_int_equal(result.outcome, GPUPT_MMIO_SOME);
	assert_non_null(strstr(functions[n - 1].bars[0].reason, "PCI can address"));
	free(functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_32_bit_trap),
		cmocka_unit_test(ways_out_of_it),
		cmocka_unit_test(no_32_bit_bar),
		cmocka_unit_test(no_trap_after_giving_up),
		cmocka_unit_test(a_window_over_32g_traps_64_bits_too),
		cmocka_unit_test(too_large_for_the_kernel),
		cmocka_unit_test(tight_windows),
		cmocka_unit_test(below_4g_at_last),
		cmocka_unit_test(realloc_can_make_it_worse),
		cmocka_unit_test(realloc_reaches_below_a_switch),
		cmocka_unit_test(behind_an_expander),
		cmocka_unit_test(behind_a_dmi_to_pci_bridge),
		cmocka_unit_test(virtual_functions),
		cmocka_unit_test(many_functions),
		cmocka_unit_test(more_than_pci_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
