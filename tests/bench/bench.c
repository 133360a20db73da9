/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <time.h>

#include <libxml/parser.h>

struct bench_text bench_read_file(const char *path)
{
	struct bench_text text = { .name = path };
	FILE *file = fopen(path, "r");
	if (!file)
		return text;
	size_t capacity = 0, got;
	do {
		capacity += 1 << 16;
		char *grown = realloc(text.data, capacity);
		if (!grown)
			abort();
		text.data = grown;
		got = fread(text.data + text.length, 1, capacity - text.length, file);
		text.length += got;
	} while (got > 0 && text.length == capacity);
	fclose(file);
	return text;
}

/* ---- ours ---- */

bool bench_setting_make(const char *snapshot, struct bench_setting *ret)
{
	struct bench_setting made = { 0 };
	struct bench_text text = bench_read_file(snapshot);
	int r = -1;
	if (text.data)
		r = gpupt_inventory_parse(text.data, text.length, snapshot, &made.inventory, NULL);
	free(text.data);
	for (int i = 0; i < 3; i++)
		made.wishes[i] = gpupt_request_new();
	if (r < 0 || !made.wishes[0] || !made.wishes[1] || !made.wishes[2] ||
	    gpupt_request_add_device(made.wishes[0], "gpu", NULL) < 0) {
		bench_setting_clear(&made);
		return false;
	}
	gpupt_request_set_hole(made.wishes[1], GPUPT_HOLE_SIZE, (uint64_t)256 << 30);
	gpupt_request_set_force(made.wishes[1], true);
	gpupt_request_set_hole(made.wishes[2], GPUPT_HOLE_KEEP, 0);
	*ret = made;
	return true;
}

bool bench_setting_know(struct bench_setting *setting, const char *firmware, const char *kernel)
{
	bool known = true;
	for (int i = 0; i < 3; i++)
		known &= (!firmware ||
			  gpupt_request_set_firmware(setting->wishes[i], firmware, NULL) == 0) &&
			 (!kernel ||
			  gpupt_request_set_guest_kernel(setting->wishes[i], kernel, NULL) == 0);
	return known;
}

void bench_setting_clear(struct bench_setting *setting)
{
	for (int i = 0; i < 3; i++)
		gpupt_request_free(setting->wishes[i]);
	gpupt_inventory_free(setting->inventory);
}

bool bench_choose_wish(struct bench_text *text, const struct bench_setting *setting)
{
	struct gpupt_domain *domain = NULL;
	if (gpupt_domain_parse(text->data, text->length, text->name, &domain, NULL) < 0)
		return false;
	bool can_be = false;
	for (text->wish = -1; !can_be && ++text->wish < 3;) {
		struct gpupt_plan *plan = NULL;
		can_be = gpupt_plan_make(domain, setting->inventory, setting->wishes[text->wish],
					 &plan, NULL) == 0 &&
			 gpupt_plan_get_verdict(plan) != GPUPT_VERDICT_NO_FIT;
		gpupt_plan_free(plan);
	}
	gpupt_domain_free(domain);
	return can_be;
}

/* Ends a stage: notes how long it took, if anybody asks, since a look at the clock takes
 * as long as freeing a plan does. */
static void end_stage(double *stages_us, int stage, double *since)
{
	if (!stages_us)
		return;
	double now = bench_now_us();
	stages_us[stage] = now - *since;
	*since = now;
}

int bench_ours(const struct bench_text *text, const struct bench_setting *setting,
	       double stages_us[BENCH_STAGES])
{
	const struct gpupt_diff_options options = { "a/vm.xml", "b/vm.xml", 3, true };
	const struct gpupt_request *wish = setting->wishes[text->wish];
	struct gpupt_domain *domain = NULL;
	struct gpupt_plan *plan = NULL;
	char *new_text = NULL, *diff = NULL;
	size_t new_length, diff_length, edits;
	double since = stages_us ? bench_now_us() : 0;
	int r = gpupt_domain_parse(text->data, text->length, text->name, &domain, NULL);
	end_stage(stages_us, BENCH_PARSE, &since);
	if (r == 0)
		r = gpupt_plan_make(domain, setting->inventory, wish, &plan, NULL);
	end_stage(stages_us, BENCH_PLAN, &since);
	if (r == 0)
		r = gpupt_plan_apply(plan, domain, &new_text, &new_length, NULL);
	end_stage(stages_us, BENCH_APPLY, &since);
	if (r == 0)
		r = gpupt_diff(text->data, text->length, new_text, new_length, &options, &diff,
			       &diff_length, NULL, NULL);
	end_stage(stages_us, BENCH_DIFF, &since);
	if (r < 0)
		abort();
	gpupt_plan_get_edits(plan, &edits);
	free(diff);
	free(new_text);
	gpupt_plan_free(plan);
	gpupt_domain_free(domain);
	end_stage(stages_us, BENCH_FREE, &since);
	return (int)edits;
}

bool bench_tree(const struct bench_text *text)
{
	xmlDocPtr document = xmlReadMemory(text->data, (int)text->length, text->name, NULL,
					   XML_PARSE_NONET | XML_PARSE_NOERROR |
					   XML_PARSE_NOWARNING | XML_PARSE_HUGE);
	bool made = document != NULL;
	xmlFreeDoc(document);
	return made;
}

/* ---- numbers ---- */

double bench_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(double *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), compare);
	return count ? samples[count / 2] : 0;
}
