/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Indices and addresses that libvirt refuses, and devices that are there twice. */

#include "lint-test.h"

#define PLACE(domain, slot) "<address type='pci' domain='" #domain "' bus='0' slot='" #slot "'/>"
#define BALLOON(address) "<memballoon model='virtio'>" address "</memballoon>"
#define RNG(address) "<rng model='virtio'>" address "</rng>"
#define HOSTDEV(bus, address) "<hostdev mode='subsystem' type='pci'><source><address bus='" #bus \
			      "'/></source>" address "</hostdev>"

static void test_indices(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .devices = PORT "</controller>" PORT "</controller>" }, 110, "index 1" },
		{ { .devices = PORT "</controller><controller type='pci' index='0x1'/>" }, 110,
		  "index 1" },
		{ { .devices = PORT "</controller>" }, 110, NULL },
		{ { .devices = PORT "</controller><controller type='usb' index='1'/>" }, 110, NULL },
		{ { .devices = "<controller type='pci' model='pcie-root-port'/>"
			       "<controller type='pci' model='pcie-root-port'/>" }, 110, NULL },
	};
	RUN(checks);
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .devices = BALLOON(PLACE(0, 5)) RNG(PLACE(0, 5)) }, 112, "<memballoon>" },
		{ { .devices = RNG(PLACE(0, 5)) RNG(PLACE(0, 5)) }, 112, "another <rng>" },
		{ { .devices = PORT PLACE(0, 5) "</controller>" HOSTDEV(9, PLACE(0, 5)) }, 112,
		  "<hostdev> is to have the address 0000:00:05.0" },
		{ { .devices = BALLOON(PLACE(0, 5)) RNG(PLACE(0, 6)) }, 112, NULL },
		{ { .devices = BALLOON(PLACE(0, 5)) RNG(PLACE(0, 6)) RNG(PLACE(0, 5)) }, 112,
		  "and so is <memballoon>" },
		{ { .devices = BALLOON(PLACE(0, 0)) RNG(PLACE(0, 0)) }, 112, NULL }, /* means none */
		{ { .devices = BALLOON(PLACE(0, 5)) "<video><model type='none'/>" PLACE(0, 5)
			       "</video>" }, 112, NULL },
		{ { .devices = "<serial type='pty'><target type='pci-serial' port='0'/>" PLACE(0, 5)
			       "</serial><console type='pty'><target type='serial' port='0'/>"
			       PLACE(0, 5) "</console>" }, 112, NULL },
		{ { .devices = BALLOON(PLACE(1, 5)) RNG(PLACE(1, 5)) }, 112, NULL },
		{ { .devices = BALLOON(PLACE(1, 5)) }, 111, "0001:00:05.0" },
		{ { .devices = HOSTDEV(9, PLACE(0x10000, 5)) }, 111, "<hostdev>" },
		{ { .devices = PORT PLACE(1, 5) "</controller>" }, 111, "<controller>" },
		{ { .devices = BALLOON(PLACE(0, 5)) }, 111, NULL },
		{ { .devices = "<hostdev mode='subsystem' type='pci'><source>" PLACE(1, 5)
			       "</source></hostdev>" }, 111, NULL },
	};
	RUN(checks);
}

/* Addresses as the plan leaves them. */
static void test_address_of_what_goes(void **state)
{
	(void)state;
	const struct guest guest = { .devices = HOSTDEV(9, PLACE(0, 5)) RNG(PLACE(0, 5)) };
	struct gpupt_request *request = request_of(&guest);
	assert_int_equal(gpupt_request_remove_device(request, "09:00.0", NULL), 0);
	struct gpupt_plan *plan = plan_with(&guest, request);
	assert_non_null(plan);
	assert_null(finding(plan, 112));
	gpupt_plan_free(plan);
}

#define NVME(bus) "<disk type='nvme' device='disk'><source type='pci' namespace='1'>" \
		  "<address domain='0' bus='" #bus "' slot='0' function='0'/></source></disk>"

static void test_host_device_twice(void **state)
{
	(void)state;
	static const struct check checks[] = {
		{ { .devices = HOSTDEV(8, "") }, 32, "0000:08:00.0 is listed twice" },
		{ { .devices = NVME(8) }, 32, "0000:08:00.0 is passed through, and the source" },
		{ { .devices = HOSTDEV(9, "") NVME(9) }, 32, "0000:09:00.0" },
		{ { .devices = HOSTDEV(9, "") NVME(10) NVME(10) }, 32, NULL },
		{ { .devices = "<interface type='vdpa'><source><address bus='8'/></source>"
			       "</interface>" }, 32, NULL },
	};
	RUN(checks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_of_what_goes),
		cmocka_unit_test(test_host_device_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
