/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "domain/domain.h"

/* Whatever is taken for a domain: its elements are where their spans say. */

static void check_element(const struct gpupt_domain *domain, const struct gpupt_element *e)
{
	if (e->whole.end == 0)
		return;
	const char *text = domain->text;
	FUZZ_CHECK(e->whole.start < e->whole.end && e->whole.end <= domain->length);
	FUZZ_CHECK(text[e->whole.start] == '<' && text[e->whole.end - 1] == '>');
	FUZZ_CHECK(e->start_tag.start == e->whole.start);
	FUZZ_CHECK(e->start_tag.end > e->start_tag.start && e->start_tag.end <= e->whole.end);
	FUZZ_CHECK(text[e->start_tag.end - 1] == '>');
	FUZZ_CHECK(e->end_tag > e->whole.start && e->end_tag + 2 <= e->whole.end);
	FUZZ_CHECK(memcmp(text + e->end_tag, e->self_closing ? "/>" : "</", 2) == 0);
	FUZZ_CHECK(!e->self_closing || e->start_tag.end == e->whole.end);
}

static void check_spans(const struct gpupt_domain *domain)
{
	check_element(domain, &domain->root);
	check_element(domain, &domain->devices);
	check_element(domain, &domain->first_device);
	check_element(domain, &domain->last_device);
	check_element(domain, &domain->last_child);
	check_element(domain, &domain->controller_anchor);
	check_element(domain, &domain->hostdev_anchor);
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *c = &domain->controllers[i];
		FUZZ_CHECK(c->element.whole.end > 0);
		check_element(domain, &c->element);
		check_element(domain, &c->target);
		check_element(domain, &c->last_child);
		check_element(domain, &c->hole.element);
	}
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		check_element(domain, &domain->hostdevs[i].element);
	for (size_t i = 0; i < domain->n_others; i++)
		check_element(domain, &domain->others[i].element);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_error *error = NULL;
	int r = gpupt_domain_parse((const char *)data, size, "input", &domain, &error);
	FUZZ_CHECK((r == 0) == (domain != NULL) && (r == 0) == (error == NULL));
	if (domain) {
		FUZZ_CHECK(domain->length == size && memcmp(domain->text, data, size) == 0);
		check_spans(domain);
	} else {
		FUZZ_CHECK((int)gpupt_error_get_status(error) == r);
		FUZZ_CHECK(gpupt_error_get_offset(error) <= size);
	}
	gpupt_domain_free(domain);
	gpupt_error_free(error);
	return 0;
}
