/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_HYPERVISOR_H
#define GPUPT_CLI_HYPERVISOR_H

#include <gpupt/tuning.h>

#include "cli/cli.h"

/* libgpupt-libvirt, loaded when a command first talks to a hypervisor: loading
 * libvirt takes longer than all of a file command. One line per function used. */
#define CLI_HYPERVISOR_FUNCTIONS(X) \
	X(connection_silence) \
	X(connection_open) \
	X(connection_free) \
	X(connection_get_uri) \
	X(connection_get_libvirt) \
	X(connection_get_host) \
	X(connection_get_versions) \
	X(connection_find) \
	X(connection_add_other_users) \
	X(connection_survey) \
	X(survey_add_users) \
	X(survey_free) \
	X(survey_list) \
	X(survey_take) \
	X(guest_free) \
	X(guest_get_name) \
	X(guest_read) \
	X(guest_apply) \
	X(guest_inspect) \
	X(guest_tune) \
	X(inspection_free) \
	X(inspection_get) \
	X(recipe_for) \
	X(tuning_free) \
	X(tuning_state_name) \
	X(guest_restore) \
	X(outcome_free) \
	X(outcome_get_domain) \
	X(outcome_get_plan) \
	X(outcome_get_text) \
	X(outcome_differs) \
	X(outcome_is_defined) \
	X(outcome_needs_restart) \
	X(outcome_has_managed_save) \
	X(outcome_get_validation_error)

struct cli_hypervisor {
	void *library;
#define CLI_FUNCTION_POINTER(name) __typeof__(gpupt_##name) *name;
	CLI_HYPERVISOR_FUNCTIONS(CLI_FUNCTION_POINTER)
#undef CLI_FUNCTION_POINTER
};

/* Loads the library and silences libvirt. It stays loaded until the process ends:
 * libvirt starts threads. */
int cli_hypervisor_load(struct cli_hypervisor *ret, struct gpupt_error **error);

#endif
