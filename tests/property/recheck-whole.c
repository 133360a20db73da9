/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* recheck.c once more, told to leave nothing out: the same check of the whole text. */

#include "plan/check.h"

#define gpupt_excerpt_make whole_text
#define gpupt_is_read any_element
#define gpupt_recheck gpupt_recheck_whole
#define gpupt_plan_apply gpupt_plan_apply_whole

int gpupt_recheck_whole(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			const char *text, size_t length, struct gpupt_error **error);
int gpupt_plan_apply_whole(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
			   char **ret_text, size_t *ret_length, struct gpupt_error **error);

static int whole_text(const struct gpupt_plan *plan, const struct gpupt_domain *old,
		      const char *text, size_t length, char **ret_text, size_t *ret_length,
		      struct gpupt_left_out *ret_left_out)
{
	(void)plan;
	(void)old;
	*ret_text = strndup(text, length);
	*ret_length = length;
	*ret_left_out = (struct gpupt_left_out){ 0 };
	return *ret_text ? 0 : GPUPT_E_NOMEM;
}

static bool any_element(const struct gpupt_plan *plan, struct gpupt_span span)
{
	(void)plan;
	(void)span;
	return true;
}

#include "../../src/plan/recheck.c"
