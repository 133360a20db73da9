/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Guests that were booted, against what the model says about them. The file is
 * no part of this repository: it is looked for in $GPUPT_VECTORS, then in the
 * directory given as the first argument. */

#include "unit.h"

#include <inttypes.h>
#include <jansson.h>

#include "mmio/mmio.h"

#define MAX_FUNCTIONS 64

struct vector {
	struct gpupt_mmio_guest guest;
	struct gpupt_mmio_function functions[MAX_FUNCTIONS];
	size_t n;
	/* Which function is (slot, function) of the file. */
	struct { size_t slot, function, index; } map[MAX_FUNCTIONS];
	size_t n_map;
};

static const char *const firmwares[][2] = {
	{ "ovmf2011", "202011" }, { "ovmf2202", "202202" }, { "ovmf2211", "202211" },
	{ "ovmf2402", "202402" }, { "ovmf2502", "202502" }, { "ovmf2608", "202608" },
	{ "sea1140", "11400" }, { "sea1162", "11602" }, { "sea1163", "11603" },
	{ "sea1170", "11700" },
};

static uint64_t number(const json_t *config, const char *key, uint64_t otherwise)
{
	const json_t *value = json_object_get(config, key);
	return value ? (uint64_t)json_integer_value(value) : otherwise;
}

static const char *text(const json_t *config, const char *key, const char *otherwise)
{
	const json_t *value = json_object_get(config, key);
	return json_is_string(value) ? json_string_value(value) : otherwise;
}

/* "7.2" -> 702. */
static unsigned int version(const char *string)
{
	unsigned int major = 0, minor = 0;
	sscanf(string, "%u.%u", &major, &minor);
	return major * 100 + minor;
}

static unsigned int after(const char *string, const char *key)
{
	const char *found = strstr(string, key);
	return found ? (unsigned int)atoi(found + strlen(key)) : 0;
}

static void read_guest(struct gpupt_mmio_guest *guest, const json_t *config)
{
	const char *firmware = text(config, "fw", "");
	const char *cpu = text(config, "cpu", "qemu64");
	const char *hole = text(config, "hole", NULL);
	const char *kernel = text(config, "kern", "k61");
	*guest = (struct gpupt_mmio_guest){
		.machine = strcmp(text(config, "machine", "q35"), "pc") == 0
				   ? GPUPT_MACHINE_I440FX : GPUPT_MACHINE_Q35,
		.qemu_version = version(text(config, "qemu", "7.2")),
		.ram_bytes = number(config, "mem", 512 * GPUPT_MIB),
		.max_ram_bytes = number(config, "maxmem", 0),
		.memory_slots = (unsigned int)number(config, "slots_n", 0),
		.hole_set = hole != NULL,
		.hole_bytes = hole ? strtoull(hole, NULL, 10) * GPUPT_GIB : 0,
		.phys_bits = 40,
		.guest_phys_bits = after(cpu, "guest-phys-bits="),
		.vendor_intel = strstr(cpu, "vendor=GenuineIntel") != NULL,
		.pages_1g = strncmp(cpu, "max", 3) == 0,
		.firmware = strncmp(firmware, "sea", 3) == 0 ? GPUPT_FIRMWARE_SEABIOS
							     : GPUPT_FIRMWARE_OVMF,
		.has_window_override = json_object_get(config, "x64mb") != NULL,
		.window_override_mib = number(config, "x64mb", 0),
		.kernel_version = 601,
		.realloc = json_is_true(json_object_get(config, "realloc")),
	};
	guest->machine_version = guest->qemu_version;
	guest->vendor_amd = !guest->vendor_intel;
	if (strstr(cpu, ",phys-bits="))
		guest->phys_bits = after(cpu, ",phys-bits=");
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(firmwares); i++)
		if (strcmp(firmware, firmwares[i][0]) == 0)
			guest->firmware_version = (unsigned int)atoi(firmwares[i][1]);
	/* These two distributions backported it. */
	guest->firmware_keeps_override = guest->firmware_version == 202402 ||
					 guest->firmware_version == 202502;
	static const char *const kernels[][2] = {
		{ "k515", "515" }, { "k61", "601" }, { "k612", "612" }, { "k72", "702" } };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(kernels); i++)
		if (strcmp(kernel, kernels[i][0]) == 0)
			guest->kernel_version = (unsigned int)atoi(kernels[i][1]);
}

static struct gpupt_mmio_function *add(struct vector *vector, enum gpupt_mmio_kind kind,
				       int parent, unsigned int slot, unsigned int function)
{
	assert_true(vector->n < MAX_FUNCTIONS);
	struct gpupt_mmio_function *made = &vector->functions[vector->n++];
	*made = (struct gpupt_mmio_function){ .kind = kind, .parent = parent, .slot = slot,
					      .function = function };
	return made;
}

static void add_bar(struct gpupt_mmio_function *function, unsigned int index, uint64_t size,
		    bool mem64, bool prefetchable)
{
	if (size)
		function->bars[function->n_bars++] = (struct gpupt_mmio_bar){
			.index = index, .size = size, .mem64 = mem64,
			.prefetchable = prefetchable };
}

static void read_function(struct vector *vector, const json_t *what, int parent, size_t slot,
			  size_t function)
{
	const char *kind = json_string_value(json_array_get(what, 0));
	uint64_t first = (uint64_t)json_integer_value(json_array_get(what, 1));
	uint64_t second = (uint64_t)json_integer_value(json_array_get(what, 2));
	struct gpupt_mmio_function *made =
		add(vector, GPUPT_MMIO_ENDPOINT, parent, parent < 0 ? (unsigned int)slot : 0,
		    (unsigned int)function);
	vector->map[vector->n_map].slot = slot;
	vector->map[vector->n_map].function = function;
	vector->map[vector->n_map++].index = vector->n - 1;
	if (strcmp(kind, "n") == 0) { /* nvme with a PMR and a CMB */
		made->class_code = 0x010802;
		add_bar(made, 0, 16 * GPUPT_KIB, true, false);
		add_bar(made, 2, second, true, true);
		add_bar(made, 4, first, true, true);
	} else { /* pci-testdev */
		made->class_code = 0x00ff00;
		add_bar(made, 0, 4 * GPUPT_KIB, false, false);
		add_bar(made, 2, first, true, true);
	}
}

static uint64_t gib_option(const char *options, const char *key, bool *ret_has)
{
	const char *found = strstr(options, key);
	*ret_has = found != NULL;
	return found ? strtoull(found + strlen(key), NULL, 10) * GPUPT_GIB : 0;
}

static void read_vector(struct vector *vector, const json_t *config)
{
	memset(vector, 0, sizeof(*vector));
	read_guest(&vector->guest, config);
	size_t slot;
	const json_t *what;
	json_array_foreach(json_object_get(config, "slots"), slot, what) {
		if (strcmp(json_string_value(json_array_get(what, 0)), "root") == 0) {
			read_function(vector, json_array_get(what, 1), -1, slot, 0);
			continue;
		}
		const char *options = json_string_value(json_array_get(what, 2));
		int port = (int)vector->n;
		struct gpupt_mmio_function *made =
			add(vector, GPUPT_MMIO_ROOT_PORT, -1, (unsigned int)slot + 1, 0);
		made->class_code = 0x060400;
		made->hotplug = !strstr(options, "hotplug=off");
		made->pref64_reserve = gib_option(options, "pref64-reserve=",
						  &made->has_pref64_reserve);
		add_bar(made, 0, 4 * GPUPT_KIB, false, false);
		size_t function;
		const json_t *behind;
		json_array_foreach(json_array_get(what, 1), function, behind)
			read_function(vector, behind, port, slot, function);
	}
	if (vector->guest.machine == GPUPT_MACHINE_Q35) { /* the AHCI controller */
		struct gpupt_mmio_function *made = add(vector, GPUPT_MMIO_ENDPOINT, -1, 31, 2);
		made->class_code = 0x010601;
		add_bar(made, 5, 4 * GPUPT_KIB, false, false);
	}
}

static void outcome_text(const struct vector *vector, const struct gpupt_mmio_result *result,
			 char buffer[32])
{
	unsigned int placed = 0, total = 0;
	for (size_t i = 0; i < vector->n; i++)
		for (size_t b = 0; b < vector->functions[i].n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &vector->functions[i].bars[b];
			if (!bar->mem64 || !bar->prefetchable)
				continue;
			total++;
			placed += bar->placed_by != GPUPT_MMIO_NOBODY;
		}
	if (result->outcome == GPUPT_MMIO_REFUSED)
		strcpy(buffer, "REFUSE");
	else if (placed == total)
		strcpy(buffer, "all");
	else
		sprintf(buffer, "%u/%u", placed, total);
}

static bool same_addresses(const struct vector *vector, const json_t *observed)
{
	bool same = true;
	for (size_t m = 0; m < vector->n_map; m++) {
		const struct gpupt_mmio_function *function =
			&vector->functions[vector->map[m].index];
		for (size_t b = 0; b < function->n_bars; b++) {
			const struct gpupt_mmio_bar *bar = &function->bars[b];
			if (!bar->mem64 || !bar->prefetchable)
				continue;
			char key[64];
			sprintf(key, "(%zu, %zu, %u)", vector->map[m].slot,
				vector->map[m].function, bar->index);
			const char *seen = text(observed, key, "0");
			uint64_t address = strtoull(seen, NULL, 16);
			if (address == (bar->placed_by ? bar->address : 0))
				continue;
			same = false;
			print_message("    %s: model %#" PRIx64 " (%s), boot %s\n", key,
				      bar->address, bar->reason ? bar->reason :
				      bar->placed_by == GPUPT_MMIO_KERNEL ? "kernel" : "firmware",
				      seen);
		}
	}
	return same;
}

/* Where a record and the model may differ, and why. */
static const struct {
	const char *name;
	const char *reason;
} known[] = {
	{ "D/sea1162/I/8x256 > 1T",
	  "SeaBIOS lays windows beyond the CPU's reach; sysfs shows a BAR at the firmware's "
	  "address although the window of its bridge is gone" },
	{ "V/7/24/ovmf2211/k612",
	  "one BAR that the firmware placed is missing from the record; the same guest booted "
	  "again, with Linux 6.1, has it where the model says" },
};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return true;
	return false;
}

struct totals {
	unsigned int boots, outcomes, addresses, unexpected;
};

static void check(const json_t *boot, struct totals *totals)
{
	static struct vector vector;
	struct gpupt_mmio_result result;
	read_vector(&vector, json_object_get(boot, "config"));
	assert_int_equal(gpupt_mmio_place(&vector.guest, vector.functions, vector.n, &result), 0);
	char outcome[32];
	outcome_text(&vector, &result, outcome);
	const char *seen = text(boot, "outcome", "");
	const char *name = text(boot, "case", "");
	totals->boots++;
	bool same = strcmp(seen, outcome) == 0 ||
		    (strcmp(seen, "start") == 0 && strcmp(outcome, "REFUSE") != 0);
	totals->outcomes += same;
	if (!same) {
		print_message("%s: model %s, boot %s\n", name, outcome, seen);
		totals->unexpected += !is_known(name);
	}
	if (strcmp(seen, "start") == 0 || strcmp(seen, "REFUSE") == 0) {
		totals->addresses += same;
		return;
	}
	bool addresses = same_addresses(&vector, json_object_get(boot, "observed"));
	totals->addresses += addresses;
	if (!addresses)
		print_message("%s: addresses differ\n", name);
}

static void replay(void **state)
{
	FILE *file = *state;
	struct totals totals = { 0 };
	char *line = NULL;
	size_t capacity = 0;
	while (getline(&line, &capacity, file) > 0) {
		json_t *boot = json_loads(line, 0, NULL);
		assert_non_null(boot);
		check(boot, &totals);
		json_decref(boot);
	}
	free(line);
	print_message("%u boots: %u outcomes and %u addresses agree\n", totals.boots,
		      totals.outcomes, totals.addresses);
	assert_true(totals.boots > 0);
	assert_int_equal(totals.unexpected, 0);
	assert_true(totals.addresses * 100 >= totals.boots * 95);
}

int main(int argc, char **argv)
{
	const char *directory = getenv("GPUPT_VECTORS");
	if (!directory)
		directory = argc > 1 ? argv[1] : "../shared/vectors";
	char path[4096];
	snprintf(path, sizeof(path), "%s/boots.jsonl", directory);
	FILE *file = fopen(path, "r");
	if (!file) {
		printf("%s is not here: nothing to replay\n", path);
		return 77;
	}
	const struct CMUnitTest tests[] = { cmocka_unit_test_prestate(replay, file) };
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	fclose(file);
	return r;
}
