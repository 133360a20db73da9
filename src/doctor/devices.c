/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the devices: BARs, IOMMU groups, drivers, and the host's display. */
#include <stdio.h>

#include "doctor/doctor.h"
#include "domain/domain.h"
#include "plan/host.h"

#define IOMEM_MAX (4 * GPUPT_MIB)

/* Says what every check of devices has to say without any; true: nothing to do. */
static bool without_devices(struct gpupt_making_checkup *making)
{
	if (!making->inventory)
		gpupt_checkup_missed(making, "the host's devices: %s",
				     making->options->inventory_problem ?
					     making->options->inventory_problem : "no inventory");
	else if (!making->n_devices && making->domain && making->domain->n_hostdevs)
		gpupt_checkup_missed(making, "the host has none of the guest's devices");
	else if (!making->n_devices)
		gpupt_checkup_saw(making, "there is no device worth passing through");
	return !making->n_devices;
}

/* ---- bars */

/* HPE's servers call it by a name of their own. */
static bool is_hpe(const struct gpupt_making_checkup *making)
{
	return (making->vendor && strcmp(making->vendor, "HPE") == 0) ||
	       (making->product && strstr(making->product, "ProLiant"));
}

static void advise_unassigned(struct gpupt_making_checkup *making)
{
	struct gpupt_findings *findings = &making->check->findings;
	const char *setting = is_hpe(making) ? "\"PCI Express 64-Bit BAR Support\"" :
			      making->vendor ? "\"Above 4G Decoding\" (the name varies)" :
					       "\"Above 4G Decoding\" (HPE: \"PCI Express "
					       "64-Bit BAR Support\")";
	const char *then = "failing that, boot the host's kernel with pci=realloc, or where that "
			   "does not help, with pci=realloc=off";
	if (gpupt_cmdline_has(making->cmdline, "pci", "realloc=off"))
		then = "the host's kernel runs with pci=realloc=off: if the setting is on, try "
		       "pci=realloc";
	else if (gpupt_cmdline_has(making->cmdline, "pci", "realloc"))
		then = "the host's kernel runs with pci=realloc already: if the setting is on, try "
		       "pci=realloc=off";
	const char *remedy = gpupt_arena_printf(making->arena, "Enable %s in the host's firmware "
						"setup; %s.", setting, then);
	making->no_memory |= !remedy;
	for (size_t i = 0; remedy && i < findings->count; i++)
		if (findings->items[i].number == GPUPT_FINDING_HOST_UNASSIGNED)
			findings->items[i].remedy = remedy;
}

/* A domain's devices that this host does not have. */
static void check_presence(struct gpupt_making_checkup *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; domain && i < domain->n_hostdevs; i++) {
		const struct gpupt_hostdev *hostdev = &domain->hostdevs[i];
		char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
		if (!hostdev->has_source ||
		    gpupt_inventory_find(making->inventory, hostdev->source))
			continue;
		gpupt_pci_address_format(hostdev->source, address);
		gpupt_findings_add(&making->check->findings, GPUPT_FINDING_DEVICE_UNKNOWN, domain,
				   &hostdev->element, address, "the host has no device %s", address);
		gpupt_checkup_advise(making, "Correct the address in the domain, or see why the "
				     "card does not show up: lspci -s %s.", address);
	}
}

void gpupt_check_bars(struct gpupt_making_checkup *making)
{
	if (making->inventory)
		check_presence(making);
	if (without_devices(making))
		return;
	size_t n_bars = 0, n_assigned = 0;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		if (device->function->source == GPUPT_SOURCE_CATALOGUE)
			continue; /* still on its way */
		gpupt_host_check_bars(&making->check->findings, device->function);
		for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
			const struct gpupt_bar *bar = &device->function->bars[i];
			n_bars += bar->present && !bar->io;
			n_assigned += bar->present && !bar->io && bar->assigned;
		}
	}
	advise_unassigned(making);
	gpupt_checkup_saw(making, "%zu function%s, %zu memory BAR%s, %zu of them with an address",
			  making->n_devices, GPUPT_PLURAL(making->n_devices), n_bars,
			  GPUPT_PLURAL(n_bars), n_assigned);
}

/* ---- groups */

/* "0000:07:00.0 (ahci), 0000:07:00.1 (xhci_hcd) and 2 more" */
struct members {
	struct gpupt_str text;
	size_t count;
};

static void add_member(struct members *members, const struct gpupt_pci_function *function)
{
	enum { NAMED = 3 };
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	if (++members->count > NAMED)
		return;
	gpupt_str_addf(&members->text, "%s%s%s%s%s", members->count > 1 ? ", " : "",
		       gpupt_pci_address_format(function->address, address),
		       function->driver ? " (" : "", function->driver ? function->driver : "",
		       function->driver ? ")" : "");
}

static char *end_members(struct members *members)
{
	enum { NAMED = 3 };
	if (members->count > NAMED)
		gpupt_str_addf(&members->text, " and %zu more", members->count - NAMED);
	return gpupt_str_steal(&members->text, NULL);
}

static const struct gpupt_examined *find_device(const struct gpupt_making_checkup *making,
					      const struct gpupt_pci_function *function)
{
	GPUPT_FOR_EACH_DEVICE(making, device)
		if (device->function == function)
			return device;
	return NULL;
}

static bool is_same_slot(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

static void check_group(struct gpupt_making_checkup *making, const struct gpupt_examined *device)
{
	const struct gpupt_pci_function *function = device->function;
	struct members holders = { 0 }, strangers = { 0 }, unknown = { 0 };
	for (size_t i = 0; i < gpupt_inventory_count(making->inventory); i++) {
		const struct gpupt_pci_function *other = gpupt_inventory_get(making->inventory, i);
		const struct gpupt_examined *examined = find_device(making, other);
		if (other->iommu_group != function->iommu_group || other->is_bridge)
			continue;
		if (!examined && !other->driver_known)
			add_member(&unknown, other);
		else if (!examined && gpupt_pci_holds_group(other))
			add_member(&holders, other);
		else if (!is_same_slot(other->address, function->address) &&
			 !(examined && examined->hostdev))
			add_member(&strangers, other);
	}
	GPUPT_AUTOFREE char *holding = end_members(&holders);
	GPUPT_AUTOFREE char *strange = end_members(&strangers);
	GPUPT_AUTOFREE char *hidden = end_members(&unknown);
	making->no_memory |= !holding || !strange || !hidden;
	if (unknown.count)
		gpupt_checkup_missed(making, "who holds %s in IOMMU group %d", hidden,
				     function->iommu_group);
	if (holders.count) {
		gpupt_checkup_found(making, GPUPT_FINDING_GROUP_SHARED, device,
				    "IOMMU group %d also has %s, which the host keeps",
				    function->iommu_group, holding);
		gpupt_checkup_advise(making, "Pass them through to the same guest, bind them to "
				     "vfio-pci (driverctl set-override ADDRESS vfio-pci), or move "
				     "the card to a slot with a group of its own.");
	}
	if (strangers.count)
		gpupt_checkup_found(making, GPUPT_FINDING_GROUP_WIDE, device,
				    "IOMMU group %d also has %s", function->iommu_group, strange);
}

void gpupt_check_groups(struct gpupt_making_checkup *making)
{
	size_t n_grouped = 0, n_without = 0, n_unknown = 0;
	if (without_devices(making))
		return;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		const struct gpupt_pci_function *function = device->function;
		bool seen_before = false;
		n_unknown += !function->iommu_group_known;
		n_without += function->iommu_group_known && function->iommu_group < 0;
		if (!function->iommu_group_known || function->iommu_group < 0)
			continue;
		n_grouped++;
		GPUPT_FOR_EACH_DEVICE(making, earlier) {
			if (earlier == device)
				break;
			seen_before |= earlier->function->iommu_group == function->iommu_group;
		}
		if (!seen_before)
			check_group(making, device);
	}
	if (n_grouped)
		gpupt_checkup_saw(making, "%zu of %zu function%s in IOMMU groups", n_grouped,
				  making->n_devices, GPUPT_PLURAL(making->n_devices));
	if (n_without)
		gpupt_checkup_missed(making, "%zu function%s in no IOMMU group", n_without,
				     GPUPT_PLURAL(n_without));
	if (n_unknown)
		gpupt_checkup_missed(making, "the source does not tell the IOMMU groups of %zu "
				     "function%s", n_unknown, GPUPT_PLURAL(n_unknown));
}

/* ---- drivers */

/* VFIO's own, or one that only keeps others away. */
static bool is_out_of_the_way(const struct gpupt_pci_function *function)
{
	return !function->driver || gpupt_pci_is_with_vfio(function) ||
	       strcmp(function->driver, "pci-stub") == 0;
}

static void check_driver(struct gpupt_making_checkup *making, const struct gpupt_examined *device)
{
	const struct gpupt_pci_function *function = device->function;
	unsigned int base_class = function->class_code >> 16;
	if (device->hostdev && device->hostdev->managed != GPUPT_YES)
		gpupt_checkup_found(making, GPUPT_FINDING_DRIVER_UNMANAGED, device,
				    "driver %s holds it, and its entry does not say managed='yes'",
				    function->driver);
	else if (base_class == GPUPT_CLASS_DISPLAY || base_class == GPUPT_CLASS_ACCELERATOR)
		gpupt_checkup_found(making, GPUPT_FINDING_DRIVER_HOLDS, device,
				    "driver %s holds it", function->driver);
	else
		gpupt_checkup_found(making, GPUPT_FINDING_DRIVER_TAKEN, device,
				    "driver %s holds it until the guest starts", function->driver);
}

/* A process's name, cut to 15 characters (Linux include/linux/sched.h, TASK_COMM_LEN). */
static void check_persistence_daemon(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	GPUPT_AUTO_CLOSE_DIR DIR *processes =
		gpupt_tree_list(&making->tree, GPUPT_IN_PROC, "", &trouble);
	if (!processes)
		gpupt_checkup_missed(making, "whether nvidia-persistenced runs: %s", trouble.text);
	for (const char *name; (name = gpupt_tree_next(processes));) {
		char path[300];
		if (strspn(name, "0123456789") != strlen(name))
			continue;
		snprintf(path, sizeof(path), "%s/comm", name);
		GPUPT_AUTOFREE char *comm =
			gpupt_tree_read_line(&making->tree, GPUPT_IN_PROC, path, &trouble);
		if (!comm || strcmp(comm, "nvidia-persiste") != 0)
			continue;
		gpupt_checkup_found(making, GPUPT_FINDING_PERSISTENCE_DAEMON, NULL,
				    "nvidia-persistenced runs (process %s)", name);
		return;
	}
}

void gpupt_check_drivers(struct gpupt_making_checkup *making)
{
	size_t n_free = 0, n_held = 0, n_unknown = 0;
	bool nvidia = false;
	if (without_devices(making))
		return;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		const struct gpupt_pci_function *function = device->function;
		if (!function->driver_known) {
			n_unknown++;
		} else if (is_out_of_the_way(function)) {
			n_free++;
		} else {
			n_held++;
			nvidia |= strcmp(function->driver, "nvidia") == 0;
			check_driver(making, device);
		}
	}
	if (nvidia)
		check_persistence_daemon(making);
	if (n_free || n_held)
		gpupt_checkup_saw(making, "%zu of %zu function%s held by host drivers", n_held,
				  making->n_devices, GPUPT_PLURAL(making->n_devices));
	if (n_unknown)
		gpupt_checkup_missed(making, "the source does not tell the drivers of %zu function%s",
				     n_unknown, GPUPT_PLURAL(n_unknown));
}

/* ---- use */

/* What requests the boot framebuffer's memory: sysfb itself (drivers/firmware/sysfb.c)
 * and the drivers for it. */
static bool is_framebuffer(const char *name)
{
	static const char *const names[] = { "BOOTFB", "efifb", "vesafb", "simplefb", "simpledrm",
					     "efidrm", "vesadrm", "simple-framebuffer" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Finds a framebuffer inside a resource that bears the device's address. Each level of
 * /proc/iomem is indented by two spaces; others than root see the names only, which is
 * enough (kernel/resource.c, r_show()). */
static const char *find_framebuffer(const char *iomem, const char *address, char name[32])
{
	size_t device_depth = SIZE_MAX;
	for (const char *line = iomem; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t depth = strspn(line, " ");
		const char *colon = strstr(line, " : ");
		size_t length = strcspn(line, "\n");
		if (!colon || colon >= line + length)
			continue;
		snprintf(name, 32, "%.*s", (int)(line + length - colon - 3), colon + 3);
		if (depth <= device_depth)
			device_depth = strcmp(name, address) == 0 ? depth : SIZE_MAX;
		else if (is_framebuffer(name))
			return name;
	}
	return NULL;
}

void gpupt_check_use(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	if (without_devices(making))
		return;
	GPUPT_AUTOFREE char *iomem = gpupt_tree_read(&making->tree, GPUPT_IN_PROC, "iomem",
						     IOMEM_MAX, &trouble);
	if (!iomem)
		gpupt_checkup_missed(making, "the boot framebuffer: %s", trouble.text);
	size_t n_used = 0;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		char address[GPUPT_PCI_ADDRESS_TEXT_MAX], name[32];
		n_used += device->function->host_use != NULL;
		gpupt_host_check_use(&making->check->findings, device->function);
		gpupt_pci_address_format(device->function->address, address);
		if (iomem && find_framebuffer(iomem, address, name))
			gpupt_checkup_found(making, GPUPT_FINDING_FRAMEBUFFER, device,
					    "the host's boot framebuffer (%s) lies in one of its "
					    "BARs", name);
	}
	gpupt_checkup_saw(making, "%zu of %zu function%s known to be used by the host itself",
			  n_used, making->n_devices, GPUPT_PLURAL(making->n_devices));
}
