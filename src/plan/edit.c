/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What to change in the text. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "plan/making.h"

/* The lines of new elements. */
struct lines {
	struct gpupt_line *items;
	size_t count, capacity;
	struct gpupt_arena **arena;
	bool no_memory;
};

__attribute__((format(printf, 3, 4)))
static void add_line(struct lines *lines, unsigned int level, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	const char *copy = gpupt_arena_copy(lines->arena, text, strlen(text));
	if (!copy || !GPUPT_GROW(lines->items, lines->count, lines->capacity))
		lines->no_memory = true;
	else
		lines->items[lines->count++] = (struct gpupt_line){ level, copy };
}

int gpupt_keep_edit(struct gpupt_making *making, struct gpupt_edit edit)
{
	struct gpupt_plan *plan = making->plan;
	if (!GPUPT_GROW(plan->edits, plan->n_edits, plan->c_edits))
		return gpupt_fail_nomem(making->error);
	plan->edits[plan->n_edits++] = edit;
	return 0;
}

/* ---- <pcihole64> */

static void hole_text(uint64_t bytes, char *buffer, size_t size)
{
	snprintf(buffer, size, "<pcihole64 unit='KiB'>%" PRIu64 "</pcihole64>", bytes / GPUPT_KIB);
}

static int edit_hole(struct gpupt_making *making, const struct gpupt_controller *root)
{
	struct gpupt_plan *plan = making->plan;
	struct gpupt_edit edit;
	char text[64];
	hole_text(plan->hole.planned, text, sizeof(text));
	const struct gpupt_line line = { 0, text };
	int r = root->n_holes ?
		gpupt_edit_replace(making->domain, &plan->arena, &root->element,
				   &root->hole.element, text, &edit) :
		gpupt_edit_insert(making->domain, &plan->arena, &root->element, &root->last_child,
				  NULL, false, &line, 1, &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static void add_root_controller(struct gpupt_making *making, struct lines *lines,
				unsigned int level)
{
	char text[64];
	hole_text(making->plan->hole.planned, text, sizeof(text));
	add_line(lines, level, "<controller type='pci' index='0' model='%s'>",
		 making->machine == GPUPT_MACHINE_HAS_Q35 ? "pcie-root" : "pci-root");
	add_line(lines, level + 1, "%s", text);
	add_line(lines, level, "</controller>");
	making->plan->n_controllers_added++;
}

static void add_root_ports(struct gpupt_making *making, struct lines *lines, unsigned int level)
{
	struct gpupt_plan *plan = making->plan;
	for (size_t i = 0; i < plan->n_ports; i++) {
		const struct gpupt_port *port = &plan->ports[i];
		bool plain = !port->hotplug_off && !port->mem_reserve_kib;
		if (port->controller != GPUPT_NEW_PORT)
			continue;
		add_line(lines, level, "<controller type='pci' index='%u' model='pcie-root-port'%s>",
			 port->index, plain ? "/" : "");
		if (port->hotplug_off)
			add_line(lines, level + 1, "<target hotplug='off'/>");
		else if (port->mem_reserve_kib)
			add_line(lines, level + 1, "<target memReserve='%" PRIu64 "'/>",
				 port->mem_reserve_kib);
		if (!plain)
			add_line(lines, level, "</controller>");
		plan->n_controllers_added++;
	}
}

/* ---- <hostdev> */

/* libvirt's own spelling (virPCIDeviceAddressFormat, src/conf/device_conf.c, 9.0). */
const char *gpupt_address_text(struct gpupt_making *making,
			       const struct gpupt_guest_address *address)
{
	return gpupt_making_text(making, "<address type='pci' domain='0x%04x' bus='0x%02x' "
				 "slot='0x%02x' function='0x%x'%s/>", address->pci.domain,
				 address->pci.bus, address->pci.slot, address->pci.function,
				 address->multifunction == GPUPT_YES ? " multifunction='on'" : "");
}

static void add_hostdev(struct gpupt_making *making, struct lines *lines, unsigned int level,
			const struct gpupt_wanted *wanted)
{
	const struct gpupt_pci_address *host = &wanted->host;
	add_line(lines, level, "<hostdev mode='subsystem' type='pci' managed='yes'>");
	add_line(lines, level + 1, "<source>");
	add_line(lines, level + 2,
		 "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>",
		 host->domain, host->bus, host->slot, host->function);
	add_line(lines, level + 1, "</source>");
	if (wanted->writes_guest_address)
		add_line(lines, level + 1, "%s", gpupt_address_text(making, &wanted->guest));
	add_line(lines, level, "</hostdev>");
}

static int add_hostdevs(struct gpupt_making *making, struct lines *lines, unsigned int level)
{
	struct gpupt_plan *plan = making->plan;
	for (size_t i = 0; i < making->n_wanted; i++) {
		if (making->wanted[i].existing)
			continue;
		add_hostdev(making, lines, level, &making->wanted[i]);
		if (!GPUPT_GROW(plan->added, plan->n_added, plan->c_added))
			return gpupt_fail_nomem(making->error);
		plan->added[plan->n_added++] = making->wanted[i].host;
	}
	return 0;
}

static int remove_hostdevs(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	for (size_t i = 0; i < making->n_removed; i++) {
		const struct gpupt_hostdev *hostdev = making->removed[i];
		if (!GPUPT_GROW(plan->removed, plan->n_removed, plan->c_removed))
			return gpupt_fail_nomem(making->error);
		plan->removed[plan->n_removed++] = hostdev->source;
		int r = gpupt_keep_edit(making, gpupt_edit_remove(making->domain, &hostdev->element));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- putting it together */

static int insert_lines(struct gpupt_making *making, const struct gpupt_element *parent,
			const struct gpupt_element *sibling, const struct gpupt_element *after,
			bool first, const struct lines *lines)
{
	if (lines->no_memory)
		return gpupt_fail_nomem(making->error);
	if (!lines->count)
		return 0;
	struct gpupt_edit edit;
	int r = gpupt_edit_insert(making->domain, &making->plan->arena, parent, sibling, after,
				  first, lines->items, lines->count, &edit);
	return r < 0 ? gpupt_fail_nomem(making->error) : gpupt_keep_edit(making, edit);
}

static int collect(struct gpupt_making *making, struct lines *controllers, struct lines *hostdevs,
		   unsigned int level)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	if (making->plan->writes_hole && !root)
		add_root_controller(making, controllers, level);
	add_root_ports(making, controllers, level);
	return add_hostdevs(making, hostdevs, level);
}

/* A domain without <devices>, or with an empty one, gets all of it in one edit. */
static int insert_with_devices(struct gpupt_making *making, struct lines *lines)
{
	const struct gpupt_domain *domain = making->domain;
	bool missing = !domain->has_devices;
	if (missing)
		add_line(lines, 0, "<devices>");
	size_t before = lines->count;
	int r = collect(making, lines, lines, missing ? 1 : 0);
	if (r < 0 || lines->count == before)
		return r;
	if (missing) {
		add_line(lines, 0, "</devices>");
		return insert_lines(making, &domain->root, &domain->last_child, NULL, false, lines);
	}
	return insert_lines(making, &domain->devices, NULL, NULL, true, lines);
}

static int insert_among_devices(struct gpupt_making *making, struct lines *controllers,
				struct lines *hostdevs)
{
	const struct gpupt_domain *domain = making->domain;
	int r = collect(making, controllers, hostdevs, 0);
	if (r == 0)
		r = insert_lines(making, &domain->devices, &domain->first_device,
				 &domain->controller_anchor, true, controllers);
	if (r == 0)
		r = insert_lines(making, &domain->devices, &domain->first_device,
				 &domain->hostdev_anchor, true, hostdevs);
	return r;
}

/* Sorts by offset (stable); text that goes where something is removed goes behind
 * the removal. */
static int order_edits(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	for (size_t i = 0; i < plan->n_edits; i++) {
		struct gpupt_edit *insert = &plan->edits[i];
		for (size_t j = 0; j < plan->n_edits && insert->length == 0; j++) {
			const struct gpupt_edit *removal = &plan->edits[j];
			if (removal->length && insert->offset > removal->offset &&
			    insert->offset < removal->offset + removal->length)
				insert->offset = removal->offset + removal->length;
		}
	}
	for (size_t i = 1; i < plan->n_edits; i++) {
		struct gpupt_edit moving = plan->edits[i];
		size_t j = i;
		for (; j > 0 && plan->edits[j - 1].offset > moving.offset; j--)
			plan->edits[j] = plan->edits[j - 1];
		plan->edits[j] = moving;
	}
	for (size_t i = 1; i < plan->n_edits; i++)
		if (plan->edits[i - 1].offset + plan->edits[i - 1].length > plan->edits[i].offset)
			return gpupt_fail(making->error, GPUPT_E_INTERNAL, "edits overlap");
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct gpupt_pci_address *x = a, *y = b;
	return gpupt_pci_address_compare(*x, *y);
}

/* For check.c. */
static void order_addresses(struct gpupt_pci_address *addresses, size_t count)
{
	if (count)
		qsort(addresses, count, sizeof(*addresses), compare_addresses);
}

int gpupt_make_edits(struct gpupt_making *making)
{
	struct gpupt_plan *plan = making->plan;
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	if (plan->status < 0)
		return 0;
	struct lines controllers = { .arena = &plan->arena };
	struct lines hostdevs = { .arena = &plan->arena };
	int r = plan->writes_hole && root ? edit_hole(making, root) : 0;
	if (r == 0)
		r = domain->has_devices && domain->first_device.whole.end ?
			insert_among_devices(making, &controllers, &hostdevs) :
			insert_with_devices(making, &controllers);
	if (r == 0)
		r = remove_hostdevs(making);
	if (r == 0)
		r = gpupt_edit_cures(making);
	free(controllers.items);
	free(hostdevs.items);
	order_addresses(plan->added, plan->n_added);
	order_addresses(plan->removed, plan->n_removed);
	return r < 0 ? r : order_edits(making);
}
