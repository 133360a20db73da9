/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>

#include "base/str.h"
#include "cli/names.h"
#include "cli/output.h"
#include "cli/print-json.h"
#include "cli/request.h"
#include "cli/table.h"

/* What the two forms of output are made from. */
struct device_list {
	const struct gpupt_inventory *inventory;
	struct cli_names *names;
	struct gpupt_finding *findings;
	size_t n_findings;
	bool all;
};

static bool is_same_slot(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

/* With its siblings: a GPU's audio function comes along. */
static bool is_listed(const struct device_list *list, const struct gpupt_pci_function *function)
{
	if (list->all)
		return true;
	for (size_t i = 0; !function->is_bridge && i < gpupt_inventory_count(list->inventory); i++) {
		const struct gpupt_pci_function *other = gpupt_inventory_get(list->inventory, i);
		if (is_same_slot(function->address, other->address) &&
		    gpupt_pci_function_is_candidate(other))
			return true;
	}
	return false;
}

static bool is_about(const struct gpupt_finding *finding,
		     const struct gpupt_pci_function *function)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	return finding->subject &&
	       strstr(finding->subject, gpupt_pci_address_format(function->address, address));
}

/* "0:16M 1:32G(64p) 3:32M(64p,unassigned)" */
static void add_bars(struct cli_table *table, const struct gpupt_pci_function *function)
{
	struct gpupt_str text = { 0 };
	char size[GPUPT_SIZE_TEXT_MAX];
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++) {
		const struct gpupt_bar *bar = &function->bars[i];
		if (!bar->present || bar->io)
			continue;
		gpupt_str_addf(&text, "%s%u:%s", text.length ? ", " : "", i,
			       bar->size_bytes ? gpupt_size_format(bar->size_bytes, size) : "?");
		if (bar->mem64)
			gpupt_str_adds(&text, bar->prefetchable ? " 64-bit pref" : " 64-bit");
		if (!bar->assigned && function->source != GPUPT_SOURCE_CATALOGUE)
			gpupt_str_adds(&text, " UNASSIGNED");
	}
	GPUPT_AUTOFREE char *cell = gpupt_str_steal(&text, NULL);
	cli_table_add(table, "%s", cell ? (*cell ? cell : "-") : "?");
}

static void add_group(struct cli_table *table, const struct gpupt_pci_function *function)
{
	if (!function->iommu_group_known)
		cli_table_add(table, "?");
	else if (function->iommu_group < 0)
		cli_table_add(table, "-");
	else
		cli_table_add(table, "%d", function->iommu_group);
}

static void add_row(struct cli_table *table, const struct device_list *list,
		    const struct gpupt_pci_function *function)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], name[256];
	cli_table_add(table, "%s", gpupt_pci_address_format(function->address, address));
	cli_table_add(table, "%04x:%04x", function->vendor, function->device);
	cli_table_add(table, "%04x", function->class_code >> 8);
	cli_table_add(table, "%s", function->driver	 ? function->driver :
				   function->driver_known ? "-" : "?");
	add_group(table, function);
	add_bars(table, function);
	cli_table_add(table, "%s", cli_names_device(list->names, function, name, sizeof(name)));
}

static void print_device_findings(const struct cli_settings *settings,
				  const struct device_list *list)
{
	for (size_t f = 0; f < list->n_findings; f++)
		for (size_t i = 0; i < gpupt_inventory_count(list->inventory); i++) {
			const struct gpupt_pci_function *function =
				gpupt_inventory_get(list->inventory, i);
			if (!is_about(&list->findings[f], function) ||
			    !is_listed(list, function))
				continue;
			cli_print_findings(settings, NULL, &list->findings[f], 1);
			break;
		}
}

static int print_table(const struct cli_settings *settings, const struct device_list *list,
		       struct gpupt_error **error)
{
	static const char *const headings[] = { "ADDRESS", "ID", "CLASS", "DRIVER", "GROUP",
						"BARS", "NAME" };
	struct cli_table table = { .headings = headings,
				   .n_columns = GPUPT_ARRAY_SIZE(headings) };
	for (size_t i = 0; i < gpupt_inventory_count(list->inventory); i++) {
		const struct gpupt_pci_function *function =
			gpupt_inventory_get(list->inventory, i);
		if (is_listed(list, function))
			add_row(&table, list, function);
	}
	int r = 0;
	if (table.n_cells || table.failed)
		r = cli_table_print(&table, stdout, error);
	else
		cli_note(settings, "no device worth passing through; --all lists every function");
	cli_table_clear(&table);
	if (r == 0)
		r = cli_flush_output(error);
	if (r == 0)
		print_device_findings(settings, list);
	return r;
}

static json_t *json_bars(const struct gpupt_pci_function *function)
{
	json_t *bars = json_array();
	for (unsigned int i = 0; i < GPUPT_BAR_COUNT; i++) {
		const struct gpupt_bar *bar = &function->bars[i];
		if (!bar->present)
			continue;
		json_array_append_new(bars, json_pack("{s:i, s:I, s:b, s:b, s:b, s:b}",
			"index", (int)i, "size_bytes", (json_int_t)bar->size_bytes,
			"io", bar->io, "mem64", bar->mem64, "prefetchable", bar->prefetchable,
			"assigned", bar->assigned));
	}
	return bars;
}

static json_t *json_findings(const struct device_list *list,
			     const struct gpupt_pci_function *function)
{
	json_t *findings = json_array();
	for (size_t i = 0; i < list->n_findings; i++) {
		const struct gpupt_finding *finding = &list->findings[i];
		char id[32];
		snprintf(id, sizeof(id), "GPUPT-%04u", finding->number);
		if (is_about(finding, function))
			json_array_append_new(findings, json_pack("{s:s, s:s, s:s}", "id", id,
				"text", finding->text, "remedy", finding->remedy));
	}
	return findings;
}

static json_t *json_device(const struct device_list *list,
			   const struct gpupt_pci_function *function)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], name[256], class_name[128];
	char vendor[8], device[8], class_code[8];
	snprintf(vendor, sizeof(vendor), "%04x", function->vendor);
	snprintf(device, sizeof(device), "%04x", function->device);
	snprintf(class_code, sizeof(class_code), "%06x", function->class_code & 0xffffff);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:s?, s:o, s:o}",
		"address", gpupt_pci_address_format(function->address, address),
		"vendor", vendor, "device", device, "class", class_code,
		"class_name", cli_names_class(list->names, function, class_name,
					      sizeof(class_name)),
		"name", cli_names_device(list->names, function, name, sizeof(name)),
		"driver", function->driver,
		"iommu_group", function->iommu_group_known && function->iommu_group >= 0 ?
			json_integer(function->iommu_group) : json_null(),
		"host_use", function->host_use,
		"bars", json_bars(function), "findings", json_findings(list, function));
}

static int print_json(const struct device_list *list, struct gpupt_error **error)
{
	json_t *devices = json_array();
	bool complete = devices;
	for (size_t i = 0; i < gpupt_inventory_count(list->inventory); i++) {
		const struct gpupt_pci_function *function =
			gpupt_inventory_get(list->inventory, i);
		if (is_listed(list, function) &&
		    json_array_append_new(devices, json_device(list, function)) < 0)
			complete = false;
	}
	json_t *document = json_pack("{s:o}", "devices", devices);
	if (!complete) {
		json_decref(document);
		document = NULL;
	}
	return cli_print_json(document, error);
}

int cli_devices(const struct cli_settings *settings, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	int r = cli_inventory_of_host(settings, &inventory, error);
	if (r < 0)
		return r;
	struct device_list list = { .inventory = inventory, .all = settings->all };
	r = gpupt_inventory_check(inventory, &list.findings, &list.n_findings, error);
	if (r < 0)
		return r;
	list.names = cli_names_open();
	r = settings->format == CLI_FORMAT_JSON ? print_json(&list, error) :
						  print_table(settings, &list, error);
	cli_names_close(list.names);
	free(list.findings);
	return r;
}
