/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_UNIT_PLAN_MAKING_H
#define GPUPT_TESTS_UNIT_PLAN_MAKING_H

/* A plan in the making, for tests of its parts: XML in, insides out. */

#include "unit.h"

#include "plan/making.h"
#include "plan/tree.h"

#define HOSTDEV(bus, rest)                                                                    \
	"<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='" \
	bus "' slot='0' function='0'/></source>" rest "</hostdev>\n"
#define ADDRESS(bus, slot)                                                                    \
	"<address type='pci' domain='0' bus='" bus "' slot='" slot "' function='0'/>"
/* A root port that no BAR is trapped behind. */
#define QUIET_PORT(index) "<controller type='pci' index='" index "' model='pcie-root-port'>" \
	"<target hotplug='off'/></controller>\n"
#define PCI(index, model) "<controller type='pci' index='" index "' model='" model "'/>\n"

static inline struct gpupt_domain *parse(const char *machine, const char *devices)
{
	struct gpupt_domain *domain = NULL;
	char *text = NULL;
	assert_true(asprintf(&text, "<domain type='kvm'>\n<memory unit='GiB'>4</memory>\n<os "
			     "firmware='efi'>\n<type arch='x86_64' machine='%s'>hvm</type>\n</os>\n"
			     "<devices>\n%s</devices>\n</domain>\n", machine, devices) > 0);
	assert_int_equal(gpupt_domain_parse(text, strlen(text), "vm.xml", &domain, NULL), 0);
	free(text);
	return domain;
}

/* A host with a Tesla P10 at every bus from `from` to `to`. */
static inline struct gpupt_inventory *host(unsigned int from, unsigned int to)
{
	struct gpupt_inventory *inventory = NULL;
	for (unsigned int bus = from; bus <= to; bus++) {
		struct gpupt_inventory *more = NULL;
		char assumption[40];
		snprintf(assumption, sizeof(assumption), "0000:%02x:00.0=10de:1b39", bus);
		assert_int_equal(gpupt_inventory_assume(inventory, assumption, &more, NULL), 0);
		gpupt_inventory_free(inventory);
		inventory = more;
	}
	return inventory;
}

struct lab {
	struct gpupt_domain *domain;
	struct gpupt_inventory *inventory;
	struct gpupt_request *request;
	struct gpupt_plan *plan;
	struct gpupt_error *error;
	struct gpupt_making making;
};

static inline void lab_open(struct lab *lab, const char *machine, const char *devices)
{
	*lab = (struct lab){
		.domain = parse(machine, devices), .inventory = host(8, 12),
		.request = gpupt_request_new(),
		.plan = calloc(1, sizeof(*lab->plan)),
	};
	assert_non_null(lab->request);
	assert_non_null(lab->plan);
	lab->plan->findings.arena = &lab->plan->arena;
	lab->making = (struct gpupt_making){
		.domain = lab->domain, .inventory = lab->inventory, .request = lab->request,
		.plan = lab->plan, .error = &lab->error,
		.machine = gpupt_domain_machine(lab->domain),
	};
}

static inline void lab_close(struct lab *lab)
{
	gpupt_making_clear(&lab->making);
	gpupt_plan_free(lab->plan);
	gpupt_request_free(lab->request);
	gpupt_inventory_free(lab->inventory);
	gpupt_domain_free(lab->domain);
	gpupt_error_free(lab->error);
}

#endif
