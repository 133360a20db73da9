/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_PROCESS_H
#define GPUPT_REHEARSE_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/* Words for execve(): a growing list of strings, all of them freed together. A failed
 * allocation sticks. */
struct gpupt_words {
	char **items; /* ends in NULL */
	size_t count, capacity;
	bool failed;
};

void gpupt_words_add(struct gpupt_words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gpupt_words_clear(struct gpupt_words *words);

/* Files in memory that a process gets to see as /proc/self/fd/N. */
struct gpupt_memory_files {
	int fds[8];
	size_t count;
};

/* Makes one with these bytes; *ret_fd is its number. */
int gpupt_memory_file_add(struct gpupt_memory_files *files, const char *name, const void *data,
			  size_t length, int *ret_fd, struct gpupt_error **error);
void gpupt_memory_files_close(struct gpupt_memory_files *files);

/* A process of ours: its standard input and output are one socket, its standard error
 * is kept. It dies with us, and SIGINT, SIGTERM and SIGHUP wait until it is stopped. */
struct gpupt_process {
	pid_t pid;   /* of it and of its group; 0: none */
	int socket;
	int errors;  /* its standard error */
	int signals; /* those that wait */
	sigset_t old_mask;
	struct timespec deadline;
	unsigned int timeout_seconds;
	int interrupted; /* the signal that came */
	char message[2048]; /* how its standard error began */
	size_t message_length;
};

/* environment: NULL for ours. */
int gpupt_process_start(struct gpupt_process *process, const char *program,
			const struct gpupt_words *arguments, const struct gpupt_words *environment,
			const struct gpupt_memory_files *files, unsigned int timeout_seconds,
			struct gpupt_error **error);
/* Waits for something to read from the socket, and reads it. *ret_length 0: the process
 * has closed it. GPUPT_E_LIMIT when it takes too long, GPUPT_E_CONFLICT at a signal. */
int gpupt_process_read(struct gpupt_process *process, void *buffer, size_t size,
		       size_t *ret_length, struct gpupt_error **error);
/* Ends it and its children, and waits for that; lets signals come again. */
void gpupt_process_stop(struct gpupt_process *process);
/* The first line of what it said, without its name in front; "" if nothing. */
const char *gpupt_process_message(struct gpupt_process *process);

#endif
