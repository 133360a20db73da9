/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_REPORT_SARIF_H
#define GPUPT_CLI_REPORT_SARIF_H

#include <jansson.h>

#include "cli/report.h"

/* A region of the target's text that has no column yet; borrowed. */
struct cli_sarif_place {
	size_t line;
	size_t column; /* in bytes */
	json_t *region;
};

/* A report as SARIF (OASIS, Static Analysis Results Interchange Format 2.1.0): what tools
 * for code review read. */
struct cli_sarif {
	const struct cli_report_target *target; /* the one at hand */
	struct cli_sarif_place *places; /* in it */
	size_t n_places, c_places;
	json_t *results;
	json_t *rules; /* {"GPUPT-0007": true} */
	bool no_memory;
};

void cli_sarif_init(struct cli_sarif *sarif);
void cli_sarif_clear(struct cli_sarif *sarif);

/* Takes over what the line of JSON for a target says, and its error or NULL; false when
 * memory is short. */
bool cli_sarif_add(struct cli_sarif *sarif, const struct cli_report_target *target,
		   const json_t *item, const struct gpupt_error *failure);

/* NULL when memory is short. */
json_t *cli_sarif_document(const struct cli_sarif *sarif);

#endif
