/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a firmware file says of itself, as an inventory knows it, narrows the
 * possibilities. */

#include "plan-test.h"

#define CARD                                                                                    \
	"\"devices\":[{\"address\":\"08:00.0\",\"vendor\":\"10de\",\"device\":\"1db4\"}]"
#define HOST(os, firmware)                                                                      \
	"{\"format\":\"gpupt-snapshot\",\"version\":1,\"host\":{" os                            \
	"\"cpu_vendor\":\"GenuineIntel\",\"phys_bits\":46,\"firmware\":[" firmware "]}," CARD "}"
#define DEBIAN_12 "\"os\":\"debian-12\","
#define OVMF(file, release)                                                                     \
	"{\"file\":\"" file "\",\"name\":\"edk2-stable" release "\",\"version\":\"v\"}"
#define SEABIOS(file, release) "{\"file\":\"" file "\",\"name\":\"seabios-" release "\"}"
#define LOADER(file) "<loader type='pflash'>" file "</loader>"

/* How many possibilities there are whose name begins so, and how many others. */
static void count(const struct guest *guest, const char *prefix, size_t *ret_such,
		  size_t *ret_others)
{
	struct gpupt_plan *plan = plan_of(guest);
	size_t n, such = 0;
	assert_non_null(plan);
	const struct gpupt_possibility *all = gpupt_plan_get_possibilities(plan, &n, NULL);
	for (size_t i = 0; i < n; i++)
		such += strncmp(all[i].name, prefix, strlen(prefix)) == 0;
	*ret_such = such;
	*ret_others = n - such;
	gpupt_plan_free(plan);
}

static void assert_all(const char *inventory, const char *in_os, const char *prefix)
{
	const struct guest guest = { .inventory = inventory, .os = "", .firmware = "",
				     .in_os = in_os };
	size_t such, others;
	count(&guest, prefix, &such, &others);
	if (!such || others)
		fail_msg("%zu possibilities are %s, %zu others", such, prefix, others);
}

static void assert_open(const char *inventory, const char *in_os)
{
	const struct guest guest = { .inventory = inventory, .os = "", .firmware = "",
				     .in_os = in_os };
	size_t such, others;
	count(&guest, "edk2-stable", &such, &others);
	assert_int_equal(such, 0);
	assert_true(others > 4);
}

static void test_narrows(void **state)
{
	(void)state;
	static const char own[] = HOST("", OVMF("/opt/OVMF.fd", "202405"));
	assert_all(own, LOADER("/opt/OVMF.fd"), "edk2-stable202405, ");
	assert_all(own, LOADER("/opt/OVMF.ms.fd"), "edk2-stable202405, "); /* same build */
	assert_open(own, LOADER("/opt/other/OVMF.fd"));
	assert_open(own, LOADER("/op/OVMF.fd"));
	assert_open(own, LOADER("OVMF.fd"));
	/* not two builds that differ, but for the file that is named */
	static const char two[] = HOST("", OVMF("/opt/a.fd", "202405") ","
				       OVMF("/opt/b.fd", "202408"));
	assert_open(two, LOADER("/opt/OVMF.fd"));
	assert_all(two, LOADER("/opt/b.fd"), "edk2-stable202408, ");
	/* no loader: SeaBIOS, as QEMU brings it */
	static const char both[] = HOST("", OVMF("/usr/share/a.fd", "202405") ","
					SEABIOS("/usr/share/qemu/bios-256k.bin", "1.16.1"));
	assert_all(both, "", "seabios-1.16.1, ");
}

/* On a host whose distribution is known, a file of one's own is not that
 * distribution's, but QEMU is. */
static void test_host(void **state)
{
	(void)state;
	static const char host[] = HOST(DEBIAN_12, OVMF("/opt/OVMF.fd", "202502") ","
					OVMF("/usr/share/OVMF/OVMF_CODE_4M.fd", "202211"));
	const struct guest guest = { .inventory = host, .os = "", .firmware = "",
				     .in_os = LOADER("/opt/OVMF.fd") };
	size_t such, others;
	count(&guest, "edk2-stable202502, ", &such, &others);
	assert_int_equal(others, 0);
	assert_int_equal(such, 1); /* QEMU is Debian's own; the kernel is said */
	assert_all(host, LOADER("/usr/share/OVMF/OVMF_CODE_4M.fd"), "Debian 12, ");
	static const char newer[] = HOST(DEBIAN_12, OVMF("/usr/share/OVMF/OVMF_CODE_4M.fd",
							 "202308"));
	assert_all(newer, LOADER("/usr/share/OVMF/OVMF_CODE_4M.fd"), "edk2-stable202308, ");
}

/* Debian 13 patched its 202502: a file of that release may be that or another. */
static void test_patched(void **state)
{
	(void)state;
	static const char override[] =
		"<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg "
		"value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/></qemu:commandline>";
	struct guest guest = { .inventory = HOST(DEBIAN_12, OVMF("/opt/OVMF.fd", "202502")),
			       .os = "", .firmware = "", .in_os = LOADER("/opt/OVMF.fd") };
	size_t plain, such, others;
	guest.end = override;
	guest.inventory = HOST(DEBIAN_12, OVMF("/opt/OVMF.fd", "202411"));
	count(&guest, "edk2-stable", &plain, &others);
	guest.inventory = HOST(DEBIAN_12, OVMF("/opt/OVMF.fd", "202402")); /* Ubuntu 24.04 */
	count(&guest, "edk2-stable", &such, &others);
	assert_int_equal(such, 2 * plain);
	guest.end = "";
	count(&guest, "edk2-stable", &such, &others);
	assert_int_equal(such, plain);
}

static void test_contradictions(void **state)
{
	(void)state;
	static const char host[] = HOST("", OVMF("/opt/OVMF.fd", "202502"));
	static const struct {
		const char *firmware, *loader, *says;
	} cases[] = {
		{ "edk2-stable202211", LOADER("/opt/OVMF.fd"), "edk2-stable202211 is what was said" },
		{ "debian-12", LOADER("/opt/OVMF.fd"), "(edk2-stable202502), and debian-12" },
		{ "seabios", LOADER("/opt/OVMF.fd"), "seabios is what was said" },
		{ "", "<loader type='rom'>/opt/OVMF.fd</loader>", NULL },
		{ "edk2-stable202502", LOADER("/opt/OVMF.fd"), NULL },
		{ "debian-13", LOADER("/opt/OVMF.fd"), NULL },
		{ "ovmf", LOADER("/opt/OVMF.fd"), NULL },
		{ "", LOADER("/opt/OVMF.fd"), NULL },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		const struct guest guest = { .inventory = host, .os = "", .in_os = cases[i].loader,
					     .firmware = cases[i].firmware };
		struct gpupt_plan *plan = plan_of(&guest);
		if (cases[i].says)
			assert_says(plan, 38, cases[i].says);
		else
			assert_null(finding(plan, 38));
		gpupt_plan_free(plan);
	}
	/* a name that sounds like the other kind */
	const struct guest guest = {
		.inventory = HOST("", SEABIOS("/opt/ovmf-replacement", "1.16.3")), .os = "",
		.in_os = "<loader type='rom'>/opt/ovmf-replacement</loader>", .firmware = "",
	};
	struct gpupt_plan *plan = plan_of(&guest);
	assert_says(plan, 38, "the domain asks for OVMF");
	gpupt_plan_free(plan);
	assert_all(guest.inventory, guest.in_os, "seabios-1.16.3, ");
	/* said "ovmf", and the file knows more */
	const struct guest kind = { .inventory = host, .os = "", .firmware = "ovmf",
				    .in_os = LOADER("/opt/OVMF.fd") };
	size_t such, others;
	count(&kind, "edk2-stable202502, ", &such, &others);
	assert_true(such && !others);
}

static const char *file_of(const struct guest *guest)
{
	static char file[100];
	struct gpupt_domain *domain = domain_of(guest);
	struct gpupt_inventory *inventory = inventory_of(guest);
	struct gpupt_request *request = request_of(guest);
	const char *found = gpupt_request_firmware_file(request, domain, inventory);
	snprintf(file, sizeof(file), "%s", found ? found : "none");
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
	return file;
}

/* Which file is worth reading. */
static void test_file(void **state)
{
	(void)state;
	struct guest guest = { .inventory = HOST(DEBIAN_12, ""), .os = "", .firmware = "",
			       .in_os = LOADER("/usr/share/OVMF/OVMF_CODE.fd") };
	assert_string_equal(file_of(&guest), "none"); /* Debian's own */
	guest.firmware = "edk2-stable202502";
	assert_string_equal(file_of(&guest), "/usr/share/OVMF/OVMF_CODE.fd");
	guest.firmware = "";
	guest.in_os = LOADER("/opt/OVMF.fd");
	assert_string_equal(file_of(&guest), "/opt/OVMF.fd");
	guest.in_os = LOADER("OVMF.fd");
	assert_string_equal(file_of(&guest), "none"); /* below which directory? */
	guest.in_os = "";
	assert_string_equal(file_of(&guest), "none");
	guest.inventory = HOST("\"os\":\"arch-rolling\",", "");
	guest.in_os = LOADER("/usr/share/OVMF/OVMF_CODE.fd");
	assert_string_equal(file_of(&guest), "/usr/share/OVMF/OVMF_CODE.fd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_narrows),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_patched),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
