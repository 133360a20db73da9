/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest as the model sees it, but for its devices and what it runs on:
 * machine, memory, CPU. What the domain does not settle is assumed and said. */

#include <stdio.h>

#include "plan/making.h"

enum {
	DEFAULT_PHYS_BITS = 40, /* QEMU, target/i386/cpu.c: any named model, and TCG */
	ASSUMED_MEMORY_KIB = 1 << 20,
};

static bool is_tcg(const struct gpupt_domain *domain)
{
	return domain->type && strcmp(domain->type, "qemu") == 0;
}

static unsigned int host_phys_bits(const struct gpupt_making *making)
{
	return making->inventory ? gpupt_inventory_get_host(making->inventory)->phys_bits : 0;
}

/* The width a CPU with the host's own width has; 0 when that is not known. */
static unsigned int passed_through_bits(const struct gpupt_making *making)
{
	unsigned int bits = host_phys_bits(making);
	unsigned int limit = making->domain->maxphysaddr_limit;
	return bits && limit && limit < bits ? limit : bits;
}

/* What libvirt makes of <cpu> and <maxphysaddr> (src/qemu/qemu_command.c, 9.3),
 * and QEMU's defaults (target/i386/cpu.c x86_cpu_realizefn, host-cpu.c). */
static void set_phys_bits(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	bool follows_host = domain->maxphysaddr == GPUPT_MAXPHYSADDR_PASSTHROUGH ||
			    domain->cpu_mode == GPUPT_CPU_HOST_PASSTHROUGH ||
			    domain->cpu_mode == GPUPT_CPU_MAXIMUM;
	unsigned int bits = DEFAULT_PHYS_BITS;
	if (domain->maxphysaddr == GPUPT_MAXPHYSADDR_EMULATE && domain->maxphysaddr_bits) {
		bits = domain->maxphysaddr_bits;
	} else if (domain->maxphysaddr != GPUPT_MAXPHYSADDR_EMULATE && follows_host &&
		   !is_tcg(domain)) {
		bits = passed_through_bits(making);
		hole->phys_bits_assumed = bits == 0;
		if (!bits)
			bits = DEFAULT_PHYS_BITS;
	}
	making->guest.phys_bits = bits;
	hole->phys_bits = bits;
	if (hole->phys_bits_assumed)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_ADDRESS_WIDTH_ASSUMED,
				   NULL, NULL, "cpu",
				   "the guest CPU has the host's physical address width, which is "
				   "not known; %u bits are assumed", bits);
}

/* QEMU's IS_AMD_CPU looks at the vendor string: under KVM the host's, under TCG
 * the CPU model's (target/i386/cpu.c x86_cpu_load_model). */
static void set_vendor(struct gpupt_making *making)
{
	static const char *const amd_models[] = { "EPYC", "Opteron", "athlon", "phenom", "qemu64",
						  "qemu32", "max" };
	const struct gpupt_domain *domain = making->domain;
	const char *vendor = NULL;
	if (!is_tcg(domain) && making->inventory)
		vendor = gpupt_inventory_get_host(making->inventory)->cpu_vendor;
	if (vendor) {
		making->guest.vendor_amd = strcmp(vendor, "AuthenticAMD") == 0;
		making->guest.vendor_intel = strcmp(vendor, "GenuineIntel") == 0;
		return;
	}
	if (!is_tcg(domain)) {
		making->vendor_unknown = true;
		return;
	}
	const char *model = domain->cpu_model ? domain->cpu_model : "qemu64";
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(amd_models); i++)
		if (strncmp(model, amd_models[i], strlen(amd_models[i])) == 0)
			making->guest.vendor_amd = true;
	making->guest.vendor_intel = !making->guest.vendor_amd;
}

/* <memory> counts memory devices too; QEMU's -m does not
 * (virDomainDefGetMemoryInitial, src/conf/domain_conf.c, 9.0). */
static void set_memory(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	uint64_t kib = domain->memory_kib;
	if (!domain->has_memory) {
		kib = ASSUMED_MEMORY_KIB;
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_MEMORY_UNKNOWN, NULL, NULL,
				   "memory", "the domain has no <memory>; 1 GiB is assumed");
	}
	uint64_t bytes = gpupt_mul(kib, GPUPT_KIB);
	for (size_t i = 0; i < domain->n_others; i++)
		if (strcmp(domain->others[i].tag, "memory") == 0)
			bytes = gpupt_sub(bytes, domain->others[i].size_bytes);
	making->guest.ram_bytes = bytes;
	making->guest.max_ram_bytes = gpupt_mul(domain->max_memory_kib, GPUPT_KIB);
	making->guest.memory_slots = domain->memory_slots;
}

/* "pc-q35-7.2" -> 702; 0 where the name has no upstream version. */
static unsigned int machine_version(const char *machine)
{
	const char *dash = machine ? strrchr(machine, '-') : NULL;
	unsigned int major, minor;
	char rest;
	if (!dash || sscanf(dash + 1, "%2u.%2u%c", &major, &minor, &rest) != 2 || minor > 99)
		return 0;
	return major * 100 + minor;
}

static void report_assumptions(struct gpupt_making *making)
{
	if (making->machine == GPUPT_MACHINE_UNKNOWN)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_MACHINE_ASSUMED, NULL, NULL,
				   "os", "the domain names no machine type; libvirt's default for "
				   "x86 (i440fx) is assumed");
}

int gpupt_make_guest(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	making->guest = (struct gpupt_mmio_guest){
		.machine = making->machine == GPUPT_MACHINE_HAS_Q35 ? GPUPT_MACHINE_Q35 :
								      GPUPT_MACHINE_I440FX,
		.machine_version = machine_version(domain->machine),
		.realloc = domain->kernel && domain->cmdline &&
			   strstr(domain->cmdline, "pci=realloc"),
	};
	set_memory(making);
	set_phys_bits(making);
	set_vendor(making);
	gpupt_make_commandline(making);
	report_assumptions(making);
	return 0;
}
