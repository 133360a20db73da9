/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What remedies beside the hole change in the text: ports and hostdevs that are there
 * already, <cpu>, <os>, <qemu:commandline>. */

#include <inttypes.h>
#include <stdio.h>

#include "plan/making.h"

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
#define WINDOW "name=opt/ovmf/X-PciMmio64Mb,string="

/* One new child, as the last. */
static int append(struct gpupt_making *making, const struct gpupt_element *parent,
		  const struct gpupt_element *sibling, const char *text)
{
	const struct gpupt_line line = { 0, text };
	struct gpupt_edit edit;
	int r = gpupt_edit_insert(making->domain, &making->plan->arena, parent, sibling, NULL,
				  false, &line, 1, &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static int replace(struct gpupt_making *making, const struct gpupt_element *parent,
		   const struct gpupt_element *element, const char *text)
{
	struct gpupt_edit edit;
	int r = gpupt_edit_replace(making->domain, &making->plan->arena, parent, element, text,
				   &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static int set_attribute(struct gpupt_making *making, const struct gpupt_element *element,
			 const char *name, const char *value)
{
	struct gpupt_edit edit;
	int r = gpupt_edit_attribute(making->domain, &making->plan->arena, element, name, value,
				     &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

/* ---- <controller> */

static int edit_port(struct gpupt_making *making, const struct gpupt_port *port)
{
	const struct gpupt_controller *controller = &making->domain->controllers[port->controller];
	const char *name = port->hotplug_off ? "hotplug" : "memReserve";
	const char *value = port->hotplug_off ? "off" :
		gpupt_making_text(making, "%" PRIu64, port->mem_reserve_kib);
	if (controller->target.whole.end)
		return set_attribute(making, &controller->target, name, value);
	return append(making, &controller->element, &controller->last_child,
		      gpupt_making_text(making, "<target %s='%s'/>", name, value));
}

/* ---- <hostdev> */

static int keep_address(struct gpupt_making *making, const struct gpupt_wanted *wanted)
{
	struct gpupt_plan *plan = making->plan;
	if (!GPUPT_GROW(plan->addresses, plan->n_addresses, plan->c_addresses))
		return gpupt_fail_nomem(making->error);
	plan->addresses[plan->n_addresses++] = (struct gpupt_new_address){
		.hostdev = (size_t)(wanted->existing - making->domain->hostdevs),
		.source = wanted->host,
		.guest = wanted->guest,
	};
	return 0;
}

static int edit_address(struct gpupt_making *making, const struct gpupt_wanted *wanted)
{
	const struct gpupt_hostdev *hostdev = wanted->existing;
	const char *text = gpupt_address_text(making, &wanted->guest);
	int r = hostdev->guest_address.whole.end ?
		replace(making, &hostdev->element, &hostdev->guest_address, text) :
		append(making, &hostdev->element, &hostdev->last_child, text);
	return r < 0 ? r : keep_address(making, wanted);
}

/* ---- <cpu>, <os> */

/* Without a model libvirt takes the one it would take without a <cpu>. */
static int add_cpu(struct gpupt_making *making, const char *width)
{
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_line lines[] = { { 0, "<cpu>" }, { 1, width }, { 0, "</cpu>" } };
	struct gpupt_edit edit;
	int r = gpupt_edit_insert(domain, &making->plan->arena, &domain->root, &domain->os,
				  &domain->os, false, lines, GPUPT_ARRAY_SIZE(lines), &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static int edit_width(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	const char *text = gpupt_making_text(making, "<maxphysaddr mode='emulate' bits='%u'/>",
					     making->cure.phys_bits);
	if (!domain->cpu.whole.end)
		return add_cpu(making, text);
	if (domain->maxphysaddr_element.whole.end)
		return replace(making, &domain->cpu, &domain->maxphysaddr_element, text);
	return append(making, &domain->cpu, &domain->last_cpu_child, text);
}

static int edit_cmdline(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_element *element = &domain->cmdline_element;
	const char *old = domain->cmdline ? domain->cmdline : "";
	const char *added = gpupt_making_text(making, "%spci=realloc", *old ? " " : "");
	making->plan->cmdline = gpupt_making_text(making, "%s%s", old, added);
	if (!element->whole.end)
		return append(making, &domain->os, &domain->kernel_element,
			      "<cmdline>pci=realloc</cmdline>");
	if (element->self_closing)
		return replace(making, &domain->os, element, "<cmdline>pci=realloc</cmdline>");
	return gpupt_keep_edit(making, (struct gpupt_edit){
		.offset = element->end_tag,
		.replacement = added,
		.replacement_length = strlen(added),
	});
}

/* ---- <qemu:commandline> */

/* In a <qemu:commandline> that is there, with the prefix that it has. */
static int add_arguments(struct gpupt_making *making, const char *window)
{
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_element *list = &domain->commandline;
	const char *tag = domain->text + list->start_tag.start + 1;
	int prefix = (int)strcspn(tag, ": \t\r\n/>");
	const char *colon = tag[prefix] == ':' ? ":" : "";
	const struct gpupt_line lines[] = {
		{ 0, gpupt_making_text(making, "<%.*s%sarg value='-fw_cfg'/>", *colon ? prefix : 0,
				       tag, colon) },
		{ 0, gpupt_making_text(making, "<%.*s%sarg value='%s'/>", *colon ? prefix : 0, tag,
				       colon, window) },
	};
	struct gpupt_edit edit;
	const struct gpupt_element *last = domain->n_arguments ?
		&domain->argument_elements[domain->n_arguments - 1] : NULL;
	int r = gpupt_edit_insert(domain, &making->plan->arena, list, last, NULL, false, lines,
				  GPUPT_ARRAY_SIZE(lines), &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

/* Where nobody wrote the prefix yet it is declared on <domain>, as libvirt does. But an
 * argument whose prefix nobody declared is none, and must not become one. */
static const char *commandline_tag(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	struct gpupt_span old = gpupt_attribute_span(domain, &domain->root, "xmlns:qemu");
	if (old.end - old.start == strlen(QEMU_NAMESPACE) &&
	    memcmp(domain->text + old.start, QEMU_NAMESPACE, strlen(QEMU_NAMESPACE)) == 0)
		return "<qemu:commandline>";
	if (old.end || strstr(domain->text, "qemu:"))
		return "<qemu:commandline xmlns:qemu='" QEMU_NAMESPACE "'>";
	return set_attribute(making, &domain->root, "xmlns:qemu", QEMU_NAMESPACE) < 0 ?
		NULL : "<qemu:commandline>";
}

static int add_commandline(struct gpupt_making *making, const char *window)
{
	const struct gpupt_domain *domain = making->domain;
	const char *tag = commandline_tag(making);
	if (!tag)
		return GPUPT_E_NOMEM;
	const struct gpupt_line lines[] = {
		{ 0, tag },
		{ 1, "<qemu:arg value='-fw_cfg'/>" },
		{ 1, gpupt_making_text(making, "<qemu:arg value='%s'/>", window) },
		{ 0, "</qemu:commandline>" },
	};
	struct gpupt_edit edit;
	int r = gpupt_edit_insert(domain, &making->plan->arena, &domain->root,
				  &domain->last_child, NULL, false, lines,
				  GPUPT_ARRAY_SIZE(lines), &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static int edit_window(struct gpupt_making *making)
{
	const char *window = gpupt_making_text(making, WINDOW "%" PRIu64,
					       making->cure.window_mib);
	if (making->window_place)
		return set_attribute(making, making->window_place, "value", window);
	return making->domain->commandline.whole.end ? add_arguments(making, window) :
						       add_commandline(making, window);
}

/* ---- all of them */

int gpupt_edit_cures(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	int r = 0;
	for (size_t i = 0; r == 0 && i < plan->n_ports; i++)
		if (plan->ports[i].controller != GPUPT_NEW_PORT)
			r = edit_port(making, &plan->ports[i]);
	for (size_t i = 0; r == 0 && i < making->n_wanted; i++)
		if (making->wanted[i].existing && making->wanted[i].writes_guest_address)
			r = edit_address(making, &making->wanted[i]);
	if (r == 0 && plan->cure.phys_bits)
		r = edit_width(making);
	if (r == 0 && plan->cure.realloc && making->domain->kernel)
		r = edit_cmdline(making);
	if (r == 0 && plan->cure.window_mib)
		r = edit_window(making);
	return r;
}
