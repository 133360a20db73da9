/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "rehearse/standin.h"

#define NARROW(n, bytes) { .index = (n), .size = (bytes) }
#define WIDE(n, bytes) { .index = (n), .size = (bytes), .mem64 = true, .prefetchable = true }

/* The stand-in's BAR that is there for the function's. */
static const struct gpupt_mmio_bar *bar_for(const struct gpupt_standin *standin, unsigned int index)
{
	for (size_t i = 0; i < standin->n_bars; i++)
		if ((int)standin->bars[i].index == standin->bar_of[index])
			return &standin->bars[i];
	return NULL;
}

static void assert_stands_for(const struct gpupt_standin *standin,
			      const struct gpupt_mmio_bar *bar)
{
	const struct gpupt_mmio_bar *found = bar_for(standin, bar->index);
	assert_non_null(found);
	assert_int_equal(found->size, bar->size);
	assert_int_equal(found->mem64 && found->prefetchable, bar->mem64 && bar->prefetchable);
}

static const struct gpupt_mmio_function a100 = {
	.class_code = 0x030200,
	.n_bars = 3,
	.bars = { NARROW(0, 16 * GPUPT_MIB), WIDE(1, 128 * GPUPT_GIB), WIDE(3, 32 * GPUPT_MIB) },
};

static void a_gpu_takes_two(void **state)
{
	(void)state;
	struct gpupt_standin standin;
	gpupt_standin_choose(&a100, GPUPT_STANDIN_WIDE, &standin);
	assert_string_equal(standin.driver, "nvme");
	assert_stands_for(&standin, &a100.bars[1]);
	assert_stands_for(&standin, &a100.bars[2]);
	assert_int_equal(standin.bar_of[0], GPUPT_STANDIN_NONE);
	gpupt_standin_choose(&a100, GPUPT_STANDIN_NARROW, &standin);
	assert_stands_for(&standin, &a100.bars[0]);
	assert_stands_for(&standin, &a100.bars[1]);
	assert_int_equal(standin.bar_of[3], GPUPT_STANDIN_NONE);
}

static void one_is_enough_for_less(void **state)
{
	(void)state;
	static const struct gpupt_mmio_function functions[] = {
		{ .parent = 0, .class_code = 0x040300, .n_bars = 1,
		  .bars = { NARROW(0, 16 * GPUPT_KIB) } },
		{ .class_code = 0x00ff00, .n_bars = 2,
		  .bars = { NARROW(1, 4 * GPUPT_KIB), WIDE(4, 16 * GPUPT_KIB) } },
		{ .class_code = 0x068000, .n_bars = 1, .bars = { NARROW(0, 32 * GPUPT_MIB) } },
		{ .class_code = 0x030200, .n_bars = 1, .bars = { WIDE(0, 64 * GPUPT_GIB) } },
		{ .class_code = 0x030200, .n_bars = 2,
		  .bars = { WIDE(0, 256 * GPUPT_GIB), WIDE(4, 32 * GPUPT_MIB) } },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(functions); i++) {
		struct gpupt_standin wide, narrow;
		gpupt_standin_choose(&functions[i], GPUPT_STANDIN_WIDE, &wide);
		gpupt_standin_choose(&functions[i], GPUPT_STANDIN_NARROW, &narrow);
		for (size_t b = 0; b < functions[i].n_bars; b++)
			assert_stands_for(&wide, &functions[i].bars[b]);
		assert_string_equal(wide.driver, narrow.driver);
		assert_string_equal(wide.properties, narrow.properties);
	}
}

/* No BAR is stood in for by two, none by one that is smaller or of another kind. */
static void no_standin_is_too_small(void **state)
{
	(void)state;
	unsigned int seed = 1;
	for (int round = 0; round < 20000; round++) {
		struct gpupt_mmio_function function = { .parent = round % 2 - 1 };
		for (unsigned int index = 0; index < 6; index++) {
			seed = seed * 1103515245 + 12345;
			unsigned int kind = seed >> 16 & 7;
			if (kind > 4)
				continue;
			function.bars[function.n_bars++] = (struct gpupt_mmio_bar){
				.index = index, .size = UINT64_C(16) << (seed >> 20) % 36,
				.mem64 = kind > 2, .prefetchable = kind % 2,
				.io = kind == 2,
			};
		}
		struct gpupt_standin standin;
		gpupt_standin_choose(&function, (enum gpupt_standin_aim)(seed >> 30 & 1), &standin);
		unsigned int used = 0;
		for (size_t b = 0; b < function.n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function.bars[b];
			const struct gpupt_mmio_bar *found = bar_for(&standin, bar->index);
			if (!found)
				continue;
			assert_int_equal(found->io, bar->io);
			assert_int_equal(found->prefetchable, bar->prefetchable);
			assert_true(found->size >= bar->size);
			assert_true(found->size == bar->size || found->size <= GPUPT_MIB);
			assert_false(used & 1u << found->index);
			used |= 1u << found->index;
		}
	}
}

static void vga_is_told_apart(void **state)
{
	(void)state;
	struct gpupt_mmio_function consumer = a100;
	struct gpupt_standin standin;
	gpupt_standin_choose(&a100, GPUPT_STANDIN_WIDE, &standin);
	assert_false(gpupt_standin_is_other_class(&a100, &standin));
	consumer.class_code = 0x030000;
	gpupt_standin_choose(&consumer, GPUPT_STANDIN_WIDE, &standin);
	assert_true(gpupt_standin_is_other_class(&consumer, &standin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_takes_two),
		cmocka_unit_test(one_is_enough_for_less),
		cmocka_unit_test(no_standin_is_too_small),
		cmocka_unit_test(vga_is_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
