/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the plan does, in words. */

#include "plan/making.h"

static struct gpupt_step *add(struct gpupt_making *making, enum gpupt_remedy remedy,
			      const char *subject)
{
	struct gpupt_plan *plan = making->plan;
	if (!GPUPT_GROW(plan->steps, plan->n_steps, plan->c_steps))
		return NULL;
	struct gpupt_step *step = &plan->steps[plan->n_steps++];
	*step = (struct gpupt_step){ .remedy = remedy, .subject = subject, .text = "",
				     .reason = "", .cost = "", .needs = "" };
	return step;
}

static int add_hole(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	struct gpupt_step *step = add(making, GPUPT_REMEDY_HOLE, "pcihole64");
	if (!step)
		return GPUPT_E_NOMEM;
	step->text = gpupt_making_text(making, "<pcihole64> becomes %s",
				       gpupt_making_size(making, hole->planned));
	step->reason = making->needed ?
		"the guest's kernel places what the firmware's own window does not hold" :
		"the size was asked for, or QEMU does not start with the one there is";
	return 0;
}

/* The passed-through functions that sit behind a bus of the plan's. */
static const char *devices_behind(struct gpupt_making *making, unsigned int bus)
{
	const char *names = "";
	for (size_t i = 0; i < making->n_wanted; i++)
		if (making->wanted[i].guest.present && making->wanted[i].guest.pci.bus == bus)
			names = gpupt_making_text(making, "%s%s%s", names, *names ? ", " : "",
						  gpupt_making_address(making,
								       making->wanted[i].host));
	return names;
}

static int add_port(struct gpupt_making *making, const struct gpupt_port *port)
{
	const char *behind = devices_behind(making, port->index);
	const char *port_text = gpupt_making_text(
		making, "%s %u", port->controller == GPUPT_NEW_PORT ? "a new root port, controller" :
		"controller", port->index);
	if (!port->hotplug_off && !port->mem_reserve_kib)
		return 0;
	struct gpupt_step *step = add(making, port->hotplug_off ? GPUPT_REMEDY_HOTPLUG :
				      GPUPT_REMEDY_MEMRESERVE, behind);
	if (!step)
		return GPUPT_E_NOMEM;
	if (port->hotplug_off) {
		step->text = gpupt_making_text(making, "%s, has hotplug='off'", port_text);
		step->cost = "what is behind this port cannot be plugged in or out while the guest "
			     "runs";
		step->needs = "libvirt 6.3";
	} else {
		step->text = gpupt_making_text(
			making, "%s, has memReserve='%llu'", port_text,
			(unsigned long long)port->mem_reserve_kib);
		step->cost = gpupt_making_text(
			making, "%s of the guest's space below 4 GiB",
			gpupt_making_size(making, gpupt_mul(port->mem_reserve_kib, GPUPT_KIB)));
		step->needs = "libvirt 10.3";
	}
	step->reason = "the window that firmware gives a port to plug something in is too small for "
		       "these BARs, and the guest's kernel does not enlarge it";
	return 0;
}

static int add_moves(struct gpupt_making *making)
{
	for (size_t i = 0; i < making->n_wanted; i++) {
		const struct gpupt_wanted *wanted = &making->wanted[i];
		if (!wanted->existing || !wanted->existing->address.present ||
		    !wanted->writes_guest_address)
			continue;
		const char *host = gpupt_making_address(making, wanted->host);
		struct gpupt_step *step = add(making, GPUPT_REMEDY_MOVE, host);
		if (!step)
			return GPUPT_E_NOMEM;
		step->text = gpupt_making_text(making, "hostdev %s moves behind a root port of its "
					       "own, controller %u", host, wanted->guest.pci.bus);
		step->reason = wanted->separable ?
			"the firmware made a window for the other functions of its slot only, and "
			"the guest's kernel does not enlarge it" :
			"the firmware may not leave out a device on the root bus, and the hole is "
			"of no use behind an expander";
		step->cost = "the guest finds the device in another slot";
	}
	return 0;
}

static int add_width(struct gpupt_making *making)
{
	unsigned int bits = making->cure.phys_bits;
	struct gpupt_step *step = bits ? add(making, GPUPT_REMEDY_MAXPHYSADDR, "cpu") : NULL;
	if (!step)
		return bits ? GPUPT_E_NOMEM : 0;
	step->text = gpupt_making_text(making, "<cpu> gets <maxphysaddr mode='emulate' bits='%u'/>",
				       bits);
	step->reason = "the guest's addresses end before the BARs do";
	step->cost = gpupt_making_text(making, "the guest starts on, and migrates to, hosts with at "
				       "least %u physical address bits only", bits);
	step->needs = "libvirt 8.7";
	return 0;
}

static int add_window(struct gpupt_making *making)
{
	uint64_t mib = making->cure.window_mib;
	struct gpupt_step *step = mib ? add(making, GPUPT_REMEDY_FWCFG, "qemu:commandline") : NULL;
	if (!step)
		return mib ? GPUPT_E_NOMEM : 0;
	step->text = gpupt_making_text(making, "<qemu:commandline> gets -fw_cfg "
				       "name=opt/ovmf/X-PciMmio64Mb,string=%llu",
				       (unsigned long long)mib);
	step->reason = gpupt_making_text(making, "with a window of %s the firmware places the BARs "
					 "itself", gpupt_making_size(making, gpupt_mul(mib, GPUPT_MIB)));
	step->cost = "libvirt marks the guest as tainted (custom-argv)";
	step->needs = "OVMF";
	return 0;
}

static int add_realloc(struct gpupt_making *making)
{
	if (!making->cure.realloc)
		return 0;
	const struct gpupt_domain *domain = making->domain;
	struct gpupt_step *step = add(making, GPUPT_REMEDY_CMDLINE, "guest kernel");
	if (!step)
		return GPUPT_E_NOMEM;
	step->text = domain->kernel ? "<cmdline> gets pci=realloc" :
		     "the guest's own boot loader has to give its kernel pci=realloc";
	step->reason = "the kernel then enlarges bridge windows that the firmware made too small";
	step->cost = "a change inside the guest; with many GPUs it can make things worse";
	return 0;
}

/* The hole speaks for itself. */
static void tell(struct gpupt_making *making, const struct gpupt_step *step)
{
	bool of_ports = step->remedy == GPUPT_REMEDY_HOTPLUG ||
			step->remedy == GPUPT_REMEDY_MEMRESERVE;
	enum gpupt_finding_number number =
		of_ports ? GPUPT_FINDING_REMEDY_TAKEN :
		step->remedy == GPUPT_REMEDY_CMDLINE && !making->domain->kernel ?
		GPUPT_FINDING_GUEST_REALLOC : GPUPT_FINDING_REMEDY_INVASIVE;
	if (step->remedy != GPUPT_REMEDY_HOLE)
		gpupt_findings_add(&making->plan->findings, number, NULL, NULL, step->subject,
				   "%s: %s", step->text, step->reason);
}

int gpupt_make_steps(struct gpupt_making *making)
{
	const struct gpupt_plan *plan = making->plan;
	if (plan->status < 0)
		return 0;
	int r = plan->writes_hole ? add_hole(making) : 0;
	for (size_t i = 0; r == 0 && i < plan->n_ports; i++)
		r = add_port(making, &plan->ports[i]);
	if (r == 0)
		r = add_moves(making);
	if (r == 0)
		r = add_width(making);
	if (r == 0)
		r = add_window(making);
	if (r == 0)
		r = add_realloc(making);
	for (size_t i = 0; r == 0 && i < plan->n_steps; i++)
		tell(making, &plan->steps[i]);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}
