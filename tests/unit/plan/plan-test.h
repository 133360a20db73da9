/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_PLAN_TEST_H
#define GPUPT_TESTS_PLAN_TEST_H

/* A guest in a few words, and what comes of it. */

#include "unit.h"

#include <gpupt/gpupt.h>

/* What differs from a q35 guest with OVMF, 4 GiB, an unnamed CPU and one card. */
struct guest {
	const char *machine;   /* q35 */
	const char *memory;    /* elements; <memory unit='GiB'>4</memory> */
	const char *os;        /* attributes of <os>; firmware='efi' */
	const char *in_os;     /* elements of <os> */
	const char *cpu;       /* <cpu> */
	const char *type;      /* kvm */
	const char *hole;      /* <pcihole64> */
	const char *devices;   /* elements */
	const char *end;       /* elements behind <devices> */
	const char *card;      /* of the catalogue; "" for none */
	const char *inventory; /* a snapshot in place of the card */
	const char *firmware;  /* --firmware; debian-12, "" for none */
	const char *kernel;    /* --guest-kernel; 6.1, "" for none */
};

static const char *or_else(const char *text, const char *usual)
{
	return text ? text : usual;
}

static struct gpupt_domain *domain_of(const struct guest *guest)
{
	static const char card[] = "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
				   "<address domain='0' bus='8' slot='0' function='0'/></source>"
				   "</hostdev>";
	char text[8192];
	struct gpupt_domain *domain = NULL;
	const char *machine = or_else(guest->machine, "q35");
	const char *hole = or_else(guest->hole, "");
	int length = snprintf(
		text, sizeof(text),
		"<domain type='%s' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
		"<name>a</name>%s<os %s><type arch='x86_64' machine='%s'>hvm</type>%s</os>%s"
		"<devices><controller type='pci' index='0' model='%s'>%s</controller>%s%s"
		"</devices>%s</domain>",
		or_else(guest->type, "kvm"),
		or_else(guest->memory, "<memory unit='GiB'>4</memory>"),
		or_else(guest->os, "firmware='efi'"), machine, or_else(guest->in_os, ""),
		or_else(guest->cpu, ""), strstr(machine, "q35") ? "pcie-root" : "pci-root", hole,
		or_else(guest->devices, ""), guest->card && !*guest->card ? "" : card,
		or_else(guest->end, ""));
	assert_true(length > 0 && (size_t)length < sizeof(text));
	assert_int_equal(gpupt_domain_parse(text, (size_t)length, "a", &domain, NULL), 0);
	return domain;
}

static struct gpupt_inventory *inventory_of(const struct guest *guest)
{
	struct gpupt_inventory *inventory = NULL;
	char assumption[64];
	const char *card = guest->card && *guest->card ? guest->card : "10de:1db4";
	if (guest->inventory) {
		assert_int_equal(gpupt_inventory_parse(guest->inventory, strlen(guest->inventory),
						       "i", &inventory, NULL), 0);
		return inventory;
	}
	snprintf(assumption, sizeof(assumption), "0000:08:00.0=%s", card);
	assert_int_equal(gpupt_inventory_assume(NULL, assumption, &inventory, NULL), 0);
	return inventory;
}

static struct gpupt_request *request_of(const struct guest *guest)
{
	struct gpupt_request *request = gpupt_request_new();
	const char *firmware = or_else(guest->firmware, "debian-12");
	const char *kernel = or_else(guest->kernel, "6.1");
	assert_int_equal(gpupt_request_set_firmware(request, *firmware ? firmware : NULL, NULL), 0);
	assert_int_equal(gpupt_request_set_guest_kernel(request, *kernel ? kernel : NULL, NULL), 0);
	return request;
}

/* Takes the request. NULL where no plan can be made. */
static struct gpupt_plan *plan_with(const struct guest *guest, struct gpupt_request *request)
{
	struct gpupt_domain *domain = domain_of(guest);
	struct gpupt_inventory *inventory = inventory_of(guest);
	struct gpupt_plan *plan = NULL;
	gpupt_plan_make(domain, inventory, request, &plan, NULL);
	if (plan) {
		char *text = NULL;
		size_t length;
		assert_int_equal(gpupt_plan_apply(plan, domain, &text, &length, NULL), 0);
		free(text);
	}
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
	return plan;
}

static inline struct gpupt_plan *plan_of(const struct guest *guest)
{
	return plan_with(guest, request_of(guest));
}

static inline const struct gpupt_finding *finding(const struct gpupt_plan *plan,
						  unsigned int number)
{
	size_t count;
	const struct gpupt_finding *findings = gpupt_plan_get_findings(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (findings[i].number == number)
			return &findings[i];
	return NULL;
}

static inline void assert_says(const struct gpupt_plan *plan, unsigned int number,
			       const char *part)
{
	const struct gpupt_finding *found = finding(plan, number);
	if (!found)
		fail_msg("no GPUPT-%04u", number);
	if (!strstr(found->text, part))
		fail_msg("GPUPT-%04u says \"%s\", not \"%s\"", number, found->text, part);
}

static inline uint64_t planned_gib(const struct gpupt_plan *plan)
{
	return gpupt_plan_get_hole(plan)->planned / GPUPT_GIB;
}

static inline size_t count_edits(const struct gpupt_plan *plan)
{
	size_t count;
	gpupt_plan_get_edits(plan, &count);
	return count;
}

#endif
