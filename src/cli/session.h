/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_SESSION_H
#define GPUPT_CLI_SESSION_H

#include "cli/hypervisor.h"

/* What a run with several targets reads once: they share one hypervisor and one host.
 * Each member is NULL until the first target needs it. */
struct cli_session {
	struct cli_hypervisor hypervisor;
	struct gpupt_connection *connection;
	/* One for each enum gpupt_host_kind: a file is planned for this machine, a domain for
	 * where it runs. Each grows with the firmware files that are read. */
	struct gpupt_inventory *inventories[GPUPT_HOST_NONE + 1];
	struct gpupt_survey *survey;
	bool changed; /* the target at hand was */
};

/* Connects, where nobody did before. */
int cli_session_connect(const struct cli_settings *settings, struct cli_session *session,
			struct gpupt_error **error);
/* Reads all domains, where nobody did before; connected it is. */
int cli_session_survey(const struct cli_settings *settings, struct cli_session *session,
		       struct gpupt_error **error);
void cli_session_close(struct cli_session *session);

#endif
