/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Applying: what is asked, what is defined, what is refused. */

#include "test-driver.h"

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

/* What was read before serves as long as it is true. */
static void test_known(void **state)
{
	struct editor editor = { .lab = *state };
	struct gpupt_domain *known = NULL;
	virDomainPtr domain = find(*state, "gpu");
	assert_int_equal(gpupt_libvirt_read_domain(domain, true, &known, NULL), 0);
	struct gpupt_apply_options options = { .confirm = edit_meanwhile, .known = known,
					       .confirm_data = &editor };
	assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_DESCRIPTION, "edited",
					      NULL, NULL, VIR_DOMAIN_AFFECT_CONFIG), 0);
	struct gpupt_outcome *outcome = apply(*state, domain, &options);
	assert_int_equal(editor.asked, 2);
	assert_true(gpupt_outcome_is_defined(outcome));
	assert_ptr_not_equal(gpupt_outcome_get_domain(outcome), known);
	assert_true(domain_says(domain, HOLE));
	assert_true(domain_says(domain, "edited"));
	gpupt_outcome_free(outcome);
	gpupt_domain_free(known);

	assert_int_equal(gpupt_libvirt_read_domain(domain, true, &known, NULL), 0);
	options.known = known;
	outcome = apply(*state, domain, &options);
	assert_ptr_equal(gpupt_outcome_get_domain(outcome), known);
	assert_false(gpupt_outcome_differs(outcome));
	gpupt_outcome_free(outcome);
	gpupt_domain_free(known);
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

static void test_no_retry(void **state)
{
	struct lab *lab = *state;
	struct editor editor = { .lab = lab, .times = 1 };
	struct gpupt_apply_options options = { .no_retry = true, .confirm = edit_meanwhile,
					       .confirm_data = &editor };
	struct gpupt_outcome *outcome = NULL;
	struct gpupt_error *error = NULL;
	virDomainPtr domain = find(lab, "gpu");
	assert_int_equal(gpupt_libvirt_apply(domain, lab->inventory, lab->request, &options,
					     &outcome, &error), GPUPT_E_CONFLICT);
	assert_non_null(strstr(gpupt_error_get_message(error), "changed meanwhile"));
	assert_int_equal(editor.asked, 1);
	assert_false(domain_says(domain, "pcihole64"));
	assert_true(domain_says(domain, "edit 1"));
	gpupt_error_free(error);
	virDomainFree(domain);
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

/* A survey has what the domains themselves would say, and gives it away once. */
static void take_each(struct gpupt_survey *survey)
{
	static const char *const names[] = { "gpu", "plain", "gpu-running" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(names); i++) {
		struct gpupt_guest *guest = NULL, *none = NULL;
		struct gpupt_domain *taken = NULL, *read = NULL;
		assert_int_equal(gpupt_survey_take(survey, names[i], &guest, &taken, NULL), 0);
		assert_string_equal(gpupt_guest_get_name(guest), names[i]);
		assert_int_equal(gpupt_guest_read(guest, false, &read, NULL), 0);
		assert_string_equal(gpupt_domain_get_text(taken, NULL),
				    gpupt_domain_get_text(read, NULL));
		assert_int_equal(gpupt_survey_take(survey, names[i], &none, &taken, NULL),
				 GPUPT_E_NOT_FOUND);
		assert_null(none);
		gpupt_domain_free(taken);
		gpupt_domain_free(read);
		gpupt_guest_free(guest);
	}
	assert_int_equal(gpupt_survey_take(survey, "none", NULL, NULL, NULL), GPUPT_E_NOT_FOUND);
}

/* What many targets share. */
static void test_list(void **state)
{
	static const char *const expected[] = { "gpu", "gpu-odd", "gpu-rival", "gpu-running",
						"huge", "plain" };
	struct lab *lab = *state;
	struct gpupt_connection *connection = NULL;
	struct gpupt_survey *survey = NULL;
	const char **names = NULL;
	size_t count = 0;
	assert_int_equal(gpupt_connection_open(node_uri(), true, &connection, NULL), 0);
	assert_int_equal(gpupt_connection_survey(connection, true, &survey, NULL), 0);
	assert_int_equal(gpupt_survey_list(survey, &names, &count, NULL), 0);
	assert_int_equal(count, GPUPT_ARRAY_SIZE(expected));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(names[i], expected[i]);
	assert_null(names[count]);
	free(names);
	for (int i = 0; i < 2; i++) {
		struct gpupt_guest *guest = NULL;
		struct gpupt_outcome *outcome = NULL;
		struct gpupt_request *request = gpupt_request_new();
		struct gpupt_apply_options dry_run = { .dry_run = true };
		assert_int_equal(gpupt_connection_find(connection, i ? "gpu-rival" : "gpu", &guest,
						       NULL), 0);
		assert_int_equal(gpupt_survey_add_users(survey, guest, request, NULL), 0);
		assert_int_equal(gpupt_guest_apply(guest, lab->inventory, request, &dry_run,
						   &outcome, NULL), 0);
		assert_int_equal(count_findings(outcome, 15, "gpu-rival"), !i);
		gpupt_outcome_free(outcome);
		gpupt_request_free(request);
		gpupt_guest_free(guest);
	}
	take_each(survey);
	gpupt_survey_free(survey);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_apply_twice),
		TEST(test_dry_run),
		TEST(test_consent_refused),
		TEST(test_changed_meanwhile),
		TEST(test_known),
		TEST(test_keeps_changing),
		TEST(test_no_retry),
		TEST(test_running),
		TEST(test_managed_save),
		TEST(test_transient),
		TEST(test_invalid_as_it_stood),
		TEST(test_no_fit),
		TEST(test_other_users),
		TEST(test_connection),
		TEST(test_list),
		TEST(test_read_only),
		TEST(test_cannot_connect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
