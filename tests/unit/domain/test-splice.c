/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "domain/splice.h"

static const struct gpupt_line hole_lines[] = { { 0, "<pcihole64 unit='KiB'>1</pcihole64>" } };

/* Adds <pcihole64> to the first controller and compares. */
static void check_insert(const char *before, const char *after)
{
	struct gpupt_domain *domain = NULL;
	assert_int_equal(gpupt_domain_parse(before, strlen(before), NULL, &domain, NULL), 0);
	const struct gpupt_controller *controller = &domain->controllers[0];
	struct gpupt_arena *arena = NULL;
	struct gpupt_edit edit;
	assert_int_equal(gpupt_edit_insert(domain, &arena, &controller->element,
					   &controller->last_child, NULL, false, hole_lines, 1,
					   &edit), 0);
	char *text = NULL;
	size_t length = 0;
	assert_int_equal(gpupt_splice(domain, &edit, 1, &text, &length, NULL), 0);
	assert_string_equal(text, after);
	assert_int_equal(length, strlen(after));
	free(text);
	gpupt_arena_free(arena);
	gpupt_domain_free(domain);
}

static void test_self_closing(void **state)
{
	(void)state;
	check_insert("<domain>\n  <devices>\n    <controller type='pci' model='pcie-root'/>\n"
		     "  </devices>\n</domain>\n",
		     "<domain>\n  <devices>\n    <controller type='pci' model='pcie-root'>\n"
		     "      <pcihole64 unit='KiB'>1</pcihole64>\n    </controller>\n"
		     "  </devices>\n</domain>\n");
}

static void test_tabs_crlf_double_quotes(void **state)
{
	(void)state;
	check_insert("<domain>\r\n\t<devices>\r\n\t\t<controller type=\"pci\" model=\"pci-root\" />"
		     "\r\n\t</devices>\r\n</domain>",
		     "<domain>\r\n\t<devices>\r\n\t\t<controller type=\"pci\" model=\"pci-root\">"
		     "\r\n\t\t\t<pcihole64 unit=\"KiB\">1</pcihole64>\r\n\t\t</controller>"
		     "\r\n\t</devices>\r\n</domain>");
}

static void test_one_line(void **state)
{
	(void)state;
	check_insert("<domain><devices><controller type='pci' model='pci-root'/></devices></domain>",
		     "<domain><devices><controller type='pci' model='pci-root'>"
		     "<pcihole64 unit='KiB'>1</pcihole64></controller></devices></domain>");
	check_insert("<domain><devices><controller type='pci'><alias name='a'/></controller>"
		     "</devices></domain>",
		     "<domain><devices><controller type='pci'><alias name='a'/>"
		     "<pcihole64 unit='KiB'>1</pcihole64></controller></devices></domain>");
}

static void test_with_children(void **state)
{
	(void)state;
	check_insert("<domain>\n <devices>\n  <controller type='pci'>\n     <alias name='a'/>\n"
		     "     <!-- end -->\n  </controller>\n </devices>\n</domain>",
		     "<domain>\n <devices>\n  <controller type='pci'>\n     <alias name='a'/>\n"
		     "     <!-- end -->\n     <pcihole64 unit='KiB'>1</pcihole64>\n"
		     "  </controller>\n </devices>\n</domain>");
}

static void test_empty_but_open(void **state)
{
	(void)state;
	check_insert("<domain>\n <devices>\n  <controller type='pci'></controller>\n"
		     " </devices>\n</domain>",
		     "<domain>\n <devices>\n  <controller type='pci'>\n"
		     "   <pcihole64 unit='KiB'>1</pcihole64>\n  </controller>\n"
		     " </devices>\n</domain>");
	check_insert("<domain>\n <devices>\n  <controller type='pci'>\n  </controller>\n"
		     " </devices>\n</domain>",
		     "<domain>\n <devices>\n  <controller type='pci'>\n"
		     "   <pcihole64 unit='KiB'>1</pcihole64>\n  </controller>\n"
		     " </devices>\n</domain>");
}

static void check_remove(const char *before, const char *after)
{
	struct gpupt_domain *domain = NULL;
	assert_int_equal(gpupt_domain_parse(before, strlen(before), NULL, &domain, NULL), 0);
	struct gpupt_edit edit = gpupt_edit_remove(domain, &domain->hostdevs[0].element);
	char *text = NULL;
	size_t length = 0;
	assert_int_equal(gpupt_splice(domain, &edit, 1, &text, &length, NULL), 0);
	assert_string_equal(text, after);
	free(text);
	gpupt_domain_free(domain);
}

static void test_remove(void **state)
{
	(void)state;
	check_remove("<domain>\n <devices>\n  <hostdev type='pci'>\n  </hostdev>  \n  <a/>\n"
		     " </devices>\n</domain>",
		     "<domain>\n <devices>\n  <a/>\n </devices>\n</domain>");
	check_remove("<domain>\r\n <devices>\r\n  <hostdev type='pci'/>\r\n </devices>\r\n</domain>",
		     "<domain>\r\n <devices>\r\n </devices>\r\n</domain>");
	check_remove("<domain><devices><hostdev type='pci'/><a/></devices></domain>",
		     "<domain><devices><a/></devices></domain>");
	check_remove("<domain>\n<devices>\n<hostdev type='pci'/><a/>\n</devices></domain>",
		     "<domain>\n<devices>\n<a/>\n</devices></domain>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_closing),
		cmocka_unit_test(test_tabs_crlf_double_quotes),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_with_children),
		cmocka_unit_test(test_empty_but_open),
		cmocka_unit_test(test_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
