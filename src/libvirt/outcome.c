/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

GPUPT_EXPORT void gpupt_outcome_free(struct gpupt_outcome *outcome)
{
	if (!outcome)
		return;
	gpupt_domain_free(outcome->own);
	gpupt_plan_free(outcome->plan);
	free(outcome->text);
	free(outcome->validation_error);
	free(outcome);
}

GPUPT_EXPORT const struct gpupt_domain *
gpupt_outcome_get_domain(const struct gpupt_outcome *outcome)
{
	return outcome->domain;
}

GPUPT_EXPORT const struct gpupt_plan *gpupt_outcome_get_plan(const struct gpupt_outcome *outcome)
{
	return outcome->plan;
}

GPUPT_EXPORT const char *gpupt_outcome_get_text(const struct gpupt_outcome *outcome,
						size_t *ret_length)
{
	if (ret_length)
		*ret_length = outcome->length;
	return outcome->text;
}

GPUPT_EXPORT bool gpupt_outcome_differs(const struct gpupt_outcome *outcome)
{
	size_t length;
	const char *text = gpupt_domain_get_text(outcome->domain, &length);
	return length != outcome->length || memcmp(text, outcome->text, length) != 0;
}

GPUPT_EXPORT bool gpupt_outcome_is_defined(const struct gpupt_outcome *outcome)
{
	return outcome->defined;
}

GPUPT_EXPORT bool gpupt_outcome_needs_restart(const struct gpupt_outcome *outcome)
{
	return outcome->running;
}

GPUPT_EXPORT bool gpupt_outcome_has_managed_save(const struct gpupt_outcome *outcome)
{
	return outcome->managed_save;
}

GPUPT_EXPORT const char *
gpupt_outcome_get_validation_error(const struct gpupt_outcome *outcome)
{
	return outcome->validation_error;
}
