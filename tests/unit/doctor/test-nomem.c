/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nomem.h"

#include "doctor-test.h"

struct wanted {
	struct gpupt_inventory *inventory;
	struct gpupt_checkup_options options;
};

static int make_checkup(void *data, struct gpupt_error **error)
{
	const struct wanted *wanted = data;
	struct gpupt_checkup *checkup = NULL;
	int r = gpupt_checkup_make(wanted->inventory, &wanted->options, &checkup, error);
	assert_int_equal(r == 0, checkup != NULL);
	gpupt_checkup_free(checkup);
	return r;
}

/* Hosts with something in every check. */
static void test_checkup(void **state)
{
	(void)state;
	static const char *const hosts[] = { "hpe", "shared-group", "nvidia", "console", "old" };
	struct gpupt_domain *domain = parse_domain(DOMAIN(
		"<memoryBacking><hugepages/></memoryBacking>", HOSTDEV_OF("0x99", "")));
	for (size_t i = 0; i < 2 * GPUPT_ARRAY_SIZE(hosts); i++) {
		char path[300];
		snprintf(path, sizeof(path), TEST_DATA "/doctor/%s/sys", hosts[i / 2]);
		struct wanted wanted = {
			.inventory = read_inventory(path),
			.options = { .sysfs = path, .domain = i % 2 ? domain : NULL },
		};
		exhaust(make_checkup, &wanted);
		gpupt_inventory_free(wanted.inventory);
	}
	gpupt_domain_free(domain);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_checkup) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
