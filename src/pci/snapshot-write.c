/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes gpupt-snapshot(5): one BAR a line, so that snapshots can be compared by
 * eye and with diff(1). Absent keys stand for what is not known. */
#include <inttypes.h>
#include <stdlib.h>

#include <gpupt/size.h>

#include "base/str.h"
#include "pci/inventory.h"

static const char *yes_no(bool yes)
{
	return yes ? "true" : "false";
}

/* Every string of an inventory went through gpupt_inventory_keep(): only these
 * two need a backslash. */
static void add_string(struct gpupt_str *str, const char *text)
{
	gpupt_str_adds(str, "\"");
	for (const char *p = text; *p; p++)
		gpupt_str_addf(str, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	gpupt_str_adds(str, "\"");
}

static void add_member(struct gpupt_str *str, const char *before, const char *key,
		       const char *text)
{
	gpupt_str_addf(str, "%s\"%s\": ", before, key);
	add_string(str, text);
}

static void add_size(struct gpupt_str *str, uint64_t bytes)
{
	char size[GPUPT_SIZE_TEXT_MAX];
	gpupt_str_addf(str, "\"%s\"", gpupt_size_format(bytes, size));
}

static void add_bar(struct gpupt_str *str, size_t index, const struct gpupt_bar *bar)
{
	gpupt_str_addf(str, "{ \"index\": %zu, \"type\": \"%s\"", index, bar->io ? "io" : "memory");
	if (!bar->io)
		gpupt_str_addf(str, ", \"bits\": %d, \"prefetchable\": %s", bar->mem64 ? 64 : 32,
			       yes_no(bar->prefetchable));
	if (bar->size_bytes) {
		gpupt_str_adds(str, ", \"size\": ");
		add_size(str, bar->size_bytes);
	}
	if (bar->assigned)
		gpupt_str_addf(str, ", \"address\": \"0x%" PRIx64 "\"", bar->address);
	if (!bar->enabled)
		gpupt_str_adds(str, ", \"enabled\": false");
	if (bar->size_from_catalogue)
		gpupt_str_adds(str, ", \"size_from_catalogue\": true");
	const char *before = ", \"resizable\": [";
	for (unsigned int bit = 0; bit < 44; bit++) {
		if (!(bar->resizable_sizes >> bit & 1))
			continue;
		gpupt_str_adds(str, before);
		add_size(str, GPUPT_MIB << bit);
		before = ", ";
	}
	gpupt_str_adds(str, bar->resizable_sizes ? "] }" : " }");
}

static void add_bars(struct gpupt_str *str, const char *indent, const struct gpupt_bar *bars,
		     size_t count)
{
	const char *comma = "";
	gpupt_str_adds(str, "\"bars\": [");
	for (size_t i = 0; i < count; i++) {
		if (!bars[i].present)
			continue;
		gpupt_str_addf(str, "%s\n%s  ", comma, indent);
		add_bar(str, i, &bars[i]);
		comma = ",";
	}
	if (*comma)
		gpupt_str_addf(str, "\n%s", indent);
	gpupt_str_adds(str, "]");
}

static void add_function(struct gpupt_str *str, const struct gpupt_pci_function *function)
{
	static const char newline[] = ",\n      ";
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
	gpupt_str_addf(str, "    {\n      \"address\": \"%s\"",
		       gpupt_pci_address_format(function->address, address));
	if (function->vendor || function->device)
		gpupt_str_addf(str, ",\n      \"vendor\": \"%04x\", \"device\": \"%04x\"",
			       function->vendor, function->device);
	if (function->class_code)
		gpupt_str_addf(str, ",\n      \"class\": \"%06" PRIx32 "\"", function->class_code);
	if (function->is_bridge)
		gpupt_str_adds(str, ",\n      \"bridge\": true");
	if (function->is_virtual_function)
		gpupt_str_adds(str, ",\n      \"virtual_function\": true");
	if (function->driver)
		add_member(str, newline, "driver", function->driver);
	else if (function->driver_known)
		gpupt_str_adds(str, ",\n      \"driver\": null");
	if (function->iommu_group_known && function->iommu_group >= 0)
		gpupt_str_addf(str, ",\n      \"iommu_group\": %d", function->iommu_group);
	else if (function->iommu_group_known)
		gpupt_str_adds(str, ",\n      \"iommu_group\": null");
	if (function->boot_vga)
		gpupt_str_adds(str, ",\n      \"boot_vga\": true");
	if (function->host_use)
		add_member(str, newline, "host_use", function->host_use);
	if (function->source == GPUPT_SOURCE_CATALOGUE)
		gpupt_str_adds(str, ",\n      \"from_catalogue\": true");
	if (function->assumed)
		gpupt_str_adds(str, ",\n      \"assumed\": true");
	gpupt_str_adds(str, newline);
	add_bars(str, "      ", function->bars, GPUPT_BAR_COUNT);
	if (function->total_vfs) {
		gpupt_str_addf(str, ",\n      \"sriov\": {\n        \"total_vfs\": %u,\n        ",
			       function->total_vfs);
		add_bars(str, "        ", function->vf_bars, GPUPT_BAR_ROM);
		gpupt_str_adds(str, "\n      }");
	}
	gpupt_str_adds(str, "\n    }");
}

static void add_firmware(struct gpupt_str *str, const struct gpupt_host *host)
{
	for (size_t i = 0; i < host->n_firmware; i++) {
		const struct gpupt_host_firmware *firmware = &host->firmware[i];
		add_member(str, i ? ",\n      { " : "\n      { ", "file", firmware->file);
		add_member(str, ", ", "name", firmware->name);
		if (firmware->version)
			add_member(str, ", ", "version", firmware->version);
		gpupt_str_adds(str, " }");
	}
}

static void add_host(struct gpupt_str *str, const struct gpupt_host *host)
{
	const struct {
		const char *key, *text;
	} members[] = {
		{ "hostname", host->hostname },
		{ "kernel", host->kernel },
		{ "os", host->os },
		{ "cpu_vendor", host->cpu_vendor },
	};
	const char *before = "\n    ";
	gpupt_str_adds(str, "  \"host\": {");
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(members); i++) {
		if (!members[i].text)
			continue;
		add_member(str, before, members[i].key, members[i].text);
		before = ",\n    ";
	}
	if (host->phys_bits) {
		gpupt_str_addf(str, "%s\"phys_bits\": %u", before, host->phys_bits);
		before = ",\n    ";
	}
	if (host->n_firmware) {
		gpupt_str_addf(str, "%s\"firmware\": [", before);
		add_firmware(str, host);
		gpupt_str_adds(str, "\n    ]");
	}
	gpupt_str_adds(str, "\n  },\n");
}

GPUPT_EXPORT int gpupt_inventory_write_snapshot(const struct gpupt_inventory *inventory,
						char **ret_text, size_t *ret_length,
						struct gpupt_error **error)
{
	struct gpupt_str str = { 0 };
	gpupt_str_adds(&str, "{\n  \"format\": \"gpupt-snapshot\",\n  \"version\": 1,\n");
	add_host(&str, gpupt_inventory_get_host(inventory));
	gpupt_str_adds(&str, "  \"devices\": [");
	for (size_t i = 0; i < gpupt_inventory_count(inventory); i++) {
		gpupt_str_adds(&str, i ? ",\n" : "\n");
		add_function(&str, gpupt_inventory_get(inventory, i));
	}
	gpupt_str_adds(&str, "\n  ]\n}\n");
	size_t length;
	char *text = gpupt_str_steal(&str, &length);
	if (!text)
		return gpupt_fail_nomem(error);
	*ret_text = text;
	if (ret_length)
		*ret_length = length;
	return 0;
}
