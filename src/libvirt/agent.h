/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_AGENT_H
#define GPUPT_LIBVIRT_AGENT_H

/* Talks to qemu-ga in the guest. Knows nothing of libvirt, which carries the words.
 * Commands are argument vectors, no shell sees them. The answers are a guest's:
 * hostile, and bounded here. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* How words get to the agent and back; *ret is freed with free(). */
struct gpupt_agent {
	int (*ask)(void *data, const char *command, char **ret, struct gpupt_error **error);
	void *data;
};

/* What a program in the guest did. */
struct gpupt_agent_result {
	bool exited;
	int status; /* -1: a signal ended it */
	struct gpupt_str output;
	struct gpupt_str errors;
};

/* Most bytes of output kept; the agent itself stops at 16 MiB (qga/commands.c,
 * GUEST_EXEC_MAX_OUTPUT, 7.2), libvirt at 4 MiB in base64. */
#define GPUPT_AGENT_OUTPUT_MAX ((size_t)3 << 20)

void gpupt_agent_result_clear(struct gpupt_agent_result *result);

/* Reads a file, up to max bytes of it: GPUPT_E_LIMIT past that. *ret ends in a NUL byte. */
int gpupt_agent_read_file(const struct gpupt_agent *agent, const char *path, size_t max,
			  char **ret, size_t *ret_length, struct gpupt_error **error);

/* Writes a whole file anew. */
int gpupt_agent_write_file(const struct gpupt_agent *agent, const char *path, const char *text,
			   struct gpupt_error **error);

/* Runs a program and waits for its end, at most so many seconds: GPUPT_E_LIMIT. A
 * program that fails is no error of this function. */
int gpupt_agent_run(const struct gpupt_agent *agent, const char *const *argv,
		    unsigned int seconds, struct gpupt_agent_result *ret,
		    struct gpupt_error **error);

/* os-release's ID of the guest: "debian"; Windows is "mswindows". */
int gpupt_agent_get_os(const struct gpupt_agent *agent, char **ret, struct gpupt_error **error);

/* ---- for tests: what the replies say */

int gpupt_agent_parse_number(const char *reply, const char *key, long long *ret,
			     struct gpupt_error **error);
int gpupt_agent_parse_read(const char *reply, struct gpupt_str *data, bool *ret_end,
			   struct gpupt_error **error);
int gpupt_agent_parse_status(const char *reply, struct gpupt_agent_result *result,
			     struct gpupt_error **error);
int gpupt_agent_parse_os(const char *reply, char **ret, struct gpupt_error **error);

#endif
