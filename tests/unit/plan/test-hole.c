/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of <pcihole64>. A V100 (16 MiB, 32 GiB, 32 MiB) under Debian 12's OVMF
 * with a 40-bit CPU needs 64 GiB: its window holds 32 GiB alone. */

#include "plan-test.h"

#define HOLE(gib) "<pcihole64 unit='GiB'>" #gib "</pcihole64>"
/* A root port that is the card's own; without hotplug there is no trap for BAR 0. */
#define PORT "<controller type='pci' index='1' model='pcie-root-port'>" \
	     "<target hotplug='off'/></controller><controller type='usb' model='none'/>"
/* 40 bits, less what 1000 GiB of memory need. */
#define LARGE_MEMORY "<memory unit='GiB'>1000</memory>"

static struct gpupt_plan *plan_shrinking(const struct guest *guest)
{
	struct gpupt_request *request = request_of(guest);
	gpupt_request_set_allow_shrink(request, true);
	return plan_with(guest, request);
}

static struct gpupt_plan *plan_size(const struct guest *guest, uint64_t bytes, bool force)
{
	struct gpupt_request *request = request_of(guest);
	gpupt_request_set_hole(request, GPUPT_HOLE_SIZE, bytes);
	gpupt_request_set_force(request, force);
	return plan_with(guest, request);
}

static struct gpupt_plan *plan_headroom(const struct guest *guest, uint64_t gib)
{
	struct gpupt_request *request = request_of(guest);
	gpupt_request_set_headroom(request, gib * GPUPT_GIB);
	gpupt_request_set_rounding(request, GPUPT_ROUND_GIB);
	return plan_with(guest, request);
}

/* An element smaller than the power of two, but large enough, is not made larger by
 * the permission to make it smaller. */
static void test_shrinking_never_grows(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT, .hole = HOLE(225), .card = "10de:2330" };
	struct gpupt_plan *plan = plan_shrinking(&guest);
	assert_int_equal(gpupt_plan_get_hole(plan)->minimum, 224 * GPUPT_GIB);
	assert_int_equal(planned_gib(plan), 225);
	assert_int_equal(count_edits(plan), 0);
	gpupt_plan_free(plan);
}

/* Where nothing is needed, QEMU's own size is what remains. */
static void test_shrinks_what_is_not_needed(void **state)
{
	(void)state;
	const struct guest none = { .card = "", .hole = HOLE(900) };
	struct gpupt_plan *plan = plan_shrinking(&none);
	assert_int_equal(planned_gib(plan), 32);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_NOTHING);
	gpupt_plan_free(plan);
	plan = plan_of(&none);
	assert_int_equal(planned_gib(plan), 900);
	gpupt_plan_free(plan);
	const struct guest small = { .card = "", .hole = HOLE(4) };
	plan = plan_shrinking(&small);
	assert_int_equal(planned_gib(plan), 4);
	gpupt_plan_free(plan);
}

/* QEMU's default may be what keeps it from starting; nothing shrinks then. */
static void test_default_that_does_not_start(void **state)
{
	(void)state;
	const struct guest guest = { .memory = LARGE_MEMORY, .card = "10de:1eb8",
				     .devices = PORT };
	struct gpupt_plan *plan = plan_of(&guest);
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_false(hole->present);
	assert_int_equal(hole->planned, hole->maximum);
	assert_true(hole->planned < 32 * GPUPT_GIB);
	assert_null(finding(plan, 10));
	gpupt_plan_free(plan);
}

/* Without a device nothing is done about it, but said. */
static void test_idle_guest_that_does_not_start(void **state)
{
	(void)state;
	const struct guest guest = { .card = "", .hole = HOLE(1024) };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_NOTHING);
	assert_int_equal(count_edits(plan), 0);
	assert_says(plan, 10, "1 TiB");
	gpupt_plan_free(plan);
}

/* QEMU before 7.1 starts with any hole; an element that is too large stays. */
static void test_old_qemu_starts(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT, .hole = HOLE(2048), .firmware = "debian-11" };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_KERNEL);
	assert_int_equal(planned_gib(plan), 2048);
	gpupt_plan_free(plan);
}

/* What the firmware placed lies in the hole as well: headroom begins behind it. */
static void test_headroom_is_behind_what_is_placed(void **state)
{
	(void)state;
	const struct guest guest = { .os = "", .devices = PORT, .card = "10de:20b2" };
	struct gpupt_plan *plan = plan_headroom(&guest, 100);
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	size_t count;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(plan, &count);
	uint64_t highest = 0;
	for (size_t i = 0; i < count; i++)
		if (bars[i].mem64 && bars[i].guest_address + bars[i].size_bytes > highest)
			highest = bars[i].guest_address + bars[i].size_bytes;
	assert_int_equal(hole->minimum, 0);
	assert_true(highest >= 128 * GPUPT_GIB);
	assert_true(hole->window_end >= highest + 100 * GPUPT_GIB);
	gpupt_plan_free(plan);
	const struct guest kernel = { .devices = PORT };
	plan = plan_headroom(&kernel, 10);
	assert_int_equal(planned_gib(plan), 74);
	gpupt_plan_free(plan);
}

/* Nothing but headroom: there is no BAR that anybody could place. */
static void test_headroom_alone(void **state)
{
	(void)state;
	const struct guest guest = { .card = "" };
	struct gpupt_plan *plan = plan_headroom(&guest, 100);
	assert_true(planned_gib(plan) >= 100);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_NOTHING);
	gpupt_plan_free(plan);
}

static void test_size_where_nothing_fits(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT, .card = "10de:3182",
				     .memory = "<memory unit='GiB'>600</memory>" };
	struct gpupt_plan *plan = plan_size(&guest, 64 * GPUPT_GIB, false);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	assert_non_null(finding(plan, 18));
	gpupt_plan_free(plan);
	plan = plan_size(&guest, 64 * GPUPT_GIB, true);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_says(plan, 29, "does not hold");
	gpupt_plan_free(plan);
}

static void test_odd_sizes(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT };
	struct gpupt_plan *plan = plan_size(&guest, 63 * GPUPT_GIB, false);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	assert_says(plan, 30, "64 GiB");
	gpupt_plan_free(plan);
	/* QEMU rounds the end of the window up to a GiB, libvirt the size to a KiB */
	plan = plan_size(&guest, 63 * GPUPT_GIB + 1, false);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_int_equal(gpupt_plan_get_hole(plan)->planned, 63 * GPUPT_GIB + 1024);
	gpupt_plan_free(plan);
	plan = plan_size(&guest, 0, false);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	gpupt_plan_free(plan);
	assert_null(plan_size(&guest, UINT64_MAX - 1, true));
	plan = plan_size(&guest, UINT64_MAX - 1023, true);
	assert_null(plan);
	plan = plan_size(&guest, UINT64_MAX - 2047, true);
	assert_non_null(plan);
	gpupt_plan_free(plan);
}

/* OVMF's window is too small, but a share of it is set aside for the port. Then no hole
 * helps; one address bit more, and so a larger window, does. */
static void test_trap_above_4g(void **state)
{
	(void)state;
#define CPU(bits) "<cpu mode='host-model'><maxphysaddr mode='emulate' bits='" bits "'/>" \
		  "<feature policy='require' name='pdpe1gb'/></cpu>"
	static const char port[] = "<controller type='pci' index='1' model='pcie-root-port'/>"
				   "<controller type='usb' model='none'/>";
	const struct guest trapped = { .cpu = CPU("42"), .devices = port, .card = "10de:3182" };
	struct gpupt_plan *plan = plan_of(&trapped);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	assert_says(plan, 39, "512 GiB");
	assert_null(finding(plan, 6));
	gpupt_plan_free(plan);
	const struct guest cured = { .cpu = CPU("43"), .devices = port, .card = "10de:3182" };
	plan = plan_of(&cured);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_FIRMWARE);
	gpupt_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrinking_never_grows),
		cmocka_unit_test(test_shrinks_what_is_not_needed),
		cmocka_unit_test(test_default_that_does_not_start),
		cmocka_unit_test(test_idle_guest_that_does_not_start),
		cmocka_unit_test(test_old_qemu_starts),
		cmocka_unit_test(test_headroom_is_behind_what_is_placed),
		cmocka_unit_test(test_headroom_alone),
		cmocka_unit_test(test_size_where_nothing_fits),
		cmocka_unit_test(test_odd_sizes),
		cmocka_unit_test(test_trap_above_4g),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
