/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which remedies are taken, what they do to the text, and that a second plan finds
 * nothing more to do. */

#include "plan-test.h"

#define PORT(index, inside) \
	"<controller type='pci' index='" index "' model='pcie-root-port'>" inside "</controller>"
#define CARD(address) \
	"<hostdev mode='subsystem' type='pci' managed='yes'><source>" \
	"<address domain='0' bus='8' slot='0' function='0'/></source>" address "</hostdev>"
#define AT(bus) "<address type='pci' domain='0' bus='" bus "' slot='2' function='0'/>"

/* An Intel CPU with 40 bits, which OVMF does not trust. */
#define CLASSIC .type = "qemu", .cpu = "<cpu mode='custom'><model>Westmere</model></cpu>"

struct wish {
	const char *allow, *forbid;
	unsigned long libvirt;
	bool force;
};

static struct gpupt_request *request_with(const struct guest *guest, const struct wish *wish)
{
	struct gpupt_request *request = request_of(guest);
	assert_int_equal(gpupt_request_allow(request, or_else(wish->allow, ""), NULL), 0);
	assert_int_equal(gpupt_request_forbid(request, or_else(wish->forbid, ""), NULL), 0);
	gpupt_request_set_libvirt(request, wish->libvirt);
	gpupt_request_set_force(request, wish->force);
	return request;
}

static bool takes(const struct gpupt_plan *plan, enum gpupt_remedy remedy)
{
	size_t count;
	const struct gpupt_step *steps = gpupt_plan_get_steps(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (steps[i].remedy == remedy)
			return true;
	return false;
}

/* What the plan makes of the text; freed with free(). A plan made from that has nothing
 * to do, and finds in it what the first one meant. */
static char *cured(const struct guest *guest, const struct wish *wish, enum gpupt_remedy by)
{
	struct gpupt_domain *domain = domain_of(guest), *after = NULL;
	struct gpupt_inventory *inventory = inventory_of(guest);
	struct gpupt_request *request = request_with(guest, wish);
	struct gpupt_plan *plan = NULL, *second = NULL;
	char *text = NULL;
	size_t length = 0, count = 0;
	assert_int_equal(gpupt_plan_make(domain, inventory, request, &plan, NULL), 0);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_true(gpupt_plan_get_verdict(plan) == GPUPT_VERDICT_KERNEL ||
		    gpupt_plan_get_verdict(plan) == GPUPT_VERDICT_FIRMWARE);
	if (!takes(plan, by))
		fail_msg("no %s for %s", gpupt_remedy_name(by),
			 gpupt_domain_get_text(domain, NULL));
	assert_int_equal(gpupt_plan_apply(plan, domain, &text, &length, NULL), 0);
	assert_int_equal(gpupt_domain_parse(text, length, "a", &after, NULL), 0);
	assert_int_equal(gpupt_plan_check(plan, after, NULL), 0);
	if (gpupt_plan_get_edits(plan, &count) && count)
		assert_int_equal(gpupt_plan_check(plan, domain, NULL), GPUPT_E_CONFLICT);
	assert_int_equal(gpupt_plan_make(after, inventory, request, &second, NULL), 0);
	assert_int_equal(gpupt_plan_get_status(second), 0);
	gpupt_plan_get_edits(second, &count);
	assert_int_equal(count, 0);
	gpupt_plan_free(second);
	gpupt_plan_free(plan);
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(after);
	gpupt_domain_free(domain);
	return text;
}

static void expect_cure(const struct guest *guest, const struct wish *wish, enum gpupt_remedy by,
			const char *text)
{
	char *made = cured(guest, wish, by);
	if (!strstr(made, text))
		fail_msg("no %s in %s", text, made);
	free(made);
}

static void expect_refusal(const struct guest *guest, const struct wish *wish, const char *names)
{
	size_t count;
	struct gpupt_plan *plan = plan_with(guest, request_with(guest, wish));
	assert_int_equal(gpupt_plan_get_status(plan), GPUPT_E_NO_FIT);
	assert_non_null(finding(plan, 100));
	if (!strstr(finding(plan, 100)->text, names))
		fail_msg("no %s in %s", names, finding(plan, 100)->text);
	gpupt_plan_get_edits(plan, &count);
	assert_int_equal(count, 0);
	gpupt_plan_get_steps(plan, &count);
	assert_int_equal(count, 0);
	gpupt_plan_free(plan);
}

/* A V100 in OVMF's classic window: a hole, and something for its root port. */
static void root_ports(void **state)
{
	(void)state;
	static const struct wish none;
	const struct guest there = { CLASSIC, .card = "", .inventory = NULL,
		.devices = PORT("1", "") PORT("2", "<target chassis='7'/>") CARD(AT("2")) };
	const struct guest bare = { CLASSIC, .devices = PORT("1", "<target chassis='7'/>") };
	const struct guest unlisted = { CLASSIC, .card = "", .devices = CARD(AT("3")) };
	expect_cure(&there, &none, GPUPT_REMEDY_HOTPLUG,
		    "index='2' model='pcie-root-port'><target chassis='7' hotplug='off'/>");
	expect_cure(&there, &(struct wish){ .libvirt = 9000000 }, GPUPT_REMEDY_HOTPLUG,
		    "hotplug='off'");
	expect_cure(&there, &(struct wish){ .libvirt = 10003000 }, GPUPT_REMEDY_MEMRESERVE,
		    "<target chassis='7' memReserve='");
	expect_cure(&there, &(struct wish){ .allow = "memreserve" }, GPUPT_REMEDY_MEMRESERVE,
		    "memReserve='");
	/* the device's address is written, so that libvirt puts it behind that port */
	expect_cure(&bare, &none, GPUPT_REMEDY_HOTPLUG, "<target hotplug='off'/></controller>");
	expect_cure(&bare, &none, GPUPT_REMEDY_HOTPLUG,
		    "</source><address type='pci' domain='0x0000' bus='0x02' slot='0x00' "
		    "function='0x0'/></hostdev>");
	/* a bus that the domain speaks of and libvirt would make */
	expect_cure(&unlisted, &none, GPUPT_REMEDY_HOTPLUG,
		    "<controller type='pci' index='3' model='pcie-root-port'>");
	expect_refusal(&there, &(struct wish){ .forbid = "hotplug" }, "--allow memreserve");
	expect_refusal(&there, &(struct wish){ .forbid = "hotplug", .libvirt = 9000000 },
		       "--allow hotplug");
	expect_refusal(&there, &(struct wish){ .libvirt = 6000000 }, "--allow fwcfg");
}

/* A card with 64-bit BARs alone: memReserve, which is for the others, gives it nothing. */
static void nothing_to_reserve(void **state)
{
	(void)state;
	const struct guest there = { .hole = "<pcihole64>0</pcihole64>", .card = "10de:2330",
		.memory = "<memory unit='GiB'>16</memory>", .firmware = "", .kernel = "",
		.cpu = "<cpu mode='custom'><model>Westmere</model></cpu>",
		.devices = PORT("1", "") PORT("2", "") };
	struct gpupt_domain *domain = domain_of(&there);
	struct gpupt_plan *plan =
		plan_with(&there, request_with(&there, &(struct wish){ .libvirt = 10003000 }));
	char *text = NULL;
	size_t length, count;
	assert_false(takes(plan, GPUPT_REMEDY_MEMRESERVE));
	gpupt_plan_get_edits(plan, &count);
	assert_int_equal(count, 0);
	assert_int_equal(gpupt_plan_apply(plan, domain, &text, &length, NULL), 0);
	free(text);
	gpupt_plan_free(plan);
	gpupt_domain_free(domain);
}

static void kernel_option(void **state)
{
	(void)state;
	const struct wish wish = { .allow = "cmdline", .forbid = "hotplug,memreserve" };
	const struct guest direct = { .in_os = "<kernel>/k</kernel><cmdline>a 'b' &amp; c</cmdline>" };
	const struct guest without = { .in_os = "<kernel>/k</kernel>" };
	const struct guest empty = { .in_os = "<kernel>/k</kernel><cmdline/>" };
	const struct guest disk = { 0 };
	expect_cure(&direct, &wish, GPUPT_REMEDY_CMDLINE,
		    "<cmdline>a 'b' &amp; c pci=realloc</cmdline>");
	expect_cure(&without, &wish, GPUPT_REMEDY_CMDLINE, "<cmdline>pci=realloc</cmdline></os>");
	expect_cure(&empty, &wish, GPUPT_REMEDY_CMDLINE, "</kernel><cmdline>pci=realloc</cmdline>");
	/* the guest's own affair: said, not written */
	struct gpupt_plan *plan = plan_with(&disk, request_with(&disk, &wish));
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	assert_true(takes(plan, GPUPT_REMEDY_CMDLINE));
	assert_non_null(finding(plan, 103));
	gpupt_plan_free(plan);
}

static void another_slot(void **state)
{
	(void)state;
	const struct guest guest = { CLASSIC, .card = "", .devices = CARD(AT("0")) };
	expect_refusal(&guest, &(struct wish){ 0 }, "--allow move");
	expect_cure(&guest, &(struct wish){ .allow = "move" }, GPUPT_REMEDY_MOVE,
		    "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"
		    "</hostdev>");
}

/* A large BAR and a small one, each of a function of its own, in one slot: the port's
 * window is made for the small one. */
static void functions_apart(void **state)
{
	(void)state;
	static const char inventory[] =
		"{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {}, \"devices\": ["
		"{\"address\": \"0000:08:00.0\", \"vendor\": \"10de\", \"device\": \"0001\", "
		"\"class\": \"030200\", \"bars\": [{\"index\": 0, \"type\": \"memory\", \"bits\": 64, "
		"\"prefetchable\": true, \"size\": \"32 GiB\", \"address\": \"0x1000000000\"}]},"
		"{\"address\": \"0000:08:00.1\", \"vendor\": \"10de\", \"device\": \"0002\", "
		"\"class\": \"040300\", \"bars\": [{\"index\": 0, \"type\": \"memory\", \"bits\": 64, "
		"\"prefetchable\": true, \"size\": \"32 MiB\", \"address\": \"0x2000000000\"}]}]}";
	const struct guest guest = {
		CLASSIC, .card = "", .inventory = inventory,
		.devices = PORT("1", "") CARD("<address type='pci' bus='1' slot='0' function='0' "
					      "multifunction='on'/>")
			"<hostdev mode='subsystem' type='pci'><source><address bus='8' slot='0' "
			"function='1'/></source><address type='pci' bus='1' slot='0' function='1'/>"
			"</hostdev>" };
	expect_refusal(&guest, &(struct wish){ 0 }, "--allow move");
	expect_cure(&guest, &(struct wish){ .allow = "move" }, GPUPT_REMEDY_MOVE,
		    "<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>"
		    "</hostdev>");
	expect_cure(&guest, &(struct wish){ .allow = "fwcfg" }, GPUPT_REMEDY_FWCFG, "string=65536");
}

/* A B300 with 512 GiB of memory BAR takes more than 40 bits. */
static void address_width(void **state)
{
	(void)state;
	const struct wish wish = { .allow = "maxphysaddr" };
	struct guest guest = { .type = "qemu", .card = "10de:3182" };
	expect_refusal(&guest, &(struct wish){ 0 }, "--allow maxphysaddr");
	expect_cure(&guest, &wish, GPUPT_REMEDY_MAXPHYSADDR,
		    "</os><cpu><maxphysaddr mode='emulate' bits='4");
	guest.cpu = "<cpu mode='custom'/>";
	expect_cure(&guest, &wish, GPUPT_REMEDY_MAXPHYSADDR,
		    "<cpu mode='custom'><maxphysaddr mode='emulate' bits='4");
	guest.cpu = "<cpu mode='custom'><model>Westmere</model><maxphysaddr mode='emulate' "
		    "bits='39'/></cpu>";
	expect_cure(&guest, &wish, GPUPT_REMEDY_MAXPHYSADDR,
		    "</model><maxphysaddr mode='emulate' bits='4");
}

static void firmware_window(void **state)
{
	(void)state;
	const struct wish wish = { .allow = "fwcfg", .forbid = "hotplug" };
	struct guest guest = { CLASSIC };
	expect_refusal(&guest, &(struct wish){ .forbid = "hotplug" }, "--allow");
	expect_cure(&guest, &wish, GPUPT_REMEDY_FWCFG,
		    "<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg "
		    "value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/></qemu:commandline></domain>");
	guest.end = "<qemu:commandline><qemu:arg value='-s'/></qemu:commandline>";
	expect_cure(&guest, &wish, GPUPT_REMEDY_FWCFG,
		    "<qemu:arg value='-s'/><qemu:arg value='-fw_cfg'/>");
	guest.end = "<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg value='name="
		    "opt/ovmf/X-PciMmio64Mb,string=1024'/></qemu:commandline>";
	expect_cure(&guest, &wish, GPUPT_REMEDY_FWCFG,
		    "<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg "
		    "value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/></qemu:commandline>");
	guest.end = "<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg value='string=1024,"
		    "name=opt/ovmf/X-PciMmio64Mb'/></qemu:commandline>";
	expect_cure(&guest, &wish, GPUPT_REMEDY_FWCFG,
		    "<qemu:commandline><qemu:arg value='-fw_cfg'/><qemu:arg "
		    "value='name=opt/ovmf/X-PciMmio64Mb,string=65536'/></qemu:commandline>");
}

/* Two GPUs of 256 GiB in OVMF's window of 512 GiB. With another of that size further down,
 * ports without hotplug and a hole it would do as well. */
static void a_larger_window_first(void **state)
{
	(void)state;
#define GPU(bus) "{\"address\": \"0000:0" bus ":00.0\", \"vendor\": \"10de\", " \
		 "\"device\": \"2335\", \"class\": \"030200\", \"iommu_group\": " bus ", \"bars\": [" \
		 "{\"index\": 0, \"type\": \"memory\", \"bits\": 64, \"prefetchable\": true, " \
		 "\"size\": \"256 GiB\"}, {\"index\": 2, \"type\": \"memory\", \"bits\": 64, " \
		 "\"prefetchable\": true, \"size\": \"32 MiB\"}]}"
	const struct guest guest = {
		.type = "qemu",
		.cpu = "<cpu mode='custom'><model>Skylake-Server</model>"
		       "<maxphysaddr mode='emulate' bits='42'/></cpu>",
		.devices = "<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
			   "domain='0' bus='9' slot='0' function='0'/></source></hostdev>",
		.inventory = "{\"format\": \"gpupt-snapshot\", \"version\": 1, \"host\": {}, "
			     "\"devices\": [" GPU("8") ", " GPU("9") "]}",
	};
	const struct wish wish = { .allow = "fwcfg" };
	char *made = cured(&guest, &wish, GPUPT_REMEDY_FWCFG);
	assert_non_null(strstr(made, "X-PciMmio64Mb,string=1048576'"));
	assert_null(strstr(made, "pcihole64"));
	assert_null(strstr(made, "hotplug"));
	free(made);
}

/* SeaBIOS places everything by itself. */
static void nothing_needed(void **state)
{
	(void)state;
	size_t edits, steps;
	const struct guest guest = { .os = "", .firmware = "seabios-1.16.2" };
	const struct wish all = { .allow = "move,maxphysaddr,fwcfg,cmdline,memreserve" };
	struct gpupt_plan *plan = plan_with(&guest, request_with(&guest, &all));
	gpupt_plan_get_edits(plan, &edits);
	gpupt_plan_get_steps(plan, &steps);
	assert_int_equal(gpupt_plan_get_verdict(plan), GPUPT_VERDICT_FIRMWARE);
	assert_int_equal(edits, 0);
	assert_int_equal(steps, 0);
	gpupt_plan_free(plan);
}

static void names(void **state)
{
	(void)state;
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_error *error = NULL;
	assert_int_equal(gpupt_request_allow(request, "hole,mvoe", &error), GPUPT_E_SYNTAX);
	assert_non_null(strstr(gpupt_error_get_message(error), "\"mvoe\""));
	gpupt_error_free(error);
	assert_int_equal(gpupt_request_forbid(request, "hole,,hotplug", NULL), GPUPT_E_SYNTAX);
	for (enum gpupt_remedy remedy = GPUPT_REMEDY_HOLE; remedy <= GPUPT_REMEDY_CMDLINE; remedy++)
		assert_int_equal(gpupt_request_allow(request, gpupt_remedy_name(remedy), NULL), 0);
	gpupt_request_free(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_ports),	   cmocka_unit_test(kernel_option),
		cmocka_unit_test(nothing_to_reserve),
		cmocka_unit_test(another_slot),	   cmocka_unit_test(address_width),
		cmocka_unit_test(firmware_window), cmocka_unit_test(a_larger_window_first),
		cmocka_unit_test(nothing_needed),
		cmocka_unit_test(functions_apart), cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
