/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_STORE_H
#define GPUPT_CLI_STORE_H

#include <time.h>

#include "cli/file.h"

/* The definitions that apply replaced, so that undo can put them back. They hold
 * secrets: nobody but the owner gets at them. */

/* So many are kept of each domain. */
#define CLI_STORE_MAX 10

/* Where those of one domain are. */
struct cli_store {
	char *root; /* /var/lib/gpupt-xml */
	char *path; /* with the domain's own directory */
};

/* One change. Its files are NUMBER-TIME.old.xml and NUMBER-TIME.new.xml. */
struct cli_kept {
	unsigned long number; /* counts up, whatever clocks do */
	time_t time;
};

/* Oldest first. */
struct cli_kept_list {
	struct cli_kept *items;
	size_t count;
	size_t capacity;
};

enum cli_kept_side { CLI_KEPT_OLD, CLI_KEPT_NEW };

/* /var/lib/gpupt-xml for root at a system daemon, $XDG_STATE_HOME/gpupt-xml for
 * everything else; in it a directory for the URI's hypervisor and the domain's UUID.
 * Looks at nothing but the environment. */
int cli_store_locate(const char *uri, const char *uuid, struct cli_store *ret,
		     struct gpupt_error **error);
void cli_store_clear(struct cli_store *store);

/* Keeps a change that is about to be made; on disk when it returns. */
int cli_store_keep(const struct cli_store *store, const struct cli_text *old,
		   const struct cli_text *new, time_t now, struct cli_kept *ret,
		   struct gpupt_error **error);

/* What libvirt made of the new definition takes the place of what was meant. */
int cli_store_settle(const struct cli_store *store, const struct cli_kept *kept,
		     const struct cli_text *new, struct gpupt_error **error);

/* Empty where nothing was ever kept. */
int cli_store_list(const struct cli_store *store, struct cli_kept_list *ret,
		   struct gpupt_error **error);
int cli_store_read(const struct cli_store *store, const struct cli_kept *kept,
		   enum cli_kept_side side, char **ret_text, size_t *ret_length,
		   struct gpupt_error **error);

/* Forgets a change that was taken back, and those after it. */
int cli_store_drop(const struct cli_store *store, const struct cli_kept *since,
		   struct gpupt_error **error);

/* The file's path, for people; NULL when memory is short. */
char *cli_store_path(const struct cli_store *store, const struct cli_kept *kept,
		     enum cli_kept_side side);

/* "2026-12-31T23:59:59Z", written into buffer. */
#define CLI_KEPT_TIME_MAX 32
const char *cli_kept_format_time(const struct cli_kept *kept, char buffer[CLI_KEPT_TIME_MAX]);

#endif
