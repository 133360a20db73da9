/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "making.h"

/* Every guest has these. */
static bool is_chipset(const char *label)
{
	return strcmp(label, "SMBus") == 0 || strcmp(label, "IDE") == 0;
}

/* The tree as text: "BUS/SLOT.FUNCTION WHAT", where BUS is the place of the bridge in the
 * list, a line per function. */
static char *tree(const char *machine, const char *devices)
{
	struct lab lab;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	lab_open(&lab, machine, devices);
	assert_int_equal(gpupt_make_devices(&lab.making), 0);
	assert_int_equal(gpupt_make_slots(&lab.making), 0);
	assert_int_equal(gpupt_make_guest(&lab.making), 0);
	assert_int_equal(gpupt_make_topology(&lab.making), 0);
	int shown = 0, line[64] = { 0 };
	for (size_t i = 0; i < lab.making.n_functions; i++) {
		const struct gpupt_mmio_function *function = &lab.making.functions[i];
		if (is_chipset(lab.making.devices[i].label))
			continue;
		line[i] = shown++;
		fprintf(out, "%d/%02x.%u %s\n",
			function->parent < 0 ? -1 : line[function->parent], function->slot,
			function->function, lab.making.devices[i].label);
	}
	fclose(out);
	lab_close(&lab);
	return text;
}

static void expect(const char *machine, const char *devices, const char *expected)
{
	char *got = tree(machine, devices);
	assert_string_equal(got, expected);
	free(got);
}

#define BARE "<memballoon model='none'/>\n<controller type='usb' model='none'/>\n"

/* What follows was read off libvirt 9.0; tests/property/topology.py asks it again. */
static void q35_without_addresses(void **state)
{
	(void)state;
	expect("q35", HOSTDEV("8", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/01.2 pcie-root-port\n"
	       "-1/01.3 pcie-root-port\n" /* to spare */
	       "-1/1f.2 sata controller\n"
	       "0/00.0 qemu-xhci controller\n"
	       "1/00.0 hostdev 0000:08:00.0\n"
	       "2/00.0 virtio memballoon\n");
}

static void i440fx_without_addresses(void **state)
{
	(void)state;
	expect("pc", "<video><model type='vga'/></video>\n" HOSTDEV("8", ""),
	       "-1/01.2 piix3-uhci controller\n"
	       "-1/02.0 vga video\n"
	       "-1/03.0 hostdev 0000:08:00.0\n"
	       "-1/04.0 virtio memballoon\n");
}

static void lowest_free_port(void **state)
{
	(void)state;
	expect("q35", BARE PCI("0", "pcie-root") PCI("1", "pcie-root-port")
	       PCI("2", "pcie-root-port") PCI("3", "pcie-root-port")
	       HOSTDEV("8", ADDRESS("1", "0")) HOSTDEV("9", ADDRESS("3", "0")) HOSTDEV("10", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/01.2 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 hostdev 0000:08:00.0\n"
	       "1/00.0 hostdev 0000:0a:00.0\n"
	       "2/00.0 hostdev 0000:09:00.0\n");
}

/* Root ports join the lowest slot that has only root ports, whoever put them there. */
static void root_ports_share_slots(void **state)
{
	(void)state;
	expect("q35", BARE "<controller type='pci' index='1' model='pcie-root-port'>"
	       ADDRESS("0", "2") "</controller>\n<disk><target bus='virtio'/>" ADDRESS("0", "1")
	       "</disk>\n" HOSTDEV("8", "") HOSTDEV("9", ""),
	       "-1/01.0 virtio disk\n"
	       "-1/02.0 pcie-root-port\n"
	       "-1/02.1 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "1/00.0 hostdev 0000:08:00.0\n"
	       "2/00.0 hostdev 0000:09:00.0\n");
}

/* Nobody knows what it is, but it is there. */
static void unknown_device_takes_its_port(void **state)
{
	(void)state;
	expect("q35", BARE PCI("1", "pcie-root-port") PCI("2", "pcie-root-port")
	       "<novelty>" ADDRESS("1", "0") "</novelty>\n" HOSTDEV("8", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 novelty\n"
	       "1/00.0 hostdev 0000:08:00.0\n");
}

static void bus_that_only_an_address_names(void **state)
{
	(void)state;
	expect("q35", BARE HOSTDEV("8", ADDRESS("2", "0")),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "1/00.0 hostdev 0000:08:00.0\n");
	expect("pc", BARE HOSTDEV("8", ADDRESS("1", "4")),
	       "-1/02.0 pci-bridge\n"
	       "0/04.0 hostdev 0000:08:00.0\n");
}

static void conventional_devices_share_a_bridge(void **state)
{
	(void)state;
	expect("q35", BARE PCI("1", "pcie-root-port") "<interface><model type='e1000'/>"
	       "</interface>\n<watchdog model='i6300esb'/>\n" HOSTDEV("8", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 pcie-to-pci-bridge\n"
	       "1/00.0 hostdev 0000:08:00.0\n"
	       "3/01.0 e1000 interface\n"
	       "3/02.0 i6300esb watchdog\n");
}

/* Where there are root ports to spare, libvirt adds one with the bridge all the same. */
static void bridge_brings_a_port(void **state)
{
	(void)state;
	expect("q35", BARE PCI("1", "pcie-root-port") PCI("2", "pcie-root-port")
	       PCI("3", "pcie-root-port") "<sound model='ich6'/>\n" HOSTDEV("8", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/01.2 pcie-root-port\n"
	       "-1/01.3 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 pcie-to-pci-bridge\n"
	       "1/00.0 hostdev 0000:08:00.0\n"
	       "5/01.0 ich6 sound\n");
}

/* Virtio that can be driven the old way is conventional if it is made to be. */
static void transitional_devices(void **state)
{
	(void)state;
	expect("q35", BARE PCI("1", "pcie-root-port")
	       "<rng model='virtio-transitional'/>\n<rng model='virtio'/>\n",
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 pcie-to-pci-bridge\n"
	       "1/00.0 virtio rng\n"
	       "3/01.0 virtio-transitional rng\n");
}

/* 0000:00:00.0 is no address to libvirt. */
static void zero_address_is_none(void **state)
{
	(void)state;
	expect("pc", BARE HOSTDEV("8", ADDRESS("0", "0")), "-1/02.0 hostdev 0000:08:00.0\n");
}

static void circles_hide_nothing(void **state)
{
	(void)state;
	char *got = tree("q35", BARE
			 "<controller type='pci' index='1' model='pcie-root-port'>"
			 ADDRESS("2", "0") "</controller>\n"
			 "<controller type='pci' index='2' model='pcie-root-port'>"
			 ADDRESS("1", "0") "</controller>\n"
			 "<controller type='pci' index='3' model='pcie-root-port'>"
			 ADDRESS("3", "0") "</controller>\n"
			 HOSTDEV("8", ADDRESS("1", "0")));
	assert_non_null(strstr(got, "hostdev 0000:08:00.0"));
	free(got);
}

static void absurd_indexes(void **state)
{
	(void)state;
	expect("q35", BARE PCI("4294967295", "pcie-root-port") PCI("256", "pcie-root-port")
	       HOSTDEV("8", ""),
	       "-1/01.0 pcie-root-port\n"
	       "-1/01.1 pcie-root-port\n"
	       "-1/01.2 pcie-root-port\n"
	       "-1/1f.2 sata controller\n"
	       "2/00.0 hostdev 0000:08:00.0\n");
}

/* ---- BARs, as query-pci of QEMU 7.2 shows them */

static void expect_bars(const struct gpupt_device *device, bool primary, const char *expected)
{
	struct gpupt_own_device own;
	char got[256] = "";
	gpupt_own_device(device, primary, &own);
	for (size_t i = 0; i < own.n_bars; i++) {
		const struct gpupt_mmio_bar *bar = &own.bars[i];
		unsigned long long bytes = bar->size;
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u:%s%s:%llu%s",
			 i ? " " : "", bar->index, bar->io ? "io" : bar->mem64 ? "64" : "32",
			 bar->prefetchable ? "p" : "",
			 bytes < GPUPT_KIB ? bytes : bytes / GPUPT_KIB,
			 bytes < GPUPT_KIB ? "" : "K");
	}
	assert_string_equal(got, expected);
}

static void own_bars(void **state)
{
	(void)state;
	expect_bars(&(struct gpupt_device){ .tag = "disk", .bus = "virtio" }, false,
		    "1:32:4K 4:64p:16K");
	expect_bars(&(struct gpupt_device){ .tag = "disk", .bus = "sata" }, false, "");
	expect_bars(&(struct gpupt_device){ .tag = "memballoon", .model = "virtio" }, false,
		    "4:64p:16K");
	expect_bars(&(struct gpupt_device){ .tag = "memory", .model = "virtio-pmem" }, false,
		    "4:64p:16K");
	expect_bars(&(struct gpupt_device){ .tag = "memory", .model = "dimm" }, false, "");
	expect_bars(&(struct gpupt_device){ .tag = "video", .model = "virtio" }, true,
		    "0:32p:8192K 2:64p:16K 4:32:4K 6:32:64K");
	expect_bars(&(struct gpupt_device){ .tag = "video", .model = "virtio" }, false,
		    "1:32:4K 4:64p:16K");
	expect_bars(&(struct gpupt_device){ .tag = "video", .model = "none" }, true, "");
	expect_bars(&(struct gpupt_device){ .tag = "controller", .type = "usb",
					    .model = "qemu-xhci" }, false, "0:64:16K");
	expect_bars(&(struct gpupt_device){ .tag = "controller", .type = "scsi",
					    .model = "lsisas1078" }, false, "0:64:16K 2:io:256 3:64:256K");
	expect_bars(&(struct gpupt_device){ .tag = "video", .model = "qxl" }, true,
		    "0:32:65536K 1:32:65536K 2:32:8K 3:io:32 6:32:64K");
	expect_bars(&(struct gpupt_device){ .tag = "video", .model = "qxl",
					    .vram64_bytes = 256 * GPUPT_MIB }, true,
		    "0:32:65536K 1:32:65536K 2:32:8K 3:io:32 4:64p:262144K 6:32:64K");
	expect_bars(&(struct gpupt_device){ .tag = "shmem", .size_bytes = 3 * GPUPT_MIB }, false,
		    "0:32:256 2:64p:4096K");
	expect_bars(&(struct gpupt_device){ .tag = "interface", .model = "virtio" }, false,
		    "1:32:4K 4:64p:16K 6:32:256K");
	expect_bars(&(struct gpupt_device){ .tag = "interface", .model = "virtio",
					    .rom_bar = GPUPT_NO }, false, "1:32:4K 4:64p:16K");
	expect_bars(&(struct gpupt_device){ .tag = "interface", .model = "rtl8139" }, false,
		    "0:io:256 1:32:256 6:32:256K");
	expect_bars(&(struct gpupt_device){ .tag = "interface", .model = "igb" }, false,
		    "0:32:128K 1:32:128K 2:io:32 3:64:16K 7:64p:128K 10:64p:128K");
	expect_bars(&(struct gpupt_device){ .tag = "shmem", .other_address = true }, false, "");
}

/* The SR-IOV capability of a passed-through function does not reach the guest. */
static void vf_bars_stay_on_the_host(void **state)
{
	(void)state;
	static const char snapshot[] =
		"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"devices\": [{\"address\": "
		"\"08:00.0\", \"class\": \"030200\", \"bars\": [{\"index\": 1, \"type\": \"memory\", "
		"\"bits\": 64, \"prefetchable\": true, \"size\": \"1GiB\"}], \"sriov\": "
		"{\"total_vfs\": 16, \"bars\": [{\"index\": 0, \"type\": \"memory\", \"bits\": 64, "
		"\"prefetchable\": true, \"size\": \"16GiB\"}]}}]}";
	struct lab lab;
	lab_open(&lab, "q35", HOSTDEV("8", ""));
	gpupt_inventory_free(lab.inventory);
	lab.inventory = NULL;
	assert_int_equal(gpupt_inventory_parse(snapshot, strlen(snapshot), "host.json",
					       &lab.inventory, NULL), 0);
	lab.making.inventory = lab.inventory;
	assert_int_equal(gpupt_make_devices(&lab.making), 0);
	assert_int_equal(gpupt_make_slots(&lab.making), 0);
	assert_int_equal(gpupt_make_guest(&lab.making), 0);
	assert_int_equal(gpupt_make_topology(&lab.making), 0);
	size_t found = 0;
	for (size_t i = 0; i < lab.making.n_functions; i++) {
		const struct gpupt_wanted *wanted = lab.making.devices[i].wanted;
		if (!wanted)
			continue;
		assert_int_equal(wanted->function->vf_bars[0].size_bytes, 16 * GPUPT_GIB);
		assert_int_equal(lab.making.functions[i].n_bars, 1);
		assert_int_equal(lab.making.functions[i].bars[0].index, 1);
		found++;
	}
	assert_int_equal(found, 1);
	lab_close(&lab);
}

/* QEMU puts a bridge onto the bus of a pxb; libvirt's bus number is that bridge's. */
static void expanders(void **state)
{
	(void)state;
	expect("pc", BARE "<controller type='pci' index='1' model='pci-expander-bus'><target "
	       "busNr='64'/></controller>\n" HOSTDEV("8", ADDRESS("1", "2")),
	       "-1/02.0 pci-expander-bus\n"
	       "0/00.0 pci-bridge\n"
	       "1/02.0 hostdev 0000:08:00.0\n");
	expect("q35", BARE "<controller type='pci' index='1' model='pcie-expander-bus'/>\n"
	       "<controller type='pci' index='2' model='pcie-root-port'>" ADDRESS("1", "0")
	       "</controller>\n" HOSTDEV("8", ADDRESS("2", "0")),
	       "-1/01.0 pcie-expander-bus\n"
	       "-1/1f.2 sata controller\n"
	       "0/00.0 pcie-root-port\n"
	       "2/00.0 hostdev 0000:08:00.0\n");
}

/* libvirt numbers those that have no number two below the lowest. */
static void bus_numbers_of_expanders(void **state)
{
	(void)state;
	struct lab lab;
	unsigned int got[3] = { 0 };
	size_t n = 0;
	lab_open(&lab, "q35", BARE PCI("1", "pcie-expander-bus") "<controller type='pci' index='2' "
		 "model='pcie-expander-bus'><target busNr='0x40'/></controller>\n"
		 PCI("3", "pcie-expander-bus"));
	assert_int_equal(gpupt_make_devices(&lab.making), 0);
	assert_int_equal(gpupt_make_guest(&lab.making), 0);
	assert_int_equal(gpupt_make_topology(&lab.making), 0);
	for (size_t i = 0; i < lab.making.n_functions; i++)
		if (lab.making.functions[i].kind == GPUPT_MMIO_EXPANDER && n < 3)
			got[n++] = lab.making.functions[i].bus_number;
	assert_int_equal(n, 3);
	assert_int_equal(got[0], 62);
	assert_int_equal(got[1], 64);
	assert_int_equal(got[2], 60);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q35_without_addresses),
		cmocka_unit_test(i440fx_without_addresses),
		cmocka_unit_test(lowest_free_port),
		cmocka_unit_test(root_ports_share_slots),
		cmocka_unit_test(unknown_device_takes_its_port),
		cmocka_unit_test(bus_that_only_an_address_names),
		cmocka_unit_test(conventional_devices_share_a_bridge),
		cmocka_unit_test(bridge_brings_a_port),
		cmocka_unit_test(transitional_devices),
		cmocka_unit_test(zero_address_is_none),
		cmocka_unit_test(circles_hide_nothing),
		cmocka_unit_test(absurd_indexes),
		cmocka_unit_test(own_bars),
		cmocka_unit_test(vf_bars_stay_on_the_host),
		cmocka_unit_test(expanders),
		cmocka_unit_test(bus_numbers_of_expanders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
