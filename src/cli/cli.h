/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_CLI_H
#define GPUPT_CLI_CLI_H

/* What the files of the command line share. This is the only room that prints;
 * errors travel up as struct gpupt_error and are printed once, in main.c. */

#include <stdbool.h>
#include <stdio.h>

#include <gpupt/connection.h>
#include <gpupt/gpupt.h>

#include "base/error.h"
#include "base/util.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_error, gpupt_error_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_domain, gpupt_domain_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_inventory, gpupt_inventory_free)

/* Exit status. Negative `enum gpupt_status` values become 2 or 3 in main.c. */
enum {
	CLI_DONE = 0,
	CLI_DIFFERS = 1, /* diff and --dry-run only */
	CLI_UNASSIGNED = 1, /* verify only */
	CLI_TROUBLE = 2,
	CLI_NO_FIT = 3,
	CLI_FINDINGS = 4, /* diff --strict only */
	CLI_NOT_SEEN = 4, /* rehearse only */
};

/* Bits, so that an option can name all the commands that take it. */
enum cli_command_bit {
	CLI_APPLY = 1 << 0,
	CLI_DIFF = 1 << 1,
	CLI_PATCH = 1 << 2,
	CLI_EXPLAIN = 1 << 3,
	CLI_DEVICES = 1 << 4,
	CLI_SNAPSHOT = 1 << 5,
	CLI_DOCTOR = 1 << 6,
	CLI_VERIFY = 1 << 7,
	CLI_GUEST = 1 << 8,
	CLI_REHEARSE = 1 << 9,
	CLI_UNDO = 1 << 10,
	CLI_HISTORY = 1 << 11,
	CLI_KUBEVIRT = 1 << 12,
};

enum cli_format { CLI_FORMAT_TEXT, CLI_FORMAT_JSON, CLI_FORMAT_SVG, CLI_FORMAT_SARIF,
		  CLI_FORMAT_TABLE };
enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER };

/* A list of borrowed words, in the order given. */
struct cli_words {
	const char **items;
	size_t count;
	size_t capacity;
};

/* A --connect, and what is said behind it of that host. */
struct cli_host {
	const char *uri;
	const char *inventory;
};

struct cli_hosts {
	struct cli_host *items;
	size_t count;
	size_t capacity;
};

/* The command line, read. Strings point into argv. */
struct cli_settings {
	const struct cli_command *command;
	char **argv;
	struct cli_words operands;
	const char *operand; /* the one at hand: DOMAIN, TARGET or FILE; NULL: none */
	struct cli_hosts hosts; /* those connected to */
	struct cli_session *session; /* where there are several; else NULL */
	struct cli_report *report;   /* with another --format than text; else NULL */
	const char *uri; /* of the one host, or of that at hand */
	const char *inventory;
	const char *sysfs;
	const char *output;
	const char *firmware;
	const char *guest_kernel;
	struct cli_words allowed, forbidden; /* lists of remedies */
	const char *guest_os;
	struct cli_words assumptions;
	struct cli_words added;
	struct cli_words removed;
	enum gpupt_hole_policy hole;
	uint64_t hole_bytes;
	uint64_t headroom_bytes;
	enum gpupt_rounding rounding;
	enum cli_format format;
	enum cli_color color;
	const char *emulator;
	const char *kernel;
	const char *initrd;
	unsigned int timeout_seconds; /* 0: not said */
	const char *vmi, *domain_xml; /* kubevirt-hook's: the texts themselves */
	bool allow_shrink, force, multifunction, no_siblings;
	bool as_file, as_domain;
	bool dry_run, in_place, strict, yes, no_backup, no_retry;
	bool all, show_secrets;
	bool every, keep_going;
	bool strict_checkup;
	bool guest_agent;
	bool quiet, verbose, help;
};

/* A subcommand. run() returns an exit status, or a negative status with *error. */
struct cli_command {
	const char *name;
	enum cli_command_bit bit;
	const char *operand; /* what the usage line calls it, [IN BRACKETS] where it may be
			      * left out, with "..." where there may be several; NULL: none */
	const char *summary; /* one line */
	const char *details; /* for --help */
	int (*run)(const struct cli_settings *settings, struct gpupt_error **error);
};

int cli_apply(const struct cli_settings *settings, struct gpupt_error **error);
int cli_diff(const struct cli_settings *settings, struct gpupt_error **error);
int cli_patch(const struct cli_settings *settings, struct gpupt_error **error);
int cli_explain(const struct cli_settings *settings, struct gpupt_error **error);
int cli_rehearse(const struct cli_settings *settings, struct gpupt_error **error);
int cli_devices(const struct cli_settings *settings, struct gpupt_error **error);
int cli_doctor(const struct cli_settings *settings, struct gpupt_error **error);
int cli_undo(const struct cli_settings *settings, struct gpupt_error **error);
int cli_history(const struct cli_settings *settings, struct gpupt_error **error);
int cli_snapshot(const struct cli_settings *settings, struct gpupt_error **error);
int cli_kubevirt_hook(const struct cli_settings *settings, struct gpupt_error **error);
int cli_verify(const struct cli_settings *settings, struct gpupt_error **error);
int cli_guest(const struct cli_settings *settings, struct gpupt_error **error);

#endif
