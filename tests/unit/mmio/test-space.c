/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "mmio/space.h"

static uint64_t fit(struct gpupt_space *space, uint64_t size, uint64_t align, bool head)
{
	bool found;
	uint64_t start = 0;
	assert_int_equal(gpupt_space_fit(space, size, align, head, &found, &start), 0);
	return found ? start : UINT64_MAX;
}

static void lowest_fit(void **state)
{
	(void)state;
	struct gpupt_space space = { 0 };
	assert_int_equal(gpupt_space_set(&space, (struct gpupt_range){ 0x100, 0x1000 }), 0);
	assert_int_equal(fit(&space, 0x100, 0x400, false), 0x400);
	assert_int_equal(fit(&space, 0x100, 0x100, false), 0x100);
	assert_int_equal(fit(&space, 0x300, 0x100, false), 0x500);
	assert_int_equal(fit(&space, 0x200, 0x100, false), 0x200);
	assert_int_equal(fit(&space, 0x900, 0x100, false), UINT64_MAX);
	assert_int_equal(fit(&space, 0x800, 0x100, false), 0x800);
	assert_int_equal(fit(&space, 0x100, 0x100, false), UINT64_MAX);
	gpupt_space_clear(&space);
}

static void the_rest_goes_below(void **state)
{
	(void)state;
	struct gpupt_space space = { 0 };
	assert_int_equal(gpupt_space_set(&space, (struct gpupt_range){ 0x100, 0x2000 }), 0);
	assert_int_equal(fit(&space, 0x420, 0x400, true), 0x3e0);
	/* No room for the head: from the aligned address on. */
	assert_int_equal(fit(&space, 0x420, 0x400, true), 0x800);
	assert_int_equal(gpupt_space_set(&space, (struct gpupt_range){ 0x3f0, 0x2000 }), 0);
	assert_int_equal(fit(&space, 0x420, 0x400, true), 0x400);
	gpupt_space_clear(&space);
}

static void take_and_give(void **state)
{
	(void)state;
	struct gpupt_space space = { 0 };
	assert_int_equal(gpupt_space_set(&space, (struct gpupt_range){ 0, 100 }), 0);
	assert_int_equal(gpupt_space_take(&space, (struct gpupt_range){ 10, 20 }), 0);
	assert_int_equal(gpupt_space_take(&space, (struct gpupt_range){ 30, 40 }), 0);
	assert_int_equal(space.n, 3);
	/* Across what is free and what is taken. */
	assert_int_equal(gpupt_space_take(&space, (struct gpupt_range){ 5, 35 }), 0);
	assert_int_equal(space.n, 2);
	assert_int_equal(space.free[0].end, 5);
	assert_int_equal(space.free[1].start, 40);
	assert_int_equal(gpupt_space_give(&space, (struct gpupt_range){ 20, 30 }), 0);
	assert_int_equal(space.n, 3);
	assert_int_equal(gpupt_space_give(&space, (struct gpupt_range){ 5, 20 }), 0);
	assert_int_equal(space.n, 2);
	assert_int_equal(gpupt_space_give(&space, (struct gpupt_range){ 30, 40 }), 0);
	assert_int_equal(space.n, 1);
	assert_int_equal(space.free[0].start, 0);
	assert_int_equal(space.free[0].end, 100);
	gpupt_space_clear(&space);
}

static void never_wraps(void **state)
{
	(void)state;
	struct gpupt_space space = { 0 };
	struct gpupt_range all = { UINT64_C(1) << 62, UINT64_MAX };
	assert_int_equal(gpupt_space_set(&space, all), 0);
	uint64_t huge = UINT64_C(1) << 63;
	assert_int_equal(fit(&space, huge, huge, false), UINT64_MAX);
	assert_int_equal(fit(&space, huge, GPUPT_GIB, false), UINT64_C(1) << 62);
	assert_int_equal(fit(&space, UINT64_MAX, 1, false), UINT64_MAX);
	gpupt_space_clear(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_fit),
		cmocka_unit_test(the_rest_goes_below),
		cmocka_unit_test(take_and_give),
		cmocka_unit_test(never_wraps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
