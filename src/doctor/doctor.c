/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a checkup: finds out what to look at, runs every check, keeps what they say. */
#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "doctor/checkup.h"
#include "domain/domain.h"

static const struct {
	const char *name;
	void (*run)(struct gpupt_making_checkup *making);
} checks[GPUPT_N_CHECKS] = {
	{ "bars", gpupt_check_bars },
	{ "iommu", gpupt_check_iommu },
	{ "groups", gpupt_check_groups },
	{ "drivers", gpupt_check_drivers },
	{ "use", gpupt_check_use },
	{ "vfio", gpupt_check_vfio },
	{ "memory", gpupt_check_memory },
	{ "versions", gpupt_check_versions },
	{ "kernel", gpupt_check_kernel },
};

/* ---- what checks write */

__attribute__((format(printf, 3, 0)))
static void add_part(struct gpupt_making_checkup *making, struct gpupt_str *str,
		     const char *format, va_list args)
{
	char *text = NULL;
	if (vasprintf(&text, format, args) < 0) {
		making->no_memory = true;
		return;
	}
	gpupt_str_addf(str, "%s%s", str->length ? "; " : "", text);
	free(text);
}

void gpupt_checkup_saw(struct gpupt_making_checkup *making, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_part(making, &making->check->seen, format, args);
	va_end(args);
}

void gpupt_checkup_missed(struct gpupt_making_checkup *making, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_part(making, &making->check->unseen, format, args);
	va_end(args);
}

void gpupt_checkup_found(struct gpupt_making_checkup *making, enum gpupt_finding_number number,
			 const struct gpupt_examined *device, const char *format, ...)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX] = "";
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (device)
		gpupt_pci_address_format(device->function->address, address);
	making->no_memory |= !text;
	if (text)
		gpupt_findings_add(&making->check->findings, number, making->domain,
				   device && device->hostdev ? &device->hostdev->element : NULL,
				   address, "%s", text);
	free(text);
}

void gpupt_checkup_advise(struct gpupt_making_checkup *making, const char *format, ...)
{
	struct gpupt_findings *findings = &making->check->findings;
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	char *kept = text ? gpupt_arena_copy(making->arena, text, strlen(text)) : NULL;
	making->no_memory |= !kept;
	if (kept && findings->count && !findings->no_memory)
		findings->items[findings->count - 1].remedy = kept;
	free(text);
}

/* ---- what is looked at */

uint64_t gpupt_examined_largest_bar(const struct gpupt_examined *device)
{
	uint64_t largest = 0;
	for (size_t i = 0; i < GPUPT_BAR_ROM; i++) {
		const struct gpupt_bar *bar = &device->function->bars[i];
		if (bar->present && bar->mem64 && bar->size_bytes > largest)
			largest = bar->size_bytes;
	}
	return largest;
}

static void add_device(struct gpupt_making_checkup *making,
		       const struct gpupt_pci_function *function,
		       const struct gpupt_hostdev *hostdev)
{
	if (GPUPT_GROW(making->devices, making->n_devices, making->c_devices))
		making->devices[making->n_devices++] = (struct gpupt_examined){ function, hostdev };
	else
		making->no_memory = true;
}

/* A boot display without a large BAR is a management controller's, which nobody
 * passes through. */
static bool is_of_interest(const struct gpupt_pci_function *function)
{
	struct gpupt_examined device = { .function = function };
	return gpupt_pci_function_is_candidate(function) &&
	       !(function->boot_vga && gpupt_examined_largest_bar(&device) < 256 * GPUPT_MIB);
}

static bool is_same_slot(struct gpupt_pci_address a, struct gpupt_pci_address b)
{
	return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

/* What is worth passing through, with its other functions: they are neighbours, the
 * inventory is sorted. */
static void add_candidates(struct gpupt_making_checkup *making)
{
	size_t count = gpupt_inventory_count(making->inventory);
	for (size_t first = 0, end; first < count; first = end) {
		const struct gpupt_pci_function *slot =
			gpupt_inventory_get(making->inventory, first);
		bool any = false;
		for (end = first; end < count; end++) {
			const struct gpupt_pci_function *function =
				gpupt_inventory_get(making->inventory, end);
			if (!is_same_slot(slot->address, function->address))
				break;
			any |= is_of_interest(function);
		}
		for (size_t i = first; any && i < end; i++)
			if (!gpupt_inventory_get(making->inventory, i)->is_bridge)
				add_device(making, gpupt_inventory_get(making->inventory, i), NULL);
	}
}

static int compare_devices(const void *a, const void *b)
{
	const struct gpupt_examined *x = a, *y = b;
	int order = gpupt_pci_address_compare(x->function->address, y->function->address);
	/* listed twice: the first entry counts */
	return order ? order : (x->hostdev > y->hostdev) - (x->hostdev < y->hostdev);
}

static void sort_devices(struct gpupt_making_checkup *making)
{
	size_t count = 0;
	if (making->n_devices)
		qsort(making->devices, making->n_devices, sizeof(*making->devices),
		      compare_devices);
	for (size_t i = 0; i < making->n_devices; i++)
		if (!count || making->devices[count - 1].function != making->devices[i].function)
			making->devices[count++] = making->devices[i];
	making->n_devices = count;
}

const struct gpupt_examined *gpupt_examined_find(const struct gpupt_making_checkup *making,
						 struct gpupt_pci_address address)
{
	size_t low = 0, high = making->n_devices;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gpupt_examined *device = &making->devices[middle];
		int order = gpupt_pci_address_compare(address, device->function->address);
		if (order == 0)
			return device;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void find_devices(struct gpupt_making_checkup *making)
{
	const struct gpupt_domain *domain = making->domain;
	if (!making->inventory)
		return;
	for (size_t i = 0; domain && i < domain->n_hostdevs; i++) {
		const struct gpupt_hostdev *hostdev = &domain->hostdevs[i];
		const struct gpupt_pci_function *function = NULL;
		if (hostdev->has_source)
			function = gpupt_inventory_find(making->inventory, hostdev->source);
		if (function)
			add_device(making, function, hostdev);
	}
	if (!domain || !domain->n_hostdevs)
		add_candidates(making);
	sort_devices(making);
}

bool gpupt_checkup_lacks_devices(struct gpupt_making_checkup *making)
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

static void read_host(struct gpupt_making_checkup *making)
{
	struct gpupt_trouble trouble;
	making->cmdline = gpupt_tree_read_line(&making->tree, GPUPT_IN_PROC, "cmdline",
					       &making->cmdline_trouble);
	/* class/dmi/id is a link to there */
	making->vendor = gpupt_tree_read_line(&making->tree, GPUPT_IN_SYS,
					      "devices/virtual/dmi/id/sys_vendor", &trouble);
	making->product = gpupt_tree_read_line(&making->tree, GPUPT_IN_SYS,
					       "devices/virtual/dmi/id/product_name", &trouble);
}

/* ---- what stays */

static const char *keep(struct gpupt_making_checkup *making, struct gpupt_str *str)
{
	if (!str->length && !str->failed)
		return NULL;
	char *copy = str->failed ? NULL :
				   gpupt_arena_copy(making->arena, str->data, str->length);
	making->no_memory |= !copy;
	return copy;
}

static const char *describe_host(struct gpupt_making_checkup *making)
{
	const struct gpupt_host *host = making->host;
	const char *parts[] = {
		making->vendor, making->product, host ? host->kernel : NULL, host ? host->os : NULL,
	};
	static const char *const before[] = { "", "", "Linux ", "" };
	struct gpupt_str line = { 0 };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(parts); i++)
		if (parts[i] && *parts[i])
			gpupt_str_addf(&line, "%s%s%s",
				       !line.length ? "" : i == 1 && making->vendor ? " " : ", ",
				       before[i], parts[i]);
	const char *kept = keep(making, &line);
	gpupt_str_clear(&line);
	return kept ? kept : "";
}

static void run_check(struct gpupt_making_checkup *making, size_t i, struct gpupt_checkup *checkup)
{
	struct gpupt_writing writing = { .findings = { .arena = making->arena } };
	struct gpupt_check *check = &checkup->checks[i];
	making->check = &writing;
	checks[i].run(making);
	gpupt_findings_settle(&writing.findings);
	making->no_memory |= writing.findings.no_memory;
	check->name = checks[i].name;
	check->seen = keep(making, &writing.seen);
	check->unseen = keep(making, &writing.unseen);
	check->findings = writing.findings.items;
	check->n_findings = writing.findings.count;
	free(writing.findings.offsets);
	gpupt_str_clear(&writing.seen);
	gpupt_str_clear(&writing.unseen);
}

static void examine(struct gpupt_making_checkup *making, struct gpupt_checkup *checkup)
{
	find_devices(making);
	read_host(making);
	checkup->host = describe_host(making);
	for (size_t i = 0; i < GPUPT_N_CHECKS; i++)
		run_check(making, i, checkup);
	checkup->devices = calloc(making->n_devices + 1, sizeof(*checkup->devices));
	making->no_memory |= !checkup->devices;
	for (size_t i = 0; checkup->devices && i < making->n_devices; i++)
		checkup->devices[i] = making->devices[i].function->address;
	checkup->n_devices = making->n_devices;
	free(making->devices);
	free(making->cmdline);
	free(making->vendor);
	free(making->product);
}

GPUPT_EXPORT int gpupt_checkup_make(const struct gpupt_inventory *inventory,
				    const struct gpupt_checkup_options *options,
				    struct gpupt_checkup **ret, struct gpupt_error **error)
{
	static const struct gpupt_checkup_options none;
	GPUPT_AUTO(gpupt_checkup_free) struct gpupt_checkup *checkup = calloc(1, sizeof(*checkup));
	if (!checkup)
		return gpupt_fail_nomem(error);
	struct gpupt_making_checkup making = {
		.inventory = inventory,
		.options = options ? options : &none,
		.domain = options ? options->domain : NULL,
		.host = inventory ? gpupt_inventory_get_host(inventory) : NULL,
		.tree = gpupt_tree_none(),
		.arena = &checkup->arena,
	};
	if (making.options->sysfs) {
		int r = gpupt_tree_open(making.options->sysfs, &making.tree, error);
		if (r < 0)
			return r;
	}
	examine(&making, checkup);
	bool no_memory = making.no_memory || making.tree.no_memory;
	gpupt_tree_close(&making.tree);
	if (no_memory)
		return gpupt_fail_nomem(error);
	*ret = GPUPT_STEAL(checkup);
	return 0;
}

GPUPT_EXPORT void gpupt_checkup_free(struct gpupt_checkup *checkup)
{
	if (!checkup)
		return;
	for (size_t i = 0; i < GPUPT_N_CHECKS; i++)
		free((void *)(uintptr_t)checkup->checks[i].findings);
	free(checkup->devices);
	gpupt_arena_free(checkup->arena);
	free(checkup);
}

GPUPT_EXPORT const char *gpupt_check_get_result(const struct gpupt_check *check)
{
	if (!check->n_findings)
		return !check->seen ? "unknown" : check->unseen ? "partly" : "ok";
	switch (check->findings[0].severity) {
	case GPUPT_ERROR: return "error";
	case GPUPT_WARNING: return "warning";
	case GPUPT_INFO: break;
	}
	return "note";
}

GPUPT_EXPORT const struct gpupt_check *
gpupt_checkup_get_checks(const struct gpupt_checkup *checkup, size_t *ret_count)
{
	*ret_count = GPUPT_N_CHECKS;
	return checkup->checks;
}

GPUPT_EXPORT const struct gpupt_pci_address *
gpupt_checkup_get_devices(const struct gpupt_checkup *checkup, size_t *ret_count)
{
	*ret_count = checkup->n_devices;
	return checkup->devices;
}

GPUPT_EXPORT const char *gpupt_checkup_get_host(const struct gpupt_checkup *checkup)
{
	return checkup->host;
}
