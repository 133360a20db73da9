/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "libvirt/qmp.h"

/* What a reply says; cleared by forget(). */
struct seen {
	struct gpupt_seen_functions functions;
	struct gpupt_arena *arena;
};

static void forget(struct seen *seen)
{
	free(seen->functions.items);
	gpupt_arena_free(seen->arena);
}

static int parse(const char *reply, size_t length, struct seen *seen, struct gpupt_error **error)
{
	*seen = (struct seen){ 0 };
	seen->functions.arena = &seen->arena;
	return gpupt_qmp_parse_pci(reply, length, &seen->functions, error);
}

/* QEMU 7.2's own words, from tests/data/qmp. */
static void parse_file(const char *name, struct seen *seen)
{
	static char reply[65536];
	char path[512];
	struct gpupt_error *error = NULL;
	snprintf(path, sizeof(path), "%s/qmp/%s", getenv("GPUPT_TEST_DATA"), name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t length = fread(reply, 1, sizeof(reply), file);
	fclose(file);
	if (parse(reply, length, seen, &error) < 0)
		fail_msg("%s: %s", name, gpupt_error_get_message(error));
}

static const struct gpupt_seen_function *find(const struct seen *seen, const char *id)
{
	for (size_t i = 0; i < seen->functions.count; i++)
		if (strcmp(seen->functions.items[i].id, id) == 0)
			return &seen->functions.items[i];
	fail_msg("no %s", id);
	return NULL;
}

static void test_placed(void **state)
{
	struct seen seen;
	(void)state;
	parse_file("placed.json", &seen);
	const struct gpupt_seen_function *qxl = find(&seen, "hostdev0");
	assert_true(qxl->found);
	assert_string_equal(qxl->path, "01.0/00.0");
	assert_int_equal(qxl->guest.bus, 1);
	assert_int_equal(qxl->bars[0].size_bytes, 64 * GPUPT_MIB);
	assert_int_equal(qxl->bars[0].sight, GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(qxl->bars[0].guest_address, 4026531840);
	assert_false(qxl->bars[0].mem64);
	assert_true(qxl->bars[3].io);
	assert_int_equal(qxl->bars[4].size_bytes, 512 * GPUPT_MIB);
	assert_true(qxl->bars[4].mem64);
	assert_true(qxl->bars[4].prefetchable);
	assert_int_equal(qxl->bars[5].size_bytes, 0);
	/* behind a port and a bridge, on bus 3 */
	const struct gpupt_seen_function *edu = find(&seen, "hostdev1");
	assert_string_equal(edu->path, "01.1/00.0/01.0");
	assert_int_equal(edu->guest.bus, 3);
	assert_int_equal(edu->guest.slot, 1);
	assert_int_equal(edu->bars[0].sight, GPUPT_SIGHT_ASSIGNED);
	/* the bridges are functions too */
	assert_string_equal(find(&seen, "pci.3")->path, "01.1/00.0");
	forget(&seen);
}

/* Before the firmware ran, nothing is mapped and nobody can tell why, and no bus behind
 * a bridge has a number: QEMU leaves out what is there. */
static void test_paused(void **state)
{
	struct seen seen;
	(void)state;
	parse_file("paused.json", &seen);
	const struct gpupt_seen_function *usb = find(&seen, "usb");
	assert_true(usb->bars[0].size_bytes);
	assert_int_equal(usb->bars[0].sight, GPUPT_SIGHT_NONE);
	assert_int_equal(usb->bars[0].guest_address, 0);
	for (size_t i = 0; i < seen.functions.count; i++)
		assert_string_not_equal(seen.functions.items[i].id, "hostdev0");
	forget(&seen);
}

static void test_expander(void **state)
{
	struct seen seen;
	(void)state;
	parse_file("pxb.json", &seen);
	assert_string_equal(find(&seen, "hostdev0")->path, "80:/00.0/00.0");
	forget(&seen);
}

#define REGION(bar, type, address)                                                             \
	"{\"bar\":" bar ",\"type\":\"" type "\",\"size\":65536,\"address\":" address "}"
#define DEVICE(regions, more)                                                                  \
	"{\"bus\":0,\"slot\":3,\"function\":1,\"qdev_id\":\"gpu\",\"regions\":[" regions "]" more "}"
#define REPLY(devices) "{\"return\":[{\"bus\":0,\"devices\":[" devices "]}],\"id\":\"libvirt-9\"}"

static enum gpupt_sight sight_of(const char *reply, unsigned int bar)
{
	struct seen seen;
	struct gpupt_error *error = NULL;
	if (parse(reply, strlen(reply), &seen, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	enum gpupt_sight sight = find(&seen, "gpu")->bars[bar].sight;
	forget(&seen);
	return sight;
}

static void test_unassigned(void **state)
{
	(void)state;
	/* memory is switched on: the other one has no address */
	const char *partly = REPLY(DEVICE(REGION("0", "memory", "-1") ","
					  REGION("1", "memory", "4294967296") ","
					  REGION("5", "io", "-1") ","
					  REGION("6", "memory", "-1"), ""));
	assert_int_equal(sight_of(partly, 0), GPUPT_SIGHT_UNASSIGNED);
	assert_int_equal(sight_of(partly, 1), GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(sight_of(partly, 5), GPUPT_SIGHT_NONE);
	assert_int_equal(sight_of(partly, 6), GPUPT_SIGHT_NONE);
	/* I/O and the ROM have switches of their own: they tell nothing of memory */
	const char *other = REPLY(DEVICE(REGION("0", "memory", "-1") ","
					 REGION("5", "io", "4096") ","
					 REGION("6", "memory", "4273995776"), ""));
	assert_int_equal(sight_of(other, 0), GPUPT_SIGHT_NONE);
	assert_int_equal(sight_of(other, 5), GPUPT_SIGHT_ASSIGNED);
}

static void test_odd(void **state)
{
	static const struct {
		const char *reply, *expected;
	} cases[] = {
		{ "", "odd" },
		{ "{", "odd" },
		{ "[]", "no list of buses" },
		{ "{\"return\":{}}", "no list of buses" },
		{ "{\"return\":[3]}", "a bus without a number" },
		{ "{\"return\":[{\"bus\":0}]}", "no list of devices" },
		{ "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"what?\"}}", "what?" },
		{ REPLY("{\"bus\":0,\"slot\":32,\"function\":0,\"regions\":[]}"), "without a place" },
		{ REPLY("{\"bus\":0,\"slot\":0,\"function\":8,\"regions\":[]}"), "without a place" },
		{ REPLY("{\"bus\":0,\"slot\":0,\"function\":0}"), "without regions" },
		{ REPLY(DEVICE("7", "")), "a region that is none" },
		{ REPLY(DEVICE(REGION("7", "memory", "0"), "")), "a region that is none" },
		{ REPLY(DEVICE(REGION("-1", "memory", "0"), "")), "a region that is none" },
		{ REPLY(DEVICE(REGION("0", "memory", "\"0\""), "")), "a region that is none" },
		{ REPLY(DEVICE(REGION("0", "memory", "1") "," REGION("0", "memory", "2"), "")),
		  "a region that is none" },
		{ REPLY(DEVICE("", ",\"pci_bridge\":{\"devices\":{}}")), "no list of devices" },
	};
	(void)state;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct seen seen;
		struct gpupt_error *error = NULL;
		assert_int_equal(parse(cases[i].reply, strlen(cases[i].reply), &seen, &error),
				 GPUPT_E_SYNTAX);
		if (!strstr(gpupt_error_get_message(error), cases[i].expected))
			fail_msg("case %zu: %s", i, gpupt_error_get_message(error));
		gpupt_error_free(error);
		forget(&seen);
	}
}

static void test_deep(void **state)
{
	static const char start[] = "{\"bus\":0,\"slot\":0,\"function\":0,\"regions\":[],"
				    "\"pci_bridge\":{\"devices\":[";
	char reply[16384] = "{\"return\":[{\"bus\":0,\"devices\":[";
	struct seen seen;
	struct gpupt_error *error = NULL;
	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(reply, start);
	for (int i = 0; i < 100; i++)
		strcat(reply, "]}}");
	strcat(reply, "]}]}");
	assert_int_equal(parse(reply, strlen(reply), &seen, &error), GPUPT_E_SYNTAX);
	assert_non_null(strstr(gpupt_error_get_message(error), "too many bridges"));
	gpupt_error_free(error);
	forget(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placed),	   cmocka_unit_test(test_paused),
		cmocka_unit_test(test_expander),   cmocka_unit_test(test_unassigned),
		cmocka_unit_test(test_odd),	   cmocka_unit_test(test_deep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
