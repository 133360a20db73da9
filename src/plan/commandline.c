/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <qemu:commandline>: what of it the model reads, and what of it should not pass in
 * silence because it changes the guest's address space. */

#include <stdio.h>
#include <strings.h>

#include "plan/making.h"
#include "text/secrets.h"

#define WINDOW_NAME "opt/ovmf/X-PciMmio64Mb"

/* One option with its value, and where the value stands. */
struct option {
	const char *name;
	const char *value;
	const struct gpupt_element *place;
};

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

static void complain(struct gpupt_making *making, enum gpupt_finding_number number,
		     const struct option *option, const char *why)
{
	bool named = strcmp(option->name, "-fw_cfg") != 0;
	GPUPT_AUTOFREE char *value = gpupt_redact_argument(option->name, option->value);
	if (!value) {
		making->plan->findings.no_memory = true;
		return;
	}
	gpupt_findings_add(&making->plan->findings, number, making->domain, option->place,
			   "qemu:commandline", "\"%s%s%.100s\" in <qemu:commandline> %s",
			   named ? option->name : "", named ? " " : "", value, why);
}

/* A driver, or a property with which others get a large BAR or keep room for some. */
static bool is_device_that_matters(const char *text)
{
	static const char *const words[] = { "vfio-pci", "pcie-root-port", "pcie-pci-bridge",
					     "pxb", "x3130-upstream", "xio3130-downstream",
					     "ivshmem", "cxl-", "-reserve", "hostmem", "pmrdev",
					     "vram64_size" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
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

/* The value of a property in "DRIVER.PROPERTY=VALUE" or
 * "driver=DRIVER,property=PROPERTY,value=VALUE", and its length; NULL: it is another's. */
static const char *global_value(const char *text, const char *driver, const char *property,
				size_t *ret_length)
{
	size_t driver_length = strlen(driver), property_length = strlen(property), length;
	const char *found = find_key(text, "driver", &length);
	if (found) {
		if (length != driver_length || memcmp(found, driver, length) != 0)
			return NULL;
		found = find_key(text, "property", &length);
		if (!found || length != property_length || memcmp(found, property, length) != 0)
			return NULL;
		return find_key(text, "value", ret_length);
	}
	const char *end = text + driver_length + 1 + property_length;
	if (strncmp(text, driver, driver_length) != 0 || text[driver_length] != '.' ||
	    strncmp(text + driver_length + 1, property, property_length) != 0 || *end != '=')
		return NULL;
	*ret_length = strlen(end + 1);
	return end + 1;
}

/* ---- -global pcie-root-port.pref64-reserve=4G, which libvirt has no element for */

static bool read_reserve(const struct option *option, const char *property,
			 struct gpupt_reserve *ret)
{
	size_t length = 0;
	const char *value = global_value(option->value, "pcie-root-port", property, &length);
	if (!value || !read_size(value, length, &ret->bytes))
		return false;
	ret->present = true;
	return true;
}

static void read_global(struct gpupt_making *making, const struct option *option)
{
	bool q35 = making->guest.machine == GPUPT_MACHINE_Q35;
	size_t length = 0;
	const char *value = global_value(option->value, q35 ? "q35-pcihost" : "i440FX-pcihost",
					 "pci-hole64-size", &length);
	if (!value) {
		if (!read_reserve(option, "mem-reserve", &making->port_memory) &&
		    !read_reserve(option, "pref64-reserve", &making->port_pref64) &&
		    is_device_that_matters(option->value))
			complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, option,
				 "is left out of account");
		return;
	}
	making->has_commandline_hole = read_size(value, length, &making->commandline_hole);
	gpupt_findings_add(&making->plan->findings, GPUPT_FINDING_COMMANDLINE_HOLE, making->domain,
			   option->place, "qemu:commandline",
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

/* What OVMF reads below opt/ovmf/ (edk2, OvmfPkg/Library/PlatformInitLib, stable202005
 * to stable202608; MemDebugLogPages since stable202511; PcdPropertiesTableEnable until
 * stable201905; PcdSevIsMigrationHelper where SEV guests can migrate), and SeaBIOS below
 * opt/org.seabios/ (src/fw/pciinit.c, since 1.17). */
static const char *const names_read[] = {
	WINDOW_NAME, "opt/ovmf/PcdSetNxForStack", "opt/ovmf/MemDebugLogPages",
	"opt/ovmf/PcdPropertiesTableEnable", "opt/ovmf/PcdSevIsMigrationHelper",
	"opt/org.seabios/pci64",
};

static bool is_read(const char *name, size_t length)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names_read); i++)
		if (strlen(names_read[i]) == length && memcmp(name, names_read[i], length) == 0)
			return true;
	return false;
}

/* A name that somebody meant for the firmware: in its own folders, or like that of
 * OVMF's window in any. */
static bool is_meant_for_firmware(const char *name, size_t length)
{
	static const char *const folders[] = { "opt/ovmf/", "opt/org.seabios/" };
	static const char window[] = "X-PciMmio";
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(folders); i++)
		if (strncasecmp(name, folders[i], strlen(folders[i])) == 0)
			return true;
	const char *slash = memrchr(name, '/', length);
	const char *last = slash ? slash + 1 : name;
	return strncasecmp(last, window, strlen(window)) == 0;
}

static void read_fw_cfg(struct gpupt_making *making, const struct option *option)
{
	const char *text = option->value;
	size_t name_length = strcspn(text, ","), length;
	const char *name = find_key(text, "name", &name_length);
	if (!name) /* the name needs no key */
		name = text;
	if (!is_meant_for_firmware(name, name_length))
		return;
	if (!is_read(name, name_length)) {
		complain(making, GPUPT_FINDING_KNOB_UNREAD, option,
			 "is read by no firmware; OVMF's window is " WINDOW_NAME);
		return;
	}
	if (strncmp(name, "opt/org.seabios/", strlen("opt/org.seabios/")) == 0)
		complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, option,
			 "is left out of account");
	if (strncmp(name, WINDOW_NAME, strlen(WINDOW_NAME)) != 0)
		return;
	making->window_place = option->place;
	const char *value = find_key(text, "string", &length);
	if (!value)
		complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, option,
			 "names no string, so its value is not known; it is left out of account");
	else if (!read_window(making, value, length))
		complain(making, GPUPT_FINDING_KNOB_UNREAD, option,
			 "is no decimal number of MiB; OVMF ignores it");
}

/* ---- what is not modelled */

static bool matters(const char *option, const char *value)
{
	static const char *const options[] = { "-cpu", "-m", "-machine", "-M", "-bios", "-pflash",
					       "-kernel", "-append" };
	if (strcmp(option, "-device") == 0 || strcmp(option, "-set") == 0)
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
		struct option option = { domain->arguments[i], domain->arguments[i + 1],
					 &domain->argument_elements[i + 1] };
		if (starts(option.name, "--"))
			option.name++;
		if (strcmp(option.name, "-global") == 0)
			read_global(making, &option);
		else if (strcmp(option.name, "-fw_cfg") == 0)
			read_fw_cfg(making, &option);
		else if (matters(option.name, option.value))
			complain(making, GPUPT_FINDING_COMMANDLINE_IGNORED, &option,
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
