/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_VERIFY_H
#define GPUPT_CLI_VERIFY_H

#include <gpupt/running.h>

#include "cli/request.h"

/* A running guest: what was seen of it, and what came of comparing that. */
struct cli_verification {
	const struct cli_settings *settings;
	struct cli_target target;
	struct gpupt_inspection *inspection;
	const struct gpupt_running *running; /* of the inspection */
	struct gpupt_plan *plan;             /* of the guest as it runs; NULL: no prediction */
	char *no_plan;                       /* why there is none */
	enum gpupt_state state;
	struct gpupt_finding *findings;
	size_t n_findings;
};

/* The same for programs. */
int cli_verification_print_json(const struct cli_verification *verification,
				struct gpupt_error **error);

#endif
