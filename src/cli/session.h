/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_SESSION_H
#define GPUPT_CLI_SESSION_H

#include <gpupt/firmware.h>

#include "cli/hypervisor.h"

/* A run with several targets: one host of theirs, and what is read there once. Files have a
 * session of their own, without a connection. */
struct cli_session {
	const char *uri;       /* as given; NULL: libvirt's default */
	const char *inventory; /* the file, or NULL */
	char *label;           /* "node-1", where hosts have to be told apart; else NULL */
	/* NULL until somebody needs it: */
	struct cli_hypervisor hypervisor;
	struct gpupt_connection *connection;
	struct gpupt_inventory *host; /* grows with the firmware files that are read */
	char **firmware;              /* which these are, whatever came of them */
	size_t n_firmware, c_firmware;
	bool has_said; /* --firmware was a file, and this is what that says: */
	struct gpupt_firmware said;
	struct gpupt_survey *survey;
	const char **names; /* of the domains that have a definition, sorted; the survey's */
	size_t n_names;
	struct gpupt_error *failure; /* why there is no connection, or no survey */
	bool changed; /* the target at hand was */
};

/* Reads all domains, where nobody did before; connected it is. */
int cli_session_survey(const struct cli_settings *settings, struct cli_session *session,
		       struct gpupt_error **error);
/* Connects, and reads all domains and their names. */
int cli_session_open(const struct cli_settings *settings, struct cli_session *session,
		     struct gpupt_error **error);
void cli_session_close(struct cli_session *session);

/* The settings for a target of a session's host. */
struct cli_settings cli_session_settings(const struct cli_settings *settings,
					 struct cli_session *session);

#endif
