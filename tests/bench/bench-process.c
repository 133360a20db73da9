/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whole processes: CPU time and peak memory of `gpupt-xml diff FILE` against
 * `xmllint --noout FILE`. In C, since a child's peak memory counts from what its
 * parent had when it was started: a script's interpreter would hide it.
 *   bench-process [--rounds N] GPUPT-XML XMLLINT SNAPSHOT FILE... */

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

enum { MAX_ROUNDS = 1000 };

struct samples {
	double us[MAX_ROUNDS];
	long peak_kib;
	int status;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(struct samples *samples, size_t count)
{
	qsort(samples->us, count, sizeof(*samples->us), compare);
	return samples->us[count / 2];
}

static void run(const char *argv[], struct samples *samples, size_t round)
{
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	pid_t child;
	struct rusage usage;
	if (posix_spawnp(&child, argv[0], &actions, NULL, (char **)argv, environ) != 0 ||
	    wait4(child, &samples->status, 0, &usage) < 0) {
		perror(argv[0]);
		exit(77);
	}
	posix_spawn_file_actions_destroy(&actions);
	samples->us[round] = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
			     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	if (usage.ru_maxrss > samples->peak_kib)
		samples->peak_kib = usage.ru_maxrss;
}

int main(int argc, char **argv)
{
	static struct samples ours, lint;
	size_t rounds = 201;
	int arg = 1;
	if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
		rounds = strtoul(argv[2], NULL, 10);
		arg = 3;
	}
	if (argc - arg < 4 || rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	char *gpupt = argv[arg], *xmllint = argv[arg + 1], *snapshot = argv[arg + 2];
	printf("%10s %10s %7s %10s %10s  %s\n", "ours us", "lint us", "ratio", "ours KiB",
	       "lint KiB", "file (exit status of diff)");
	for (arg += 3; arg < argc; arg++) {
		const char *diff[] = { gpupt, "diff", argv[arg], "--inventory", snapshot, NULL };
		const char *noout[] = { xmllint, "--noout", argv[arg], NULL };
		ours.peak_kib = lint.peak_kib = 0;
		for (size_t i = 0; i < rounds; i++) {
			run(diff, &ours, i);
			run(noout, &lint, i);
		}
		double a = median(&ours, rounds), b = median(&lint, rounds);
		const char *slash = strrchr(argv[arg], '/');
		printf("%10.0f %10.0f %7.2f %10ld %10ld  %s (%d)\n", a, b, a / b, ours.peak_kib,
		       lint.peak_kib, slash ? slash + 1 : argv[arg], WEXITSTATUS(ours.status));
	}
	return 0;
}
