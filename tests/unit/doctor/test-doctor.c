/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole hosts, from tests/data/doctor and from snapshots. */
#include "doctor-test.h"

#include <jansson.h>

static void test_hosts(void **state)
{
	(void)state;
	static const struct {
		const char *host, *expected;
		size_t n_devices;
	} cases[] = {
		/* the management controller's display is not of interest */
		{ "healthy", "", 8 },
		{ "hpe", "bars=error(7,7)", 1 },
		{ "no-iommu", "iommu=error(60) groups=unknown", 1 },
		{ "shared-group", "groups=error(14)", 1 },
		{ "nvidia", "drivers=warning(62,64) kernel=warning(78)", 1 },
		{ "console", "drivers=note(63) use=warning(16,65) kernel=note(79)", 2 },
		{ "old", "versions=warning(74,75,77,76)", 1 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		char path[300];
		size_t count;
		snprintf(path, sizeof(path), TEST_DATA "/doctor/%s/sys", cases[i].host);
		struct gpupt_checkup *checkup =
			examine_tree(path, (struct gpupt_checkup_options){ 0 });
		assert_results(checkup, cases[i].expected);
		assert_non_null(gpupt_checkup_get_devices(checkup, &count));
		assert_int_equal(count, cases[i].n_devices);
		gpupt_checkup_free(checkup);
	}
}

/* The tests that spoil it rely on this. */
static void test_healthy(void **state)
{
	(void)state;
	struct gpupt_checkup *checkup =
		examine_tree(tree_root, (struct gpupt_checkup_options){ 0 });
	assert_results(checkup, "");
	assert_string_equal(gpupt_checkup_get_host(checkup), "Linux 6.12.1");
	gpupt_checkup_free(checkup);
	assert_only(examine_for(DOMAIN("", HOSTDEV), (struct gpupt_checkup_options){ 0 }), "");
}

/* A snapshot tells of devices only, and nothing is taken from this machine. */
static void test_snapshot(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(SOURCE_ROOT "/examples/hosts/p10.json");
	struct gpupt_checkup *checkup = examine(inventory, NULL);
	assert_results(checkup, "use=partly vfio=unknown memory=unknown versions=unknown "
				"kernel=unknown");
	assert_has(check_named(checkup, "kernel")->unseen, "not recorded in an inventory");
	gpupt_checkup_free(checkup);
	gpupt_inventory_free(inventory);
}

static void test_lspci(void **state)
{
	(void)state;
	struct gpupt_inventory *inventory = parse_file(TEST_DATA "/lspci/p10-rebar.txt");
	struct gpupt_checkup *checkup = examine(inventory, NULL);
	size_t count;
	gpupt_checkup_get_devices(checkup, &count);
	assert_int_equal(count, 1);
	assert_non_null(check_named(checkup, "iommu")->unseen);
	assert_null(check_named(checkup, "iommu")->seen);
	gpupt_checkup_free(checkup);
	gpupt_inventory_free(inventory);
}

/* Without devices nothing is said of devices, and the rest is looked at. */
static void test_no_inventory(void **state)
{
	(void)state;
	struct gpupt_checkup_options options = {
		.sysfs = tree_root,
		.inventory_problem = "cannot open /sys: Permission denied",
	};
	struct gpupt_checkup *checkup = examine(NULL, &options);
	assert_results(checkup, "bars=unknown groups=unknown drivers=unknown use=unknown");
	assert_has(check_named(checkup, "bars")->unseen, "Permission denied");
	gpupt_checkup_free(checkup);
	assert_only(examine(NULL, NULL),
		    "bars=unknown iommu=unknown groups=unknown drivers=unknown use=unknown "
		    "vfio=unknown memory=unknown versions=unknown kernel=unknown");
}

static void test_json(void **state)
{
	(void)state;
	struct gpupt_checkup *checkup =
		examine_tree(TEST_DATA "/doctor/no-iommu/sys", (struct gpupt_checkup_options){ 0 });
	char *text = NULL;
	size_t length = 0;
	assert_int_equal(gpupt_checkup_to_json(checkup, &text, &length, NULL), 0);
	assert_int_equal(strlen(text), length);
	json_t *json = json_loads(text, 0, NULL), *checks = json_object_get(json, "checks");
	assert_string_equal(json_string_value(json_object_get(json, "format")), "gpupt-checkup");
	assert_int_equal(json_array_size(checks), 9);
	json_t *iommu = json_array_get(checks, 1), *groups = json_array_get(checks, 2);
	assert_string_equal(json_string_value(json_object_get(iommu, "name")), "iommu");
	assert_string_equal(json_string_value(json_object_get(iommu, "result")), "error");
	json_t *finding = json_array_get(json_object_get(iommu, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(finding, "id")), "GPUPT-0060");
	assert_string_equal(json_string_value(json_object_get(groups, "result")), "unknown");
	assert_true(json_is_null(json_object_get(groups, "seen")));
	assert_true(json_is_string(json_object_get(groups, "not_examined")));
	json_decref(json);
	free(text);
	gpupt_checkup_free(checkup);
}

static void test_no_such_tree(void **state)
{
	(void)state;
	struct gpupt_checkup_options options = { .sysfs = TEST_DATA "/doctor/nowhere" };
	struct gpupt_checkup *checkup = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_checkup_make(NULL, &options, &checkup, &error), GPUPT_E_NOT_FOUND);
	assert_null(checkup);
	assert_has(gpupt_error_get_message(error), "doctor/nowhere");
	gpupt_error_free(error);
	gpupt_checkup_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		TREE_TEST(test_healthy),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_lspci),
		TREE_TEST(test_no_inventory),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_no_such_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
