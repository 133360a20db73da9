/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest as the model sees it, but for its devices and what it runs on:
 * machine, memory, CPU. What the domain does not settle is assumed and said. */

#include <stdio.h>

#include "plan/making.h"

enum {
	DEFAULT_PHYS_BITS = 40, /* QEMU, target/i386/cpu.c: any named model, and TCG */
	LEAST_PHYS_BITS = 32,   /* x86_cpu_realizefn(): QEMU refuses others */
	MOST_PHYS_BITS = 52,
	RHEL_PHYS_BITS = 48,
	ASSUMED_MEMORY_KIB = 1 << 20,
};

static bool is_tcg(const struct gpupt_domain *domain)
{
	return gpupt_is(domain->type, "qemu");
}

static unsigned int host_phys_bits(const struct gpupt_making *making)
{
	return making->inventory ? gpupt_inventory_get_host(making->inventory)->phys_bits : 0;
}

static void contradict(struct gpupt_making *making, const struct gpupt_element *element,
		       const char *subject, const char *text)
{
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_CONTRADICTION, making->domain,
			   element, subject, "%s", text);
}

/* RHEL's machine types, and those of Ubuntu that end in -hpb, give every CPU model
 * the host's width under KVM (QEMU as these distributions patch it). */
static unsigned int machine_limit(const char *machine)
{
	const char *end = machine ? strrchr(machine, '-') : NULL;
	if (machine && strstr(machine, "rhel"))
		return RHEL_PHYS_BITS;
	return gpupt_is(end, "-hpb") ? MOST_PHYS_BITS : 0;
}

/* At least what QEMU would make of any CPU, and enough for the memory: such a guest
 * runs somewhere. */
static unsigned int assumed_bits(const struct gpupt_making *making)
{
	unsigned int bits = DEFAULT_PHYS_BITS;
	while (bits < MOST_PHYS_BITS &&
	       gpupt_qemu_hole_start(&making->guest) >= UINT64_C(1) << bits)
		bits++;
	return bits;
}

/* The width of a CPU that has the host's own; limit: 0 for none. */
static unsigned int passed_through_bits(struct gpupt_making *making, unsigned int limit)
{
	unsigned int bits = host_phys_bits(making);
	making->plan->hole.phys_bits_assumed = bits == 0;
	if (!bits)
		bits = assumed_bits(making);
	return limit && limit < bits ? limit : bits;
}

/* libvirt and QEMU refuse such a guest; see virCPU and x86_cpu_realizefn(). */
static void check_emulated_bits(struct gpupt_making *making, unsigned int bits)
{
	unsigned int most = host_phys_bits(making);
	if (bits < LEAST_PHYS_BITS || bits > MOST_PHYS_BITS)
		contradict(making, &making->domain->cpu, "maxphysaddr",
			   gpupt_making_text(making, "<maxphysaddr> has %u bits, and QEMU knows "
					     "of %u to %u", bits, LEAST_PHYS_BITS,
					     MOST_PHYS_BITS));
	else if (most && bits > most && !is_tcg(making->domain))
		contradict(making, &making->domain->cpu, "maxphysaddr",
			   gpupt_making_text(making, "<maxphysaddr> has %u bits, and the host's CPU "
					     "has %u", bits, most));
}

/* What libvirt makes of <cpu> and <maxphysaddr> (src/qemu/qemu_command.c, 9.3),
 * and QEMU's defaults (target/i386/cpu.c x86_cpu_realizefn, host-cpu.c). */
static unsigned int find_phys_bits(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	unsigned int limit = machine_limit(domain->machine);
	if (domain->maxphysaddr == GPUPT_MAXPHYSADDR_EMULATE && domain->maxphysaddr_bits) {
		check_emulated_bits(making, domain->maxphysaddr_bits);
		return domain->maxphysaddr_bits;
	}
	if (domain->maxphysaddr == GPUPT_MAXPHYSADDR_EMULATE || is_tcg(domain))
		return DEFAULT_PHYS_BITS;
	if (domain->maxphysaddr == GPUPT_MAXPHYSADDR_PASSTHROUGH && domain->maxphysaddr_limit)
		return passed_through_bits(making, domain->maxphysaddr_limit);
	if (domain->maxphysaddr == GPUPT_MAXPHYSADDR_PASSTHROUGH ||
	    domain->cpu_mode == GPUPT_CPU_HOST_PASSTHROUGH ||
	    domain->cpu_mode == GPUPT_CPU_MAXIMUM || limit)
		return passed_through_bits(making, limit);
	return DEFAULT_PHYS_BITS;
}

static void set_phys_bits(struct gpupt_making *making)
{
	struct gpupt_hole_numbers *hole = &making->plan->hole;
	unsigned int bits = making->cure.phys_bits;
	if (!bits)
		bits = find_phys_bits(making);
	making->guest.phys_bits = bits;
	hole->phys_bits = bits;
	if (hole->phys_bits_assumed)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_ADDRESS_WIDTH_ASSUMED,
				   making->domain, &making->domain->cpu, "cpu",
				   "the guest CPU has the host's physical address width, which is "
				   "not known; %u bits are assumed", bits);
}

/* QEMU's IS_AMD_CPU looks at the vendor string: under KVM the host's, under TCG
 * the CPU model's (target/i386/cpu.c x86_cpu_load_model). */
static void set_vendor(struct gpupt_making *making)
{
	static const char *const amd_models[] = { "EPYC", "Opteron", "athlon", "phenom", "qemu64",
						  "max" };
	static const char *const others[] = { "Dhyana", "YongFeng" };
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
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(others); i++)
		if (strncmp(model, others[i], strlen(others[i])) == 0)
			making->guest.vendor_intel = false;
}

/* <memory> counts memory devices too, QEMU's -m does not; NUMA cells do without them
 * and win (virDomainDefPostParseMemory(), virDomainDefGetMemoryInitial(),
 * src/conf/, 9.0). */
static uint64_t initial_memory(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	uint64_t devices = 0;
	for (size_t i = 0; i < domain->n_others; i++)
		if (strcmp(domain->others[i].tag, "memory") == 0)
			devices = gpupt_add(devices, domain->others[i].size_bytes);
	if (domain->cells_kib)
		return gpupt_mul(domain->cells_kib, GPUPT_KIB);
	if (!domain->has_memory) {
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_MEMORY_UNKNOWN, domain,
				   &domain->memory, "memory",
				   "the domain has no usable <memory>; 1 GiB is assumed");
		return (uint64_t)ASSUMED_MEMORY_KIB * GPUPT_KIB;
	}
	uint64_t bytes = gpupt_mul(domain->memory_kib, GPUPT_KIB);
	if (devices >= bytes)
		contradict(making, &domain->memory, "memory",
			   gpupt_making_text(making, "<memory> is %s, and the memory devices alone "
					     "have %s", gpupt_making_size(making, bytes),
					     gpupt_making_size(making, devices)));
	return gpupt_sub(bytes, devices);
}

static void set_memory(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	struct gpupt_mmio_guest *guest = &making->guest;
	guest->ram_bytes = initial_memory(making);
	guest->max_ram_bytes = gpupt_mul(domain->max_memory_kib, GPUPT_KIB);
	guest->memory_slots = domain->memory_slots;
	guest->epc_bytes = gpupt_mul(domain->sgx_epc_kib, GPUPT_KIB);
	if (guest->max_ram_bytes && guest->max_ram_bytes < guest->ram_bytes)
		contradict(making, &domain->memory, "maxMemory",
			   gpupt_making_text(making, "<maxMemory> is %s, less than the guest's "
					     "memory of %s",
					     gpupt_making_size(making, guest->max_ram_bytes),
					     gpupt_making_size(making, guest->ram_bytes)));
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
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_MACHINE_ASSUMED,
				   making->domain, &making->domain->os, "os", "the domain names no machine type; libvirt's default for "
				   "x86 (i440fx) is assumed");
}

/* Linux's pci= options come separated by commas, the last one counts
 * (drivers/pci/pci.c pci_setup(), setup-bus.c pci_realloc_get_opt()). */
static void read_pci_option(struct gpupt_making *making, const char *option, size_t length)
{
	static const char *const others[] = { "nocrs", "use_e820", "no_e820", "hpmemsize=",
					      "hpmmiosize=", "hpmmioprefsize=", "hpiosize=",
					      "resource_alignment=", "big_root_window", "off" };
	if (strncmp(option, "realloc", 7) == 0 && (length == 7 || option[7] == '=')) {
		making->guest.realloc = length == 7 || strncmp(option + 8, "on", 2) == 0;
		return;
	}
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(others); i++)
		if (strncmp(option, others[i], strlen(others[i])) == 0)
			gpupt_findings_add(&making->plan->findings,
					   GPUPT_FINDING_COMMANDLINE_IGNORED, making->domain,
					   &making->domain->os, "cmdline", "pci=%.*s on the guest "
					   "kernel's command line is left out of account",
					   (int)(length < 64 ? length : 64), option);
}

static void read_kernel_options(struct gpupt_making *making)
{
	const char *text = making->domain->kernel ? making->domain->cmdline : NULL;
	for (const char *word = text; word && *word; word += strcspn(word, " \t\n")) {
		word += strspn(word, " \t\n");
		if (strncmp(word, "pci=", 4) != 0)
			continue;
		const char *end = word + strcspn(word, " \t\n");
		for (const char *option = word + 4; option < end; option++) {
			size_t length = strcspn(option, ", \t\n");
			read_pci_option(making, option, length);
			option += length;
		}
	}
}

int gpupt_make_guest(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	making->guest = (struct gpupt_mmio_guest){
		.machine = making->machine == GPUPT_MACHINE_HAS_Q35 ? GPUPT_MACHINE_Q35 :
								      GPUPT_MACHINE_I440FX,
		.machine_version = machine_version(domain->machine),
	};
	read_kernel_options(making);
	set_memory(making);
	set_phys_bits(making);
	set_vendor(making);
	gpupt_make_commandline(making);
	making->guest.realloc |= making->cure.realloc;
	if (making->cure.window_mib) {
		making->guest.has_window_override = true;
		making->guest.window_override_mib = making->cure.window_mib;
	}
	report_assumptions(making);
	return 0;
}
