/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the host's kernel: its IOMMU, VFIO, and its command line. */
#include <stdio.h>
#include <strings.h>

#include "doctor/doctor.h"

#define MODULE_LIST_MAX (16 * GPUPT_MIB)

/* ---- the command line */

/* Linux takes - for _ in the names of modules and their parameters
 * (kernel/params.c, parameqn()). */
static bool is_named(const char *word, size_t length, const char *name)
{
	for (size_t i = 0; i < length; i++) {
		char a = word[i] == '-' ? '_' : word[i], b = name[i] == '-' ? '_' : name[i];
		if (!name[i] || a != b)
			return false;
	}
	return !name[length];
}

bool gpupt_cmdline_get(const char *cmdline, const char *name, const char **ret_value,
		       size_t *ret_length)
{
	bool found = false;
	for (const char *word = cmdline; word && *word;) {
		size_t length = strcspn(word, " "), name_length = strcspn(word, " =");
		if (is_named(word, name_length, name)) {
			size_t skip = name_length < length ? name_length + 1 : length;
			*ret_value = word + skip;
			*ret_length = length - skip;
			found = true;
		}
		word += length + (word[length] == ' ');
	}
	return found;
}

bool gpupt_cmdline_has(const char *cmdline, const char *name, const char *word)
{
	const char *value;
	size_t length;
	if (!gpupt_cmdline_get(cmdline, name, &value, &length))
		return false;
	for (const char *end = value + length; value <= end;) {
		size_t n = strcspn(value, ", ");
		if (n > (size_t)(end - value))
			n = (size_t)(end - value);
		if (n == strlen(word) && strncasecmp(value, word, n) == 0)
			return true;
		value += n + 1;
	}
	return false;
}

/* ---- iommu */

enum presence { UNKNOWN, ABSENT, PRESENT };

/* Whether the firmware describes an IOMMU: ACPI's DMAR (Intel) or IVRS (AMD). Their
 * names are there for all to see. */
static enum presence find_acpi_table(const struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	GPUPT_AUTO_CLOSE_DIR DIR *tables = gpupt_tree_list(&making->tree, GPUPT_IN_SYS,
							   "firmware/acpi/tables", &trouble);
	size_t count = 0;
	for (const char *name; (name = gpupt_tree_next(tables)); count++)
		if (strcmp(name, "DMAR") == 0 || strcmp(name, "IVRS") == 0)
			return PRESENT;
	return count ? ABSENT : UNKNOWN;
}

static void advise_iommu(struct gpupt_making_checkup *making)
{
	static const char *const off[][2] = {
		{ "iommu", "off" }, { "intel_iommu", "off" }, { "amd_iommu", "off" },
	};
	const char *vendor = making->host ? making->host->cpu_vendor : NULL;
	bool intel = vendor && strcmp(vendor, "GenuineIntel") == 0;
	bool amd = vendor && strcmp(vendor, "AuthenticAMD") == 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(off); i++)
		if (gpupt_cmdline_has(making->cmdline, off[i][0], off[i][1])) {
			gpupt_checkup_advise(making, "Remove %s=%s from the host kernel's command "
					     "line%s.", off[i][0], off[i][1],
					     intel ? ", and put intel_iommu=on there" : "");
			return;
		}
	if (find_acpi_table(making) == ABSENT)
		gpupt_checkup_advise(making, "The host's firmware offers none: enable %s in its "
				     "setup%s.", intel ? "VT-d" : amd ? "the IOMMU" :
				     "VT-d (Intel) or the IOMMU (AMD)",
				     amd ? "" : "; with an Intel CPU also boot the host's kernel "
				     "with intel_iommu=on");
	else if (intel && !gpupt_cmdline_has(making->cmdline, "intel_iommu", "on"))
		gpupt_checkup_advise(making, "Boot the host's kernel with intel_iommu=on, and "
				     "enable VT-d in the host's firmware setup.");
	else if (amd)
		gpupt_checkup_advise(making, "Enable the IOMMU (AMD-Vi) in the host's firmware "
				     "setup.");
}

/* The IOMMUs that the kernel drives: dmar0, ivhd0, ... */
static enum presence find_iommus(struct gpupt_making_checkup *making, struct gpupt_trouble *trouble,
				 size_t *ret_count)
{
	GPUPT_AUTO_CLOSE_DIR DIR *iommus =
		gpupt_tree_list(&making->tree, GPUPT_IN_SYS, "class/iommu", trouble);
	*ret_count = 0;
	while (gpupt_tree_next(iommus))
		++*ret_count;
	return !iommus ? UNKNOWN : *ret_count ? PRESENT : ABSENT;
}

/* Whether any function is in an IOMMU group. */
static enum presence find_groups(const struct gpupt_inventory *inventory)
{
	bool any_known = false;
	for (size_t i = 0; i < gpupt_inventory_count(inventory); i++) {
		const struct gpupt_pci_function *function = gpupt_inventory_get(inventory, i);
		if (function->iommu_group >= 0)
			return PRESENT;
		any_known |= function->iommu_group_known;
	}
	return any_known ? ABSENT : UNKNOWN;
}

void gpupt_check_iommu(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	size_t n_iommus;
	enum presence iommus = find_iommus(making, &trouble, &n_iommus);
	enum presence groups = making->inventory ? find_groups(making->inventory) : UNKNOWN;
	if (iommus == ABSENT || (iommus == UNKNOWN && groups == ABSENT)) {
		/* VFIO makes groups of its own in its no-IOMMU mode (drivers/vfio/group.c) */
		gpupt_checkup_found(making, GPUPT_FINDING_HOST_IOMMU_OFF, NULL, "%s",
				    groups == PRESENT ? "the host's kernel drives no IOMMU; its "
							"groups are those of VFIO's no-IOMMU mode" :
				    iommus == ABSENT  ? "the host's kernel drives no IOMMU" :
							"no device is in an IOMMU group");
		advise_iommu(making);
		gpupt_checkup_saw(making, "there is no IOMMU");
	} else if (iommus == PRESENT) {
		gpupt_checkup_saw(making, "the kernel drives %zu IOMMU%s", n_iommus,
				  n_iommus == 1 ? "" : "s");
	} else if (groups == PRESENT) {
		gpupt_checkup_saw(making, "there are IOMMU groups");
	} else {
		gpupt_checkup_missed(making, "whether there is an IOMMU: %s", trouble.text);
	}
}

/* ---- vfio */

/* Whether a list of modules, "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ..." a line, has
 * vfio-pci. */
static bool lists_vfio(const char *list)
{
	static const char name[] = "/vfio-pci.ko";
	for (const char *found = list; (found = strstr(found, name)); found += strlen(name))
		if (strchr(".:\n", found[strlen(name)])) /* also the end of the text */
			return true;
	return false;
}

/* Looks in one of the files about the running kernel's modules; /lib may be a link. */
static enum presence find_in_modules(struct gpupt_making_checkup *making, const char *release,
				     const char *file, struct gpupt_trouble *trouble)
{
	static const char *const places[] = { "usr/lib/modules", "lib/modules" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(places); i++) {
		char path[512];
		struct gpupt_trouble other;
		if (snprintf(path, sizeof(path), "%s/%s/%s", places[i], release, file) >=
		    (int)sizeof(path))
			break;
		GPUPT_AUTOFREE char *list = gpupt_tree_read(&making->tree, GPUPT_IN_ROOT, path,
							    MODULE_LIST_MAX, i ? &other : trouble);
		if (list)
			return lists_vfio(list) ? PRESENT : ABSENT;
	}
	return UNKNOWN;
}

void gpupt_check_vfio(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	GPUPT_AUTO_CLOSE_DIR DIR *loaded =
		gpupt_tree_list(&making->tree, GPUPT_IN_SYS, "module/vfio_pci", &trouble);
	if (loaded) {
		gpupt_checkup_saw(making, "vfio-pci is in the kernel");
		return;
	}
	const char *release = making->host ? making->host->kernel : NULL;
	if (!release || strchr(release, '/') || *release == '.') {
		gpupt_checkup_missed(making, "whether the kernel has vfio-pci: %s",
				     trouble.absent ? "its release is not known" : trouble.text);
		return;
	}
	enum presence builtin = find_in_modules(making, release, "modules.builtin", &trouble);
	enum presence module = find_in_modules(making, release, "modules.dep", &trouble);
	if (builtin == PRESENT || module == PRESENT) {
		gpupt_checkup_saw(making, "vfio-pci is %s", builtin == PRESENT ?
				  "in the kernel" : "a module, loaded when it is needed");
	} else if (builtin == ABSENT && module == ABSENT) {
		gpupt_checkup_found(making, GPUPT_FINDING_VFIO_MISSING, NULL,
				    "Linux %s has no vfio-pci, neither built in nor as a module",
				    release);
		gpupt_checkup_saw(making, "the modules of Linux %s", release);
	} else {
		gpupt_checkup_missed(making, "whether the kernel has vfio-pci: %s", trouble.text);
	}
}

/* ---- kernel */

/* Options that matter to passthrough. */
static void say_options(struct gpupt_making_checkup *making)
{
	static const char *const names[] = {
		"iommu", "intel_iommu", "amd_iommu", "pci", "vfio-pci.ids", "pcie_acs_override",
		"default_hugepagesz", "hugepagesz", "hugepages", "video", "initcall_blacklist",
		"vfio_iommu_type1.allow_unsafe_interrupts",
	};
	size_t count = 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++) {
		const char *value;
		size_t length;
		if (!gpupt_cmdline_get(making->cmdline, names[i], &value, &length))
			continue;
		gpupt_str_addf(&making->check->seen, "%s%s%s%.*s", count++ ? " " : "",
			       names[i], length ? "=" : "", (int)length, value);
	}
	if (!count)
		gpupt_checkup_saw(making, "no option that matters here");
}

/* vfio-pci.ids=VENDOR:DEVICE[:...], for devices that another driver has. */
static void check_ids(struct gpupt_making_checkup *making)
{
	GPUPT_FOR_EACH_DEVICE(making, device) {
		const struct gpupt_pci_function *function = device->function;
		char ids[16];
		snprintf(ids, sizeof(ids), "%04x:%04x", function->vendor, function->device);
		if (function->driver && !gpupt_pci_is_with_vfio(function) &&
		    gpupt_cmdline_has(making->cmdline, "vfio-pci.ids", ids))
			gpupt_checkup_found(making, GPUPT_FINDING_VFIO_IDS_MISSED, device,
					    "vfio-pci.ids names %s, but driver %s has the device",
					    ids, function->driver);
	}
}

static void check_unsafe_interrupts(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	GPUPT_AUTOFREE char *unsafe = gpupt_tree_read_line(
		&making->tree, GPUPT_IN_SYS,
		"module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", &trouble);
	if (unsafe && *unsafe == 'Y')
		gpupt_checkup_found(making, GPUPT_FINDING_UNSAFE_INTERRUPTS, NULL,
				    "vfio_iommu_type1 runs with allow_unsafe_interrupts");
}

void gpupt_check_kernel(struct gpupt_making_checkup *making)
{
	const char *value;
	size_t length;
	check_unsafe_interrupts(making);
	if (!making->cmdline) {
		gpupt_checkup_missed(making, "the command line: %s", making->cmdline_trouble.text);
		return;
	}
	say_options(making);
	check_ids(making);
	if (gpupt_cmdline_get(making->cmdline, "pcie_acs_override", &value, &length))
		gpupt_checkup_found(making, GPUPT_FINDING_ACS_OVERRIDE, NULL,
				    "the kernel runs with pcie_acs_override=%.*s", (int)length,
				    value);
	if (gpupt_cmdline_has(making->cmdline, "video", "efifb:off"))
		gpupt_checkup_found(making, GPUPT_FINDING_OPTION_OBSOLETE, NULL,
				    "the kernel runs with video=efifb:off");
}
