/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Firmware, QEMU, guest kernel and CPU vendor, as far as they are known. What is
 * not known is a set of possibilities, and a plan has to hold for all of them. */

#include <ctype.h>
#include <stdio.h>

#include "firmware/firmware.h"
#include "plan/making.h"

struct platform {
	const char *id;
	const char *name;
	unsigned int qemu, ovmf;
	bool keeps_override;
	unsigned int seabios;
	bool booted;
};

static const struct platform platforms[] = {
#define PLATFORM(id, name, qemu, ovmf, keeps, seabios, booted)                                 \
	{ id, name, qemu, ovmf, keeps, seabios, booted },
#include "plan/platforms.def"
#undef PLATFORM
};

/* Linux sizes bridge windows in two ways; the change came between these. */
static const struct kernel {
	const char *name;
	unsigned int version;
} kernels[] = {
	{ "Linux up to 6.12", 612 },
	{ "Linux 7.2", 702 },
};

enum { LAST_OLD_KERNEL = 612, FIRST_NEW_KERNEL = 702, GUEST_PHYS_BITS_SINCE = 901 };

/* ---- what the user says */

static bool starts(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

int gpupt_firmware_check(const char *text, struct gpupt_error **error)
{
	if (strcmp(text, "ovmf") == 0 || strcmp(text, "seabios") == 0 || gpupt_ovmf_release(text) ||
	    gpupt_seabios_release(text))
		return 0;
	char known[512] = "";
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(platforms); i++) {
		if (strcmp(platforms[i].id, text) == 0)
			return 0;
		snprintf(known + strlen(known), sizeof(known) - strlen(known), ", %s",
			 platforms[i].id);
	}
	return gpupt_fail(error, GPUPT_E_SYNTAX,
			  "there is no firmware \"%s\"; known are ovmf, seabios, "
			  "edk2-stableYYYYMM, seabios-1.N.N%s", text, known);
}

int gpupt_kernel_parse(const char *text, unsigned int *ret, struct gpupt_error **error)
{
	unsigned int major, minor;
	int length = 0;
	if (sscanf(text, "%2u.%2u%n", &major, &minor, &length) < 2 || major < 2 ||
	    isdigit((unsigned char)text[length]))
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "\"%s\" is no version of Linux, such as 6.1", text);
	*ret = major * 100 + minor;
	return 0;
}

/* ---- what the domain says */

static bool wants_ovmf(const struct gpupt_making *making)
{
	enum gpupt_tristate said =
		gpupt_means_ovmf(making->release ? making->release : making->request->firmware);
	return said ? said == GPUPT_YES : gpupt_asks_ovmf(making->domain);
}

static bool is_kvm(const struct gpupt_domain *domain)
{
	return !domain->type || strcmp(domain->type, "qemu") != 0;
}

/* Whether the guest's CPU has 1 GiB pages (CPUID pdpe1gb; QEMU 7.2's
 * target/i386/cpu.c): yes, no, or GPUPT_UNSET where the domain does not say. */
static enum gpupt_tristate pages_1g(const struct gpupt_domain *domain)
{
	static const char *const with[] = {
		"Skylake-Server", "Cascadelake", "Cooperlake", "Icelake-Server", "SapphireRapids",
		"GraniteRapids", "SierraForest", "EPYC", "Dhyana", "Opteron_G4", "Opteron_G5",
		"phenom", "max", "host",
	};
	if (domain->cpu_pages_1g)
		return domain->cpu_pages_1g;
	switch (domain->cpu_mode) {
	case GPUPT_CPU_HOST_PASSTHROUGH:
	case GPUPT_CPU_MAXIMUM:
		return GPUPT_YES;
	case GPUPT_CPU_HOST_MODEL:
		return GPUPT_UNSET;
	default:
		break;
	}
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(with); i++)
		if (starts(domain->cpu_model, with[i]))
			return GPUPT_YES;
	return GPUPT_NO;
}

/* ---- the set */

static unsigned int release_of(const struct platform *platform, bool ovmf)
{
	return ovmf ? platform->ovmf : platform->seabios;
}

static int add_world(struct gpupt_making *making, const struct platform *platform,
		     const struct kernel *kernel, bool amd, bool intel, bool large_pages,
		     bool keeps_override)
{
	if (!GPUPT_GROW(making->worlds, making->n_worlds, making->c_worlds))
		return gpupt_fail_nomem(making->error);
	struct gpupt_world *world = &making->worlds[making->n_worlds++];
	struct gpupt_mmio_guest guest = making->guest;
	bool ovmf = wants_ovmf(making);
	const char *said = making->release;
	guest.qemu_version = platform->qemu;
	/* a QEMU that has the machine type */
	if (guest.machine_version > guest.qemu_version)
		guest.qemu_version = guest.machine_version;
	if (!guest.machine_version)
		guest.machine_version = platform->qemu;
	guest.firmware = ovmf ? GPUPT_FIRMWARE_OVMF : GPUPT_FIRMWARE_SEABIOS;
	guest.firmware_version = release_of(platform, ovmf);
	if (said)
		guest.firmware_version = ovmf ? gpupt_ovmf_release(said) :
						gpupt_seabios_release(said);
	guest.firmware_keeps_override = keeps_override;
	guest.kernel_version = kernel->version;
	guest.vendor_amd = amd;
	guest.vendor_intel = intel;
	guest.pages_1g = large_pages;
	/* kvm_set_guest_phys_bits(), target/i386/kvm/kvm-cpu.c; off before 9.1 machines
	 * (hw/i386/pc.c pc_compat_9_0) */
	if (is_kvm(making->domain) && guest.qemu_version >= GUEST_PHYS_BITS_SINCE &&
	    guest.machine_version >= GUEST_PHYS_BITS_SINCE)
		guest.guest_phys_bits = guest.phys_bits;
	bool tells_pages = !large_pages && making->pages_1g == GPUPT_UNSET;
	*world = (struct gpupt_world){
		.guest = guest,
		.booted = platform->booted,
		.name_parts = { said ? said : platform->name, kernel->name,
				!making->vendor_unknown ? NULL : amd ? "AMD host" : "Intel host",
				tells_pages ? "no 1 GiB pages" : NULL },
	};
	return 0;
}

const char *gpupt_world_name(struct gpupt_making *making, const struct gpupt_world *world)
{
	return gpupt_making_had(making, gpupt_arena_join(&making->plan->arena, world->name_parts,
							 GPUPT_ARRAY_SIZE(world->name_parts), ", "));
}

/* A file of a release that some distribution changed may be that distribution's. */
static bool may_keep_override(const char *release)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(platforms); i++)
		if (platforms[i].keeps_override &&
		    platforms[i].ovmf == gpupt_ovmf_release(release))
			return true;
	return false;
}

static int add_builds(struct gpupt_making *making, const struct platform *platform,
		      const struct kernel *kernel, bool amd, bool intel, bool large_pages)
{
	int r = add_world(making, platform, kernel, amd, intel, large_pages,
			  !making->release && platform->keeps_override);
	if (r == 0 && making->release_of_file && making->guest.has_window_override &&
	    may_keep_override(making->release))
		r = add_world(making, platform, kernel, amd, intel, large_pages, true);
	return r;
}

static int add_vendors(struct gpupt_making *making, const struct platform *platform,
		       const struct kernel *kernel, bool large_pages)
{
	if (!making->vendor_unknown)
		return add_builds(making, platform, kernel, making->guest.vendor_amd,
				  making->guest.vendor_intel, large_pages);
	int r = add_builds(making, platform, kernel, false, true, large_pages);
	return r < 0 ? r : add_builds(making, platform, kernel, true, false, large_pages);
}

static int add_cpus(struct gpupt_making *making, const struct platform *platform,
		    const struct kernel *kernel)
{
	enum gpupt_tristate large = making->pages_1g;
	/* 1 GiB pages matter to OVMF's trust in more than 40 bits, to nothing else */
	if (large == GPUPT_UNSET && making->guest.phys_bits <= 40)
		large = GPUPT_YES;
	int r = 0;
	if (large != GPUPT_NO)
		r = add_vendors(making, platform, kernel, true);
	if (r == 0 && large != GPUPT_YES)
		r = add_vendors(making, platform, kernel, false);
	return r;
}

static bool kernel_possible(const struct gpupt_making *making, const struct kernel *kernel)
{
	unsigned int said = making->request->guest_kernel;
	if (!said)
		return true;
	if (kernel->version <= LAST_OLD_KERNEL)
		return said < FIRST_NEW_KERNEL;
	return said > LAST_OLD_KERNEL;
}

/* The platform of a host, by its os-release: "debian-12", "rhel-9.4" and what is
 * built from the same sources; NULL for one that is not listed. */
static const struct platform *platform_of_host(const struct gpupt_making *making)
{
	static const char *const like_rhel[] = { "centos-", "rocky-", "almalinux-", "ol-" };
	const char *os = making->inventory ? gpupt_inventory_get_host(making->inventory)->os : NULL;
	char rhel[32];
	for (size_t i = 0; os && i < GPUPT_ARRAY_SIZE(like_rhel); i++) {
		if (!starts(os, like_rhel[i]))
			continue;
		snprintf(rhel, sizeof(rhel), "rhel-%.20s", os + strlen(like_rhel[i]));
		os = rhel;
	}
	for (size_t i = 0; os && i < GPUPT_ARRAY_SIZE(platforms); i++) {
		size_t length = strlen(platforms[i].id);
		if (starts(os, platforms[i].id) && (!os[length] || os[length] == '.'))
			return &platforms[i];
	}
	return NULL;
}

/* Whether the firmware is the distribution's own: libvirt picks it, or the path is
 * where packages put it. */
static bool firmware_is_packaged(const struct gpupt_domain *domain)
{
	return !domain->loader || starts(domain->loader, "/usr/share/");
}

static const struct platform *platform_said(const struct gpupt_making *making)
{
	const char *said = making->request->firmware;
	for (size_t i = 0; said && i < GPUPT_ARRAY_SIZE(platforms); i++)
		if (strcmp(platforms[i].id, said) == 0)
			return &platforms[i];
	return NULL;
}

static bool has_machine(const struct gpupt_making *making, const struct platform *platform)
{
	return making->guest.machine_version <= platform->qemu;
}

unsigned int gpupt_release_of_platform(const char *id, bool ovmf)
{
	for (size_t i = 0; id && i < GPUPT_ARRAY_SIZE(platforms); i++)
		if (strcmp(platforms[i].id, id) == 0)
			return release_of(&platforms[i], ovmf);
	return 0;
}

unsigned int gpupt_release_of_host(const struct gpupt_making *making, bool ovmf)
{
	const struct platform *host = platform_of_host(making);
	return host && firmware_is_packaged(making->domain) && has_machine(making, host) ?
		       release_of(host, ovmf) : 0;
}

/* RHEL's machine types are in RHEL's QEMU only. */
static bool is_of_vendor(const struct gpupt_making *making, const struct platform *platform)
{
	const char *machine = making->domain->machine;
	return !machine || !strstr(machine, "rhel") || starts(platform->id, "rhel-");
}

static bool platform_possible(const struct gpupt_making *making, const struct platform *platform)
{
	const struct platform *said = platform_said(making);
	if (said)
		return platform == said;
	const struct platform *host =
		making->request->firmware && !making->release_of_file ?
			NULL : platform_of_host(making);
	/* a host with a newer QEMU may have a newer firmware as well */
	if (host && has_machine(making, host) &&
	    (making->release_of_file || firmware_is_packaged(making->domain)))
		return platform == host;
	return has_machine(making, platform) && is_of_vendor(making, platform);
}

static int add_platforms(struct gpupt_making *making)
{
	for (size_t p = 0; p < GPUPT_ARRAY_SIZE(platforms); p++) {
		if (!platform_possible(making, &platforms[p]))
			continue;
		for (size_t k = 0; k < GPUPT_ARRAY_SIZE(kernels); k++) {
			if (!kernel_possible(making, &kernels[k]))
				continue;
			int r = add_cpus(making, &platforms[p], &kernels[k]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Two worlds in which the model does the same are one. */
static bool same_guest(const struct gpupt_mmio_guest *a, const struct gpupt_mmio_guest *b)
{
	return a->machine_version == b->machine_version && a->qemu_version == b->qemu_version &&
	       a->guest_phys_bits == b->guest_phys_bits && a->vendor_amd == b->vendor_amd &&
	       a->vendor_intel == b->vendor_intel && a->pages_1g == b->pages_1g &&
	       a->firmware == b->firmware && a->firmware_version == b->firmware_version &&
	       a->firmware_keeps_override == b->firmware_keeps_override &&
	       a->kernel_version == b->kernel_version;
}

static void drop_doubles(struct gpupt_making *making)
{
	size_t kept = 0;
	for (size_t i = 0; i < making->n_worlds; i++) {
		size_t j = 0;
		while (j < kept && !same_guest(&making->worlds[i].guest, &making->worlds[j].guest))
			j++;
		if (j == kept)
			making->worlds[kept++] = making->worlds[i];
	}
	making->n_worlds = kept;
}

/* Most worlds differ in name only. */
static void find_alike(struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_worlds; i++) {
		uint64_t traits = gpupt_mmio_traits(&making->worlds[i].guest);
		size_t model = 0;
		while (model < i && making->worlds[model].traits != traits)
			model++;
		making->worlds[i].traits = traits;
		making->worlds[i].model = model;
		making->worlds[model].weight++;
	}
}

/* What the domain says and what the user says, or the host is, may not agree. */
static void check_agreement(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	const char *said = making->request->firmware;
	bool ovmf = gpupt_asks_ovmf(domain);
	enum gpupt_tristate kind = gpupt_means_ovmf(said);
	if (kind && (kind == GPUPT_YES) != ovmf)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FIRMWARE_DOUBTFUL, domain,
				   &domain->os, "os", "the domain asks for %s, and %s is what was "
				   "said; that is taken", ovmf ? "OVMF" : "SeaBIOS", said);
	const struct platform *platform = platform_said(making);
	if (!platform && !said)
		platform = platform_of_host(making);
	if (!platform)
		platform = &platforms[GPUPT_ARRAY_SIZE(platforms) - 1];
	if (!has_machine(making, platform))
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_FIRMWARE_DOUBTFUL, domain,
				   &domain->os, "os", "machine type %s is newer than the QEMU of %s",
				   domain->machine, platform->name);
}

int gpupt_make_worlds(struct gpupt_making *making)
{
	gpupt_settle_firmware(making);
	check_agreement(making);
	making->pages_1g = pages_1g(making->domain);
	int r = add_platforms(making);
	if (r < 0)
		return r;
	if (!making->n_worlds) {
		/* a machine type newer than all that is known: take the newest QEMU */
		const struct platform *newest = &platforms[GPUPT_ARRAY_SIZE(platforms) - 1];
		for (size_t k = 0; k < GPUPT_ARRAY_SIZE(kernels) && r == 0; k++)
			r = add_cpus(making, newest, &kernels[k]);
	}
	drop_doubles(making);
	find_alike(making);
	return r;
}
