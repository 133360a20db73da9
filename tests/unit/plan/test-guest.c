/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is taken for the guest's memory, CPU, firmware and kernel, and what is said
 * where that does not agree with itself. */

#include "plan-test.h"

#define HOST(bits, vendor, os)                                                                  \
	"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {\"phys_bits\": " bits          \
	", \"cpu_vendor\": \"" vendor "\", \"os\": \"" os "\"}, \"devices\": []}"

static struct gpupt_hole_numbers numbers(const struct guest *guest)
{
	struct gpupt_plan *plan = plan_of(guest);
	assert_non_null(plan);
	struct gpupt_hole_numbers hole = *gpupt_plan_get_hole(plan);
	gpupt_plan_free(plan);
	return hole;
}

static unsigned int bits(const char *machine, const char *cpu, const char *host)
{
	const struct guest guest = { .machine = machine, .cpu = cpu, .inventory = host, .card = "" };
	return numbers(&guest).phys_bits;
}

static void test_address_width(void **state)
{
	(void)state;
	static const char host[] = HOST("46", "GenuineIntel", "debian-12");
	static const char custom[] = "<cpu mode='custom'><model>Westmere</model></cpu>";
	assert_int_equal(bits("q35", custom, host), 40);
	assert_int_equal(bits("q35", "<cpu mode='host-model'/>", host), 40);
	assert_int_equal(bits("q35", "<cpu mode='host-passthrough'/>", host), 46);
	assert_int_equal(bits("q35", "<cpu mode='host-passthrough'/>", NULL), 40);
	/* distributions that hand the host's width to every model */
	assert_int_equal(bits("pc-q35-rhel9.4.0", custom, host), 46);
	assert_int_equal(bits("pc-q35-rhel9.4.0", custom, HOST("52", "GenuineIntel", "rhel-9.4")), 48);
	assert_int_equal(bits("pc-q35-jammy-hpb", custom, host), 46);
	assert_int_equal(bits("pc-q35-rhel9.4.0", "<cpu><maxphysaddr mode='emulate' bits='42'/></cpu>",
			      host), 42);
	/* a limit counts whatever the host has */
	assert_int_equal(bits("q35", "<cpu mode='host-passthrough'><maxphysaddr mode='passthrough' "
			      "limit='39'/></cpu>", NULL), 39);
}

/* A host that is not known has at least the bits that its guest's memory takes. */
static void test_assumed_width_holds_memory(void **state)
{
	(void)state;
	const struct guest guest = { .cpu = "<cpu mode='host-passthrough'/>",
				     .memory = "<memory unit='TiB'>2</memory>" };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_int_equal(gpupt_plan_get_hole(plan)->phys_bits, 42);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_non_null(finding(plan, 1));
	gpupt_plan_free(plan);
}

static void assert_contradiction(const struct guest *guest, const char *part)
{
	struct gpupt_plan *plan = plan_of(guest);
	if (part) {
		assert_says(plan, 37, part);
		assert_true(finding(plan, 37)->line > 0);
	} else {
		assert_null(finding(plan, 37));
	}
	gpupt_plan_free(plan);
}

#define EMULATE(bits) "<cpu mode='host-model'><maxphysaddr mode='emulate' bits='" bits "'/></cpu>"

static void test_contradictions(void **state)
{
	(void)state;
	static const char host[] = HOST("39", "GenuineIntel", "debian-12");
	const struct guest wider = { .cpu = EMULATE("46"), .inventory = host, .card = "" };
	assert_contradiction(&wider, "39");
	const struct guest emulated = { .cpu = EMULATE("46"), .inventory = host, .card = "",
					.type = "qemu" };
	assert_contradiction(&emulated, NULL);
	const struct guest narrow = { .cpu = EMULATE("31"), .card = "" };
	assert_contradiction(&narrow, "31");
	const struct guest wide = { .cpu = EMULATE("64"), .card = "" };
	assert_contradiction(&wide, "64");
	const struct guest widest = { .cpu = EMULATE("52") };
	assert_contradiction(&widest, NULL);
	const struct guest maximum = { .memory = "<maxMemory slots='4' unit='GiB'>2</maxMemory>"
						 "<memory unit='GiB'>4</memory>" };
	assert_contradiction(&maximum, "2 GiB");
	const struct guest modules = { .devices = "<memory model='dimm'><target><size unit='GiB'>5"
						  "</size></target></memory>" };
	assert_contradiction(&modules, "5 GiB");
}

/* Where the hole starts tells how much memory was taken for the guest's. */
static uint64_t hole_start(const char *memory, const char *cpu, const char *devices)
{
	const struct guest guest = { .memory = memory, .cpu = cpu, .devices = devices, .card = "" };
	return numbers(&guest).hole_start / GPUPT_GIB;
}

static void test_memory(void **state)
{
	(void)state;
	static const char eight[] = "<memory unit='GiB'>8</memory>";
	assert_int_equal(hole_start(eight, NULL, NULL), 10);
	assert_int_equal(hole_start(eight, "<cpu><numa><cell id='0' memory='8388608'/><cell id='1' "
				    "memory='8' unit='GiB'/></numa></cpu>", NULL), 18);
	assert_int_equal(hole_start("", "<cpu><numa><cell id='0' memory='8' unit='GiB'/></numa></cpu>",
				    NULL), 10);
	assert_int_equal(hole_start(eight, NULL, "<memory model='dimm'><target><size unit='GiB'>4"
				    "</size></target></memory>"), 6);
	/* the enclave page cache leaves <memory> and comes back behind it */
	assert_int_equal(hole_start(eight, NULL, "<memory model='sgx-epc'><target><size unit='GiB'>4"
				    "</size></target></memory>"), 10);
	assert_int_equal(hole_start("<memory unit='EiB'>17</memory>", NULL, NULL), 4);
}

static bool reallocates(const char *cmdline)
{
	char os[512];
	snprintf(os, sizeof(os), "<kernel>/k</kernel><cmdline>%s</cmdline>", cmdline);
	const struct guest guest = { .in_os = os };
	struct gpupt_plan *plan = plan_of(&guest);
	bool trapped = finding(plan, 101) != NULL;
	gpupt_plan_free(plan);
	return !trapped;
}

static void test_kernel_options(void **state)
{
	(void)state;
	assert_false(reallocates(""));
	assert_true(reallocates("root=/dev/vda pci=realloc"));
	assert_true(reallocates("pci=nocrs,realloc=on quiet"));
	assert_true(reallocates("pci=realloc=off pci=realloc"));
	assert_false(reallocates("pci=realloc=off"));
	assert_false(reallocates("pci=realloc,realloc=off"));
	assert_false(reallocates("xpci=realloc"));
	assert_false(reallocates("pci=reallocate"));
	assert_false(reallocates("pci=noaer foo=pci=realloc"));
	const struct guest guest = { .in_os = "<kernel>/k</kernel><cmdline>pci=nocrs</cmdline>" };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_says(plan, 35, "pci=nocrs");
	gpupt_plan_free(plan);
}

static size_t possibilities(const struct guest *guest, unsigned int number, const char *name)
{
	struct gpupt_plan *plan = plan_of(guest);
	size_t count, named = 0;
	const struct gpupt_possibility *list = gpupt_plan_get_possibilities(plan, &count, NULL);
	for (size_t i = 0; i < count; i++)
		named += strstr(list[i].name, name) != NULL;
	assert_int_equal(named, count);
	assert_int_equal(finding(plan, 38) != NULL, number != 0);
	gpupt_plan_free(plan);
	return count;
}

static void test_firmware_agrees(void **state)
{
	(void)state;
	/* what was said is taken, and that it does not agree is said */
	const struct guest newer = { .machine = "pc-q35-9.2", .firmware = "debian-12" };
	assert_true(possibilities(&newer, 38, "Debian 12"));
	const struct guest other = { .firmware = "seabios" };
	assert_true(possibilities(&other, 38, ""));
	const struct guest unasked = { .os = "", .firmware = "ovmf" };
	assert_true(possibilities(&unasked, 38, ""));
	const struct guest same = { .firmware = "edk2-stable202211" };
	assert_true(possibilities(&same, 0, "edk2-stable202211"));
	const struct guest future = { .machine = "pc-q35-99.1", .firmware = "" };
	assert_true(possibilities(&future, 38, "QEMU"));
	const struct guest rhel = { .machine = "pc-q35-rhel9.4.0", .firmware = "" };
	assert_true(possibilities(&rhel, 0, "RHEL"));
}

static bool is_ovmf(const char *os, const char *loader)
{
	const struct guest guest = { .os = os, .in_os = loader };
	return numbers(&guest).firmware_window_end == 64 * GPUPT_GIB;
}

static void test_firmware_kind(void **state)
{
	(void)state;
	assert_true(is_ovmf("firmware='efi'", ""));
	assert_true(is_ovmf("", "<loader type='pflash'>/x</loader>"));
	assert_true(is_ovmf("", "<loader type='rom'>/usr/share/ovmf/OVMF.fd</loader>"));
	assert_true(is_ovmf("", "<loader>/usr/share/qemu/ovmf-x86_64.bin</loader>"));
	assert_false(is_ovmf("", ""));
	assert_false(is_ovmf("firmware='bios'", ""));
	assert_false(is_ovmf("", "<loader>/usr/share/seabios/bios-256k.bin</loader>"));
}

static void test_firmware_names(void **state)
{
	(void)state;
	static const char *const good[] = { "edk2-stable201903", "edk2-stable202608", "ovmf-202211",
					    "seabios-1.16.3", "rhel-9" };
	static const char *const bad[] = { "edk2-stable202213", "edk2-stable202210", "edk2-stable2",
					   "seabios-2.0.0", "seabios-1.16", "debian-7", "" };
	struct gpupt_request *request = gpupt_request_new();
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(good); i++)
		assert_int_equal(gpupt_request_set_firmware(request, good[i], NULL), 0);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(bad); i++)
		assert_int_equal(gpupt_request_set_firmware(request, bad[i], NULL), GPUPT_E_SYNTAX);
	gpupt_request_free(request);
}

/* A card's size on the host is not fixed; a bridge is no card. */
static void test_odd_devices(void **state)
{
	(void)state;
	const struct guest resizable = { .card = "10de:2684" };
	struct gpupt_plan *plan = plan_of(&resizable);
	assert_says(plan, 42, "BAR 1 of 0000:08:00.0 is 256 MiB large and can be made up to 32 GiB");
	gpupt_plan_free(plan);
	const struct guest fixed = { .card = "10de:1db4" };
	plan = plan_of(&fixed);
	assert_null(finding(plan, 42));
	gpupt_plan_free(plan);
	const struct guest small = { .inventory =
		"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"devices\": [{\"address\": "
		"\"0000:08:00.0\", \"class\": \"010802\", \"bars\": [{\"index\": 0, \"type\": "
		"\"memory\", \"bits\": 64, \"prefetchable\": false, \"size\": \"16 KiB\"}]}]}" };
	plan = plan_of(&small);
	assert_null(finding(plan, 42));
	gpupt_plan_free(plan);
	const struct guest bridge = { .inventory =
		"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"devices\": [{\"address\": "
		"\"0000:08:00.0\", \"class\": \"060400\", \"bridge\": true}]}" };
	plan = plan_of(&bridge);
	assert_says(plan, 41, "0000:08:00.0");
	assert_true(finding(plan, 41)->line > 0);
	gpupt_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_width),
		cmocka_unit_test(test_assumed_width_holds_memory),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_kernel_options),
		cmocka_unit_test(test_firmware_agrees),
		cmocka_unit_test(test_firmware_kind),
		cmocka_unit_test(test_firmware_names),
		cmocka_unit_test(test_odd_devices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
