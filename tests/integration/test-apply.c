/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libgpupt-libvirt on libvirt's test driver, which forgets with the connection:
 * every test has one of its own. */

#include "unit.h"

#include <libvirt/virterror.h>

#include <gpupt/gpupt.h>
#include <gpupt/libvirt.h>

/* What a test works with. */
struct lab {
	virConnectPtr connection;
	struct gpupt_inventory *inventory;
	struct gpupt_request *request;
};

static void print_nothing(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static const char *node_uri(void)
{
	return getenv("GPUPT_TEST_URI");
}

/* Cards at 08, 09 and 0a with 32 GiB, and one that no guest has room for at 0b. */
static int enter(void **state)
{
	static const char *const cards[] = { "0000:08:00.0=10de:1db4", "0000:09:00.0=10de:1db4",
					     "0000:0a:00.0=10de:1db4", "0000:0b:00.0=10de:3182" };
	struct lab *lab = calloc(1, sizeof(*lab));
	virSetErrorFunc(NULL, print_nothing);
	lab->connection = virConnectOpen(node_uri());
	lab->request = gpupt_request_new();
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(cards); i++) {
		struct gpupt_inventory *more = NULL;
		if (gpupt_inventory_assume(lab->inventory, cards[i], &more, NULL) < 0)
			return -1;
		gpupt_inventory_free(lab->inventory);
		lab->inventory = more;
	}
	*state = lab;
	return lab->connection ? 0 : -1;
}

static int leave(void **state)
{
	struct lab *lab = *state;
	gpupt_request_free(lab->request);
	gpupt_inventory_free(lab->inventory);
	virConnectClose(lab->connection);
	free(lab);
	return 0;
}

static virDomainPtr find(struct lab *lab, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(lab->connection, name);
	assert_non_null(domain);
	return domain;
}

static struct gpupt_outcome *apply(struct lab *lab, virDomainPtr domain,
				   const struct gpupt_apply_options *options)
{
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	int r = gpupt_libvirt_apply(domain, lab->inventory, lab->request, options, &outcome,
				    &error);
	if (r < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	return outcome;
}

static bool domain_says(virDomainPtr domain, const char *text)
{
	char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	bool found = strstr(xml, text);
	free(xml);
	return found;
}

#define HOLE "<pcihole64 unit='KiB'>67108864</pcihole64>"

static void test_apply_twice(void **state)
{
	virDomainPtr domain = find(*state, "gpu");
	assert_false(domain_says(domain, "pcihole64"));
	struct gpupt_outcome *outcome = apply(*state, domain, NULL);
	assert_true(gpupt_outcome_differs(outcome));
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_false(gpupt_outcome_needs_restart(outcome));
	assert_false(gpupt_outcome_has_managed_save(outcome));
	assert_null(gpupt_outcome_get_validation_error(outcome));
	assert_non_null(strstr(gpupt_outcome_get_text(outcome, NULL), HOLE));
	gpupt_outcome_free(outcome);
	assert_true(domain_says(domain, HOLE));
	assert_true(domain_says(domain, "passwd='s3cret'"));

	outcome = apply(*state, domain, NULL);
	assert_false(gpupt_outcome_differs(outcome));
	assert_false(gpupt_outcome_is_defined(outcome));
	gpupt_outcome_free(outcome);
	assert_true(domain_says(domain, HOLE));
	virDomainFree(domain);
}

static void test_dry_run(void **state)
{
	struct gpupt_apply_options options = { .dry_run = true };
	virDomainPtr domain = find(*state, "gpu");
	struct gpupt_outcome *outcome = apply(*state, domain, &options);
	assert_true(gpupt_outcome_differs(outcome));
	assert_false(gpupt_outcome_is_defined(outcome));
	gpupt_outcome_free(outcome);
	assert_false(domain_says(domain, "pcihole64"));
	virDomainFree(domain);
}

static int say_no(const struct gpupt_outcome *proposal, void *data)
{
	assert_true(gpupt_outcome_differs(proposal));
	++*(unsigned int *)data;
	return 1;
}

static void test_consent_refused(void **state)
{
	unsigned int asked = 0;
	struct gpupt_apply_options options = { .confirm = say_no, .confirm_data = &asked };
	virDomainPtr domain = find(*state, "gpu");
	struct gpupt_outcome *outcome = apply(*state, domain, &options);
	assert_false(gpupt_outcome_is_defined(outcome));
	assert_int_equal(asked, 1);
	gpupt_outcome_free(outcome);
	assert_false(domain_says(domain, "pcihole64"));
	virDomainFree(domain);
}

/* Somebody else edits the domain between the plan and the definition. */
struct editor {
	struct lab *lab;
	unsigned int times; /* how often it still does */
	unsigned int asked;
};

static int edit_meanwhile(const struct gpupt_outcome *proposal, void *data)
{
	struct editor *editor = data;
	(void)proposal;
	editor->asked++;
	if (!editor->times)
		return 0;
	editor->times--;
	virDomainPtr domain = find(editor->lab, "gpu");
	char description[32];
	snprintf(description, sizeof(description), "edit %u", editor->asked);
	assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_DESCRIPTION,
					      description, NULL, NULL,
					      VIR_DOMAIN_AFFECT_CONFIG), 0);
	virDomainFree(domain);
	return 0;
}

static void test_changed_meanwhile(void **state)
{
	struct editor editor = { .lab = *state, .times = 2 };
	struct gpupt_apply_options options = { .confirm = edit_meanwhile,
					       .confirm_data = &editor };
	virDomainPtr domain = find(*state, "gpu");
	struct gpupt_outcome *outcome = apply(*state, domain, &options);
	assert_int_equal(editor.asked, 3);
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_true(domain_says(domain, HOLE));
	assert_true(domain_says(domain, "edit 2"));
	gpupt_outcome_free(outcome);
	virDomainFree(domain);
}

static void test_keeps_changing(void **state)
{
	struct lab *lab = *state;
	struct editor editor = { .lab = lab, .times = 1000 };
	struct gpupt_apply_options options = { .confirm = edit_meanwhile,
					       .confirm_data = &editor };
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	virDomainPtr domain = find(lab, "gpu");
	assert_int_equal(gpupt_libvirt_apply(domain, lab->inventory, lab->request, &options,
					     &outcome, &error), GPUPT_E_CONFLICT);
	assert_null(outcome);
	assert_false(domain_says(domain, "pcihole64"));
	gpupt_error_free(error);
	virDomainFree(domain);
}

/* What keep() and stored() were given. */
struct keeper {
	struct lab *lab;
	unsigned int kept, stored;
	int result;
	char *old, *made;
};

static int keep(const struct gpupt_outcome *proposal, void *data, struct gpupt_error **error)
{
	struct keeper *keeper = data;
	(void)error;
	keeper->kept++;
	free(keeper->old);
	keeper->old = strdup(gpupt_domain_get_text(gpupt_outcome_get_domain(proposal), NULL));
	return keeper->result;
}

static void note_stored(const char *text, void *data)
{
	struct keeper *keeper = data;
	assert_int_equal(++keeper->stored, keeper->kept);
	keeper->made = strdup(text);
}

static char *read_xml(virDomainPtr domain)
{
	return virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
}

static int restore(virDomainPtr domain, const char *expected, const char *text)
{
	struct gpupt_outcome *outcome = NULL;
	int r = gpupt_libvirt_restore(domain, expected, text, &outcome, NULL);
	assert_int_equal(r == 0, outcome != NULL);
	if (outcome)
		assert_true(gpupt_outcome_is_defined(outcome));
	gpupt_outcome_free(outcome);
	return r;
}

static void test_keep_and_restore(void **state)
{
	struct keeper keeper = { .lab = *state };
	struct gpupt_apply_options options = { .keep = keep, .stored = note_stored,
					       .keep_data = &keeper };
	virDomainPtr domain = find(*state, "gpu");
	char *before = read_xml(domain);
	gpupt_outcome_free(apply(*state, domain, &options));
	char *after = read_xml(domain);
	assert_int_equal(keeper.stored, 1);
	assert_string_equal(keeper.old, before);
	assert_string_equal(keeper.made, after);
	/* not over somebody else's change */
	assert_int_equal(restore(domain, before, before), GPUPT_E_CONFLICT);
	assert_true(domain_says(domain, HOLE));
	assert_int_equal(restore(domain, after, "<domain/>"), GPUPT_E_LIBVIRT);
	assert_true(domain_says(domain, HOLE));
	assert_int_equal(restore(domain, after, before), 0);
	char *now = read_xml(domain);
	assert_string_equal(now, before);
	free(now);
	/* libvirt drops what it does not know: then all stays */
	char *odd = malloc(strlen(after) + 100);
	const char *end = strstr(after, "</domain>");
	sprintf(odd, "%.*s<unheard-of/>%s", (int)(end - after), after, end);
	assert_int_equal(restore(domain, before, odd), GPUPT_E_CONFLICT);
	now = read_xml(domain);
	assert_string_equal(now, before);
	free(now);
	free(odd);
	free(before);
	free(after);
	free(keeper.old);
	free(keeper.made);
	virDomainFree(domain);
}

static void test_cannot_keep(void **state)
{
	struct lab *lab = *state;
	struct keeper keeper = { .lab = lab, .result = GPUPT_E_IO };
	struct gpupt_apply_options options = { .keep = keep, .stored = note_stored,
					       .keep_data = &keeper };
	struct gpupt_outcome *outcome = NULL;
	virDomainPtr domain = find(lab, "gpu");
	assert_int_equal(gpupt_libvirt_apply(domain, lab->inventory, lab->request, &options,
					     &outcome, NULL), GPUPT_E_IO);
	assert_null(outcome);
	assert_int_equal(keeper.stored, 0);
	assert_false(domain_says(domain, "pcihole64"));
	free(keeper.old);
	virDomainFree(domain);
}

/* Somebody edits the domain while the old definition is being kept. */
static int keep_and_edit(const struct gpupt_outcome *proposal, void *data,
			 struct gpupt_error **error)
{
	struct keeper *keeper = data;
	struct editor editor = { .lab = keeper->lab, .times = keeper->kept == 0 };
	int r = keep(proposal, data, error);
	edit_meanwhile(proposal, &editor);
	return r;
}

static void test_changed_while_keeping(void **state)
{
	struct keeper keeper = { .lab = *state };
	struct gpupt_apply_options options = { .keep = keep_and_edit, .keep_data = &keeper };
	virDomainPtr domain = find(*state, "gpu");
	gpupt_outcome_free(apply(*state, domain, &options));
	assert_int_equal(keeper.kept, 2);
	assert_true(domain_says(domain, HOLE));
	assert_true(domain_says(domain, "edit 1"));
	assert_non_null(strstr(keeper.old, "edit 1"));
	free(keeper.old);
	virDomainFree(domain);
}

/* The test driver drops <qemu:commandline>, which is where this remedy goes. */
static void wish_for_what_gets_lost(struct lab *lab)
{
	gpupt_request_set_firmware(lab->request, "debian-12", NULL);
	gpupt_request_forbid(lab->request, "hole", NULL);
	gpupt_request_allow(lab->request, "fwcfg", NULL);
}

static void edit_stored(const char *text, void *data)
{
	struct keeper *keeper = data;
	struct editor editor = { .lab = keeper->lab, .times = 1 };
	note_stored(text, data);
	edit_meanwhile(NULL, &editor);
}

static void test_rolled_back(void **state)
{
	struct lab *lab = *state;
	for (int edited = 0; edited < 2; edited++) {
		struct keeper keeper = { .lab = lab };
		struct gpupt_apply_options options = {
			.keep = keep, .stored = edited ? edit_stored : note_stored,
			.keep_data = &keeper };
		struct gpupt_outcome *outcome = NULL;
		struct gpupt_error *error = NULL;
		virDomainPtr domain = find(lab, "gpu");
		char *before = read_xml(domain);
		wish_for_what_gets_lost(lab);
		assert_int_equal(gpupt_libvirt_apply(domain, lab->inventory, lab->request, &options,
						     &outcome, &error), GPUPT_E_CONFLICT);
		assert_null(outcome);
		assert_int_equal(keeper.stored, 1);
		assert_non_null(strstr(gpupt_error_get_message(error), edited ?
			"not back: somebody else changed it meanwhile" :
			"the previous definition is back"));
		char *now = read_xml(domain);
		if (edited)
			assert_non_null(strstr(now, "edit 1"));
		else
			assert_string_equal(now, before);
		free(now);
		free(before);
		free(keeper.old);
		free(keeper.made);
		gpupt_error_free(error);
		virDomainFree(domain);
	}
}

static void test_running(void **state)
{
	virDomainPtr domain = find(*state, "gpu-running");
	struct gpupt_outcome *outcome = apply(*state, domain, NULL);
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_true(gpupt_outcome_needs_restart(outcome));
	gpupt_outcome_free(outcome);
	/* what runs is as it was */
	char *live = virDomainGetXMLDesc(domain, 0);
	assert_null(strstr(live, "pcihole64"));
	free(live);
	virDomainFree(domain);
}

static void test_managed_save(void **state)
{
	virDomainPtr domain = find(*state, "gpu-running");
	assert_int_equal(virDomainManagedSave(domain, 0), 0);
	struct gpupt_outcome *outcome = apply(*state, domain, NULL);
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_true(gpupt_outcome_has_managed_save(outcome));
	assert_false(gpupt_outcome_needs_restart(outcome));
	gpupt_outcome_free(outcome);
	virDomainFree(domain);
}

static void test_transient(void **state)
{
	struct lab *lab = *state;
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	virDomainPtr running = find(lab, "gpu-running");
	assert_int_equal(virDomainUndefine(running), 0);
	assert_int_equal(gpupt_libvirt_apply(running, lab->inventory, lab->request, NULL, &outcome,
					     &error), GPUPT_E_REFUSED);
	assert_non_null(strstr(gpupt_error_get_message(error), "transient"));
	assert_null(outcome);
	assert_int_equal(virDomainIsPersistent(running), 0);
	gpupt_error_free(error);
	virDomainFree(running);
}

static void test_invalid_as_it_stood(void **state)
{
	virDomainPtr domain = find(*state, "gpu-odd");
	struct gpupt_outcome *outcome = apply(*state, domain, NULL);
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_non_null(gpupt_outcome_get_validation_error(outcome));
	assert_null(strchr(gpupt_outcome_get_validation_error(outcome), '\n'));
	assert_true(domain_says(domain, HOLE));
	assert_true(domain_says(domain, "no-absolute-path"));
	gpupt_outcome_free(outcome);
	virDomainFree(domain);
}

static void test_no_fit(void **state)
{
	struct lab *lab = *state;
	gpupt_request_set_hole(lab->request, GPUPT_HOLE_SIZE, UINT64_C(1) << 50);
	virDomainPtr domain = find(lab, "gpu");
	struct gpupt_outcome *outcome = apply(lab, domain, NULL);
	assert_int_equal(gpupt_plan_get_status(gpupt_outcome_get_plan(outcome)), GPUPT_E_NO_FIT);
	assert_false(gpupt_outcome_differs(outcome));
	assert_false(gpupt_outcome_is_defined(outcome));
	gpupt_outcome_free(outcome);
	assert_false(domain_says(domain, "pcihole64"));
	virDomainFree(domain);
}

static size_t count_findings(const struct gpupt_outcome *outcome, unsigned int number,
			     const char *text)
{
	size_t n, found = 0;
	const struct gpupt_finding *findings =
		gpupt_plan_get_findings(gpupt_outcome_get_plan(outcome), &n);
	for (size_t i = 0; i < n; i++)
		found += findings[i].number == number && strstr(findings[i].text, text);
	return found;
}

static void test_other_users(void **state)
{
	struct lab *lab = *state;
	virDomainPtr domain = find(lab, "gpu");
	assert_int_equal(gpupt_libvirt_add_other_users(lab->connection, domain, lab->request, NULL),
			 0);
	struct gpupt_outcome *outcome = apply(lab, domain, NULL);
	assert_int_equal(count_findings(outcome, 15, "gpu-rival"), 1);
	assert_int_equal(count_findings(outcome, 15, "gpu-running"), 0);
	gpupt_outcome_free(outcome);
	virDomainFree(domain);
}

static void test_connection(void **state)
{
	static const char *const names[] = { "gpu-running", "1",
					     "00000000-0000-4000-8000-000000000002" };
	struct gpupt_connection *connection = NULL;
	struct gpupt_guest *guest = NULL;
	struct gpupt_error *error = NULL;
	(void)state;
	gpupt_connection_silence();
	assert_int_equal(gpupt_connection_open(node_uri(), true, &connection, NULL), 0);
	assert_string_equal(gpupt_connection_get_uri(connection), node_uri());
	assert_int_equal(gpupt_connection_get_host(connection), GPUPT_HOST_NONE);
	unsigned int libvirt = 0, qemu = 1;
	gpupt_connection_get_versions(connection, &libvirt, &qemu);
	assert_true(libvirt > 1000000);
	assert_int_equal(qemu, 0); /* another hypervisor */
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++) {
		struct gpupt_domain *domain = NULL;
		assert_int_equal(gpupt_connection_find(connection, names[i], &guest, NULL), 0);
		assert_string_equal(gpupt_guest_get_name(guest), "gpu-running");
		assert_int_equal(gpupt_guest_read(guest, false, &domain, NULL), 0);
		assert_string_equal(gpupt_domain_get_name(domain), "gpu-running");
		gpupt_domain_free(domain);
		gpupt_guest_free(guest);
		guest = NULL;
	}
	assert_int_equal(gpupt_connection_find(connection, "gpu-runing", &guest, &error),
			 GPUPT_E_NOT_FOUND);
	assert_non_null(strstr(gpupt_error_get_message(error), "\"gpu-running\"?"));
	assert_int_equal(gpupt_connection_find(connection, "77", &guest, &error),
			 GPUPT_E_NOT_FOUND);
	assert_int_equal(gpupt_connection_find(connection, "99999999999999999999", &guest, &error),
			 GPUPT_E_NOT_FOUND);
	assert_null(guest);
	gpupt_error_free(error);
	gpupt_connection_free(connection);
}

/* Nothing but looking on a read-only connection. */
static void test_read_only(void **state)
{
	struct lab *lab = *state;
	struct gpupt_connection *connection = NULL;
	struct gpupt_guest *guest = NULL;
	struct gpupt_domain *domain = NULL;
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	struct gpupt_apply_options dry_run = { .dry_run = true };
	assert_int_equal(gpupt_connection_open(node_uri(), true, &connection, NULL), 0);
	assert_int_equal(gpupt_connection_find(connection, "gpu", &guest, NULL), 0);
	assert_int_equal(gpupt_guest_read(guest, true, &domain, &error), GPUPT_E_LIBVIRT);
	assert_int_equal(gpupt_guest_apply(guest, lab->inventory, lab->request, NULL, &outcome,
					   &error), GPUPT_E_LIBVIRT);
	assert_null(outcome);
	assert_int_equal(gpupt_guest_apply(guest, lab->inventory, lab->request, &dry_run, &outcome,
					   NULL), 0);
	assert_true(gpupt_outcome_differs(outcome));
	assert_null(strstr(gpupt_outcome_get_text(outcome, NULL), "s3cret"));
	gpupt_outcome_free(outcome);
	gpupt_error_free(error);
	gpupt_guest_free(guest);
	gpupt_connection_free(connection);
}

static void test_cannot_connect(void **state)
{
	struct gpupt_connection *connection = NULL;
	struct gpupt_error *error = NULL;
	(void)state;
	assert_int_equal(gpupt_connection_open("test:///no/such/node.xml", true, &connection,
					       &error), GPUPT_E_LIBVIRT);
	assert_non_null(strstr(gpupt_error_get_message(error), "/no/such/node.xml"));
	assert_null(connection);
	gpupt_error_free(error);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_apply_twice),
		TEST(test_dry_run),
		TEST(test_consent_refused),
		TEST(test_changed_meanwhile),
		TEST(test_keeps_changing),
		TEST(test_keep_and_restore),
		TEST(test_cannot_keep),
		TEST(test_changed_while_keeping),
		TEST(test_rolled_back),
		TEST(test_running),
		TEST(test_managed_save),
		TEST(test_transient),
		TEST(test_invalid_as_it_stood),
		TEST(test_no_fit),
		TEST(test_other_users),
		TEST(test_connection),
		TEST(test_read_only),
		TEST(test_cannot_connect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
