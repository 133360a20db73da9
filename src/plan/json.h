/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_JSON_H
#define GPUPT_PLAN_JSON_H

#include <gpupt/plan.h>

#include <jansson.h>

/* null where it does not fit JSON's signed 64 bits. NULL when memory is short. */
json_t *gpupt_json_of_number(uint64_t value);
/* NULL when memory is short. */
json_t *gpupt_json_of_finding(const struct gpupt_finding *finding);

#endif
