/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_BENCH_H
#define GPUPT_TESTS_BENCH_H

/* What the benchmarks share: the two things that are compared, and numbers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gpupt/gpupt.h>

struct bench_text {
	const char *name;
	char *data;
	size_t length;
	int wish; /* which of the setting's wishes can be planned for it */
};

/* NULL data when the file cannot be read. */
struct bench_text bench_read_file(const char *path);

/* What all texts are planned with. */
struct bench_setting {
	struct gpupt_inventory *inventory;
	struct gpupt_request *wishes[3]; /* tried in this order */
};

/* The wishes: pass the GPU through; a larger hole; nothing at all. */
bool bench_setting_make(const char *snapshot, struct bench_setting *ret);
/* What the guest runs on, as for --firmware and --guest-kernel; NULL: not said. */
bool bench_setting_know(struct bench_setting *setting, const char *firmware, const char *kernel);
void bench_setting_clear(struct bench_setting *setting);

/* Finds the first wish that can be; false when it is no domain. */
bool bench_choose_wish(struct bench_text *text, const struct bench_setting *setting);

/* All that the library does for `gpupt-xml diff`: parse, plan, splice and check
 * again, diff. stages_us receives how long each took; may be NULL. Returns the
 * number of edits. */
enum { BENCH_PARSE, BENCH_PLAN, BENCH_APPLY, BENCH_DIFF, BENCH_FREE, BENCH_STAGES };
int bench_ours(const struct bench_text *text, const struct bench_setting *setting,
	       double stages_us[BENCH_STAGES]);

/* What it is compared with: libxml2's tree, made and freed. */
bool bench_tree(const struct bench_text *text);

double bench_now_us(void);
double bench_median(double *samples, size_t count);

#endif
