/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_FLEET_H
#define GPUPT_CLI_FLEET_H

#include "cli/session.h"

/* The hosts that a run with several targets is about. */
struct cli_fleet {
	struct cli_session *hosts;
	size_t count;
	struct cli_session files;   /* what a file is planned for */
	struct cli_session nowhere; /* of what is on no host */
};

/* One for each --connect, or that of libvirt's default. Connects to none. */
int cli_fleet_make(const struct cli_settings *settings, struct cli_fleet *ret,
		   struct gpupt_error **error);
/* Opens all of them, some at a time. A single one that fails is an error; of several each
 * has its failure. */
int cli_fleet_open(const struct cli_settings *settings, struct cli_fleet *fleet,
		   struct gpupt_error **error);
void cli_fleet_close(struct cli_fleet *fleet);

#endif
