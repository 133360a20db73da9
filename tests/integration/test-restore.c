/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is kept before a change, and that it comes back. */

#include "test-driver.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keep_and_restore),
		TEST(test_cannot_keep),
		TEST(test_changed_while_keeping),
		TEST(test_rolled_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
