/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks QEMU, firmware and libvirt for versions with known faults. */
#include <stdio.h>

#include <gpupt/size.h>

#include "doctor/doctor.h"
#include "domain/domain.h"

#define DPKG_STATUS_MAX (64 * GPUPT_MIB)
#define BAR_THAT_MAPS_SLOWLY (16 * GPUPT_GIB)

struct version {
	bool known;
	unsigned int numbers[3];
	char text[GPUPT_VERSION_MAX];
};

static bool is_before(const struct version *version, unsigned int major_number,
		      unsigned int minor_number)
{
	return version->numbers[0] < major_number ||
	       (version->numbers[0] == major_number && version->numbers[1] < minor_number);
}

/* libvirt's way of writing a version: 1000000 * major + 1000 * minor + release */
static struct version from_number(unsigned int number)
{
	struct version version = {
		.known = number != 0,
		.numbers = { number / 1000000, number / 1000 % 1000, number % 1000 },
	};
	snprintf(version.text, sizeof(version.text), "%u.%u.%u", version.numbers[0],
		 version.numbers[1], version.numbers[2]);
	return version;
}

/* The first of some packages that is installed. */
static struct version from_packages(const char *status, const char *const *packages)
{
	struct version version = { 0 };
	for (size_t i = 0; status && packages[i] && !version.known; i++)
		version.known = gpupt_dpkg_find(status, packages[i], version.text) &&
				gpupt_version_parse(version.text, version.numbers);
	return version;
}

static uint64_t largest_bar(const struct gpupt_making_checkup *making)
{
	uint64_t largest = 0;
	GPUPT_FOR_EACH_DEVICE(making, device)
		if (gpupt_examined_largest_bar(device) > largest)
			largest = gpupt_examined_largest_bar(device);
	return largest;
}

static void check_qemu(struct gpupt_making_checkup *making, const struct version *qemu)
{
	char size[GPUPT_SIZE_TEXT_MAX];
	uint64_t largest = largest_bar(making);
	gpupt_checkup_saw(making, "QEMU %s", qemu->text);
	if (is_before(qemu, 10, 1) && largest >= BAR_THAT_MAPS_SLOWLY)
		gpupt_checkup_found(making, GPUPT_FINDING_QEMU_SLOW_MAPPING, NULL,
				    "QEMU %s may take long to map BARs of %s", qemu->text,
				    gpupt_size_format(largest, size));
}

static void check_libvirt(struct gpupt_making_checkup *making, const struct version *libvirt)
{
	gpupt_checkup_saw(making, "libvirt %s", libvirt->text);
	if (is_before(libvirt, 6, 3))
		gpupt_checkup_found(making, GPUPT_FINDING_LIBVIRT_LACKS, NULL,
				    "libvirt %s has no <target hotplug='off'/> (6.3), no "
				    "<maxphysaddr> (8.7), and drops memReserve= in silence (10.3)",
				    libvirt->text);
	else if (is_before(libvirt, 8, 7))
		gpupt_checkup_found(making, GPUPT_FINDING_LIBVIRT_LACKS, NULL,
				    "libvirt %s has no <maxphysaddr> (8.7), and drops memReserve= "
				    "in silence (10.3)", libvirt->text);
	else if (is_before(libvirt, 10, 3))
		gpupt_checkup_found(making, GPUPT_FINDING_LIBVIRT_LACKS, NULL,
				    "libvirt %s drops memReserve= in silence (10.3)",
				    libvirt->text);
}

/* In its pad mode each hotplug port's window is aligned to 2^(bits-11), even where a
 * BAR is larger, and bits are at most 46 (src/fw/pciinit.c of 1.16.3; e5f2e4c6 in
 * 1.17 mends it). A guest with fewer bits than its host is hit by smaller BARs still. */
static void check_seabios(struct gpupt_making_checkup *making, const struct version *seabios)
{
	char limit[GPUPT_SIZE_TEXT_MAX];
	unsigned int bits = making->host ? making->host->phys_bits : 0;
	bits = bits && bits < 46 ? bits : 46;
	uint64_t aligned = UINT64_C(1) << (bits > 11 ? bits - 11 : 0);
	gpupt_checkup_saw(making, "SeaBIOS %s", seabios->text);
	if (seabios->numbers[0] == 1 && seabios->numbers[1] == 16 && seabios->numbers[2] == 3 &&
	    largest_bar(making) > aligned)
		gpupt_checkup_found(making, GPUPT_FINDING_SEABIOS_MISALIGNS, NULL,
				    "SeaBIOS %s misplaces BARs larger than %s in guests with %u "
				    "address bits and memory above 4 GiB, with fewer bits smaller "
				    "ones too", seabios->text, gpupt_size_format(aligned, limit),
				    bits);
}

static void check_ovmf(struct gpupt_making_checkup *making, const struct version *ovmf)
{
	gpupt_checkup_saw(making, "OVMF %s", ovmf->text);
	if (is_before(ovmf, 2022, 11) && ovmf->numbers[0] >= 2000)
		gpupt_checkup_found(making, GPUPT_FINDING_OVMF_CLASSIC, NULL,
				    "OVMF %s always has a 64-bit window of 32 GiB", ovmf->text);
}

enum { QEMU, LIBVIRT, SEABIOS, OVMF, N_PROGRAMS };

/* What to look for; the guest's firmware is one of the two. */
static const struct program {
	const char *name;
	const char *packages[4];
	void (*check)(struct gpupt_making_checkup *making, const struct version *version);
} programs[N_PROGRAMS] = {
	[QEMU] = { "QEMU", { "qemu-system-x86", "pve-qemu-kvm" }, check_qemu },
	[LIBVIRT] = { "libvirt", { "libvirt-daemon", "libvirt0" }, check_libvirt },
	[SEABIOS] = { "SeaBIOS", { "seabios" }, check_seabios },
	[OVMF] = { "OVMF", { "ovmf" }, check_ovmf },
};

static bool concerns(const struct gpupt_domain *domain, size_t program)
{
	if (!domain || program < SEABIOS)
		return true;
	bool efi = domain->loader ||
		   (domain->os_firmware && strcmp(domain->os_firmware, "efi") == 0);
	return efi == (program == OVMF);
}

static bool has_rpm(struct gpupt_making_checkup *making)
{
	static const char *const places[] = { "var/lib/rpm", "usr/lib/sysimage/rpm" };
	struct gpupt_trouble trouble;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(places); i++) {
		GPUPT_AUTO_CLOSE_DIR DIR *dir =
			gpupt_tree_list(&making->tree, GPUPT_IN_ROOT, places[i], &trouble);
		if (dir)
			return true;
	}
	return false;
}

void gpupt_check_versions(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble = { 0 };
	GPUPT_AUTOFREE char *status = gpupt_tree_read(&making->tree, GPUPT_IN_ROOT,
						      "var/lib/dpkg/status", DPKG_STATUS_MAX,
						      &trouble);
	struct version given[N_PROGRAMS] = {
		[QEMU] = from_number(making->options->qemu_version),
		[LIBVIRT] = from_number(making->options->libvirt_version),
	};
	struct gpupt_str missing = { 0 };
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct version version = given[i];
		if (!concerns(making->domain, i))
			continue;
		if (!version.known)
			version = from_packages(status, programs[i].packages);
		if (version.known)
			programs[i].check(making, &version);
		else
			gpupt_str_addf(&missing, "%s%s", missing.length ? ", " : "",
				       programs[i].name);
	}
	if (missing.length && !status && has_rpm(making))
		gpupt_checkup_missed(making, "%s: RPM's database is not read; see rpm -q qemu-kvm "
				     "libvirt-daemon seabios-bin edk2-ovmf", missing.data);
	else if (missing.length && status)
		gpupt_checkup_missed(making, "%s: no package of the distribution's", missing.data);
	else if (missing.length)
		gpupt_checkup_missed(making, "%s: %s", missing.data, trouble.text);
	making->no_memory |= missing.failed;
	gpupt_str_clear(&missing);
}
