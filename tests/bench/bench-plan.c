/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gpupt_plan_make() alone, for the guests that have the most to place, over all that
 * they may run on: eight A100 80GB and four NVSwitches behind root ports.
 *   bench-plan [ROUNDS] */

#include "bench.h"

#include "base/str.h"

enum { N_GPUS = 8, N_SWITCHES = 4, MAX_ROUNDS = 10000 };

static const struct guest {
	const char *name;
	const char *firmware; /* an attribute of <os> */
	const char *machine;
	const char *cpu;
	unsigned int phys_bits; /* the host's; 0: not known */
} guests[] = {
	{ "OVMF, host CPU, 46 bits", " firmware='efi'", "q35", "<cpu mode='host-passthrough'/>", 46 },
	{ "OVMF, host-model", " firmware='efi'", "q35", "<cpu mode='host-model'/>", 46 },
	{ "OVMF, host-model, width unknown", " firmware='efi'", "q35",
	  "<cpu mode='host-model'><maxphysaddr mode='passthrough'/></cpu>", 46 },
	{ "OVMF, named CPU", " firmware='efi'", "q35", "<cpu><model>Westmere</model></cpu>", 0 },
	{ "SeaBIOS, host CPU, 46 bits", "", "q35", "<cpu mode='host-passthrough'/>", 46 },
};

static struct gpupt_inventory *make_inventory(const struct guest *guest)
{
	char text[256];
	struct gpupt_inventory *inventory = NULL;
	snprintf(text, sizeof(text), "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {%s%.0u}, "
		 "\"devices\": []}", guest->phys_bits ? "\"phys_bits\": " : "", guest->phys_bits);
	if (gpupt_inventory_parse(text, strlen(text), "host", &inventory, NULL) < 0)
		abort();
	for (int i = 0; i < N_GPUS + N_SWITCHES; i++) {
		struct gpupt_inventory *more = NULL;
		snprintf(text, sizeof(text), "0000:%02x:00.0=10de:%s", 0x10 + i,
			 i < N_GPUS ? "20b5" : "1af1");
		if (gpupt_inventory_assume(inventory, text, &more, NULL) < 0)
			abort();
		gpupt_inventory_free(inventory);
		inventory = more;
	}
	return inventory;
}

static struct gpupt_domain *make_domain(const struct guest *guest)
{
	struct gpupt_str str = { 0 };
	struct gpupt_domain *domain = NULL;
	size_t length;
	gpupt_str_addf(&str, "<domain type='kvm'><name>many</name><memory unit='GiB'>256</memory>"
		       "<vcpu>24</vcpu><os%s><type arch='x86_64' machine='%s'>hvm</type></os>%s<devices>",
		       guest->firmware, guest->machine, guest->cpu);
	for (int i = 0; i < 16; i++)
		gpupt_str_addf(&str, "<controller type='pci' index='%d' model='pcie-root-port'/>",
			       i + 1);
	gpupt_str_adds(&str, "<interface type='network'><model type='virtio'/></interface>"
		       "<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>");
	for (int i = 0; i < N_GPUS + N_SWITCHES; i++)
		gpupt_str_addf(&str, "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
			       "<address domain='0' bus='0x%02x' slot='0' function='0'/></source>"
			       "</hostdev>", 0x10 + i);
	gpupt_str_adds(&str, "</devices></domain>");
	char *text = gpupt_str_steal(&str, &length);
	if (!text || gpupt_domain_parse(text, length, "many", &domain, NULL) < 0)
		abort();
	free(text);
	return domain;
}

static void measure(const struct guest *guest, size_t rounds)
{
	static double samples[MAX_ROUNDS];
	struct gpupt_domain *domain = make_domain(guest);
	struct gpupt_inventory *inventory = make_inventory(guest);
	struct gpupt_request *request = gpupt_request_new();
	size_t cases = 0;
	const char *verdict = "";
	for (size_t i = 0; i < rounds; i++) {
		struct gpupt_plan *plan = NULL;
		double start = bench_now_us();
		if (!request || gpupt_plan_make(domain, inventory, request, &plan, NULL) < 0)
			abort();
		samples[i] = bench_now_us() - start;
		gpupt_plan_get_possibilities(plan, &cases, NULL);
		verdict = gpupt_verdict_name(gpupt_plan_get_verdict(plan));
		gpupt_plan_free(plan);
	}
	printf("%-34s %5zu %9s %9.1f\n", guest->name, cases, verdict,
	       bench_median(samples, rounds));
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 201;
	if (rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	printf("gpupt_plan_make() for %d A100 80GB and %d NVSwitches; medians of CPU time; "
	       "the aim is 1000 us\n%-34s %5s %9s %9s\n", N_GPUS, N_SWITCHES, "guest", "cases",
	       "verdict", "us");
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		measure(&guests[i], rounds);
	return 0;
}
