/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What in a domain's text does nothing, or harm. One function for each check; those
 * here need the text alone, those in lint-guest.c the guest that comes of it. */

#include <gpupt/size.h>

#include "plan/making.h"

static bool is_root(const struct gpupt_controller *controller)
{
	return controller->model == GPUPT_CONTROLLER_PCI_ROOT ||
	       controller->model == GPUPT_CONTROLLER_PCIE_ROOT;
}

/* ---- <pcihole64> */

/* libvirt reads it of pci-root and pcie-root only (virDomainControllerDefParseXML(),
 * src/conf/domain_conf.c, 7.0 to 12.8), and asks for the model to be written. */
static void check_misplaced_hole(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		if (!controller->n_holes || is_root(controller))
			continue;
		const char *model = controller->model_text;
		gpupt_making_report(making, GPUPT_FINDING_HOLE_MISPLACED, &controller->hole.element,
				    "pcihole64", "<pcihole64> stands in a PCI controller "
				    "%s%.40s%s; libvirt reads it in pcie-root and pci-root only",
				    model ? "of model '" : "without a model", model ? model : "",
				    model ? "'" : "");
	}
}

static void check_strays(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_strays; i++) {
		const struct gpupt_stray *stray = &domain->strays[i];
		if (stray->kind == GPUPT_STRAY_HOLE)
			gpupt_making_report(making, GPUPT_FINDING_HOLE_MISPLACED, &stray->element,
					    "pcihole64", "<pcihole64> stands in <%.40s>, where "
					    "libvirt does not read it", stray->parent);
		else if (stray->kind == GPUPT_STRAY_NAME)
			gpupt_making_report(making, GPUPT_FINDING_HOLE_MISSPELT, &stray->element,
					    "pcihole64", "libvirt does not know <%.80s>; the "
					    "name is <pcihole64>", stray->name);
		else if (stray->kind == GPUPT_STRAY_PREFIX)
			gpupt_making_report(making, GPUPT_FINDING_PREFIX_UNDECLARED,
					    &stray->element, "qemu", "<%.80s> counts for nothing: "
					    "the prefix qemu: is not declared, and libvirt drops it",
					    stray->name);
	}
}

/* Grace guests and the like: a libvirt newer than those that were read may make a
 * window of the machine of it. */
static bool may_learn_hole(const struct gpupt_domain *domain)
{
	return gpupt_is(domain->arch, "aarch64") && (!domain->machine ||
					       strncmp(domain->machine, "virt", 4) == 0);
}

/* qemuValidateDomainDeviceDefControllerPCI(), src/qemu/qemu_validate.c, 7.0 to 10.0:
 * pcie-root wants q35, pci-root i440fx. */
static void check_machine_of_hole(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	enum gpupt_machine machine = gpupt_domain_machine(domain);
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		enum gpupt_machine fits = controller->model == GPUPT_CONTROLLER_PCIE_ROOT ?
					  GPUPT_MACHINE_HAS_Q35 : GPUPT_MACHINE_HAS_I440FX;
		if (!is_root(controller) || !controller->n_holes || controller->hole.empty ||
		    machine == GPUPT_MACHINE_UNKNOWN || machine == fits ||
		    may_learn_hole(domain))
			continue;
		gpupt_making_report(making, GPUPT_FINDING_HOLE_IMPOSSIBLE,
				    &controller->hole.element, "pcihole64", "<pcihole64> in %s "
				    "does not go with machine '%.60s'%s%.40s",
				    controller->model_text, domain->machine ? domain->machine : "",
				    domain->arch ? " of architecture " : "",
				    domain->arch ? domain->arch : "");
	}
}

static void check_tiny_hole(struct gpupt_making *making)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	if (!root || !root->n_holes || !root->hole.valid || !root->hole.bytes ||
	    root->hole.bytes >= GPUPT_GIB)
		return;
	gpupt_making_report(making, GPUPT_FINDING_HOLE_TINY, &root->hole.element, "pcihole64",
			    "<pcihole64> is %s%s", gpupt_making_size(making, root->hole.bytes),
			    root->hole.unit ? "" : ": a number without a unit is KiB");
}

/* The policy auto speaks of it itself; with another, nobody does. */
static void check_zero_hole(struct gpupt_making *making)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	if (making->request->hole_policy != GPUPT_HOLE_KEEP || !making->n_wanted || !root ||
	    !root->n_holes || !root->hole.valid || root->hole.bytes)
		return;
	gpupt_making_report(making, GPUPT_FINDING_HOLE_ZERO, &root->hole.element, "pcihole64",
			    "<pcihole64> is explicitly 0: the guest's kernel gets nothing beyond "
			    "what the firmware uses");
}

/* ---- firmware values */

/* qemuValidateDomainDefSysinfo(), src/qemu/qemu_validate.c, 7.0 to 12.8. */
static void check_sysinfo(struct gpupt_making *making)
{
	static const char *const reserved[] = { "opt/ovmf/", "opt/org.qemu/" };
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_strays; i++) {
		const struct gpupt_stray *stray = &domain->strays[i];
		bool refused = strncmp(stray->name, "opt/", 4) != 0;
		for (size_t n = 0; n < GPUPT_ARRAY_SIZE(reserved); n++)
			refused |= strncmp(stray->name, reserved[n], strlen(reserved[n])) == 0;
		if (stray->kind != GPUPT_STRAY_FW_CFG || !refused)
			continue;
		gpupt_making_report(making, GPUPT_FINDING_FWCFG_REFUSED, &stray->element, "sysinfo",
				    "libvirt refuses the name \"%.80s\" in <sysinfo type='fwcfg'>",
				    stray->name);
	}
}

/* ---- controllers */

/* qemuValidateDomainDeviceDefControllerPCI() again; memReserve as of 10.3. */
static void check_port_options(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		enum gpupt_controller_model model = controller->model;
		bool port = model == GPUPT_CONTROLLER_ROOT_PORT;
		bool hotplug = port || model == GPUPT_CONTROLLER_SWITCH_DOWNSTREAM ||
			       model == GPUPT_CONTROLLER_PCI_ROOT;
		bool reserve = port || model == GPUPT_CONTROLLER_PCI_BRIDGE;
		const char *wrong = controller->hotplug && !hotplug ? "hotplug" :
				    controller->has_mem_reserve && !reserve ? "memReserve" : NULL;
		if (model == GPUPT_CONTROLLER_NONE || !wrong)
			continue;
		gpupt_making_report(making, GPUPT_FINDING_PORT_OPTION_REFUSED, &controller->target,
				    "target", "libvirt refuses <target %s=> in a %s", wrong,
				    controller->model_text);
	}
}

/* Distributions with a libvirt older than 10.3, which dropped what it did not know. */
static void check_reserve(struct gpupt_making *making)
{
	static const char *const older[] = { "debian-11", "debian-12", "ubuntu-20.04",
					     "ubuntu-22.04", "ubuntu-24.04" };
	const struct gpupt_domain *domain = making->domain;
	const char *os = making->inventory ? gpupt_inventory_get_host(making->inventory)->os : NULL;
	bool old = false;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(older); i++)
		old |= gpupt_is(os, older[i]);
	for (size_t i = 0; i < domain->n_controllers && old; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		if (controller->has_mem_reserve)
			gpupt_making_report(making, GPUPT_FINDING_RESERVE_UNREAD,
					    &controller->target, "target",
					    "the libvirt of %s drops <target memReserve='%llu'>",
					    os, (unsigned long long)controller->mem_reserve_kib);
	}
}

/* ---- CPU and kernel */

static bool is_emulated(const struct gpupt_domain *domain)
{
	return gpupt_is(domain->type, "qemu");
}

/* libvirt: qemuValidateDomainDefCpu(), 8.7 and later. QEMU: host-phys-bits is read by
 * host_cpu_realizefn() alone (target/i386/host-cpu.c, 7.2), which KVM and HVF call. */
static void check_address_width(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	if (domain->maxphysaddr != GPUPT_MAXPHYSADDR_PASSTHROUGH)
		return;
	if (domain->maxphysaddr_bits)
		gpupt_making_report(making, GPUPT_FINDING_CONTRADICTION, &domain->maxphysaddr_element,
				    "maxphysaddr", "<maxphysaddr> names %u bits with "
				    "mode='passthrough'; libvirt refuses that",
				    domain->maxphysaddr_bits);
	if (is_emulated(domain))
		gpupt_making_report(making, GPUPT_FINDING_WIDTH_UNREAD, &domain->maxphysaddr_element,
				    "maxphysaddr", "<maxphysaddr mode='passthrough'> does "
				    "nothing for a guest of type 'qemu'");
}

/* "-append only allowed with -kernel option" (QEMU, system/vl.c). Only where it is meant
 * for the guest's PCI: whether a kernel is missing is for others to say. */
static void check_kernel_options(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	if (domain->kernel || !domain->cmdline || !strstr(domain->cmdline, "pci=") ||
	    !(is_emulated(domain) || gpupt_is(domain->type, "kvm")))
		return;
	gpupt_making_report(making, GPUPT_FINDING_CONTRADICTION, &domain->cmdline_element, "cmdline",
			    "<os> has a <cmdline> and no <kernel>: QEMU refuses that, and the "
			    "guest's own boot loader does not see it");
}

void gpupt_lint(struct gpupt_making *making)
{
	static void (*const checks[])(struct gpupt_making *making) = {
		check_misplaced_hole, check_strays, check_machine_of_hole, check_tiny_hole,
		check_zero_hole, check_sysinfo, check_port_options, check_reserve,
		check_address_width, check_kernel_options,
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(checks); i++)
		checks[i](making);
}
