/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the devices: BARs, drivers, and what the host uses them for. */
#include <stdio.h>

#include "doctor/doctor.h"
#include "domain/domain.h"
#include "plan/host.h"

#define IOMEM_MAX (4 * GPUPT_MIB)
#define NAME_MAX_LENGTH 32

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
				   &hostdev->element, address, "the host has no device %s",
				   address);
		gpupt_checkup_advise(making, "Correct the address in the domain, or see why the "
				     "card does not show up: lspci -s %s.", address);
	}
}

void gpupt_check_bars(struct gpupt_making_checkup *making)
{
	if (making->inventory)
		check_presence(making);
	if (gpupt_checkup_lacks_devices(making))
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
	if (gpupt_checkup_lacks_devices(making))
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
		gpupt_checkup_missed(making, "the source does not tell the drivers of %zu "
				     "function%s", n_unknown, GPUPT_PLURAL(n_unknown));
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

/* Finds the next framebuffer in a resource that bears a device's address, and moves
 * *text past it; false at the end. Each level of /proc/iomem is indented by two spaces;
 * others than root see the names only, which is enough (kernel/resource.c, r_show()). */
static bool take_framebuffer(const char **text, struct gpupt_pci_address *ret_owner,
			     char name[NAME_MAX_LENGTH])
{
	size_t owner_depth = SIZE_MAX; /* none */
	for (const char *line = *text; *line; line += *line == '\n') {
		size_t depth = strspn(line, " "), length = strcspn(line, "\n");
		const char *colon = memmem(line, length, " : ", 3);
		const char *end = line + length, *start = colon ? colon + 3 : end;
		struct gpupt_pci_address address;
		snprintf(name, NAME_MAX_LENGTH, "%.*s", (int)(end - start), start);
		*text = line = end;
		if (depth > owner_depth && is_framebuffer(name))
			return true;
		if (gpupt_take_pci_address(&start, &address) && start == end) {
			*ret_owner = address;
			owner_depth = depth;
		} else if (depth <= owner_depth) {
			owner_depth = SIZE_MAX;
		}
	}
	return false;
}

static void check_framebuffers(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	struct gpupt_pci_address owner;
	char name[NAME_MAX_LENGTH];
	GPUPT_AUTOFREE char *iomem = gpupt_tree_read(&making->tree, GPUPT_IN_PROC, "iomem",
						     IOMEM_MAX, &trouble);
	if (!iomem)
		gpupt_checkup_missed(making, "the boot framebuffer: %s", trouble.text);
	for (const char *text = iomem; text && take_framebuffer(&text, &owner, name);) {
		const struct gpupt_examined *device = gpupt_examined_find(making, owner);
		if (device)
			gpupt_checkup_found(making, GPUPT_FINDING_FRAMEBUFFER, device,
					    "the host's boot framebuffer (%s) lies in one of its "
					    "BARs", name);
	}
}

void gpupt_check_use(struct gpupt_making_checkup *making)
{
	size_t n_used = 0;
	if (gpupt_checkup_lacks_devices(making))
		return;
	GPUPT_FOR_EACH_DEVICE(making, device) {
		n_used += device->function->host_use != NULL;
		gpupt_host_check_use(&making->check->findings, device->function);
	}
	check_framebuffers(making);
	gpupt_checkup_saw(making, "%zu of %zu function%s known to be used by the host itself",
			  n_used, making->n_devices, GPUPT_PLURAL(making->n_devices));
}
