/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <stdbool.h>

#include <gpupt/gpupt.h>

/* Whatever is taken for a domain: a plan for it can be applied, changes nothing
 * but its edits, and leaves nothing to do the second time. */

static struct gpupt_inventory *assume_gpu(void)
{
	struct gpupt_inventory *inventory = NULL;
	FUZZ_CHECK(gpupt_inventory_assume(NULL, "0000:08:00.0=10de:2330", &inventory, NULL) == 0);
	return inventory;
}

static struct gpupt_request *make_request(bool add)
{
	struct gpupt_request *request = gpupt_request_new();
	FUZZ_CHECK(request);
	if (add)
		FUZZ_CHECK(gpupt_request_add_device(request, "0000:08:00.0", NULL) == 0);
	return request;
}

/* Everything outside of the edits is in the new text as it was. */
static void check_splice(const struct gpupt_plan *plan, const char *old_text, size_t old_length,
			 const char *new_text, size_t new_length)
{
	size_t count, old_at = 0, new_at = 0;
	const struct gpupt_edit *edits = gpupt_plan_get_edits(plan, &count);
	for (size_t i = 0; i < count; i++) {
		size_t kept = edits[i].offset - old_at;
		FUZZ_CHECK(edits[i].offset >= old_at && kept <= new_length - new_at);
		FUZZ_CHECK(memcmp(old_text + old_at, new_text + new_at, kept) == 0);
		old_at += kept + edits[i].length;
		new_at += kept + edits[i].replacement_length;
		FUZZ_CHECK(old_at <= old_length && new_at <= new_length);
	}
	FUZZ_CHECK(old_length - old_at == new_length - new_at);
	FUZZ_CHECK(memcmp(old_text + old_at, new_text + new_at, old_length - old_at) == 0);
}

static void check_second(const char *text, size_t length, const struct gpupt_inventory *inventory,
			 const struct gpupt_request *request)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_plan *plan = NULL;
	size_t count = 1;
	FUZZ_CHECK(gpupt_domain_parse(text, length, "output", &domain, NULL) == 0);
	FUZZ_CHECK(gpupt_plan_make(domain, inventory, request, &plan, NULL) == 0);
	gpupt_plan_get_edits(plan, &count);
	FUZZ_CHECK(count == 0);
	gpupt_plan_free(plan);
	gpupt_domain_free(domain);
}

static void check_plan(const struct gpupt_domain *domain, const char *data, size_t size, bool add)
{
	struct gpupt_inventory *inventory = assume_gpu();
	struct gpupt_request *request = make_request(add);
	struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	char *text = NULL;
	size_t length;
	int r = gpupt_plan_make(domain, inventory, request, &plan, &error);
	FUZZ_CHECK((r == 0) == (plan != NULL) && r != GPUPT_E_INTERNAL);
	if (plan) {
		FUZZ_CHECK(gpupt_plan_apply(plan, domain, &text, &length, &error) == 0);
		check_splice(plan, data, size, text, length);
		check_second(text, length, inventory, request);
	}
	free(text);
	gpupt_error_free(error);
	gpupt_plan_free(plan);
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpupt_domain *domain = NULL;
	if (gpupt_domain_parse((const char *)data, size, "input", &domain, NULL) < 0)
		return 0;
	check_plan(domain, (const char *)data, size, false);
	check_plan(domain, (const char *)data, size, true);
	gpupt_domain_free(domain);
	return 0;
}
