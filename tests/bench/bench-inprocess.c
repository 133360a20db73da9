/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In one process: parse, plan, splice, check again and diff a file, against
 * making and freeing libxml2's tree of the same bytes: ten times in a row, as over a
 * fleet, and once after the other, when caches hold what that one left there.
 *   bench-inprocess [--rounds N] [--each] [--firmware NAME] [--guest-kernel VERSION]
 *                   SNAPSHOT FILE|DIRECTORY... */

#include "bench.h"

#include <ftw.h>

#include <libxml/parser.h>

enum { MAX_ROUNDS = 1000, MAX_FILES = 4096 };

struct result {
	char *path;
	size_t length;
	int edits;
	double stages_us[BENCH_STAGES];
	double ours_us, tree_us;             /* each of ten in a row */
	double ours_once_us, tree_once_us;
};

static char *paths[MAX_FILES];
static size_t n_paths;

static int add_path(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)where;
	size_t length = strlen(path);
	if (type == FTW_F && length > 4 && strcmp(path + length - 4, ".xml") == 0 &&
	    n_paths < MAX_FILES)
		paths[n_paths++] = strdup(path);
	return 0;
}

enum { OURS = BENCH_STAGES, TREE, OURS_ONCE, TREE_ONCE, KINDS };
static double samples[KINDS][MAX_ROUNDS];

/* The allocator puts off what freeing small pieces takes until somebody wants a large
 * one: not at the cost of whoever comes next. */
static void settle(void)
{
	enum { LARGE = 1 << 16 };
	void *volatile large = malloc(LARGE);
	free(large);
}

static double time_ours(const struct bench_text *text, const struct bench_setting *setting,
			size_t times)
{
	settle();
	double start = bench_now_us();
	for (size_t i = 0; i < times; i++)
		bench_ours(text, setting, NULL);
	return (bench_now_us() - start) / (double)times;
}

static double time_tree(const struct bench_text *text, size_t times)
{
	settle();
	double start = bench_now_us();
	for (size_t i = 0; i < times; i++)
		bench_tree(text);
	return (bench_now_us() - start) / (double)times;
}

/* A B A B, so that a slow moment of the machine meets both. */
static void take_samples(const struct bench_text *text, const struct bench_setting *setting,
			 size_t rounds)
{
	enum { ROW = 10 };
	double stages[BENCH_STAGES];
	for (size_t i = 0; i < rounds; i++) {
		bench_ours(text, setting, stages);
		for (int stage = 0; stage < BENCH_STAGES; stage++)
			samples[stage][i] = stages[stage];
		samples[TREE_ONCE][i] = time_tree(text, 1);
		samples[OURS_ONCE][i] = time_ours(text, setting, 1);
		samples[TREE][i] = time_tree(text, ROW);
		samples[OURS][i] = time_ours(text, setting, ROW);
		bench_tree(text);
	}
}

static bool measure(char *path, const struct bench_setting *setting, size_t rounds,
		    struct result *ret)
{
	struct bench_text text = bench_read_file(path);
	if (!text.data)
		return false;
	bool usable = bench_choose_wish(&text, setting) && bench_tree(&text);
	if (usable) {
		struct result r = { .path = path, .length = text.length };
		r.edits = bench_ours(&text, setting, NULL);
		take_samples(&text, setting, rounds);
		for (int stage = 0; stage < BENCH_STAGES; stage++)
			r.stages_us[stage] = bench_median(samples[stage], rounds);
		r.ours_us = bench_median(samples[OURS], rounds);
		r.tree_us = bench_median(samples[TREE], rounds);
		r.ours_once_us = bench_median(samples[OURS_ONCE], rounds);
		r.tree_once_us = bench_median(samples[TREE_ONCE], rounds);
		*ret = r;
	}
	free(text.data);
	return usable;
}

static double ratio(const struct result *r)
{
	return r->ours_us / r->tree_us;
}

static int by_ratio(const void *a, const void *b)
{
	double x = ratio(a), y = ratio(b);
	return (x > y) - (x < y);
}

static void print(const struct result *r)
{
	const char *slash = strrchr(r->path, '/');
	printf("%7zu %5d", r->length, r->edits);
	for (int stage = 0; stage < BENCH_STAGES; stage++)
		printf(" %7.1f", r->stages_us[stage]);
	printf(" %8.1f %8.1f %6.2f %6.2f  %s\n", r->ours_us, r->tree_us, ratio(r),
	       r->ours_once_us / r->tree_once_us,
	       slash ? slash + 1 : r->path);
}

static void print_summary(struct result *results, size_t count)
{
	qsort(results, count, sizeof(*results), by_ratio);
	size_t edited = 0;
	double ours = 0, tree = 0;
	for (size_t i = 0; i < count; i++) {
		edited += results[i].edits > 0;
		ours += results[i].ours_us;
		tree += results[i].tree_us;
	}
	printf("\n%zu files, %zu of them edited\n", count, edited);
	printf("ratio: median %.2f, 10%% above %.2f, worst %.2f; of all time %.2f\n",
	       ratio(&results[count / 2]), ratio(&results[count * 9 / 10]),
	       ratio(&results[count - 1]), ours / tree);
}

int main(int argc, char **argv)
{
	static struct result results[MAX_FILES];
	struct bench_setting setting;
	size_t rounds = 101, count = 0;
	bool each = false;
	const char *firmware = NULL, *kernel = NULL;
	int arg = 1;
	for (; arg < argc && argv[arg][0] == '-'; arg++) {
		if (strcmp(argv[arg], "--each") == 0)
			each = true;
		else if (strcmp(argv[arg], "--rounds") == 0 && arg + 1 < argc)
			rounds = strtoul(argv[++arg], NULL, 10);
		else if (strcmp(argv[arg], "--firmware") == 0 && arg + 1 < argc)
			firmware = argv[++arg];
		else if (strcmp(argv[arg], "--guest-kernel") == 0 && arg + 1 < argc)
			kernel = argv[++arg];
	}
	if (arg + 2 > argc || rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	if (!bench_setting_make(argv[arg], &setting)) {
		fprintf(stderr, "%s: no snapshot\n", argv[arg]);
		return 2;
	}
	if (!bench_setting_know(&setting, firmware, kernel))
		return 2;
	while (++arg < argc)
		if (nftw(argv[arg], add_path, 8, 0) < 0)
			fprintf(stderr, "%s: not there, left out\n", argv[arg]);
	for (size_t i = 0; i < n_paths; i++)
		count += measure(paths[i], &setting, rounds, &results[count]);
	if (count == 0)
		return 77;
	printf("medians of CPU time in us; apply is splicing and parsing again; ours and tree are "
	       "of ten in a row\n%7s %5s %7s %7s %7s %7s %7s %8s %8s %6s %6s  %s\n", "bytes",
	       "edits", "parse", "plan", "apply", "diff", "free", "ours", "tree", "ratio", "once",
	       "file");
	qsort(results, count, sizeof(*results), by_ratio);
	for (size_t i = 0; i < count; i++)
		if (each || count <= 20 || i < 3 || i + 3 >= count || i == count / 2)
			print(&results[i]);
	print_summary(results, count);
	for (size_t i = 0; i < n_paths; i++)
		free(paths[i]);
	bench_setting_clear(&setting);
	xmlCleanupParser();
	return 0;
}
