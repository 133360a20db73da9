/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What in a domain does nothing, or harm: each check fires, and stays quiet next door. */

#include "lint-test.h"

#define OPEN_PORT PORT "<target hotplug='off'/></controller><controller type='usb' model='none'/>"
#define ARGS(value) "<qemu:commandline><qemu:arg value='-fw_cfg'/>" \
		    "<qemu:arg value='" value "'/></qemu:commandline>"
#define WINDOW(mib) ARGS("name=opt/ovmf/X-PciMmio64Mb,string=" mib)
#define SYSINFO(name) "<sysinfo type='fwcfg'><entry name='" name "'>1</entry></sysinfo>"
#define CPU(mode, bits) "<cpu mode='" mode "'>" bits "</cpu>"
#define BITS(n) "<maxphysaddr mode='emulate' bits='" #n "'/>"
#define PASSTHROUGH "<maxphysaddr mode='passthrough'/>"

static void test_misplaced(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .devices = PORT "<pcihole64>1</pcihole64></controller>" }, 43, "pcie-root-port" },
		{ { .devices = PORT "<target><pcihole64>1</pcihole64></target></controller>" }, 43,
		  "<target>" },
		{ { .devices = "<controller type='usb'><pcihole64/></controller>" }, 43,
		  "<controller>" },
		{ { .devices = "<pcihole64 unit='GiB'>1</pcihole64>" }, 43, "<devices>" },
		{ { .memory = "<memory>1048576</memory><features><pcihole64/></features>" }, 43,
		  "<features>" },
		{ { .end = "<qemu:commandline><pcihole64/></qemu:commandline>" }, 43,
		  "<qemu:commandline>" },
		{ { .devices = "<controller type='pci'><pcihole64>1</pcihole64></controller>" }, 43,
		  "without a model" },
		/* what is not libvirt's is nobody's business */
		{ { .end = "<metadata><a:b xmlns:a='a'><pcihole64/></a:b></metadata>" }, 43, NULL },
		{ { .end = "<metadata><pcihole64/></metadata>" }, 43, NULL },
		{ { .end = "<a:b xmlns:a='urn:a'><pcihole64/></a:b>" }, 43, NULL },
		{ { .hole = "<pcihole64 unit='GiB'>64</pcihole64><a:pcihole64 xmlns:a='a'/>" }, 43,
		  NULL },
		{ { .hole = "<!-- <pcihole64/> --><pcihole64 unit='GiB'>64</pcihole64>" }, 43,
		  NULL },
	};
	RUN(checks);
}

static void prefix(const char *elements, bool found)
{
	char text[512];
	struct gpupt_domain *domain = NULL;
	struct gpupt_plan *plan = NULL;
	struct gpupt_request *request = gpupt_request_new();
	snprintf(text, sizeof(text), "<domain type='kvm'><memory>1048576</memory>%s</domain>", elements);
	assert_non_null(request);
	assert_int_equal(gpupt_domain_parse(text, strlen(text), NULL, &domain, NULL), 0);
	assert_int_equal(gpupt_plan_make(domain, NULL, request, &plan, NULL), 0);
	if (found)
		assert_says(plan, 85, "<qemu:commandline>");
	else
		assert_null(finding(plan, 85));
	gpupt_plan_free(plan);
	gpupt_request_free(request);
	gpupt_domain_free(domain);
}

static void test_prefix(void **state)
{
	(void)state;
	prefix("<qemu:commandline><qemu:arg value='-S'/></qemu:commandline>", true);
	prefix("<ovs:commandline/>", false);
	prefix("<metadata><qemu:commandline/></metadata>", false);
	prefix("<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'/>", false);
}

static void test_misspelt(void **state)
{
	(void)state;
	static const char *const near[] = {
		"pciHole64", "PCIHOLE64", "pcihole", "pci-hole64", "pci_hole_64", "pcihole64KiB",
		"pcihole32", "pci-hole64-size", "pci64hole", "pchole64", "pcihole46", "hole64",
	};
	static const char *const far[] = {
		"pm", "panic", "protocol", "parallel", "hostdev", "hyperv", "port", "pvspinlock",
		"product", "portOptions", "hpt", "host", "hap", "policy", "param", "pciVendor",
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(near) + GPUPT_ARRAY_SIZE(far); i++) {
		bool is_near = i < GPUPT_ARRAY_SIZE(near);
		const char *name = is_near ? near[i] : far[i - GPUPT_ARRAY_SIZE(near)];
		char hole[128];
		snprintf(hole, sizeof(hole), "<%s>1</%s>", name, name);
		const struct check check = { { .hole = hole }, 44, is_near ? name : NULL };
		run(&check, 1);
	}
}

static void test_size(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .hole = "<pcihole64>64</pcihole64>" }, 46, "without a unit is KiB" },
		{ { .hole = "<pcihole64 unit='MiB'>64</pcihole64>" }, 46, "64 MiB" },
		{ { .hole = "<pcihole64>1048576</pcihole64>" }, 46, NULL },
		{ { .hole = "<pcihole64>0</pcihole64>" }, 46, NULL },
		{ { .hole = "<pcihole64>0</pcihole64>" }, 11, "is respected" },
		{ { .hole = "<pcihole64>0</pcihole64>" }, 11, "nothing beyond", .keep = true },
		{ { .hole = "<pcihole64>0</pcihole64>", .card = "" }, 11, NULL, .keep = true },
		/* 40 bits: 1 TiB, less what lies below 5 GiB */
		{ { .hole = "<pcihole64 unit='GiB'>900</pcihole64>", .devices = OPEN_PORT }, 47,
		  "64 GiB would do" },
		{ { .hole = "<pcihole64 unit='GiB'>900</pcihole64>", .devices = OPEN_PORT }, 12,
		  NULL },
		{ { .hole = "<pcihole64 unit='GiB'>900</pcihole64>", .card = "" }, 47,
		  "nothing needs it" },
		{ { .hole = "<pcihole64 unit='GiB'>500</pcihole64>", .devices = OPEN_PORT }, 47,
		  NULL },
		{ { .hole = "<pcihole64 unit='GiB'>500</pcihole64>", .devices = OPEN_PORT }, 12,
		  "500 GiB" },
		{ { .hole = "<pcihole64 unit='GiB'>900</pcihole64>", .devices = OPEN_PORT,
		    .cpu = CPU("custom", BITS(44)) }, 47, NULL },
		{ { .hole = "<pcihole64 unit='GiB'>2000</pcihole64>", .devices = OPEN_PORT }, 47,
		  NULL }, /* does not start: told as that */
	};
	RUN(checks);
}

static void test_machine(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .machine = "microvm", .hole = "<pcihole64>0</pcihole64>" }, 45, "microvm",
		  .keep = true },
		{ { .machine = "isapc", .hole = "<pcihole64/>" }, 45, NULL, .keep = true },
		{ { .machine = "pc", .hole = "<pcihole64>0</pcihole64>" }, 45, NULL },
		{ { .machine = "pc-q35-7.2", .hole = "<pcihole64>0</pcihole64>" }, 45, NULL },
		{ { .machine = "pc-i440fx-7.2",
		    .devices = "<controller type='pci' index='0' model='pcie-root'>"
			       "<pcihole64 unit='GiB'>2</pcihole64></controller>" }, 45,
		  "pcie-root", .keep = true },
	};
	RUN(checks);
}

static void test_firmware_values(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .end = ARGS("name=opt/ovmf/X-PciMmio64Mb1,string=65536") }, 36, "Mb1" },
		{ { .end = ARGS("opt/ovmf/X-PciMmio64MB,string=65536") }, 36, "no firmware" },
		{ { .end = ARGS("name=opt/ovmf/X-PciMmio64,string=262144") }, 36, "no firmware" },
		{ { .end = ARGS("name=opt/com.example/X-PciMmio64Mb,string=1") }, 36, "no firmware" },
		{ { .end = ARGS("name=opt/org.seabios/pci,string=1") }, 36, "no firmware" },
		{ { .end = ARGS("name=opt/ovmf/PcdSetNxForStack,string=true") }, 36, NULL },
		{ { .end = ARGS("name=opt/org.tianocore/IPv4Support,string=no") }, 36, NULL },
		{ { .end = ARGS("name=opt/com.coreos/config,file=/a") }, 36, NULL },
		{ { .end = ARGS("name=opt/org.seabios/pci64,string=0") }, 36, NULL },
		{ { .end = ARGS("name=opt/org.seabios/pci64,string=0") }, 35, "left out" },
		{ { .end = SYSINFO("opt/ovmf/X-PciMmio64Mb") }, 51, "opt/ovmf/" },
		{ { .end = SYSINFO("opt/org.qemu/a") }, 51, "opt/org.qemu/" },
		{ { .end = SYSINFO("X-PciMmio64Mb") }, 51, "X-PciMmio64Mb" },
		{ { .end = SYSINFO("opt/org.seabios/pci64") }, 51, NULL },
		{ { .end = "<sysinfo type='smbios'><bios><entry name='vendor'>a</entry></bios>"
			   "</sysinfo>" }, 51, NULL },
	};
	RUN(checks);
}

static void test_window(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .os = "", .end = WINDOW("65536"), .firmware = "" }, 49, "SeaBIOS" },
		{ { .end = WINDOW("65536"), .firmware = "" }, 49, NULL },
		/* 44 bits that OVMF trusts: its own window is 2 TiB */
		{ { .end = WINDOW("65536"), .cpu = CPU("maximum", BITS(44)) }, 49, "2 TiB" },
		{ { .end = WINDOW("4194304"), .cpu = CPU("maximum", BITS(44)) }, 49, NULL },
		{ { .end = WINDOW("65536"), .cpu = CPU("maximum", BITS(44)),
		    .firmware = "edk2-stable202208" }, 49, NULL },
		{ { .end = WINDOW("65536"), .cpu = CPU("maximum", BITS(44)),
		    .firmware = "edk2-stable202505" }, 49, NULL },
		{ { .end = WINDOW("65536"), .cpu = CPU("maximum", BITS(44)), .firmware = "" }, 49,
		  NULL },
		{ { .end = WINDOW("16777217") }, 49, "16 TiB" },
		{ { .end = WINDOW("1048576") }, 50, "2 TiB" },
		{ { .end = WINDOW("524288") }, 50, NULL },
		{ { .end = WINDOW("1048576"), .cpu = CPU("custom", BITS(44)) }, 50, NULL },
	};
	RUN(checks);
}

#define BAR(index, size) "{\"index\": " index ", \"type\": \"memory\", \"bits\": 64, " \
	"\"prefetchable\": true, \"size\": \"" size "\", \"address\": \"0x380000000000\"}"
#define HOST(os, rest) "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": " \
	"{\"phys_bits\": 46, \"cpu_vendor\": \"GenuineIntel\", \"os\": \"" os "\"}, \"devices\": [" \
	"{\"address\": \"0000:08:00.0\", \"vendor\": \"10de\", \"device\": \"2204\", " \
	"\"class\": \"030000\", \"driver\": \"vfio-pci\", \"iommu_group\": 7, \"bars\": [" \
	BAR("1", "256 MiB") "]}" rest "]}"
#define SIBLING(class, driver, group) ", {\"address\": \"0000:08:00.1\", \"vendor\": \"10de\", " \
	"\"device\": \"1aef\", \"class\": \"" class "\", \"driver\": " driver ", " \
	"\"iommu_group\": " group ", \"bars\": []}"
#define AUDIO SIBLING("040300", "\"snd_hda_intel\"", "8")

static void test_siblings(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .inventory = HOST("a", AUDIO) }, 48, "0000:08:00.1, the audio" },
		{ { .inventory = HOST("a", AUDIO) }, 48, NULL, .alone = true },
		{ { .inventory = HOST("a", SIBLING("0c0330", "\"xhci_hcd\"", "8")) }, 48, "USB" },
		/* free for the taking, or told as GPUPT-0014 */
		{ { .inventory = HOST("a", SIBLING("040300", "\"vfio-pci\"", "8")) }, 48, NULL },
		{ { .inventory = HOST("a", SIBLING("040300", "null", "8")) }, 48, NULL },
		{ { .inventory = HOST("a", SIBLING("040300", "\"snd_hda_intel\"", "7")) }, 48, NULL },
		{ { .inventory = HOST("a", SIBLING("040300", "\"snd_hda_intel\"", "7")) }, 14,
		  "0000:08:00.1" },
		{ { .inventory = HOST("a", SIBLING("020000", "\"igb\"", "8")) }, 48, NULL },
		{ { .inventory = HOST("a", AUDIO ", {\"address\": \"0000:08:00.2\", "
				      "\"vendor\": \"1022\", \"device\": \"1649\", \"class\": "
				      "\"108000\", \"iommu_group\": 9, \"bars\": []}") }, 48, NULL },
	};
	RUN(checks);
}

#define AT(bus) "<hostdev mode='subsystem' type='pci'><source><address bus='8' slot='0' " \
		"function='0'/></source><address type='pci' domain='0' bus='" bus "' slot='9' " \
		"function='0'/></hostdev>"

static void test_places(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .devices = AT("0") }, 53, "slot 09.0" },
		{ { .devices = PORT "</controller>" AT("1") }, 53, NULL },
		{ { .devices = AT("0"), .machine = "pc" }, 53, NULL },
		{ { .card = NULL }, 53, NULL }, /* libvirt finds a port */
	};
	RUN(checks);
}

static void test_port_options(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .hole = "<target hotplug='off'/>" }, 54, "hotplug" },
		{ { .hole = "<target hotplug='off'/>", .machine = "pc" }, 54, NULL },
		{ { .devices = PORT "<target hotplug='off' memReserve='1'/></controller>" }, 54,
		  NULL },
		{ { .devices = "<controller type='pci' index='1' model='pcie-expander-bus'>"
			       "<target memReserve='1'/></controller>" }, 54, "memReserve" },
		{ { .devices = PORT "<target memReserve='1'/></controller>",
		    .inventory = HOST("debian-12", "") }, 55, "debian-12" },
		{ { .devices = PORT "<target memReserve='1'/></controller>",
		    .inventory = HOST("debian-13", "") }, 55, NULL },
		{ { .devices = PORT "<target hotplug='off'/></controller>",
		    .inventory = HOST("debian-12", "") }, 55, NULL },
	};
	RUN(checks);
}

/* A BAR that 40 bits do not hold. */
#define HUGE_CARD(bits, vendor) "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": " \
	"{\"phys_bits\": " bits ", \"cpu_vendor\": \"" vendor "\"}, \"devices\": [" \
	"{\"address\": \"0000:08:00.0\", \"vendor\": \"10de\", \"device\": \"2901\", " \
	"\"class\": \"030200\", \"driver\": \"vfio-pci\", \"iommu_group\": 7, \"bars\": [" \
	BAR("0", "64 MiB") ", " BAR("2", "1 TiB") "]}]}"

static void test_width(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .cpu = CPU("host-model", ""), .inventory = HUGE_CARD("46", "GenuineIntel") }, 52,
		  "the host's 46" },
		{ { .cpu = CPU("host-model", ""), .inventory = HUGE_CARD("40", "GenuineIntel") }, 52,
		  NULL },
		{ { .cpu = CPU("host-model", BITS(40)),
		    .inventory = HUGE_CARD("46", "GenuineIntel") }, 52, NULL },
		{ { .cpu = CPU("host-passthrough", ""),
		    .inventory = HUGE_CARD("46", "GenuineIntel") }, 52, NULL },
		/* a hole does */
		{ { .cpu = CPU("host-model", ""), .devices = OPEN_PORT }, 52, NULL },
		{ { .type = "qemu", .cpu = CPU("maximum", PASSTHROUGH) }, 57, "type 'qemu'" },
		{ { .cpu = CPU("maximum", PASSTHROUGH) }, 57, NULL },
		{ { .type = "qemu", .cpu = CPU("maximum", BITS(46)) }, 57, NULL },
		{ { .cpu = CPU("maximum", "<maxphysaddr mode='passthrough' bits='42'/>") }, 37,
		  "42 bits" },
		{ { .cpu = CPU("maximum", "<maxphysaddr mode='passthrough' limit='42'/>") }, 37,
		  NULL },
	};
	RUN(checks);
}

static void test_kernel_options(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .in_os = "<cmdline>quiet pci=realloc</cmdline>" }, 37, "no <kernel>" },
		{ { .in_os = "<cmdline>quiet</cmdline>" }, 37, NULL },
		{ { .in_os = "<kernel>/k</kernel><cmdline>pci=realloc</cmdline>" }, 37, NULL },
		/* it cures this one; see test_realloc_harms() for one that it harms */
		{ { .in_os = "<kernel>/k</kernel><cmdline>pci=realloc</cmdline>" }, 56, NULL },
	};
	RUN(checks);
}

#define PAIR "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {\"cpu_vendor\": " \
	"\"GenuineIntel\"}, \"devices\": [{\"address\": \"0000:08:00.0\", \"vendor\": " \
	"\"10de\", \"device\": \"0001\", \"class\": \"030200\", \"driver\": \"vfio-pci\", " \
	"\"iommu_group\": 7, \"bars\": [" BAR("0", "64 GiB") "]}, {\"address\": " \
	"\"0000:08:00.1\", \"vendor\": \"10de\", \"device\": \"0002\", \"class\": \"040300\", " \
	"\"driver\": \"vfio-pci\", \"iommu_group\": 7, \"bars\": [" BAR("0", "32 MiB") "]}]}"
#define FUNCTION(n) "<hostdev mode='subsystem' type='pci'><source><address bus='8' function='" n \
	"'/></source><address type='pci' bus='1' function='" n "' multifunction='on'/></hostdev>"

/* OVMF places the small function and leaves the large one out. The kernel takes the
 * port's window back for that one, in vain, and the small one has lost its place. */
static void test_realloc_harms(void **state)
{
	(void)state;
	static const struct {
		const char *options;
		const char *hole; /* GiB */
		const char *says;
	} cases[] = {
		{ "pci=realloc", "32", "costs functions" },
		{ "quiet pci=noaer,realloc", "32", "costs functions" },
		{ "pci=realloc=off", "32", NULL },
		{ "quiet", "32", NULL },
		{ "pci=realloc", "256", NULL }, /* not in vain */
	};
	char in_os[128], hole[128];
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		snprintf(in_os, sizeof(in_os), "<kernel>/k</kernel><cmdline>%s</cmdline>",
			 cases[i].options);
		snprintf(hole, sizeof(hole), "<pcihole64 unit='GiB'>%s</pcihole64>",
			 cases[i].hole);
		const struct check check = {
			{ .in_os = in_os, .card = "", .inventory = PAIR, .hole = hole,
			  .devices = PORT "</controller>" FUNCTION("0") FUNCTION("1") },
			56, cases[i].says, .keep = true,
		};
		run(&check, 1);
	}
}

/* Where it stands, to the column. */
static void test_places_in_text(void **state)
{
	(void)state;
	const struct guest guest = { .devices = "\n  " PORT "\n    <pciHole64/></controller>",
				     .end = "\n<qemu:commandline>\n <qemu:arg value='-fw_cfg'/>\n"
					    " <qemu:arg value='name=opt/ovmf/X-PciMmio64Mb1'/>"
					    "</qemu:commandline>" };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_int_equal(finding(plan, 44)->line, 3);
	assert_int_equal(finding(plan, 44)->column, 5);
	assert_int_equal(finding(plan, 36)->line, 6);
	assert_int_equal(finding(plan, 36)->column, 2);
	gpupt_plan_free(plan);
}

/* The guest's address decides, not the host's. */
static void function_zero(void **state)
{
	(void)state;
	const struct guest lost = { .card = "", .devices = PORT "</controller>"
		"<hostdev mode='subsystem' type='pci'><source><address bus='8' slot='0' function='0'/>"
		"</source><address type='pci' bus='1' slot='0' function='1'/></hostdev>" };
	const struct guest found = { .card = "", .devices = PORT "</controller>"
		"<hostdev mode='subsystem' type='pci'><source><address bus='8' slot='0' function='0'/>"
		"</source><address type='pci' bus='1' slot='0' function='0'/></hostdev>" };
	struct gpupt_plan *plan = plan_of(&lost);
	assert_non_null(finding(plan, 59));
	size_t count;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(plan, &count);
	for (size_t i = 0; i < count; i++)
		assert_false(bars[i].passed_through);
	gpupt_plan_free(plan);
	plan = plan_of(&found);
	assert_null(finding(plan, 59));
	gpupt_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(function_zero),
		cmocka_unit_test(test_misplaced),
		cmocka_unit_test(test_misspelt),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_firmware_values),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_port_options),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_kernel_options),
		cmocka_unit_test(test_realloc_harms),
		cmocka_unit_test(test_places_in_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
