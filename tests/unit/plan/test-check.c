/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check.c has to refuse a text that is not what the plan meant. Nothing else in the
 * library makes such texts, so the plans are bent by hand. */

#include "making.h"

#include "domain/splice.h"
#include "plan/check.h"

static struct gpupt_plan *plan_for(struct lab *lab, const char *add, const char *remove)
{
	struct gpupt_plan *plan = NULL;
	gpupt_request_set_hole(lab->request, GPUPT_HOLE_SIZE, 256 * GPUPT_GIB);
	if (add)
		assert_int_equal(gpupt_request_add_device(lab->request, add, NULL), 0);
	if (remove)
		assert_int_equal(gpupt_request_remove_device(lab->request, remove, NULL), 0);
	assert_int_equal(gpupt_plan_make(lab->domain, lab->inventory, lab->request, &plan,
					 &lab->error), 0);
	assert_int_equal(gpupt_plan_get_status(plan), 0);
	return plan;
}

static int apply(struct lab *lab, const struct gpupt_plan *plan)
{
	char *text = NULL;
	size_t length = 0;
	gpupt_error_free(lab->error);
	lab->error = NULL;
	int r = gpupt_plan_apply(plan, lab->domain, &text, &length, &lab->error);
	assert_int_equal(r == 0, text != NULL);
	free(text);
	return r;
}

static void expect_refused(struct lab *lab, const struct gpupt_plan *plan, const char *why)
{
	assert_int_equal(apply(lab, plan), GPUPT_E_INTERNAL);
	assert_non_null(strstr(gpupt_error_get_message(lab->error), why));
}

/* Puts `to` in place of `from` in the edit that has it. */
static void bend(struct gpupt_plan *plan, const char *from, const char *to)
{
	for (size_t i = 0; i < plan->n_edits; i++) {
		const char *text = plan->edits[i].replacement;
		const char *found = strstr(text, from);
		if (!found)
			continue;
		char *bent = gpupt_arena_printf(&plan->arena, "%.*s%s%s", (int)(found - text),
						text, to, found + strlen(from));
		assert_non_null(bent);
		plan->edits[i].replacement = bent;
		plan->edits[i].replacement_length = strlen(bent);
		return;
	}
	fail_msg("no edit has %s", from);
}

/* the first port is taken by the USB controller that libvirt adds */
static const char guest[] = PCI("0", "pcie-root") QUIET_PORT("1") QUIET_PORT("2")
			    QUIET_PORT("3") HOSTDEV("8", "");

static void bent(const char *add, const char *from, const char *to, const char *why)
{
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, add, NULL);
	assert_int_equal(apply(&lab, plan), 0);
	bend(plan, from, to);
	expect_refused(&lab, plan, why);
	gpupt_plan_free(plan);
	lab_close(&lab);
}

static void wrong_size(void **state)
{
	(void)state;
	bent(NULL, "268435456", "268435457", "pcihole64");
	bent(NULL, "<pcihole64 unit='KiB'>268435456</pcihole64>", "", "pcihole64");
	bent(NULL, "unit='KiB'", "unit='MiB'", "pcihole64");
}

static void not_xml(void **state)
{
	(void)state;
	bent(NULL, "</pcihole64>", "", "does not parse");
}

static void another_device(void **state)
{
	(void)state;
	bent("09:00.0", "bus='0x09'", "bus='0x0a'", "hostdevs");
	bent("09:00.0", "managed='yes'", "managed='no'", "hostdevs");
	bent("09:00.0", "<source>", "<rom bar='off'/><source>", "hostdevs");
}

static void more_than_meant(void **state)
{
	(void)state;
	bent(NULL, "</pcihole64>", "</pcihole64></controller><controller type='pci' index='7' "
	     "model='pcie-root-port'>", "controllers");
	bent(NULL, "<pcihole64", "<address type='pci' slot='1'/><pcihole64", "controllers");
	bent(NULL, "<pcihole64", "<?x?><pcihole64", "the devices");
}

/* Two hostdevs are to come; the text has one of them twice. */
static void one_device_twice(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	assert_int_equal(gpupt_request_add_device(lab.request, "0a:00.0", NULL), 0);
	struct gpupt_plan *plan = plan_for(&lab, "09:00.0", NULL);
	assert_int_equal(apply(&lab, plan), 0);
	bend(plan, "bus='0x0a'", "bus='0x09'");
	expect_refused(&lab, plan, "hostdevs");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* An element that begins in one edit and ends in another swallows what is between. */
static void devices_swallowed(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, "09:00.0", NULL);
	assert_int_equal(apply(&lab, plan), 0);
	bend(plan, "</pcihole64>", "</pcihole64><x>");
	bend(plan, "</controller>", "");
	bend(plan, "<hostdev", "</x></controller><hostdev");
	expect_refused(&lab, plan, "the devices");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* An old hostdev makes room for a second copy of the new one: the count is right. */
static void old_device_lost(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, "09:00.0", NULL);
	const struct gpupt_element *old = &lab.domain->hostdevs[0].element;
	struct gpupt_edit *last = &plan->edits[plan->n_edits - 1];
	assert_int_equal(last->offset, old->whole.end);
	last->offset = old->whole.start;
	last->length = old->whole.end - old->whole.start;
	char *twice = gpupt_arena_printf(&plan->arena, "%s%s", last->replacement,
					 last->replacement);
	assert_non_null(twice);
	last->replacement = twice;
	last->replacement_length = strlen(twice);
	expect_refused(&lab, plan, "hostdevs");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

static void removal_that_stays(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, NULL, "08:00.0");
	assert_int_equal(apply(&lab, plan), 0);
	for (size_t i = 0; i < plan->n_edits; i++)
		if (!plan->edits[i].replacement_length)
			plan->edits[i].length = 0;
	expect_refused(&lab, plan, "hostdevs");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* Of two entries for one device, one stays as it was, and the other, which an edit
 * touched, looks like it. */
static void removal_that_looks_like_another(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", PCI("0", "pcie-root") QUIET_PORT("1") QUIET_PORT("2")
		 QUIET_PORT("3") HOSTDEV("8", "") HOSTDEV("8", ""));
	struct gpupt_plan *plan = plan_for(&lab, NULL, "08:00.0");
	assert_int_equal(apply(&lab, plan), 0);
	const struct gpupt_element *first = &lab.domain->hostdevs[0].element;
	for (size_t i = 0; i < plan->n_edits; i++) {
		if (plan->edits[i].replacement_length)
			continue;
		bool is_first = plan->edits[i].offset < first->whole.end;
		plan->edits[i].offset = is_first ? first->end_tag : lab.domain->devices.end_tag;
		plan->edits[i].length = 0;
	}
	expect_refused(&lab, plan, "hostdevs");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* The last edit, a removal, reaches into what is behind it, or is all there. */
static void renamed(const char *from, const char *to, bool all_there, const char *why)
{
	struct lab lab;
	lab_open(&lab, "q35", PCI("0", "pcie-root") HOSTDEV("8", "")
		 "<input type='mouse' bus='ps2'/></devices><clock offset='utc' adjustment='0'/>"
		 "<devices>");
	struct gpupt_plan *plan = plan_for(&lab, NULL, "08:00.0");
	assert_int_equal(apply(&lab, plan), 0);
	struct gpupt_edit *last = &plan->edits[plan->n_edits - 1];
	size_t start = (size_t)(strstr(lab.domain->text, from) - lab.domain->text);
	if (all_there)
		last->offset = start;
	last->length = start + strlen(from) - last->offset;
	last->replacement = to;
	last->replacement_length = strlen(to);
	expect_refused(&lab, plan, why);
	gpupt_plan_free(plan);
	lab_close(&lab);
}

static void neighbours_renamed(void **state)
{
	(void)state;
	renamed("<input", "<sound", false, "the devices");
	renamed("<clock", "<title", true, "what is no device");
}

/* What is between the edits is no device any more. */
static void devices_outside(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, "09:00.0", NULL);
	assert_int_equal(apply(&lab, plan), 0);
	bend(plan, "</controller>", "</controller></devices>");
	bend(plan, "<hostdev", "<devices><hostdev");
	expect_refused(&lab, plan, "the machine");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* An edit begins what looks like a stand-in and ends with the next one. */
static void stand_in_swallowed(void **state)
{
	(void)state;
	bent(NULL, "</controller>", "</controller><?gpupt ", "the devices");
}

/* What is to become of a port's <target> is in no edit. */
static void port_as_it_was(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, NULL, NULL);
	assert_int_equal(apply(&lab, plan), 0);
	plan->ports = calloc(1, sizeof(*plan->ports));
	assert_non_null(plan->ports);
	plan->n_ports = 1;
	plan->ports[0] = (struct gpupt_port){ .controller = 2, .index = 2, .mem_reserve_kib = 64 };
	expect_refused(&lab, plan, "the controllers");
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* What is around <devices> is not read again where all edits are in there: an edit may
 * bring nothing of the kind. */
static void head_from_an_edit(void **state)
{
	(void)state;
	bent(NULL, "</controller>", "</controller></devices><memory>1</memory><devices>",
	     "the machine");
	bent(NULL, "</controller>", "</controller></devices><name>x</name><devices>",
	     "the machine");
	bent(NULL, "</controller>", "</controller></devices><memory>'</memory><devices>",
	     "the machine");
}

/* An edit of the head has to bring what was planned there, and changes nothing else. */
static void head_that_is_edited(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, NULL, NULL);
	assert_int_equal(apply(&lab, plan), 0);
	struct gpupt_edit edits[2] = {
		{ lab.domain->memory.whole.end, 0, "<uuid>x</uuid>", strlen("<uuid>x</uuid>") },
		plan->edits[0],
	};
	assert_int_equal(plan->n_edits, 1);
	free(plan->edits);
	plan->edits = edits;
	plan->n_edits = 2;
	expect_refused(&lab, plan, "the machine");
	plan->edits = NULL;
	gpupt_plan_free(plan);
	lab_close(&lab);
}

static void check_excerpt(const char *text, struct gpupt_edit *edits, size_t n_edits,
			  const char *expected, struct gpupt_left_out wanted)
{
	const struct gpupt_plan plan = { .edits = edits, .n_edits = n_edits };
	struct gpupt_domain *domain = NULL, *again = NULL;
	char *spliced = NULL, *found = NULL;
	struct gpupt_left_out left_out;
	size_t length, found_length;
	assert_int_equal(gpupt_domain_parse(text, strlen(text), NULL, &domain, NULL), 0);
	assert_int_equal(gpupt_splice(domain, edits, n_edits, &spliced, &length, NULL), 0);
	assert_int_equal(gpupt_excerpt_make(&plan, domain, spliced, length, &found, &found_length,
					    &left_out), 0);
	assert_string_equal(found, expected);
	assert_int_equal(found_length, strlen(expected));
	assert_int_equal(left_out.devices, wanted.devices);
	assert_int_equal(left_out.plain, wanted.plain);
	assert_int_equal(left_out.around, wanted.around);
	assert_int_equal(gpupt_domain_parse(found, found_length, NULL, &again, NULL), 0);
	assert_int_equal(again->left_out.devices, domain->left_out.devices + wanted.devices);
	assert_int_equal(again->left_out.plain, domain->left_out.plain + wanted.plain);
	gpupt_domain_free(again);
	gpupt_domain_free(domain);
	free(spliced);
	free(found);
}

static struct gpupt_edit edit_at(const char *text, const char *place, size_t length,
				 const char *replacement)
{
	return (struct gpupt_edit){ (size_t)(strstr(text, place) - text), length, replacement,
				    strlen(replacement) };
}

/* What is read again: devices that are edited, and what is around them unless all edits
 * are of devices; one stand-in is for what follows each other. */
static void excerpt(void **state)
{
	(void)state;
	static const char text[] =
		"<domain>\n<metadata><a/><b c='d'/></metadata> <on_crash>coredump-destroy</on_crash><x/>"
		"<devices><tpm/>\t<disk/>\n<controller type='pci'/><disk/>-<disk/>"
		"<hostdev type='pci'/></devices><os/></domain>";
	struct gpupt_edit edits[] = {
		edit_at(text, "<devices>", 0, "<y/>"),
		edit_at(text, "/><disk/>-", 2, "><new/></controller>"),
		edit_at(text, "<hostdev", 0, "<sound/>"),
	};
	check_excerpt(text, edits + 1, 2,
		      "<domain><?gpupt?><devices><?gpupt?>\n<controller type='pci'><new/></controller>"
		      "<?gpupt?>-<?gpupt?><sound/><?gpupt?></devices><?gpupt?></domain>",
		      (struct gpupt_left_out){ .devices = 4, .plain = 2, .around = true });
	check_excerpt(text, edits, 3,
		      "<domain>\n<?gpupt?><x/><y/><devices><?gpupt?>\n<controller type='pci'><new/>"
		      "</controller><?gpupt?>-<?gpupt?><sound/><?gpupt?></devices><os/></domain>",
		      (struct gpupt_left_out){ .devices = 4, .plain = 1 });
	/* where there are stand-ins already */
	static const char marked[] = "<domain><?gpupt?><os/><devices><disk/></devices></domain>";
	struct gpupt_edit into[] = { edit_at(marked, "</devices>", 0, "<sound/>") };
	check_excerpt(marked, into, 1,
		      "<domain><?gpupt?><os/><devices><?gpupt?><sound/></devices></domain>",
		      (struct gpupt_left_out){ .devices = 1 });
	static const char second[] = "<domain><devices><disk/></devices><devices><?gpupt?></devices>"
				     "</domain>";
	struct gpupt_edit first[] = { edit_at(second, "</devices>", 0, "<sound/>") };
	check_excerpt(second, first, 1,
		      "<domain><devices><?gpupt?><sound/></devices><devices><?gpupt?></devices>"
		      "</domain>", (struct gpupt_left_out){ .devices = 1 });
}

/* One with something in it may have swallowed others. */
static void stand_in_with_text(void **state)
{
	(void)state;
	static const char text[] = "<domain><?gpupt?><devices><?gpupt x?><?gpupt?></devices></domain>";
	struct gpupt_domain *domain = NULL;
	assert_int_equal(gpupt_domain_parse(text, strlen(text), NULL, &domain, NULL), 0);
	assert_int_equal(domain->left_out.devices, 1);
	assert_int_equal(domain->left_out.plain, 1);
	gpupt_domain_free(domain);
}

/* ---- what libvirt stored */

static int check(struct lab *lab, const struct gpupt_plan *plan, const char *stored)
{
	struct gpupt_domain *domain = parse("q35", stored);
	gpupt_error_free(lab->error);
	lab->error = NULL;
	int r = gpupt_plan_check(plan, domain, &lab->error);
	gpupt_domain_free(domain);
	return r;
}

#define ROOT(inside) "<controller type='pci' index='0' model='pcie-root'>" inside "</controller>\n"

static void stored(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, "09:00.0", "08:00.0");
	assert_int_equal(check(&lab, plan, ROOT("<pcihole64 unit='GiB'>256</pcihole64>")
			       PCI("1", "pcie-root-port") HOSTDEV("9", ADDRESS("1", "0"))), 0);
	assert_int_equal(check(&lab, plan, ROOT("") HOSTDEV("9", "")), GPUPT_E_CONFLICT);
	assert_int_equal(check(&lab, plan, ROOT("<pcihole64 unit='KiB'>256</pcihole64>")
			       HOSTDEV("9", "")), GPUPT_E_CONFLICT);
	assert_int_equal(check(&lab, plan, ROOT("<pcihole64 unit='GiB'>256</pcihole64>")),
			 GPUPT_E_CONFLICT);
	assert_non_null(strstr(gpupt_error_get_message(lab.error), "0000:09:00.0 is missing"));
	assert_int_equal(check(&lab, plan, ROOT("<pcihole64 unit='GiB'>256</pcihole64>")
			       HOSTDEV("9", "") HOSTDEV("8", "")), GPUPT_E_CONFLICT);
	assert_non_null(strstr(gpupt_error_get_message(lab.error), "0000:08:00.0 is still there"));
	gpupt_plan_free(plan);
	lab_close(&lab);
}

/* Taken out and put in again: it is there, as it should be. */
static void renewed_device(void **state)
{
	(void)state;
	struct lab lab;
	lab_open(&lab, "q35", guest);
	struct gpupt_plan *plan = plan_for(&lab, "08:00.0", "08:00.0");
	assert_int_equal(apply(&lab, plan), 0);
	assert_int_equal(check(&lab, plan, ROOT("<pcihole64 unit='GiB'>256</pcihole64>")
			       HOSTDEV("8", "")), 0);
	gpupt_plan_free(plan);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_size),
		cmocka_unit_test(not_xml),
		cmocka_unit_test(another_device),
		cmocka_unit_test(more_than_meant),
		cmocka_unit_test(one_device_twice),
		cmocka_unit_test(devices_swallowed),
		cmocka_unit_test(old_device_lost),
		cmocka_unit_test(removal_that_stays),
		cmocka_unit_test(removal_that_looks_like_another),
		cmocka_unit_test(neighbours_renamed),
		cmocka_unit_test(devices_outside),
		cmocka_unit_test(stand_in_swallowed),
		cmocka_unit_test(port_as_it_was),
		cmocka_unit_test(head_from_an_edit),
		cmocka_unit_test(head_that_is_edited),
		cmocka_unit_test(excerpt),
		cmocka_unit_test(stand_in_with_text),
		cmocka_unit_test(stored),
		cmocka_unit_test(renewed_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
