/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <gpupt/gpupt.h>
#include <jansson.h>

#define HEAD "<domain type='%s'><name>a</name><memory unit='GiB'>%u</memory>%s" \
	     "<os%s><type arch='x86_64' machine='%s'>hvm</type></os>%s<devices>"
#define HOSTDEV "<hostdev mode='subsystem' type='pci' managed='yes'><source><address " \
		"domain='0' bus='8' slot='0' function='0'/></source></hostdev>"
#define TAIL "</devices></domain>"
#define EFI " firmware='efi'"

/* A plan for a guest with one card of the catalogue, or none. */
static struct gpupt_plan *plan_for(const char *type, unsigned int gib, const char *max_memory,
				   const char *firmware, const char *machine, const char *cpu,
				   const char *card)
{
	char text[2048], assumption[64];
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_plan *plan = NULL;
	struct gpupt_request *request = gpupt_request_new();
	int length = snprintf(text, sizeof(text), HEAD "%s" TAIL, type, gib, max_memory, firmware,
			      machine, cpu, card ? HOSTDEV : "");
	snprintf(assumption, sizeof(assumption), "0000:08:00.0=%s", card ? card : "10de:1b39");
	assert_int_equal(gpupt_domain_parse(text, (size_t)length, "a", &domain, NULL), 0);
	assert_int_equal(gpupt_inventory_assume(NULL, assumption, &inventory, NULL), 0);
	assert_int_equal(gpupt_request_set_firmware(request, "debian-12", NULL), 0);
	assert_int_equal(gpupt_request_set_guest_kernel(request, "6.1", NULL), 0);
	assert_int_equal(gpupt_plan_make(domain, inventory, request, &plan, NULL), 0);
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
	return plan;
}

/* The `skip`th region of that kind; NULL past the last. */
static const struct gpupt_map_region *find(const struct gpupt_plan *plan,
					   enum gpupt_map_kind kind, size_t skip)
{
	size_t count;
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (map[i].kind == kind && !skip--)
			return &map[i];
	return NULL;
}

static void assert_region(const struct gpupt_plan *plan, enum gpupt_map_kind kind, size_t skip,
			  uint64_t start, uint64_t end)
{
	const struct gpupt_map_region *region = find(plan, kind, skip);
	assert_non_null(region);
	if (region->start != start || region->end != end)
		fail_msg("%s is 0x%llx to 0x%llx", region->label,
			 (unsigned long long)region->start, (unsigned long long)region->end);
}

static void assert_none(const struct gpupt_plan *plan, enum gpupt_map_kind kind, size_t skip)
{
	assert_null(find(plan, kind, skip));
}

static void assert_sorted(const struct gpupt_plan *plan)
{
	size_t count;
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	for (size_t i = 0; i < count; i++) {
		assert_true(map[i].start < map[i].end);
		assert_true(*map[i].label);
		assert_int_equal(map[i].bar != NULL, map[i].kind == GPUPT_MAP_BAR);
		if (!i)
			continue;
		assert_true(map[i - 1].start <= map[i].start);
		if (map[i - 1].start == map[i].start)
			assert_true(map[i - 1].depth <= map[i].depth);
	}
}

/* A window one level up holds it, if it is behind a bridge. */
static bool is_inside(const struct gpupt_plan *plan, const struct gpupt_map_region *bar)
{
	size_t count;
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (map[i].kind == GPUPT_MAP_BRIDGE_WINDOW && map[i].depth == bar->depth - 1 &&
		    map[i].start <= bar->start && map[i].end >= bar->end)
			return true;
	return bar->depth == 1;
}

/* Every BAR with an address is there once, where the layout has it. */
static void assert_same_bars(const struct gpupt_plan *plan)
{
	size_t n_bars, count, seen = 0, expected = 0;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(plan, &n_bars);
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	for (size_t i = 0; i < n_bars; i++)
		expected += bars[i].placed_by != GPUPT_PLACED_BY_NOBODY;
	for (size_t i = 0; i < count; i++) {
		if (map[i].kind != GPUPT_MAP_BAR)
			continue;
		seen++;
		assert_true(map[i].bar >= bars && map[i].bar < bars + n_bars);
		assert_true(map[i].start == map[i].bar->guest_address);
		assert_true(map[i].end - map[i].start == map[i].bar->size_bytes);
		assert_string_equal(map[i].label, map[i].bar->device);
		assert_true(is_inside(plan, &map[i]));
	}
	assert_int_equal(seen, expected);
}

/* One Tesla P10 under OVMF's classic window: the kernel puts its memory at 64 GiB,
 * as boots show. */
static void test_one_gpu(void **state)
{
	(void)state;
	struct gpupt_plan *plan =
		plan_for("kvm", 16, "", EFI, "pc-q35-7.2", "", "10de:1b39");
	assert_sorted(plan);
	assert_same_bars(plan);
	assert_region(plan, GPUPT_MAP_RAM, 0, 0, 2 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_RAM, 1, 4 * GPUPT_GIB, 18 * GPUPT_GIB);
	assert_none(plan, GPUPT_MAP_RAM, 2);
	assert_none(plan, GPUPT_MAP_HOTPLUG, 0);
	assert_none(plan, GPUPT_MAP_RESERVED, 0);
	assert_region(plan, GPUPT_MAP_LOW_WINDOW, 0, 0xc0000000, 0xfc000000);
	assert_region(plan, GPUPT_MAP_HOLE, 0, 18 * GPUPT_GIB, 82 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_KERNEL_WINDOW, 0, 32 * GPUPT_GIB, 96 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_FIRMWARE_WINDOW, 0, 32 * GPUPT_GIB, 64 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_BEYOND, 0, GPUPT_TIB, UINT64_MAX);
	bool found = false;
	const struct gpupt_map_region *bar;
	for (size_t i = 0; (bar = find(plan, GPUPT_MAP_BAR, i)); i++) {
		if (!bar->bar->passed_through || bar->bar->bar != 1)
			continue;
		found = true;
		assert_string_equal(bar->label, "hostdev 0000:08:00.0");
		assert_true(bar->start == 64 * GPUPT_GIB && bar->end == 96 * GPUPT_GIB);
		assert_int_equal(bar->depth, 2);
	}
	assert_true(found);
	gpupt_plan_free(plan);
}

static void test_seabios_and_memory_to_come(void **state)
{
	(void)state;
	struct gpupt_plan *plan = plan_for("kvm", 8, "<maxMemory slots='4' unit='GiB'>24</maxMemory>",
					   "", "pc-i440fx-7.2", "", "10de:1b39");
	assert_sorted(plan);
	assert_same_bars(plan);
	assert_region(plan, GPUPT_MAP_RAM, 0, 0, 3 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_RAM, 1, 4 * GPUPT_GIB, 9 * GPUPT_GIB);
	/* 16 GiB to come, and 1 GiB a slot */
	assert_region(plan, GPUPT_MAP_HOTPLUG, 0, 9 * GPUPT_GIB, 29 * GPUPT_GIB);
	assert_int_equal(find(plan, GPUPT_MAP_HOLE, 0)->start, 29 * GPUPT_GIB);
	assert_region(plan, GPUPT_MAP_LOW_WINDOW, 0, 0xc0000000, 0xfec00000);
	gpupt_plan_free(plan);
}

static void test_amd(void **state)
{
	(void)state;
	struct gpupt_plan *plan =
		plan_for("qemu", 8, "", EFI, "pc-q35-7.2",
			 "<cpu mode='custom'><model>EPYC</model></cpu>", "10de:1b39");
	assert_sorted(plan);
	assert_same_bars(plan);
	assert_region(plan, GPUPT_MAP_RESERVED, 0, 1012 * GPUPT_GIB, GPUPT_TIB);
	gpupt_plan_free(plan);
}

/* Without devices the memory is known all the same. */
static void test_nothing_to_place(void **state)
{
	(void)state;
	struct gpupt_plan *plan = plan_for("kvm", 1, "", EFI, "pc-q35-7.2", "", NULL);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_NOTHING);
	assert_sorted(plan);
	assert_region(plan, GPUPT_MAP_RAM, 0, 0, GPUPT_GIB);
	assert_none(plan, GPUPT_MAP_RAM, 1);
	assert_none(plan, GPUPT_MAP_BAR, 0);
	assert_region(plan, GPUPT_MAP_HOLE, 0, 4 * GPUPT_GIB, 36 * GPUPT_GIB);
	gpupt_plan_free(plan);
}

static void test_no_pci_hole(void **state)
{
	size_t count = 1;
	(void)state;
	struct gpupt_plan *plan = plan_for("kvm", 1, "", "", "microvm", "", NULL);
	gpupt_plan_get_map(plan, &count);
	assert_int_equal(count, 0);
	gpupt_plan_free(plan);
}

static void test_json(void **state)
{
	size_t count, length;
	char *text;
	(void)state;
	struct gpupt_plan *plan =
		plan_for("kvm", 16, "", EFI, "pc-q35-7.2", "", "10de:1b39");
	const struct gpupt_map_region *map = gpupt_plan_get_map(plan, &count);
	assert_int_equal(gpupt_plan_to_json(plan, &text, &length, NULL), 0);
	json_t *json = json_loads(text, 0, NULL);
	const json_t *list = json_object_get(json, "map");
	assert_int_equal(json_array_size(list), count);
	for (size_t i = 0; i < count; i++) {
		const json_t *region = json_array_get(list, i);
		assert_int_equal(json_integer_value(json_object_get(region, "start")),
				 map[i].start);
		assert_string_equal(json_string_value(json_object_get(region, "kind")),
				    gpupt_map_kind_name(map[i].kind));
	}
	json_decref(json);
	free(text);
	gpupt_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_gpu),
		cmocka_unit_test(test_seabios_and_memory_to_come),
		cmocka_unit_test(test_amd),
		cmocka_unit_test(test_nothing_to_place),
		cmocka_unit_test(test_no_pci_hole),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
