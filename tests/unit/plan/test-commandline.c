/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What <qemu:commandline> does to a plan. */

#include "plan-test.h"

#define PORT "<controller type='pci' index='1' model='pcie-root-port'>" \
	     "<target hotplug='off'/></controller><controller type='usb' model='none'/>"
#define ARGS(option, value) "<qemu:commandline><qemu:arg value='" option "'/>" \
			    "<qemu:arg value='" value "'/></qemu:commandline>"
#define GLOBAL(value) ARGS("-global", "q35-pcihost.pci-hole64-size=" value)

static void test_enough(void **state)
{
	(void)state;
	const char *const sizes[] = { "64G", "64g", "0068719476736", "65536M", "68719476736b" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(sizes); i++) {
		char end[256];
		snprintf(end, sizeof(end), GLOBAL("%s"), sizes[i]);
		const struct guest guest = { .devices = PORT, .end = end };
		struct gpupt_plan *plan = plan_of(&guest);
		assert_says(plan, 24, sizes[i]);
		assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_KERNEL);
		assert_int_equal(planned_gib(plan), 64);
		assert_int_equal(count_edits(plan), 0);
		gpupt_plan_free(plan);
	}
}

/* What libvirt writes comes first on QEMU's command line and counts for nothing. */
static void test_too_small(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT, .end = GLOBAL("32G") };
	struct gpupt_plan *plan = plan_of(&guest);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_PARTIAL);
	assert_says(plan, 30, "32 GiB");
	assert_int_equal(planned_gib(plan), 64);
	assert_int_equal(count_edits(plan), 1);
	gpupt_plan_free(plan);
	const struct guest again = { .devices = PORT, .end = GLOBAL("32G"),
				     .hole = "<pcihole64 unit='GiB'>64</pcihole64>" };
	plan = plan_of(&again);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_PARTIAL);
	assert_int_equal(count_edits(plan), 0);
	gpupt_plan_free(plan);
}

static void test_does_not_start(void **state)
{
	(void)state;
	const struct guest guest = { .devices = PORT, .end = GLOBAL("2T") };
	struct gpupt_request *request = request_of(&guest);
	gpupt_request_set_allow_shrink(request, true);
	struct gpupt_plan *plan = plan_with(&guest, request);
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	assert_says(plan, 10, "<qemu:commandline>");
	gpupt_plan_free(plan);
}

static void test_other_spellings(void **state)
{
	(void)state;
	const struct guest pairs = { .devices = PORT, .end = ARGS("-global",
		"driver=q35-pcihost,property=pci-hole64-size,value=64G") };
	struct gpupt_plan *plan = plan_of(&pairs);
	assert_int_equal(count_edits(plan), 0);
	assert_non_null(finding(plan, 24));
	gpupt_plan_free(plan);
	const struct guest fraction = { .devices = PORT, .end = GLOBAL("63.5G") };
	plan = plan_of(&fraction);
	assert_says(plan, 24, "not understood");
	gpupt_plan_free(plan);
	/* the other machine's host bridge is not there */
	const struct guest other = { .devices = PORT, .end = ARGS("-global",
		"i440FX-pcihost.pci-hole64-size=64G") };
	plan = plan_of(&other);
	assert_null(finding(plan, 24));
	assert_int_equal(count_edits(plan), 1);
	gpupt_plan_free(plan);
}

static uint64_t firmware_window(const char *argument, unsigned int number)
{
	char end[256];
	snprintf(end, sizeof(end), ARGS("-fw_cfg", "%s"), argument);
	const struct guest guest = { .devices = PORT, .end = end };
	struct gpupt_plan *plan = plan_of(&guest);
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	uint64_t size = hole->firmware_window_end - hole->firmware_window_start;
	assert_int_equal(finding(plan, number) != NULL, number != 0);
	gpupt_plan_free(plan);
	return size / GPUPT_GIB;
}

static void test_window(void **state)
{
	(void)state;
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMmio64Mb,string=65536", 0), 64);
	assert_int_equal(firmware_window("opt/ovmf/X-PciMmio64Mb,string=65536", 0), 64);
	assert_int_equal(firmware_window("string=65536,name=opt/ovmf/X-PciMmio64Mb", 0), 64);
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMmio64Mb1,string=65536", 36), 32);
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMMIO64Mb,string=65536", 36), 32);
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMmio64Mb,string=64G", 36), 32);
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMmio64Mb,string=-1", 36), 32);
	assert_int_equal(firmware_window("name=opt/ovmf/X-PciMmio64Mb,file=/x", 35), 32);
	assert_int_equal(firmware_window("name=opt/acme/thing,string=1", 0), 32);
}

static void test_what_is_not_modelled(void **state)
{
	(void)state;
	static const char *const ends[] = {
		ARGS("-cpu", "host,phys-bits=46"), ARGS("-device", "vfio-pci,host=09:00.0"),
		ARGS("--m", "4G"),
		ARGS("-set", "device.pci.1.pref64-reserve=4G"),
		ARGS("-set", "device.video0.hostmem=8G"),
		ARGS("-global", "virtio-vga-gl.hostmem=8G"),
		ARGS("-device", "virtio-gpu-gl-pci,hostmem=8G,blob=true"),
		ARGS("-device", "nvme,serial=a,pmrdev=b"),
		ARGS("-global", "pcie-root-port.pref64-reserve=much"),
		ARGS("-global", "pcie-root-port.io-reserve=0"),
		ARGS("-global", "driver=vfio-pci,property=x-no-mmap,value=on"),
		"<qemu:override><qemu:device alias='pci.1'><qemu:frontend>"
		"<qemu:property name='pref64-reserve' type='string' value='64G'/>"
		"</qemu:frontend></qemu:device></qemu:override>",
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ends); i++) {
		const struct guest guest = { .end = ends[i] };
		struct gpupt_plan *plan = plan_of(&guest);
		assert_non_null(finding(plan, 35));
		assert_true(finding(plan, 35)->line > 0);
		gpupt_plan_free(plan);
	}
	const struct guest harmless = { .end = ARGS("-device", "usb-tablet") };
	struct gpupt_plan *plan = plan_of(&harmless);
	assert_null(finding(plan, 35));
	gpupt_plan_free(plan);
}

/* What libvirt has no element for: OVMF keeps the reserves of two ports rather than place
 * the GPU, for which the hole then has to be larger. */
static void test_reserve(void **state)
{
	(void)state;
	static const struct { const char *end; unsigned int gib; } cases[] = {
		{ "", 64 },
		{ ARGS("-global", "pcie-root-port.mem-reserve=1M"), 64 },
		{ ARGS("-global", "pcie-root-port.pref64-reserve=16G"), 80 },
		{ ARGS("-global", "driver=pcie-root-port,property=pref64-reserve,"
				  "value=17179869184"), 80 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		const struct guest guest = {
			.devices = PORT "<controller type='pci' index='2' model='pcie-root-port'/>"
				   "<controller type='pci' index='3' model='pcie-root-port'/>",
			.cpu = "<cpu mode='custom'><model>Westmere</model></cpu>",
			.end = cases[i].end,
		};
		struct gpupt_plan *plan = plan_of(&guest);
		assert_int_equal(gpupt_plan_get_hole(plan)->minimum, cases[i].gib * GPUPT_GIB);
		assert_null(finding(plan, 35));
		gpupt_plan_free(plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_does_not_start),
		cmocka_unit_test(test_other_spellings),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_what_is_not_modelled),
		cmocka_unit_test(test_reserve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
