/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "rehearse/process.h"

/* Runs sh -c script; $1 is a file in memory with the word "inside". */
static int start(struct gpupt_process *process, const char *script, unsigned int seconds)
{
	struct gpupt_memory_files files = { .count = 0 };
	struct gpupt_words words = { 0 };
	int fd = -1;
	assert_int_equal(gpupt_memory_file_add(&files, "test", "inside", 6, &fd, NULL), 0);
	gpupt_words_add(&words, "sh");
	gpupt_words_add(&words, "-c");
	gpupt_words_add(&words, "%s", script);
	gpupt_words_add(&words, "sh");
	gpupt_words_add(&words, "/proc/self/fd/%d", fd);
	assert_false(words.failed);
	int r = gpupt_process_start(process, "/bin/sh", &words, NULL, &files, seconds, NULL);
	gpupt_words_clear(&words);
	gpupt_memory_files_close(&files);
	return r;
}

static size_t read_all(struct gpupt_process *process, char *buffer, size_t size)
{
	size_t length = 0, n;
	while (gpupt_process_read(process, buffer + length, size - 1 - length, &n, NULL) == 0 && n)
		length += n;
	buffer[length] = '\0';
	return length;
}

static void it_talks(void **state)
{
	(void)state;
	struct gpupt_process process;
	char text[64];
	assert_int_equal(start(&process, "echo \"sh: no way\" >&2; cat \"$1\"", 20), 0);
	read_all(&process, text, sizeof(text));
	assert_string_equal(text, "inside");
	gpupt_process_stop(&process);
	assert_string_equal(gpupt_process_message(&process), "no way");
}

/* A child of its own in the background, too. */
static void it_ends_with_its_children(void **state)
{
	(void)state;
	struct gpupt_process process;
	char text[64] = "";
	size_t n;
	assert_int_equal(start(&process, "sleep 100 & echo $!; wait", 20), 0);
	assert_int_equal(gpupt_process_read(&process, text, sizeof(text) - 1, &n, NULL), 0);
	pid_t child = (pid_t)atoi(text), group = process.pid;
	assert_true(child > 0);
	gpupt_process_stop(&process);
	for (int i = 0; i < 100 && kill(-group, 0) == 0; i++)
		usleep(20000); /* the child is init's now, or whose it may be */
	assert_true(kill(child, 0) < 0 || kill(-group, 0) < 0);
}

static void it_is_late(void **state)
{
	(void)state;
	struct gpupt_process process;
	char text[8];
	size_t n;
	assert_int_equal(start(&process, "exec sleep 100", 1), 0);
	assert_int_equal(gpupt_process_read(&process, text, sizeof(text), &n, NULL), GPUPT_E_LIMIT);
	gpupt_process_stop(&process);
}

static void a_signal_waits(void **state)
{
	(void)state;
	struct gpupt_process process;
	char text[8];
	size_t n;
	sigset_t before, after;
	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(start(&process, "exec sleep 100", 20), 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(gpupt_process_read(&process, text, sizeof(text), &n, NULL),
			 GPUPT_E_CONFLICT);
	gpupt_process_stop(&process);
	assert_int_equal(process.interrupted, SIGTERM);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static void much_noise_is_no_harm(void **state)
{
	(void)state;
	struct gpupt_process process;
	char text[64];
	assert_int_equal(start(&process, "yes noise | head -c 1000000 >&2; echo done", 20), 0);
	read_all(&process, text, sizeof(text));
	assert_string_equal(text, "done\n");
	gpupt_process_stop(&process);
	assert_string_equal(gpupt_process_message(&process), "noise");
}

static void a_program_may_be_missing(void **state)
{
	(void)state;
	struct gpupt_process process;
	struct gpupt_memory_files files = { .count = 0 };
	struct gpupt_words words = { 0 };
	char text[8];
	gpupt_words_add(&words, "nothing");
	assert_int_equal(gpupt_process_start(&process, "/nonexistent", &words, NULL, &files, 20,
					     NULL), 0);
	assert_int_equal(read_all(&process, text, sizeof(text)), 0);
	gpupt_process_stop(&process);
	assert_non_null(strstr(gpupt_process_message(&process), "cannot be executed"));
	gpupt_words_clear(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_talks),
		cmocka_unit_test(it_ends_with_its_children),
		cmocka_unit_test(it_is_late),
		cmocka_unit_test(a_signal_waits),
		cmocka_unit_test(much_noise_is_no_harm),
		cmocka_unit_test(a_program_may_be_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
