/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is decided about the hole, about slots, and about which devices go along. */

#include "making.h"

static const char guest[] = PCI("0", "pcie-root") PCI("1", "pcie-root-port")
			    QUIET_PORT("2") HOSTDEV("8", ADDRESS("2", "0"));

static struct gpupt_plan *make(struct lab *lab)
{
	struct gpupt_plan *plan = NULL;
	assert_int_equal(gpupt_plan_make(lab->domain, lab->inventory, lab->request, &plan,
					 &lab->error), 0);
	return plan;
}

/* The new text; freed with free(). */
static char *outcome(struct lab *lab)
{
	struct gpupt_plan *plan = make(lab);
	char *text = NULL;
	size_t length = 0;
	assert_int_equal(gpupt_plan_apply(plan, lab->domain, &text, &length, &lab->error), 0);
	gpupt_plan_free(plan);
	return text;
}

static bool has_finding(const struct gpupt_plan *plan, unsigned int number, size_t line)
{
	size_t count = 0;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (findings[i].number == number && findings[i].line == line)
			return true;
	return false;
}

#define SIZED(size) "<controller type='pci' index='0' model='pcie-root'>\n<pcihole64 unit='GiB'>" \
	size "</pcihole64>\n</controller>\n" PCI("1", "pcie-root-port") \
	QUIET_PORT("2") HOSTDEV("8", ADDRESS("2", "0"))

struct decision {
	const char *devices;
	enum gpupt_hole_policy policy;
	uint64_t size_gib;
	bool force, allow_shrink;
	int made, status; /* of gpupt_plan_make(), and of the plan */
	uint64_t planned_gib;
	bool writes;
};

static void about_the_hole(void **state)
{
	(void)state;
	static const struct decision decisions[] = {
		{ guest, GPUPT_HOLE_AUTO, 0, false, false, 0, 0, 64, true },
		{ guest, GPUPT_HOLE_KEEP, 0, false, false, 0, 0, 32, false },
		{ guest, GPUPT_HOLE_SIZE, 256, false, false, 0, 0, 256, true },
		{ guest, GPUPT_HOLE_SIZE, 16, false, false, 0, GPUPT_E_NO_FIT, 32, false },
		{ guest, GPUPT_HOLE_SIZE, 16, true, false, 0, 0, 16, true },
		{ guest, GPUPT_HOLE_SIZE, 4096, false, false, 0, GPUPT_E_NO_FIT, 32, false },
		{ guest, GPUPT_HOLE_SIZE, 4096, true, false, 0, 0, 4096, true },
		{ SIZED("512"), GPUPT_HOLE_AUTO, 0, false, false, 0, 0, 512, false },
		{ SIZED("512"), GPUPT_HOLE_AUTO, 0, false, true, 0, 0, 64, true },
		{ SIZED("512"), GPUPT_HOLE_SIZE, 512, false, false, 0, 0, 512, false },
		{ SIZED("512"), GPUPT_HOLE_SIZE, 256, false, false, GPUPT_E_REFUSED, 0, 0, false },
		{ SIZED("512"), GPUPT_HOLE_SIZE, 256, false, true, 0, 0, 256, true },
		{ SIZED("4096"), GPUPT_HOLE_AUTO, 0, false, false, 0, GPUPT_E_NO_FIT, 4096, false },
		{ SIZED("4096"), GPUPT_HOLE_AUTO, 0, false, true, 0, 0, 64, true },
		{ SIZED("4096"), GPUPT_HOLE_KEEP, 0, false, false, 0, 0, 4096, false },
		{ SIZED("0"), GPUPT_HOLE_AUTO, 0, false, false, 0, 0, 0, false },
		{ SIZED("0"), GPUPT_HOLE_SIZE, 64, false, false, 0, 0, 64, true },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(decisions); i++) {
		const struct decision *d = &decisions[i];
		struct gpupt_plan *plan = NULL;
		struct lab lab;
		lab_open(&lab, "q35", d->devices);
		gpupt_request_set_hole(lab.request, d->policy, d->size_gib * GPUPT_GIB);
		gpupt_request_set_force(lab.request, d->force);
		gpupt_request_set_allow_shrink(lab.request, d->allow_shrink);
		assert_int_equal(gpupt_request_set_firmware(lab.request, "edk2-stable202211",
							    NULL), 0);
		assert_int_equal(gpupt_request_set_guest_kernel(lab.request, "6.1", NULL), 0);
		int r = gpupt_plan_make(lab.domain, lab.inventory, lab.request, &plan, NULL);
		if (r != d->made)
			fail_msg("decision %zu: %d", i, r);
		if (plan) {
			assert_int_equal(gpupt_plan_get_status(plan), d->status);
			assert_int_equal(plan->hole.planned, d->planned_gib * GPUPT_GIB);
			assert_int_equal(plan->writes_hole, d->writes);
			assert_int_equal(plan->n_edits > 0, d->writes);
		}
		gpupt_plan_free(plan);
		lab_close(&lab);
	}
}

/* A device that is not known: nothing computed, an explicit size taken. */
static void unknown_device(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", PCI("0", "pcie-root") HOSTDEV("0x77", ""));
	struct gpupt_plan *plan = make(&lab);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NOT_FOUND);
	assert_int_equal(plan->n_edits, 0);
	assert_true(has_finding(plan, GPUPT_FINDING_DEVICE_UNKNOWN, 8));
	gpupt_plan_free(plan);
	gpupt_request_set_hole(lab.request, GPUPT_HOLE_SIZE, 64 * GPUPT_GIB);
	plan = make(&lab);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_int_equal(plan->n_edits, 1);
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* ---- slots */

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void expect_slot(const char *machine, const char *devices, const char *address,
			const char *port)
{
	struct lab lab;
	lab_open(&lab, machine, devices);
	gpupt_request_set_multifunction(lab.request, true);
	gpupt_request_set_hole(lab.request, GPUPT_HOLE_KEEP, 0);
	assert_int_equal(gpupt_request_add_device(lab.request, "09:00.0", NULL), 0);
	char *text = outcome(&lab);
	assert_non_null(strstr(text, address));
	assert_int_equal(count(text, "'pcie-root-port'"),
			 count(gpupt_domain_get_text(lab.domain, NULL), "'pcie-root-port'") +
			 (port != NULL));
	if (port)
		assert_non_null(strstr(text, port));
	free(text);
	lab_close(&lab);
}

static void one_slot(void **state)
{
	(void)state;
	expect_slot("q35", PCI("1", "pcie-root-port") HOSTDEV("8", ADDRESS("2", "0"))
		    PCI("2", "pcie-root-port"), "bus='0x01' slot='0x00' function='0x0'", NULL);
	/* none is free */
	expect_slot("q35", PCI("1", "pcie-root-port") HOSTDEV("8", ADDRESS("1", "0")),
		    "bus='0x02' slot='0x00' function='0x0'", "index='2' model='pcie-root-port'");
	/* numbers that are no bus */
	expect_slot("q35", PCI("4294967295", "pcie-root-port"),
		    "bus='0x01' slot='0x00' function='0x0'", "index='1' model='pcie-root-port'");
	/* a bus that only an address names */
	expect_slot("q35", HOSTDEV("8", ADDRESS("6", "0")),
		    "bus='0x07' slot='0x00' function='0x0'", "index='7' model='pcie-root-port'");
	/* the hole is of no use behind an expander */
	expect_slot("q35", PCI("1", "pcie-expander-bus") "<controller type='pci' index='2' "
		    "model='pcie-root-port'>" ADDRESS("1", "0") "</controller>\n",
		    "bus='0x03' slot='0x00' function='0x0'", "index='3' model='pcie-root-port'");
	expect_slot("pc", HOSTDEV("8", ADDRESS("0", "5")),
		    "bus='0x00' slot='0x06' function='0x0'", NULL);
}

/* ---- what goes along */

/* Virtual functions share a slot number with one another, and nothing else. */
static void siblings_of_a_removed_device(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", HOSTDEV("8", "")
		 "<hostdev type='pci'><source><address bus='8' function='1'/></source></hostdev>\n"
		 "<interface type='hostdev'><source><address type='pci' bus='8' function='2'/>"
		 "</source></interface>\n" HOSTDEV("9", ""));
	gpupt_request_set_hole(lab.request, GPUPT_HOLE_KEEP, 0);
	assert_int_equal(gpupt_request_remove_device(lab.request, "08:00.0", NULL), 0);
	struct gpupt_plan *plan = make(&lab);
	assert_int_equal(plan->n_removed, 2);
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* Lines are found in one walk; columns count bytes. */
static void places_of_findings(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", HOSTDEV("0x70", "") "<!-- -->" HOSTDEV("0x71", "")
		 "\n\n  " HOSTDEV("0x70", ""));
	struct gpupt_plan *plan = make(&lab);
	assert_true(has_finding(plan, GPUPT_FINDING_DEVICE_UNKNOWN, 7));
	assert_true(has_finding(plan, GPUPT_FINDING_DEVICE_UNKNOWN, 8));
	assert_true(has_finding(plan, GPUPT_FINDING_DEVICE_UNKNOWN, 11));
	assert_true(has_finding(plan, GPUPT_FINDING_TWICE, 11));
	assert_false(has_finding(plan, GPUPT_FINDING_TWICE, 7));
	gpupt_plan_free(plan);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(about_the_hole),
		cmocka_unit_test(unknown_device),
		cmocka_unit_test(one_slot),
		cmocka_unit_test(siblings_of_a_removed_device),
		cmocka_unit_test(places_of_findings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
