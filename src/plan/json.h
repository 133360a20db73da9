/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_JSON_H
#define GPUPT_PLAN_JSON_H

#include <gpupt/plan.h>

#include <jansson.h>

/* NULL when memory is short. */
json_t *gpupt_json_of_finding(const struct gpupt_finding *finding);

#endif
