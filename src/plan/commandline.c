/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <qemu:commandline>: what of it the model reads, and what of it should not pass in
 * silence because it changes the guest's address space. */

#include <stdio.h>
#include <strings.h>

#include "plan/making.h"

#define WINDOW_NAME "opt/ovmf/X-PciMmio64Mb"

static const struct gpupt_element *place_of(const struct gpupt_making *making)
{
	return &making->domain->commandline;
}

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The value of "key=" in "a=b,c=d", and its length; NULL when it is not there. */
static const char *find_key(const char *list, const char *key, size_t *ret_length)
{
	size_t length = strlen(key);
	for (const char *item = list; item; item = strchr(item, ',')) {
		item += *item == ',';
		if (strncmp(item, key, length) != 0 || item[length] != '=')
			continue;
		const char *value = item + length + 1;
		*ret_length = strcspn(value, ",");
		return value;
	}
	return NULL;
}

/* ---- -global q35-pcihost.pci-hole64-size=2T */

/* A size as QEMU reads it (util/cutils.c, qemu_strtosz()), but for fractions: bytes,
 * or one letter for a power of 1024. */
static bool read_size(const char *text, size_t length, uint64_t *ret)
{
	static const char letters[] = "bkmgtpe";
	uint64_t number = 0, unit = 1;
	size_t at = 0;
	for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
		number = gpupt_add(gpupt_mul(number, 10), (uint64_t)(text[at] - '0'));
	if (at == 0 || at + 1 < length)
		return false;
	if (at < length) {
		const char *letter = strchr(letters, text[at] | 0x20);
		if (!letter || !*letter)
			return false;
		unit = UINT64_C(1) << (10 * (letter - letters));
	}
	*ret = gpupt_mul(number, unit);
	return *ret != UINT64_MAX;
}

static void read_global(struct gpupt_making *making, const char *text)
{
	bool q35 = making->guest.machine == GPUPT_MACHINE_Q35;
	const char *prefix = q35 ? "q35-pcihost.pci-hole64-size=" :
				   "i440FX-pcihost.pci-hole64-size=";
	const char *driver = q35 ? "driver=q35-pcihost" : "driver=i440FX-pcihost";
	size_t length = 0;
	const char *value = NULL;
	if (starts(text, prefix)) {
		value = text + strlen(prefix);
		length = strlen(value);
	} else if (strstr(text, driver) && strstr(text, "property=pci-hole64-size")) {
		value = find_key(text, "value", &length);
	}
	if (!value)
		return;
	making->has_commandline_hole = read_size(value, length, &making->commandline_hole);
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_COMMANDLINE_HOLE, making->domain,
			   place_of(making), "qemu:commandline",
			   making->has_commandline_hole ?
			   "pci-hole64-size is %.*s in <qemu:commandline>, and that counts, "
			   "whatever <pcihole64> says" :
			   "pci-hole64-size is \"%.*s\" in <qemu:commandline>, which is not understood "
			   "and left out of account", (int)(length < 64 ? length : 64), value);
}

/* ---- -fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=65536 */

/* OVMF reads a decimal number (OvmfPkg/Library/QemuFwCfgSimpleParserLib). */
static bool read_window(struct gpupt_making *making, const char *text, size_t length)
{
	unsigned long long mib;
	char number[24], rest;
	if (length >= sizeof(number) || *text < '0' || *text > '9')
		return false;
	memcpy(number, text, length);
	number[length] = '\0';
	if (sscanf(number, "%20llu%c", &mib, &rest) != 1)
		return false;
	making->guest.has_window_override = true;
	making->guest.window_override_mib = mib;
	return true;
}

static void complain(struct gpupt_making *making, enum gpupt_finding_number number,
		     const char *what, const char *text, const char *why)
{
	gpupt_findings_add(&making->plan->findings, number, making->domain, place_of(making),
			   "qemu:commandline", "\"%s%s%.100s\" in <qemu:commandline> %s", what,
			   *what ? " " : "", text, why);
}

static void read_fw_cfg(struct gpupt_making *making, const char *text)
{
	size_t name_length = strcspn(text, ","), length;
	const char *name = find_key(text, "name", &name_length);
	if (!name) /* the name needs no key */
		name = text;
	if (strncasecmp(name, "opt/ovmf/X-PciMmio", strlen("opt/ovmf/X-PciMmio")) != 0)
		return;
	if (name_length != strlen(WINDOW_NAME) || strncmp(name, WINDOW_NAME, name_length) != 0) {
		complain(making, GPUPT_FINDING_KNOB_UNREAD, "", text,
			 "is read by no firmware; the name is " WINDOW_NAME);
		return;
	}
	const char *value = find_key(text, "string", &length);
	if (!value)
		complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, "", text,
			 "names no string, so its value is not known; it is left out of account");
	else if (!read_window(making, value, length))
		complain(making, GPUPT_FINDING_KNOB_UNREAD, "", text,
			 "is no decimal number of MiB; OVMF ignores it");
}

/* ---- what is not modelled */

static bool is_device_that_matters(const char *text)
{
	static const char *const drivers[] = { "vfio-pci", "pcie-root-port", "pcie-pci-bridge",
					       "pxb", "x3130-upstream", "xio3130-downstream",
					       "ivshmem", "cxl-" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(drivers); i++)
		if (strstr(text, drivers[i]))
			return true;
	return false;
}

static bool matters(const char *option, const char *value)
{
	static const char *const options[] = { "-cpu", "-m", "-machine", "-M", "-bios", "-pflash",
					       "-kernel", "-append" };
	if (strcmp(option, "-device") == 0)
		return is_device_that_matters(value);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(options); i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

void gpupt_make_commandline(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i + 1 < domain->n_arguments; i++) {
		const char *option = domain->arguments[i], *value = domain->arguments[i + 1];
		if (starts(option, "--"))
			option++;
		if (strcmp(option, "-global") == 0)
			read_global(making, value);
		else if (strcmp(option, "-fw_cfg") == 0)
			read_fw_cfg(making, value);
		else if (matters(option, value))
			complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, option, value,
				 "is left out of account");
		else
			continue;
		i++;
	}
	if (domain->override_property)
		gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_COMMANDLINE_IGNORED, domain,
				   &domain->override, "qemu:override", "\"%s\" in <qemu:override> is "
				   "left out of account", domain->override_property);
}
