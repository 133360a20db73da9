/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "domain/domain.h"
#include "libvirt/qmp.h"

/* A running guest with a card behind a port, one behind a port and a bridge, and one that
 * QEMU knows nothing of. */
#define RUNNING(first_alias, second_alias)                                                     \
	"<domain type='kvm' id='1'><devices>"                                                  \
	"<controller type='pci' index='0' model='pcie-root'/>"                                 \
	"<controller type='pci' index='1' model='pcie-root-port'>"                             \
	"<address type='pci' bus='0' slot='1' function='0'/></controller>"                     \
	"<controller type='pci' index='2' model='pcie-root-port'>"                             \
	"<address type='pci' bus='0' slot='1' function='1'/></controller>"                     \
	"<controller type='pci' index='3' model='pcie-to-pci-bridge'>"                         \
	"<address type='pci' bus='2' slot='0' function='0'/></controller>"                     \
	"<hostdev mode='subsystem' type='pci'>" second_alias                                   \
	"<source><address domain='0' bus='9' slot='0' function='0'/></source>"                 \
	"<address type='pci' bus='3' slot='1' function='0'/></hostdev>"                        \
	"<hostdev mode='subsystem' type='pci'>" first_alias                                    \
	"<source><address domain='0' bus='8' slot='0' function='0'/></source>"                 \
	"<address type='pci' bus='1' slot='0' function='0'/></hostdev>"                        \
	"<interface type='hostdev'><alias name='ua-nic'/>"                                     \
	"<source><address type='pci' domain='0' bus='10' slot='0' function='0'/></source>"     \
	"<address type='pci' bus='1' slot='1' function='0'/></interface>"                      \
	"</devices></domain>"

struct lab {
	struct gpupt_seen_functions seen;
	struct gpupt_arena *arena;
	struct gpupt_domain *domain;
	struct gpupt_seen_function *functions;
	size_t count;
};

/* What QEMU 7.2 said, from tests/data/qmp. */
static void match(struct lab *lab, const char *xml)
{
	static char reply[65536];
	char path[512];
	*lab = (struct lab){ .seen = { .arena = &lab->arena } };
	snprintf(path, sizeof(path), "%s/qmp/placed.json", getenv("GPUPT_TEST_DATA"));
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t length = fread(reply, 1, sizeof(reply), file);
	fclose(file);
	assert_int_equal(gpupt_qmp_parse_pci(reply, length, &lab->seen, NULL), 0);
	assert_int_equal(gpupt_domain_parse(xml, strlen(xml), NULL, &lab->domain, NULL), 0);
	assert_int_equal(gpupt_qmp_match(&lab->seen, lab->domain, &lab->functions, &lab->count,
					 NULL), 0);
}

static void leave(struct lab *lab)
{
	free(lab->functions);
	free(lab->seen.items);
	gpupt_domain_free(lab->domain);
	gpupt_arena_free(lab->arena);
}

static void expect_both(const struct lab *lab)
{
	const struct gpupt_seen_function *edu = &lab->functions[0], *qxl = &lab->functions[1];
	const struct gpupt_seen_function *nic = &lab->functions[2];
	assert_string_equal(edu->id, "hostdev1");
	assert_int_equal(edu->host.bus, 9);
	assert_true(edu->found && edu->passed_through);
	assert_string_equal(qxl->id, "hostdev0");
	assert_int_equal(qxl->host.bus, 8);
	assert_int_equal(qxl->bars[4].sight, GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(nic->host.bus, 10);
	assert_string_equal(nic->id, "ua-nic");
	assert_true(nic->passed_through);
	assert_false(nic->found);
	/* nothing is lost, nothing is there twice */
	assert_int_equal(lab->count, lab->seen.count + 1);
	for (size_t i = 3; i < lab->count; i++)
		assert_false(lab->functions[i].passed_through);
}

static void test_by_name(void **state)
{
	struct lab lab;
	(void)state;
	match(&lab, RUNNING("<alias name='hostdev0'/>", "<alias name='hostdev1'/>"));
	expect_both(&lab);
	leave(&lab);
}

static void test_by_place(void **state)
{
	struct lab lab;
	(void)state;
	match(&lab, RUNNING("", "<alias name='another-name'/>"));
	expect_both(&lab);
	leave(&lab);
}

/* One function of QEMU's is not two of the host's. */
static void test_once(void **state)
{
	struct lab lab;
	(void)state;
	match(&lab, RUNNING("<alias name='hostdev1'/>", "<alias name='hostdev1'/>"));
	assert_true(lab.functions[0].found);
	assert_false(lab.functions[1].found);
	leave(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_by_place),
		cmocka_unit_test(test_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
