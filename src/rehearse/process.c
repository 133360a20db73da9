/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

/* ---- words */

void gpupt_words_add(struct gpupt_words *words, const char *format, ...)
{
	char *word = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&word, format, args) < 0)
		word = NULL;
	va_end(args);
	/* the place after the last one is for the NULL */
	if (word && words->count + 1 >= words->capacity &&
	    !gpupt_grow_array((void **)&words->items, &words->capacity, sizeof(*words->items))) {
		free(word);
		word = NULL;
	}
	words->failed |= !word;
	if (!word)
		return;
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

void gpupt_words_clear(struct gpupt_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct gpupt_words){ 0 };
}

/* ---- files in memory */

static bool write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

int gpupt_memory_file_add(struct gpupt_memory_files *files, const char *name, const void *data,
			  size_t length, int *ret_fd, struct gpupt_error **error)
{
	if (files->count == GPUPT_ARRAY_SIZE(files->fds))
		return gpupt_fail(error, GPUPT_E_LIMIT, "too many files for QEMU");
	int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return gpupt_fail(error, GPUPT_E_IO, "cannot make a file in memory: %m");
	files->fds[files->count++] = fd;
	if (!write_all(fd, data, length))
		return gpupt_fail(error, GPUPT_E_IO, "cannot write a file in memory: %m");
	*ret_fd = fd;
	return 0;
}

void gpupt_memory_files_close(struct gpupt_memory_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		close(files->fds[i]);
	files->count = 0;
}

/* ---- the process */

static void fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

/* In the child: only calls that are allowed between fork() and execve(). Its group is
 * its own, so that a terminal's signals come to us alone. */
static void become(const struct gpupt_process *process, const char *program,
		   const struct gpupt_words *arguments, char *const *environment,
		   const struct gpupt_memory_files *files, int socket, int errors, pid_t parent)
{
	static const char failed[] = "the program cannot be executed";
	struct rlimit no_core = { 0, 0 };
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < files->count; i++)
		fcntl(files->fds[i], F_SETFD, 0);
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(socket, STDOUT_FILENO) < 0 ||
	    dup2(errors, STDERR_FILENO) < 0)
		_exit(127);
	sigprocmask(SIG_SETMASK, &process->old_mask, NULL);
	execve(program, arguments->items, environment);
	if (write(STDERR_FILENO, failed, sizeof(failed) - 1) < 0)
		_exit(126);
	_exit(127);
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int launch(struct gpupt_process *process, const char *program,
		  const struct gpupt_words *arguments, char *const *environment,
		  const struct gpupt_memory_files *files, struct gpupt_error **error)
{
	int sockets[2], pipes[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return gpupt_fail(error, GPUPT_E_IO, "cannot make a socket: %m");
	process->socket = sockets[0];
	if (pipe2(pipes, O_CLOEXEC) < 0) {
		close(sockets[1]);
		return gpupt_fail(error, GPUPT_E_IO, "cannot make a pipe: %m");
	}
	process->errors = pipes[0];
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	pid_t parent = getpid();
	process->pid = fork();
	if (process->pid == 0)
		become(process, program, arguments, environment, files, sockets[1], pipes[1],
		       parent);
	int failure = errno;
	close(sockets[1]);
	close(pipes[1]);
	if (process->pid < 0) {
		process->pid = 0;
		return gpupt_fail(error, GPUPT_E_IO, "cannot fork: %s", strerror(failure));
	}
	setpgid(process->pid, process->pid); /* whoever comes first */
	return 0;
}

int gpupt_process_start(struct gpupt_process *process, const char *program,
			const struct gpupt_words *arguments, const struct gpupt_words *environment,
			const struct gpupt_memory_files *files, unsigned int timeout_seconds,
			struct gpupt_error **error)
{
	*process = (struct gpupt_process){ .socket = -1, .errors = -1, .signals = -1,
					   .timeout_seconds = timeout_seconds };
	sigset_t waiting;
	fill_signals(&waiting);
	sigprocmask(SIG_BLOCK, &waiting, &process->old_mask);
	process->signals = signalfd(-1, &waiting, SFD_CLOEXEC | SFD_NONBLOCK);
	clock_gettime(CLOCK_MONOTONIC, &process->deadline);
	process->deadline.tv_sec += (time_t)timeout_seconds;
	int r = process->signals < 0 ? gpupt_fail(error, GPUPT_E_IO, "no signalfd: %m") :
		launch(process, program, arguments, environment ? environment->items : environ,
		       files, error);
	if (r < 0)
		gpupt_process_stop(process);
	return r;
}

/* Keeps the beginning, so that the pipe never fills up. */
static void read_errors(struct gpupt_process *process)
{
	char rest[512];
	for (;;) {
		size_t room = sizeof(process->message) - 1 - process->message_length;
		ssize_t n = room ? read(process->errors, process->message + process->message_length,
					room) :
				   read(process->errors, rest, sizeof(rest));
		if (n <= 0)
			return;
		process->message_length += room ? (size_t)n : 0;
	}
}

static int milliseconds_left(const struct gpupt_process *process)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t left = (int64_t)(process->deadline.tv_sec - now.tv_sec) * 1000 +
		       (process->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

int gpupt_process_read(struct gpupt_process *process, void *buffer, size_t size,
		       size_t *ret_length, struct gpupt_error **error)
{
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = process->signals, .events = POLLIN },
			{ .fd = process->socket, .events = POLLIN },
			{ .fd = process->errors, .events = POLLIN },
		};
		int left = milliseconds_left(process);
		int n = poll(polled, GPUPT_ARRAY_SIZE(polled), left);
		struct signalfd_siginfo info;
		if (n > 0 && polled[0].revents &&
		    read(process->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			process->interrupted = (int)info.ssi_signo;
			return gpupt_fail(error, GPUPT_E_CONFLICT, "interrupted");
		}
		if (n == 0 || !left)
			return gpupt_fail(error, GPUPT_E_LIMIT, "the rehearsal's guest took longer "
					  "than %u seconds (--timeout)", process->timeout_seconds);
		if (n < 0 && errno != EINTR)
			return gpupt_fail(error, GPUPT_E_IO, "poll: %m");
		if (n > 0 && polled[2].revents)
			read_errors(process);
		if (n > 0 && polled[2].revents & (POLLHUP | POLLERR))
			close_if_open(&process->errors); /* poll() leaves it alone then */
		if (n <= 0 || !polled[1].revents)
			continue;
		ssize_t length = read(process->socket, buffer, size);
		if (length < 0 && errno == EINTR)
			continue;
		*ret_length = length > 0 ? (size_t)length : 0;
		return 0;
	}
}

void gpupt_process_stop(struct gpupt_process *process)
{
	if (process->pid > 0) {
		kill(-process->pid, SIGKILL);
		kill(process->pid, SIGKILL); /* where it had no time for a group of its own */
		while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	process->pid = 0;
	if (process->errors >= 0)
		read_errors(process);
	close_if_open(&process->errors);
	close_if_open(&process->socket);
	close_if_open(&process->signals);
	sigprocmask(SIG_SETMASK, &process->old_mask, NULL);
}

const char *gpupt_process_message(struct gpupt_process *process)
{
	process->message[process->message_length] = '\0';
	char *text = process->message;
	text[strcspn(text, "\n")] = '\0';
	const char *colon = strstr(text, ": ");
	return colon && !memchr(text, ' ', (size_t)(colon - text)) ? colon + 2 : text;
}
