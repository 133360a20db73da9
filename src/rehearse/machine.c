/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/util.h"
#include "rehearse/payload.h"

#define MOST_VARIABLES (64 * GPUPT_MIB)

enum { GUEST_PHYS_BITS_SINCE = 901, FIRST_BUS_OF_EXPANDERS = 0x80 };

struct build {
	const struct gpupt_machine_order *order;
	struct gpupt_words *words;
	struct gpupt_memory_files *files;
	struct gpupt_error **error;
	int rom; /* a file for option ROMs; -1: none yet */
};

static unsigned long long whole(uint64_t value)
{
	return (unsigned long long)value;
}

bool gpupt_machine_has(const struct gpupt_planned *planned, size_t i)
{
	const struct gpupt_mmio_function *function = &planned->functions[i];
	if (function->parent >= 0)
		return false;
	if (planned->worlds[0].guest.machine == GPUPT_MACHINE_Q35) /* AHCI and SMBus */
		return function->slot == 0x1f &&
		       (function->function == 2 || function->function == 3);
	return function->slot == 1 && function->function == 1; /* IDE */
}

/* ---- the machine */

static void add_cpu(struct build *build)
{
	const struct gpupt_mmio_guest *guest = build->order->guest;
	char guest_bits[32] = "";
	/* KVM's CPUs have it, TCG's only where told (target/i386/cpu.c, QEMU 9.1) */
	if (guest->guest_phys_bits && build->order->qemu_version >= GUEST_PHYS_BITS_SINCE)
		snprintf(guest_bits, sizeof(guest_bits), ",guest-phys-bits=%u",
			 guest->guest_phys_bits);
	gpupt_words_add(build->words, "-cpu");
	gpupt_words_add(build->words, "qemu64,vendor=%s,phys-bits=%u%s%s",
			guest->vendor_amd ? "AuthenticAMD" :
			guest->vendor_intel ? "GenuineIntel" : "HygonGenuine",
			guest->phys_bits, guest->pages_1g ? ",pdpe1gb=on" : "", guest_bits);
}

/* Memory that nothing is set aside for: the guest touches little of it. */
static void add_memory(struct build *build)
{
	const struct gpupt_mmio_guest *guest = build->order->guest;
	gpupt_words_add(build->words, "-object");
	gpupt_words_add(build->words,
			"memory-backend-ram,id=ram,size=%llu,reserve=off,prealloc=off",
			whole(guest->ram_bytes));
	gpupt_words_add(build->words, "-m");
	if (guest->max_ram_bytes > guest->ram_bytes)
		gpupt_words_add(build->words, "size=%lluk,maxmem=%lluk,slots=%u",
				whole(guest->ram_bytes / GPUPT_KIB),
				whole(guest->max_ram_bytes / GPUPT_KIB), guest->memory_slots);
	else
		gpupt_words_add(build->words, "size=%lluk", whole(guest->ram_bytes / GPUPT_KIB));
}

static void add_machine(struct build *build, const char *emulator)
{
	static const char *const plain[] = { "-no-user-config", "-nodefaults", "-display", "none",
					     "-no-reboot", "-no-shutdown", "-accel", "tcg",
					     "-qmp", "stdio" };
	const struct gpupt_mmio_guest *guest = build->order->guest;
	const char *machine = build->order->planned->machine;
	bool q35 = guest->machine == GPUPT_MACHINE_Q35;
	gpupt_words_add(build->words, "%s", emulator);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(plain); i++)
		gpupt_words_add(build->words, "%s", plain[i]);
	gpupt_words_add(build->words, "-machine");
	gpupt_words_add(build->words, "type=%s,memory-backend=ram",
			machine ? machine : q35 ? "q35" : "pc");
	add_cpu(build);
	add_memory(build);
	gpupt_words_add(build->words, "-global");
	gpupt_words_add(build->words, "%s.pci-hole64-size=%llu",
			q35 ? "q35-pcihost" : "i440FX-pcihost", whole(guest->hole_bytes));
	if (guest->has_window_override) {
		gpupt_words_add(build->words, "-fw_cfg");
		gpupt_words_add(build->words, "name=opt/ovmf/X-PciMmio64Mb,string=%llu",
				whole(guest->window_override_mib));
	}
}

/* ---- firmware and what it starts */

static int copy_variables(struct build *build, const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *data = NULL;
	ssize_t n = -1;
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    (uint64_t)status.st_size <= MOST_VARIABLES &&
	    (data = malloc((size_t)status.st_size + 1)))
		n = read(fd, data, (size_t)status.st_size);
	if (fd >= 0)
		close(fd);
	int r = n < 0 ? gpupt_fail(build->error, GPUPT_E_IO, "cannot read %s: %m", path) :
		gpupt_memory_file_add(build->files, "variables", data, (size_t)n, ret_fd,
				      build->error);
	free(data);
	return r;
}

/* A comma in an option's value is written twice. */
static char *escape(const char *text)
{
	struct gpupt_str str = { 0 };
	for (; *text; text++)
		gpupt_str_add(&str, *text == ',' ? ",," : text, *text == ',' ? 2 : 1);
	return gpupt_str_steal(&str, NULL);
}

static const char *format_of(const char *path)
{
	size_t length = strlen(path);
	return length > 6 && strcmp(path + length - 6, ".qcow2") == 0 ? "qcow2" : "raw";
}

static int add_firmware(struct build *build)
{
	const struct gpupt_firmware_files *firmware = build->order->firmware;
	if (!firmware->code)
		return 0;
	if (firmware->is_rom) {
		gpupt_words_add(build->words, "-bios");
		gpupt_words_add(build->words, "%s", firmware->code);
		return 0;
	}
	GPUPT_AUTOFREE char *code = escape(firmware->code);
	if (!code)
		return gpupt_fail_nomem(build->error);
	gpupt_words_add(build->words, "-drive");
	gpupt_words_add(build->words, "if=pflash,unit=0,format=%s,readonly=on,file=%s",
			format_of(firmware->code), code);
	if (!firmware->variables)
		return 0;
	int fd = -1;
	int r = copy_variables(build, firmware->variables, &fd);
	gpupt_words_add(build->words, "-drive");
	gpupt_words_add(build->words, "if=pflash,unit=1,format=%s,file=/proc/self/fd/%d",
			format_of(firmware->variables), fd);
	return r;
}

static int add_kernel(struct build *build)
{
	const struct gpupt_rehearsal_options *options = build->order->options;
	gpupt_words_add(build->words, "-kernel");
	if (!options->kernel) {
		uint8_t payload[GPUPT_PAYLOAD_BYTES];
		int fd = -1;
		gpupt_payload_make(payload);
		int r = gpupt_memory_file_add(build->files, "payload", payload, sizeof(payload),
					      &fd, build->error);
		gpupt_words_add(build->words, "/proc/self/fd/%d", fd);
		return r;
	}
	gpupt_words_add(build->words, "%s", options->kernel);
	if (options->initrd) {
		gpupt_words_add(build->words, "-initrd");
		gpupt_words_add(build->words, "%s", options->initrd);
	}
	/* without an initrd it ends in a panic, long after it placed every BAR */
	gpupt_words_add(build->words, "-append");
	gpupt_words_add(build->words, "quiet panic=-1 no_timer_check%s",
			build->order->guest->realloc ? " pci=realloc" : "");
	return 0;
}

/* ---- the PCI tree */

/* What the BARs behind a bridge need of its 32-bit window, in whole MiB. */
static void need_below(const struct gpupt_machine_order *order, size_t bridge, uint64_t *ret_real,
		       uint64_t *ret_standins)
{
	uint64_t real = 0, standins = 0;
	for (size_t i = 0; i < order->planned->n_functions; i++) {
		const struct gpupt_mmio_function *function = &order->planned->functions[i];
		const struct gpupt_standin *standin = &order->standins[i];
		if (function->parent != (int)bridge)
			continue;
		for (size_t b = 0; b < function->n_bars; b++)
			if (!function->bars[b].io && !function->bars[b].prefetchable &&
			    function->bars[b].index < 6)
				real = gpupt_add(real, function->bars[b].size);
		for (size_t b = 0; b < standin->n_bars; b++)
			if (!standin->bars[b].io && !standin->bars[b].prefetchable)
				standins = gpupt_add(standins, standin->bars[b].size);
	}
	*ret_real = gpupt_align_up(real, GPUPT_MIB);
	*ret_standins = gpupt_align_up(standins, GPUPT_MIB);
}

/* Stand-ins have small BARs that the cards lack. Where only these pass the bridge's
 * reserve, it grows by them. */
static uint64_t mem_reserve(const struct gpupt_machine_order *order, size_t bridge)
{
	uint64_t reserve = order->planned->functions[bridge].mem_reserve, real, standins;
	need_below(order, bridge, &real, &standins);
	uint64_t window = gpupt_power_of_two_above(reserve);
	return real <= window && window < standins ? standins : reserve;
}

/* The driver of a bridge with what it cannot do without. Numbers of chassis and buses
 * are arbitrary but for being different. */
static void add_bridge_driver(const struct build *build, size_t i, struct gpupt_str *text)
{
	const struct gpupt_mmio_function *function = &build->order->planned->functions[i];
	const char *label = build->order->planned->labels[i];
	unsigned int number = (unsigned int)i + 1;
	if (function->kind == GPUPT_MMIO_ROOT_PORT)
		gpupt_str_addf(text, "pcie-root-port,chassis=%u,slot=%u", number, number & 0xff);
	else if (strcmp(label, "pcie-switch-upstream-port") == 0)
		gpupt_str_adds(text, "x3130-upstream");
	else if (function->kind == GPUPT_MMIO_SWITCH)
		gpupt_str_addf(text, "xio3130-downstream,chassis=%u,slot=%u", number,
			       number & 0xff);
	else if (strcmp(label, "pci-bridge") == 0)
		gpupt_str_addf(text, "pci-bridge,chassis_nr=%u", number & 0xff);
	else if (strcmp(label, "dmi-to-pci-bridge") == 0)
		gpupt_str_adds(text, "i82801b11-bridge");
	else if (function->kind == GPUPT_MMIO_PCI_BRIDGE)
		gpupt_str_adds(text, "pcie-pci-bridge");
	else
		gpupt_str_addf(text, "%s,bus_nr=%u",
			       strcmp(label, "pcie-expander-bus") == 0 ? "pxb-pcie" : "pxb",
			       FIRST_BUS_OF_EXPANDERS + (number & 0x3f));
	bool is_port = function->kind == GPUPT_MMIO_ROOT_PORT ||
		       strcmp(label, "pcie-switch-downstream-port") == 0;
	if (is_port && !function->hotplug)
		gpupt_str_adds(text, ",hotplug=off");
	if (function->has_mem_reserve)
		gpupt_str_addf(text, ",mem-reserve=%llu", whole(mem_reserve(build->order, i)));
	if (function->has_pref64_reserve)
		gpupt_str_addf(text, ",pref64-reserve=%llu", whole(function->pref64_reserve));
}

static int add_rom(struct build *build, const struct gpupt_mmio_function *function,
		   struct gpupt_str *text)
{
	static const char nothing[512]; /* no signature: firmware passes over it */
	uint64_t size = 0;
	for (size_t b = 0; b < function->n_bars; b++)
		if (function->bars[b].index == GPUPT_BAR_ROM)
			size = function->bars[b].size;
	if (size && build->rom < 0) {
		int r = gpupt_memory_file_add(build->files, "rom", nothing, sizeof(nothing),
					      &build->rom, build->error);
		if (r < 0)
			return r;
	}
	if (size)
		gpupt_str_addf(text, ",romfile=/proc/self/fd/%d,romsize=%llu", build->rom,
			       whole(size));
	else
		gpupt_str_adds(text, ",romfile=");
	return 0;
}

static int add_endpoint(struct build *build, size_t i, struct gpupt_str *text)
{
	const struct gpupt_standin *standin = &build->order->standins[i];
	gpupt_str_addf(text, "%s%s", standin->driver, standin->properties);
	if (*standin->backend) {
		gpupt_words_add(build->words, "-object");
		gpupt_words_add(build->words, "%s,id=m%zu", standin->backend, i);
		gpupt_str_addf(text, ",%s=m%zu", standin->backend_property, i);
	}
	return add_rom(build, &build->order->planned->functions[i], text);
}

static bool has_siblings(const struct gpupt_planned *planned, size_t i)
{
	const struct gpupt_mmio_function *function = &planned->functions[i];
	for (size_t j = 0; j < planned->n_functions; j++)
		if (j != i && planned->functions[j].parent == function->parent &&
		    planned->functions[j].slot == function->slot)
			return true;
	return false;
}

static int add_function(struct build *build, size_t i)
{
	const struct gpupt_planned *planned = build->order->planned;
	const struct gpupt_mmio_function *function = &planned->functions[i];
	bool q35 = build->order->guest->machine == GPUPT_MACHINE_Q35;
	struct gpupt_str text = { 0 };
	int r = 0;
	if (function->slot > 31)
		return gpupt_fail(build->error, GPUPT_E_UNSUPPORTED, "the guest has more devices "
				  "than its root bus has slots for; this cannot be rehearsed");
	if (function->kind != GPUPT_MMIO_ENDPOINT)
		add_bridge_driver(build, i, &text);
	else
		r = add_endpoint(build, i, &text);
	gpupt_str_addf(&text, ",id=f%zu", i);
	if (function->parent < 0)
		gpupt_str_addf(&text, ",bus=%s", q35 ? "pcie.0" : "pci.0");
	else
		gpupt_str_addf(&text, ",bus=f%d", function->parent);
	gpupt_str_addf(&text, ",addr=%x.%x%s", function->slot, function->function,
		       has_siblings(planned, i) ? ",multifunction=on" : "");
	GPUPT_AUTOFREE char *device = gpupt_str_steal(&text, NULL);
	if (!device)
		return gpupt_fail_nomem(build->error);
	gpupt_words_add(build->words, "-device");
	gpupt_words_add(build->words, "%s", device);
	return r;
}

int gpupt_machine_arguments(const struct gpupt_machine_order *order, const char *emulator,
			    struct gpupt_words *ret_words, struct gpupt_memory_files *ret_files,
			    struct gpupt_error **error)
{
	struct build build = { .order = order, .words = ret_words, .files = ret_files,
			       .error = error, .rom = -1 };
	if (order->guest->epc_bytes)
		return gpupt_fail(error, GPUPT_E_UNSUPPORTED, "a guest with SGX memory cannot be "
				  "rehearsed: QEMU has that under KVM only");
	add_machine(&build, emulator);
	int r = add_firmware(&build);
	if (r == 0)
		r = add_kernel(&build);
	for (size_t i = 0; i < order->planned->n_functions && r == 0; i++)
		if (!gpupt_machine_has(order->planned, i))
			r = add_function(&build, i);
	if (r == 0 && ret_words->failed)
		r = gpupt_fail_nomem(error);
	return r;
}
