/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

/* Guests that gpupt_mmio_traits() says are alike have to be placed alike: random
 * devices under pairs of versions and CPUs, released or not. */

static uint64_t seed = 1;

static unsigned int pick(unsigned int below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(seed >> 33) % below;
}

static unsigned int one_of(const unsigned int *list, size_t count)
{
	return list[pick((unsigned int)count)];
}
#define ONE_OF(...)                                                                             \
	({                                                                                      \
		static const unsigned int list_[] = { __VA_ARGS__ };                            \
		one_of(list_, GPUPT_ARRAY_SIZE(list_));                                         \
	})

/* What gpupt_mmio_traits() is about. */
static void choose_versions(struct gpupt_mmio_guest *guest)
{
	unsigned int vendor = pick(3);
	guest->vendor_amd = vendor == 0;
	guest->vendor_intel = vendor == 1;
	guest->pages_1g = pick(2);
	guest->guest_phys_bits = pick(2) ? guest->phys_bits : 0;
	guest->machine_version = ONE_OF(0, 210, 211, 502, 700, 701, 702, 901, 1000, 1001);
	guest->qemu_version = ONE_OF(0, 502, 700, 701, 802, 1000, 1001, 1002);
	guest->kernel_version = ONE_OF(0, 510, 515, 601, 612, 619, 700, 702);
	guest->firmware_keeps_override = pick(2);
	if (guest->firmware == GPUPT_FIRMWARE_OVMF)
		guest->firmware_version = ONE_OF(0, 202005, 202208, 202211, 202302, 202305, 202308,
						 202405, 202408, 202502, 202505, 202602, 202608,
						 202609, 202702);
	else
		guest->firmware_version = ONE_OF(0, 11400, 11500, 11602, 11603, 11700, 11701);
}

static void choose_guest(struct gpupt_mmio_guest *guest)
{
	*guest = (struct gpupt_mmio_guest){
		.machine = pick(4) ? GPUPT_MACHINE_Q35 : GPUPT_MACHINE_I440FX,
		.ram_bytes = (uint64_t)ONE_OF(1, 2, 8, 30, 64, 500, 1000) * GIB,
		.phys_bits = ONE_OF(36, 39, 40, 40, 40, 40, 41, 43, 46, 46, 48, 52),
		.firmware = pick(3) ? GPUPT_FIRMWARE_OVMF : GPUPT_FIRMWARE_SEABIOS,
		.hole_set = pick(4) > 0,
		.hole_bytes = (uint64_t)ONE_OF(0, 1, 32, 64, 100, 600, 990, 1100, 4000) * GIB,
		.realloc = pick(4) == 0,
	};
	if (pick(4) == 0) {
		guest->max_ram_bytes = guest->ram_bytes + 32 * GIB;
		guest->memory_slots = 4;
	}
	if (pick(4) == 0) {
		guest->has_window_override = true;
		guest->window_override_mib = (uint64_t)ONE_OF(0, 1024, 65536, 262144, 1048576);
	}
}

static void choose_functions(struct machine *machine)
{
	unsigned int ports = 1 + pick(14);
	machine->n = 0;
	if (pick(2))
		add_bar(add_function(machine, GPUPT_MMIO_ENDPOINT, -1), pick(5), 4096 << pick(30),
			pick(2), pick(2));
	int expander = -1;
	if (pick(6) == 0) {
		expander = (int)machine->n;
		add_function(machine, GPUPT_MMIO_EXPANDER, -1)->bus_number = 64;
	}
	for (unsigned int i = 0; i < ports; i++) {
		int port = add_port(machine);
		if (pick(2))
			machine->functions[port].parent = expander;
		machine->functions[port].hotplug = pick(4) > 0;
		machine->functions[port].has_mem_reserve = pick(6) == 0;
		machine->functions[port].mem_reserve = (uint64_t)(1 + pick(40)) * MIB;
		machine->functions[port].has_pref64_reserve = pick(8) == 0;
		machine->functions[port].pref64_reserve = (uint64_t)(1 + pick(80)) * GIB;
		if (pick(3) == 0)
			continue;
		struct gpupt_mmio_function *gpu =
			add_gpu(machine, port, pick(2) ? 16 * MIB << pick(3) : 0,
				256 * MIB << pick(pick(5) ? 11 : 17), pick(2) ? 32 * MIB : 0);
		if (pick(8) == 0)
			gpu->class_code = 0x030000;
		if (pick(6) == 0)
			gpu->bars[gpu->n_bars++] = (struct gpupt_mmio_bar){ .index = 5, .size = 128,
									    .io = true };
		if (pick(8) == 0)
			add_bar(gpu, 6, 512 * GPUPT_KIB, false, false);
	}
}

static void assert_alike(const struct machine *a, const struct machine *b)
{
	assert_int_equal(a->result.outcome, b->result.outcome);
	assert_int_equal(a->result.firmware_aborted, b->result.firmware_aborted);
	assert_true(a->result.hole_start == b->result.hole_start);
	assert_true(a->result.max_hole == b->result.max_hole);
	assert_true(a->result.window_start == b->result.window_start);
	assert_true(a->result.window_end == b->result.window_end);
	assert_true(a->result.highest_end == b->result.highest_end);
	for (size_t i = 0; i < a->n; i++)
		for (size_t bar = 0; bar < a->functions[i].n_bars; bar++) {
			const struct gpupt_mmio_bar *x = &a->functions[i].bars[bar];
			const struct gpupt_mmio_bar *y = &b->functions[i].bars[bar];
			assert_int_equal(x->placed_by, y->placed_by);
			assert_true(x->address == y->address);
		}
}

/* Another version or flag, or several. */
static void differ(struct gpupt_mmio_guest *guest)
{
	struct gpupt_mmio_guest other = *guest;
	choose_versions(&other);
	do {
		switch (pick(6)) {
		case 0: guest->firmware_version = other.firmware_version; break;
		case 1: guest->qemu_version = other.qemu_version; break;
		case 2: guest->machine_version = other.machine_version; break;
		case 3: guest->kernel_version = other.kernel_version; break;
		case 4:
			guest->vendor_amd = other.vendor_amd;
			guest->vendor_intel = other.vendor_intel;
			break;
		case 5:
			guest->pages_1g = other.pages_1g;
			guest->guest_phys_bits = other.guest_phys_bits;
			guest->firmware_keeps_override = other.firmware_keeps_override;
			break;
		}
	} while (pick(3) == 0);
}

static void test_alike(void **state)
{
	enum { TRIES = 100000 };
	static struct machine a, b;
	size_t alike = 0;
	(void)state;
	for (int i = 0; i < TRIES; i++) {
		choose_guest(&a.guest);
		choose_functions(&a);
		choose_versions(&a.guest);
		b = a;
		differ(&b.guest);
		if (gpupt_mmio_traits(&a.guest) != gpupt_mmio_traits(&b.guest))
			continue;
		alike++;
		assert_int_equal(gpupt_mmio_place(&a.guest, a.functions, a.n, &a.result), 0);
		assert_int_equal(gpupt_mmio_place(&b.guest, b.functions, b.n, &b.result), 0);
		assert_alike(&a, &b);
	}
	assert_true(alike > TRIES / 10);
}

/* They are no more than needed: releases between which nothing changed are alike. */
static void test_few(void **state)
{
	struct machine m = machine();
	(void)state;
	m.guest.qemu_version = m.guest.machine_version = 802;
	m.guest.phys_bits = 46;
	m.guest.pages_1g = true;
	m.guest.firmware_version = 202308;
	uint64_t traits = gpupt_mmio_traits(&m.guest);
	m.guest.qemu_version = 902;
	m.guest.firmware_version = 202502;
	m.guest.kernel_version = 612;
	assert_true(gpupt_mmio_traits(&m.guest) == traits);
	m.guest.kernel_version = 702;
	assert_true(gpupt_mmio_traits(&m.guest) != traits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_few),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
