/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_MESSAGES_H
#define GPUPT_LIBVIRT_MESSAGES_H

#include <gpupt/running.h>

#include "base/arena.h"

/* Lines of text that others wrote; they live in the arena. */
struct gpupt_lines {
	const char **items;
	size_t count, capacity;
	struct gpupt_arena **arena;
	bool failed; /* memory was short */
};

/* More of a guest's lines, or longer ones, tell a person no more. */
#define GPUPT_LINES_MAX 40
#define GPUPT_LINE_MAX 300

/* Adds the non-empty lines of a text, the first GPUPT_LINES_MAX, each cut to
 * GPUPT_LINE_MAX bytes. */
void gpupt_lines_add_all(struct gpupt_lines *lines, const char *text, size_t length);

/* Adds those lines of a guest's kernel log that are about passed-through functions
 * without an address: the NVIDIA driver's, and the kernel's about these functions and
 * the bridges before them. */
void gpupt_lines_add_messages(struct gpupt_lines *lines, const char *log, size_t length,
			      const struct gpupt_seen_function *functions, size_t n_functions);

#endif
