/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stops a program at any system call.
 *   kill-at N COMMAND [ARGUMENT]...       kills it as it enters its Nth system call, those
 *                                         of its threads counted; exit status 99 then, and
 *                                         else its own
 *   kill-at 0 COMMAND [ARGUMENT]...       kills nothing, and prints how many there are
 *   kill-at N:PID COMMAND [ARGUMENT]...   kills another process at that point, and waits
 *                                         until that is gone
 *   kill-at N=SIGNAL COMMAND [ARGUMENT].. sends it that signal, by its number, instead */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

static struct {
	pid_t program;
	pid_t other; /* whom to kill in its place */
	int number;  /* of the signal */
	unsigned long at;
	unsigned long calls;
	int killed;
} run;

static void fail(const char *what)
{
	perror(what);
	exit(98);
}

static void start(char **command)
{
	run.program = fork();
	if (run.program < 0)
		fail("fork");
	if (run.program == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(98);
		raise(SIGSTOP);
		execvp(*command, command);
		perror(*command);
		_exit(98);
	}
	int status;
	if (waitpid(run.program, &status, 0) < 0 || !WIFSTOPPED(status))
		fail("the program does not start");
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	if (ptrace(PTRACE_SETOPTIONS, run.program, NULL, options) < 0)
		fail("ptrace");
}

static void kill_other(void)
{
	static const struct timespec wait = { .tv_nsec = 1000000 };
	kill(run.other, SIGKILL);
	/* until its parent has reaped it */
	for (int i = 0; i < 2000 && kill(run.other, 0) == 0; i++)
		nanosleep(&wait, NULL);
}

static int is_entry(pid_t thread)
{
	struct ptrace_syscall_info info;
	return ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* Returns the signal that the thread is to get. */
static int look_at(pid_t thread, int status)
{
	int stop = WSTOPSIG(status);
	if (stop == (SIGTRAP | 0x80)) {
		if (is_entry(thread) && ++run.calls == run.at) {
			run.killed = 1;
			if (run.other)
				kill_other();
			else
				kill(run.program, run.number);
		}
		return 0;
	}
	/* events of ptrace's own, and the first stop of a new thread */
	if (status >> 16 || stop == SIGSTOP)
		return 0;
	return stop;
}

/* Returns the exit status of the program. */
static int follow(void)
{
	int status, exit_status = 98;
	ptrace(PTRACE_SYSCALL, run.program, NULL, NULL);
	for (;;) {
		pid_t thread = waitpid(-1, &status, __WALL);
		if (thread < 0 && errno == ECHILD)
			return exit_status;
		if (thread < 0)
			fail("waitpid");
		if (WIFSTOPPED(status)) {
			int number = look_at(thread, status);
			ptrace(PTRACE_SYSCALL, thread, NULL, (long)number);
		} else if (thread == run.program) {
			exit_status = WIFEXITED(status) ? WEXITSTATUS(status) :
							  128 + WTERMSIG(status);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: kill-at N[:PID] COMMAND [ARGUMENT]...\n", stderr);
		return 98;
	}
	char *end;
	run.at = strtoul(argv[1], &end, 10);
	run.other = *end == ':' ? atoi(end + 1) : 0;
	run.number = *end == '=' ? atoi(end + 1) : SIGKILL;
	start(argv + 2);
	int status = follow();
	if (!run.at)
		printf("%lu\n", run.calls);
	return run.killed && !run.other && run.number == SIGKILL ? 99 : status;
}
