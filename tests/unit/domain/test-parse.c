/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "domain/domain.h"

static struct gpupt_domain *parse(const char *text)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_domain_parse(text, strlen(text), "vm.xml", &domain, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return domain;
}

static bool stands_for(const struct gpupt_domain *domain, struct gpupt_span span,
		       const char *expected)
{
	return span.end - span.start == strlen(expected) &&
	       memcmp(domain->text + span.start, expected, strlen(expected)) == 0;
}

static const char decoys[] =
	"<!-- <controller type='pci' index='0' model='pcie-root'/> -->\n"
	"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
	"  <name>a &amp; b</name>\n"
	"  <metadata xmlns:x='urn:x'>\n"
	"    <x:domain><controller type='pci' index='0' model='pci-root'/></x:domain>\n"
	"    <devices><hostdev mode='subsystem' type='pci'/></devices>\n"
	"    <l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
	"<l:os id='http://microsoft.com/win/11'/></l:libosinfo>\n"
	"  </metadata>\n"
	"  <memory unit='GiB'>4</memory>\n"
	"  <maxMemory slots='16' unit='TB'>1</maxMemory>\n"
	"  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>\n"
	"  <cpu mode='host-passthrough'><maxphysaddr mode='passthrough' limit='42'/></cpu>\n"
	"  <devices>\n"
	"    <![CDATA[<controller type='pci' index='0' model='pci-root'/>]]>\n"
	"    <controller\n\ttype='pci'\n\tmodel=\"pcie&#45;root\" note='a>b'\n    >\n"
	"      <pcihole64 unit='GiB'>6<!-- c -->4</pcihole64>\n"
	"    </controller  >\n"
	"    <controller type='pci' index='1' model='pcie-root-port'>\n"
	"      <target chassis='1' hotplug='off' memReserve='16384'/>\n"
	"      <address type='pci' bus='0' slot='0x1' function='0x0' multifunction='on'/>\n"
	"    </controller>\n"
	"    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
	"      <source><address domain='0x0000' bus='0x08' slot='0x00' function='0x1'/></source>\n"
	"      <rom bar='off'/>\n"
	"      <address type='pci' domain='0' bus='1' slot='0' function='0'/>\n"
	"    </hostdev>\n"
	"    <hostdev mode='subsystem' type='usb'><source><address bus='1'/></source></hostdev>\n"
	"    <interface type='hostdev'>\n"
	"      <source><address type='pci' bus='3'/></source></interface>\n"
	"    <interface type='hostdev'><source><address type='usb' bus='3'/></source></interface>\n"
	"    <video><model type='qxl' vram64='4194304'/></video>\n"
	"  </devices>\n"
	"  <qemu:commandline><qemu:arg value='-global'/>\n"
	"    <qemu:arg value='q35-pcihost.pci-hole64-size=2T'/>\n"
	"    <qemu:arg value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/>\n"
	"  </qemu:commandline>\n"
	"</domain>\n";

static void test_facts(void **state)
{
	(void)state;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(decoys);
	assert_string_equal(domain->name, "a & b");
	assert_int_equal(domain->memory_kib, 4 << 20);
	assert_int_equal(domain->max_memory_kib, 976562500);
	assert_int_equal(domain->memory_slots, 16);
	assert_string_equal(domain->os_firmware, "efi");
	assert_int_equal(gpupt_domain_machine(domain), GPUPT_MACHINE_HAS_Q35);
	assert_int_equal(domain->cpu_mode, GPUPT_CPU_HOST_PASSTHROUGH);
	assert_int_equal(domain->maxphysaddr, GPUPT_MAXPHYSADDR_PASSTHROUGH);
	assert_int_equal(domain->maxphysaddr_limit, 42);
	assert_string_equal(domain->os_id, "http://microsoft.com/win/11");
	assert_int_equal(domain->n_arguments, 3);
	assert_string_equal(domain->arguments[1], "q35-pcihost.pci-hole64-size=2T");
}

static void test_controllers(void **state)
{
	(void)state;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(decoys);
	assert_int_equal(domain->n_controllers, 2);
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	assert_ptr_equal(root, &domain->controllers[0]);
	assert_false(root->has_index);
	assert_int_equal(root->model, GPUPT_CONTROLLER_PCIE_ROOT);
	assert_int_equal(root->n_holes, 1);
	assert_true(root->hole.valid);
	assert_int_equal(root->hole.bytes, 64 * GPUPT_GIB);
	assert_true(stands_for(domain, root->hole.element.whole,
			       "<pcihole64 unit='GiB'>6<!-- c -->4</pcihole64>"));
	assert_true(domain->text[root->element.end_tag] == '<');
	assert_memory_equal(domain->text + root->element.whole.end - 3, "  >", 3);
	const struct gpupt_controller *port = &domain->controllers[1];
	assert_int_equal(port->hotplug, GPUPT_NO);
	assert_int_equal(port->mem_reserve_kib, 16384);
	assert_int_equal(port->address.pci.slot, 1);
	assert_int_equal(port->address.multifunction, GPUPT_YES);
	assert_true(stands_for(domain, port->target.whole,
			       "<target chassis='1' hotplug='off' memReserve='16384'/>"));
}

static void test_devices(void **state)
{
	(void)state;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(decoys);
	assert_int_equal(domain->n_hostdevs, 2);
	assert_true(domain->hostdevs[0].has_source);
	assert_int_equal(domain->hostdevs[0].source.bus, 8);
	assert_int_equal(domain->hostdevs[0].source.function, 1);
	assert_int_equal(domain->hostdevs[0].managed, GPUPT_YES);
	assert_int_equal(domain->hostdevs[0].rom_bar, GPUPT_NO);
	assert_int_equal(domain->hostdevs[0].address.pci.bus, 1);
	assert_int_equal(domain->hostdevs[1].kind, GPUPT_HOSTDEV_INTERFACE);
	assert_int_equal(domain->n_others, 2); /* the USB hostdev and the video */
	assert_string_equal(domain->others[1].model, "qxl");
	assert_int_equal(domain->others[1].vram64_bytes, 4 * GPUPT_GIB);
	assert_false(domain->has_memballoon);
}

static void test_offsets_with_bom_and_crlf(void **state)
{
	(void)state;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(
		"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\r\n<domain>\r\n\t<name>\xc3\xa4"
		"</name>\r\n\t<devices>\r\n\t\t<controller type='pci' model='pci-root' />\r\n"
		"\t</devices>\r\n</domain>\r\n");
	assert_true(stands_for(domain, domain->controllers[0].element.whole,
			       "<controller type='pci' model='pci-root' />"));
	assert_true(domain->controllers[0].element.self_closing);
	assert_int_equal(gpupt_domain_machine(domain), GPUPT_MACHINE_HAS_I440FX);
	assert_string_equal(domain->name, "\xc3\xa4");
}

static void test_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t length; /* 0: up to the NUL byte */
		enum gpupt_status status;
		size_t line, column; /* 0: any */
		const char *says;
	} cases[] = {
		{ "", 0, GPUPT_E_SYNTAX, 1, 1, "no element" },
		{ "hello", 0, GPUPT_E_SYNTAX, 1, 0, "not" },
		{ "<domain>\n<name>x</nam>", 0, GPUPT_E_SYNTAX, 2, 0, "end tag" },
		{ "<domain><name>", 0, GPUPT_E_SYNTAX, 1, 0, "not well-formed" },
		{ "<domain/>\n<domain/>", 0, GPUPT_E_SYNTAX, 2, 1, "one document" },
		{ "<network/>", 0, GPUPT_E_UNSUPPORTED, 1, 1, "<network>" },
		{ "<domain xmlns='urn:x'/>", 0, GPUPT_E_UNSUPPORTED, 1, 1, "namespace" },
		{ "<!--x-->\n<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>", 0,
		  GPUPT_E_UNSUPPORTED, 2, 1, "DOCTYPE" },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?><domain/>", 0, GPUPT_E_UNSUPPORTED,
		  1, 31, "ISO-8859-1" },
		{ "\xff\xfe<\0d\0", 6, GPUPT_E_UNSUPPORTED, 1, 1, "UTF-16" },
		{ "<domain>\n<a\0/></domain>", 23, GPUPT_E_SYNTAX, 2, 3, "NUL" },
		{ "<domain>\xff</domain>", 0, GPUPT_E_SYNTAX, 1, 0, "" },
		{ "<domain>&evil;</domain>", 0, GPUPT_E_SYNTAX, 1, 0, "not declared" },
		{ "<domain>\n<a b='1' b='2'/>", 0, GPUPT_E_SYNTAX, 2, 0, "twice" },
		{ "<domain>\n<?evil", 0, GPUPT_E_SYNTAX, 2, 0, "breaks the markup" },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		struct gpupt_domain *domain = NULL;
		struct gpupt_error *error = NULL;
		size_t length = cases[i].length ? cases[i].length : strlen(cases[i].text);
		assert_int_equal(gpupt_domain_parse(cases[i].text, length, "f", &domain, &error),
				 cases[i].status);
		assert_null(domain);
		assert_string_equal(gpupt_error_get_file(error), "f");
		if (!strstr(gpupt_error_get_message(error), cases[i].says))
			fail_msg("case %zu says \"%s\"", i, gpupt_error_get_message(error));
		if (cases[i].line)
			assert_int_equal(gpupt_error_get_line(error), cases[i].line);
		if (cases[i].column)
			assert_int_equal(gpupt_error_get_column(error), cases[i].column);
		gpupt_error_free(error);
	}
}

/* Far fewer than it takes libxml2 to get slow, far more than anybody writes. What only
 * looks like attributes does not count. */
static void test_attributes(void **state)
{
	(void)state;
	for (size_t count = 4095; count <= 4097; count++) {
		struct gpupt_domain *domain = NULL;
		struct gpupt_error *error = NULL;
		char *text = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&text, &length);
		fputs("<domain>\n<name", out);
		for (size_t i = 0; i < count; i++)
			fprintf(out, " a%zu='='", i);
		fputs("/><title x='", out);
		for (size_t i = 0; i < 9000; i++)
			fputs("a= ", out);
		fputs("'>", out);
		for (size_t i = 0; i < 9000; i++)
			fputs("a= ", out);
		fputs("</title><!-- < a>", out);
		for (size_t i = 0; i < 9000; i++)
			fputs("a= ", out);
		fputs("--></domain>", out);
		fclose(out);
		int r = gpupt_domain_parse(text, length, "f", &domain, &error);
		assert_int_equal(r, count > GPUPT_DOMAIN_MAX_ATTRIBUTES ? GPUPT_E_LIMIT : 0);
		if (r < 0)
			assert_int_equal(gpupt_error_get_line(error), 2);
		gpupt_error_free(error);
		gpupt_domain_free(domain);
		free(text);
	}
}

static void test_depth(void **state)
{
	(void)state;
	for (size_t depth = 255; depth <= 258; depth++) {
		struct gpupt_domain *domain = NULL;
		struct gpupt_error *error = NULL;
		char text[8192] = "<domain>";
		for (size_t i = 1; i < depth; i++)
			strcat(text, "<a>");
		for (size_t i = 1; i < depth; i++)
			strcat(text, "</a>");
		strcat(text, "</domain>");
		int r = gpupt_domain_parse(text, strlen(text), NULL, &domain, &error);
		assert_int_equal(r, depth > GPUPT_DOMAIN_MAX_DEPTH ? GPUPT_E_LIMIT : 0);
		gpupt_domain_free(domain);
		gpupt_error_free(error);
	}
}

static void test_hole_values_as_libvirt_reads_them(void **state)
{
	(void)state;
	static const struct {
		const char *xml;
		bool valid, empty;
		uint64_t bytes;
	} cases[] = {
		{ "<pcihole64>2147483648</pcihole64>", true, false, 2 * GPUPT_TIB },
		{ "<pcihole64 unit='b'>1025</pcihole64>", true, false, 2048 },
		{ "<pcihole64 unit='GB'>1</pcihole64>", true, false, 976563 * GPUPT_KIB },
		{ "<pcihole64 unit='KiB'>0</pcihole64>", true, false, 0 },
		{ "<pcihole64 unit='KiB'/>", false, true, 0 },
		{ "<pcihole64 unit='foo'>1</pcihole64>", false, false, 0 },
		{ "<pcihole64>-1</pcihole64>", false, false, 0 },
		{ "<pcihole64>1.5</pcihole64>", false, false, 0 },
		{ "<pcihole64 unit='EiB'>16</pcihole64>", false, false, 0 },
		{ "<pcihole64>64 </pcihole64>", false, false, 0 },
		{ "<pcihole64>1</pcihole64><pcihole64>2</pcihole64>", true, false, 1024 },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), "<domain><devices><controller type='pci' index='0' "
			 "model='pcie-root'>%s</controller></devices></domain>", cases[i].xml);
		GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = parse(text);
		const struct gpupt_pcihole64 *hole = &domain->controllers[0].hole;
		assert_int_equal(hole->valid, cases[i].valid);
		assert_int_equal(hole->empty, cases[i].empty);
		assert_int_equal(hole->bytes, cases[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_offsets_with_bom_and_crlf),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_hole_values_as_libvirt_reads_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
