/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "making.h"

#include <gpupt/running.h>

/* A card whose plan is known, and what is seen of it. */
struct view {
	struct lab lab;
	struct gpupt_plan *plan;
	struct gpupt_seen_function function;
	struct gpupt_running running;
};

/* Every BAR of it gets an address; without hotplug='off' BAR 0 does not. */
static const char guest[] =
	PCI("0", "pcie-root")
	"<controller type='pci' index='1' model='pcie-root-port'><target hotplug='off'/>"
	"</controller>\n"
	HOSTDEV("8", ADDRESS("1", "0"));
static const char trapped[] =
	PCI("0", "pcie-root") PCI("1", "pcie-root-port") HOSTDEV("8", ADDRESS("1", "0"));

/* Seen is what was predicted. */
static void look_at(struct view *view, const char *devices)
{
	*view = (struct view){ 0 };
	lab_open(&view->lab, "q35", devices);
	assert_int_equal(gpupt_request_forbid(view->lab.request, "memreserve,hotplug", NULL), 0);
	assert_int_equal(gpupt_plan_make(view->lab.domain, view->lab.inventory, view->lab.request,
					 &view->plan, NULL), 0);
	size_t count, seen = 0;
	const struct gpupt_layout_bar *layout = gpupt_plan_get_layout(view->plan, &count);
	struct gpupt_seen_function *function = &view->function;
	function->id = "hostdev0";
	function->path = "";
	function->found = function->passed_through = true;
	for (size_t i = 0; i < count; i++) {
		if (!layout[i].passed_through)
			continue;
		function->host = layout[i].host;
		function->bars[layout[i].bar] = (struct gpupt_seen_bar){
			.size_bytes = layout[i].size_bytes,
			.sight = GPUPT_SIGHT_ASSIGNED,
			.guest_address = layout[i].guest_address,
		};
		seen++;
	}
	assert_true(seen >= 2);
	view->running = (struct gpupt_running){ .domain = view->lab.domain, .functions = function,
						.n_functions = 1 };
}

static void look(struct view *view)
{
	look_at(view, guest);
}

static void leave(struct view *view)
{
	gpupt_plan_free(view->plan);
	lab_close(&view->lab);
}

static void expect(const struct view *view, enum gpupt_state expected, unsigned int number)
{
	struct gpupt_finding *findings = NULL;
	size_t count = 0;
	enum gpupt_state state;
	assert_int_equal(gpupt_running_check(&view->running, view->plan, &state, &findings, &count,
					     NULL), 0);
	assert_int_equal(state, expected);
	assert_int_equal(count, number ? 1 : 0);
	if (number)
		assert_int_equal(findings[0].number, number);
	free(findings);
}

static void test_as_planned(void **state)
{
	struct view view;
	(void)state;
	look(&view);
	expect(&view, GPUPT_STATE_ASSIGNED, 0);
	view.running.differences = GPUPT_DIFFERS_HOLE | GPUPT_DIFFERS_HOSTDEVS;
	expect(&view, GPUPT_STATE_ASSIGNED, 81);
	leave(&view);
}

static void test_otherwise(void **state)
{
	struct view view;
	(void)state;
	look(&view);
	view.function.bars[1].guest_address += GPUPT_GIB;
	expect(&view, GPUPT_STATE_ASSIGNED, 83);
	gpupt_plan_free(view.plan);
	view.plan = NULL; /* nothing to compare with */
	expect(&view, GPUPT_STATE_ASSIGNED, 0);
	leave(&view);
}

static void test_unassigned(void **state)
{
	struct view view;
	(void)state;
	look(&view);
	view.function.bars[1].sight = GPUPT_SIGHT_UNASSIGNED;
	expect(&view, GPUPT_STATE_UNASSIGNED, 80);
	leave(&view);

	look_at(&view, trapped); /* seen to have an address all the same */
	expect(&view, GPUPT_STATE_ASSIGNED, 83);
	view.function.bars[0].sight = GPUPT_SIGHT_UNASSIGNED;
	expect(&view, GPUPT_STATE_UNASSIGNED, 80);
	leave(&view);
}

static void test_what_counts(void **state)
{
	struct view view;
	(void)state;
	look(&view);
	/* ROMs and I/O ports do not count */
	view.function.bars[5] = (struct gpupt_seen_bar){ .size_bytes = 128, .io = true,
							 .sight = GPUPT_SIGHT_UNASSIGNED };
	view.function.bars[GPUPT_BAR_ROM] = (struct gpupt_seen_bar){ .size_bytes = 65536 };
	expect(&view, GPUPT_STATE_ASSIGNED, 0);
	leave(&view);
}

static void test_unseen(void **state)
{
	struct view view;
	(void)state;
	look(&view);
	view.function.bars[0].sight = view.function.bars[1].sight = GPUPT_SIGHT_NONE;
	expect(&view, GPUPT_STATE_UNKNOWN, 82);
	view.function.found = false;
	expect(&view, GPUPT_STATE_UNKNOWN, 84);
	view.running.n_functions = 0;
	expect(&view, GPUPT_STATE_ASSIGNED, 0);
	view.running.qemu_trouble = "no monitor";
	expect(&view, GPUPT_STATE_UNKNOWN, 0);
	leave(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_planned),
		cmocka_unit_test(test_otherwise),
		cmocka_unit_test(test_unassigned),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_unseen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
