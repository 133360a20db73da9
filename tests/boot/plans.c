/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints random plans, a line of JSON each: what guest it is in QEMU's terms and
 * the hole that the plan leaves it with, for plans.py to look at. How libvirt and
 * QEMU make an address width of <cpu> is told here anew, not asked of the library.
 *
 * usage: plans SEED COUNT [text]      text: print domain and inventory as well */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gpupt/gpupt.h>

#include "base/util.h"

#define MAX_GPUS 8

struct guest {
	uint64_t state; /* of the generator */
	bool kvm, amd, q35;
	const char *machine;
	const char *cpu; /* element */
	unsigned int host_bits, bits;
	uint64_t memory_mib, max_memory_mib;
	unsigned int slots, n_gpus;
	char text[8192];
	char inventory[8192];
};

/* SplitMix64: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t next(struct guest *guest)
{
	uint64_t z = guest->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(struct guest *guest, uint64_t limit)
{
	return next(guest) % limit;
}

static bool chance(struct guest *guest, unsigned int percent)
{
	return below(guest, 100) < percent;
}

static void choose_cpu(struct guest *guest, char buffer[256])
{
	unsigned int kind = (unsigned int)below(guest, 5), limit;
	guest->host_bits = 36 + (unsigned int)below(guest, 17);
	guest->amd = chance(guest, 50);
	guest->bits = 40;
	guest->cpu = buffer;
	if (kind == 0) { /* no <cpu>: qemu64 */
		buffer[0] = '\0';
		guest->amd = guest->amd || !guest->kvm;
	} else if (kind == 1) {
		strcpy(buffer, "<cpu mode='custom'><model>Westmere</model></cpu>");
		guest->amd = guest->amd && guest->kvm;
	} else if (kind == 2 || !guest->kvm) { /* the host's own under KVM, 40 under TCG */
		strcpy(buffer, guest->kvm ? "<cpu mode='host-passthrough'/>" :
					    "<cpu mode='maximum'/>");
		guest->bits = guest->kvm ? guest->host_bits : 40;
		guest->amd = guest->amd || !guest->kvm;
	} else if (kind == 3) {
		limit = 36 + (unsigned int)below(guest, 17);
		snprintf(buffer, 256, "<cpu mode='host-passthrough'><maxphysaddr "
			 "mode='passthrough' limit='%u'/></cpu>", limit);
		guest->bits = limit < guest->host_bits ? limit : guest->host_bits;
	} else {
		guest->bits = 36 + (unsigned int)below(guest, guest->host_bits - 35);
		snprintf(buffer, 256, "<cpu mode='host-passthrough'><maxphysaddr "
			 "mode='emulate' bits='%u'/></cpu>", guest->bits);
	}
}

static void choose_memory(struct guest *guest, char buffer[256])
{
	guest->memory_mib = UINT64_C(512) << below(guest, 11);
	guest->memory_mib += below(guest, 4) * (guest->memory_mib / 4);
	guest->max_memory_mib = guest->slots = 0;
	buffer[0] = '\0';
	if (!chance(guest, 30))
		return;
	guest->slots = 1 + (unsigned int)below(guest, 64);
	guest->max_memory_mib = guest->memory_mib + 1024 * (1 + below(guest, 512));
	snprintf(buffer, 256, "<maxMemory slots='%u' unit='MiB'>%" PRIu64 "</maxMemory>",
		 guest->slots, guest->max_memory_mib);
}

/* Appends; the buffers are large enough for MAX_GPUS. */
__attribute__((format(printf, 3, 4)))
static void append(char *buffer, size_t size, const char *format, ...)
{
	size_t used = strlen(buffer);
	va_list list;
	va_start(list, format);
	vsnprintf(buffer + used, size - used, format, list);
	va_end(list);
}

static void make_inventory(struct guest *guest)
{
	snprintf(guest->inventory, sizeof(guest->inventory),
		 "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {\"cpu_vendor\": "
		 "\"%s\", \"phys_bits\": %u}, \"devices\": [",
		 guest->amd ? "AuthenticAMD" : "GenuineIntel", guest->host_bits);
	uint64_t mib = UINT64_C(256) << below(guest, 12);
	for (unsigned int i = 0; i < guest->n_gpus; i++) {
		if (chance(guest, 20))
			mib = UINT64_C(256) << below(guest, 12);
		append(guest->inventory, sizeof(guest->inventory),
		       "%s{\"address\": \"0000:%02x:00.0\", \"vendor\": \"10de\", \"device\": "
		       "\"ffff\", \"class\": \"%s\", \"iommu_group\": %u, \"driver\": null, "
		       "\"bars\": [{\"index\": 0, \"type\": \"memory\", \"size\": \"16 MiB\"}, "
		       "{\"index\": 1, \"type\": \"memory\", \"bits\": 64, \"prefetchable\": true, "
		       "\"size\": \"%" PRIu64 " MiB\"}, {\"index\": 3, \"type\": \"memory\", "
		       "\"bits\": 64, \"prefetchable\": true, \"size\": \"32 MiB\"}]}",
		       i ? ", " : "", 8 + i, chance(guest, 20) ? "030000" : "030200", i, mib);
	}
	append(guest->inventory, sizeof(guest->inventory), "]}");
}

static void make_text(struct guest *guest)
{
	static const char *const machines[] = { "q35", "pc-q35-6.2", "pc-q35-7.0", "pc-q35-7.2",
						"pc", "pc-i440fx-6.2", "pc-i440fx-7.2" };
	char cpu[256], memory[256], hole[128] = "";
	guest->kvm = chance(guest, 60);
	unsigned int machine = (unsigned int)below(guest, GPUPT_ARRAY_SIZE(machines));
	guest->machine = machines[machine];
	guest->q35 = machine < 4;
	guest->n_gpus = 1 + (unsigned int)below(guest, MAX_GPUS);
	choose_cpu(guest, cpu);
	choose_memory(guest, memory);
	if (chance(guest, 35))
		snprintf(hole, sizeof(hole), "<pcihole64 unit='MiB'>%" PRIu64 "</pcihole64>",
			 chance(guest, 10) ? 0 : below(guest, UINT64_C(1) << (10 + below(guest, 14))));
	snprintf(guest->text, sizeof(guest->text),
		 "<domain type='%s'><name>a</name>%s<memory unit='MiB'>%" PRIu64 "</memory>%s"
		 "<os%s><type arch='x86_64' machine='%s'>hvm</type></os><devices>"
		 "<controller type='pci' index='0' model='%s'>%s</controller>",
		 guest->kvm ? "kvm" : "qemu", memory, guest->memory_mib, cpu,
		 chance(guest, 70) ? " firmware='efi'" : "", guest->machine,
		 guest->q35 ? "pcie-root" : "pci-root", hole);
	for (unsigned int i = 0; i < guest->n_gpus; i++)
		append(guest->text, sizeof(guest->text),
		       "<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
		       "domain='0' bus='%u' slot='0' function='0'/></source></hostdev>", 8 + i);
	append(guest->text, sizeof(guest->text), "</devices></domain>");
	make_inventory(guest);
}

static void make_request(struct guest *guest, struct gpupt_request *request)
{
	/* Not debian-11, whose QEMU checks nothing. */
	static const char *const firmware[] = { "debian-12", "debian-13", "edk2-stable202408" };
	if (chance(guest, 30))
		gpupt_request_set_rounding(request, GPUPT_ROUND_GIB);
	if (chance(guest, 20))
		gpupt_request_set_headroom(request, UINT64_C(1) << (20 + below(guest, 24)));
	if (chance(guest, 50))
		gpupt_request_set_allow_shrink(request, true);
	if (chance(guest, 10))
		gpupt_request_set_hole(request, GPUPT_HOLE_SIZE,
				       GPUPT_GIB * below(guest, UINT64_C(1) << below(guest, 14)));
	if (chance(guest, 40))
		gpupt_request_set_firmware(request, firmware[below(guest, 3)], NULL);
}

static void print(const struct guest *guest, uint64_t seed, int status,
		  const struct gpupt_plan *plan)
{
	const char *verdict = plan ? gpupt_verdict_name(gpupt_plan_get_verdict(plan)) : "none";
	size_t n_edits = 0;
	if (plan)
		gpupt_plan_get_edits(plan, &n_edits);
	printf("{\"seed\": %" PRIu64 ", \"machine\": \"%s\", \"memory_mib\": %" PRIu64
	       ", \"maxmem_mib\": %" PRIu64 ", \"slots\": %u, \"bits\": %u, \"amd\": %s, "
	       "\"status\": %d, \"verdict\": \"%s\", \"edits\": %zu, \"hole\": %" PRIu64 "}\n",
	       seed, guest->machine, guest->memory_mib, guest->max_memory_mib, guest->slots,
	       guest->bits, guest->amd ? "true" : "false", status, verdict, n_edits,
	       plan ? gpupt_plan_get_hole(plan)->planned : 0);
}

static int one(uint64_t seed, bool text)
{
	struct guest guest = { .state = seed };
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	make_text(&guest);
	if (text)
		fprintf(stderr, "%s\n%s\n", guest.text, guest.inventory);
	if (request)
		make_request(&guest, request);
	int r = request ? gpupt_domain_parse(guest.text, strlen(guest.text), "a", &domain, &error)
			: GPUPT_E_NOMEM;
	if (!r)
		r = gpupt_inventory_parse(guest.inventory, strlen(guest.inventory), "b", &inventory,
					  &error);
	if (r) {
		fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, gpupt_error_get_message(error));
	} else {
		int status = gpupt_plan_make(domain, inventory, request, &plan, NULL);
		print(&guest, seed, status ? status : gpupt_plan_get_status(plan), plan);
	}
	gpupt_plan_free(plan);
	gpupt_error_free(error);
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
	return r;
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4)
		return 2;
	uint64_t seed = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10);
	for (uint64_t i = 0; i < count; i++)
		if (one(seed + i, argc == 4))
			return 1;
	return 0;
}
