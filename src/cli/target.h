/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_TARGET_H
#define GPUPT_CLI_TARGET_H

#include "cli/hypervisor.h"

/* What a command works on: a domain's XML, wherever it is from. */
struct cli_target {
	bool is_file;
	struct gpupt_domain *domain;
	char *label;     /* "vm", or "node-1/vm" where there are several hosts */
	char *diff_name; /* "vm.xml", for the headers of a diff */
	/* domains only */
	struct cli_hypervisor hypervisor;
	struct gpupt_connection *connection;
	struct gpupt_guest *guest;
	bool is_shared; /* the connection */
};

/* How a domain is to be looked at. */
enum cli_access {
	CLI_LOOK,       /* read-only connection, no passwords */
	CLI_LOOK_SECRETS,
	CLI_CHANGE,     /* leaves the reading to gpupt_guest_apply() */
};

/* "-", a path with a slash and *.xml are files; --file and --domain decide
 * otherwise. */
bool cli_target_is_file(const struct cli_settings *settings);

/* What apply and diff need. */
enum cli_access cli_access_for(const struct cli_settings *settings);

/* Connects to the hypervisor, or takes the session's connection. */
int cli_target_connect(const struct cli_settings *settings, enum cli_access access,
		       struct cli_target *target, struct gpupt_error **error);

/* Reads what settings->operand means. */
int cli_target_open(const struct cli_settings *settings, enum cli_access access,
		    struct cli_target *ret, struct gpupt_error **error);
void cli_target_close(struct cli_target *target);

/* Whose PCI devices it gets: this machine's for a file. */
enum gpupt_host_kind cli_target_get_host(const struct cli_target *target);

#endif
