/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lets every single allocation of the main job fail, one after the other and all from
 * one on: the call has to fail then, with its out parameters untouched, or to give
 * exactly what it gives otherwise. What was allocated meanwhile has to be free
 * again afterwards; failing-malloc.c keeps account.
 *   nomem DOMAIN SYSFS INVENTORY... */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlerror.h>

#include <gpupt/gpupt.h>

#include "failing-malloc.h"

/* ---- the main job */

struct result {
	char *text, *diff, *json, *snapshot;
	size_t text_length, diff_length, json_length, snapshot_length;
};

static void clear(struct result *result)
{
	free(result->text);
	free(result->diff);
	free(result->json);
	free(result->snapshot);
	*result = (struct result){ 0 };
}

/* One job: a domain planned for, or an inventory read. */
struct job {
	const char *name;
	const char *path;   /* of a copy of sysfs; else NULL */
	const char *text;   /* of a domain, or an inventory */
	size_t length;
	const struct wish *wish; /* for a domain; else NULL */
};

struct wish {
	const char *name, *add, *remove;
	enum gpupt_hole_policy policy;
	bool multifunction;
	const char *allow, *forbid;
};

static int make_request(const struct wish *wish, struct gpupt_request **ret,
			struct gpupt_error **error)
{
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_pci_address address = { .bus = 8 };
	if (!request)
		return GPUPT_E_NOMEM;
	gpupt_request_set_hole(request, wish->policy, (uint64_t)256 << 30);
	gpupt_request_set_multifunction(request, wish->multifunction);
	gpupt_request_set_force(request, true);
	int r = gpupt_request_set_firmware(request, "debian-12", error);
	if (r == 0 && wish->allow)
		r = gpupt_request_allow(request, wish->allow, error);
	if (r == 0 && wish->forbid)
		r = gpupt_request_forbid(request, wish->forbid, error);
	if (r == 0 && wish->add)
		r = gpupt_request_add_device(request, wish->add, error);
	if (r == 0 && wish->remove)
		r = gpupt_request_remove_device(request, wish->remove, error);
	if (r == 0)
		r = gpupt_request_add_other_user(request, address, "another", error);
	if (r < 0)
		gpupt_request_free(request);
	else
		*ret = request;
	return r;
}

static int use_plan(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
		    struct result *result, struct gpupt_error **error)
{
	const struct gpupt_diff_options options = { "a/x", "b/x", 3, true };
	size_t old_length;
	const char *old = gpupt_domain_get_text(domain, &old_length);
	int r = gpupt_plan_apply(plan, domain, &result->text, &result->text_length, error);
	if (r == 0)
		r = gpupt_diff(old, old_length, result->text, result->text_length, &options,
			       &result->diff, &result->diff_length, NULL, error);
	if (r == 0)
		r = gpupt_plan_to_json(plan, &result->json, &result->json_length, error);
	struct gpupt_domain *again = NULL;
	if (r == 0)
		r = gpupt_domain_parse(result->text, result->text_length, "again", &again, error);
	if (r == 0)
		r = gpupt_plan_check(plan, again, error);
	gpupt_domain_free(again);
	return r;
}

static int plan_all(const struct gpupt_domain *domain, const struct gpupt_inventory *inventory,
		    const struct wish *wish, struct result *result, struct gpupt_error **error)
{
	struct gpupt_request *request = NULL;
	struct gpupt_plan *plan = NULL;
	int r = make_request(wish, &request, error);
	if (r == 0)
		r = gpupt_plan_make(domain, inventory, request, &plan, error);
	if (r == 0)
		r = use_plan(plan, domain, result, error);
	if (r == 0)
		r = gpupt_inventory_write_snapshot(inventory, &result->snapshot,
						   &result->snapshot_length, error);
	gpupt_plan_free(plan);
	gpupt_request_free(request);
	return r;
}

static int plan_job(const struct job *job, struct result *result, struct gpupt_error **error)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *card = NULL, *both = NULL;
	int r = gpupt_domain_parse(job->text, job->length, "vm.xml", &domain, error);
	if (r == 0)
		r = gpupt_inventory_assume(NULL, "0000:08:00.0=10de:1b39", &card, error);
	if (r == 0)
		r = gpupt_inventory_assume(card, "0000:09:00.0=10de:2330", &both, error);
	if (r == 0)
		r = plan_all(domain, both, job->wish, result, error);
	gpupt_inventory_free(both);
	gpupt_inventory_free(card);
	gpupt_domain_free(domain);
	return r;
}

static int inventory_job(const struct job *job, struct result *result,
			 struct gpupt_error **error)
{
	struct gpupt_inventory *inventory = NULL;
	int r = job->path ? gpupt_inventory_read_sysfs(job->path, &inventory, error) :
			    gpupt_inventory_parse(job->text, job->length, "host", &inventory, error);
	if (r == 0)
		r = gpupt_inventory_write_snapshot(inventory, &result->snapshot,
						   &result->snapshot_length, error);
	gpupt_inventory_free(inventory);
	return r;
}

/* libxml2 keeps its last error, with copies of what it is about, until the next one. */
static int run(const struct job *job, struct result *result, struct gpupt_error **error)
{
	int r = job->wish ? plan_job(job, result, error) : inventory_job(job, result, error);
	xmlResetLastError();
	return r;
}

/* ---- failing */

static bool same(const char *a, size_t a_length, const char *b, size_t b_length)
{
	return a_length == b_length && (a == b || (a && b && memcmp(a, b, a_length) == 0));
}

static const char *what_differs(const struct result *a, const struct result *b)
{
	return !same(a->text, a->text_length, b->text, b->text_length) ? "another text" :
	       !same(a->diff, a->diff_length, b->diff, b->diff_length) ? "another diff" :
	       !same(a->json, a->json_length, b->json, b->json_length) ? "another plan" :
									 "another snapshot";
}

static bool same_result(const struct result *a, const struct result *b)
{
	return same(a->text, a->text_length, b->text, b->text_length) &&
	       same(a->diff, a->diff_length, b->diff, b->diff_length) &&
	       same(a->json, a->json_length, b->json, b->json_length) &&
	       same(a->snapshot, a->snapshot_length, b->snapshot, b->snapshot_length);
}

/* Returns how often something went wrong. */
static size_t let_fail(const struct job *job, bool all)
{
	struct result expected = { 0 };
	struct gpupt_error *error = NULL;
	size_t wrong = 0;
	failing_malloc_begin(0, false);
	int expected_status = run(job, &expected, &error);
	size_t total = failing_malloc_end();
	gpupt_error_free(error);
	for (size_t n = 1; n <= total; n++) {
		struct result result = { 0 };
		error = NULL;
		failing_malloc_begin(n, all);
		int r = run(job, &result, &error);
		failing_malloc_end();
		bool ok = r == GPUPT_E_NOMEM || (r == expected_status &&
						 same_result(&result, &expected));
		if (!ok) {
			printf("%s: allocation %zu of %zu%s: %s: %s\n", job->name, n, total,
			       all ? " and all behind it" : "",
			       r < 0 ? gpupt_status_name((enum gpupt_status)r) :
			       what_differs(&result, &expected),
			       r < 0 && error ? gpupt_error_get_message(error) : "");
			wrong++;
		}
		gpupt_error_free(error);
		clear(&result);
		wrong += failing_malloc_report(job->name);
	}
	clear(&expected);
	return wrong;
}

static void say_nothing(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static char *read_file(const char *path, size_t *ret_length)
{
	static const size_t room = 1 << 20;
	FILE *file = fopen(path, "rb");
	char *text = malloc(room);
	if (!file || !text) {
		perror(path);
		exit(1);
	}
	*ret_length = fread(text, 1, room, file);
	fclose(file);
	return text;
}

static size_t plan_for(const char *path)
{
	static const struct wish wishes[] = {
		{ .name = "exchanged", .add = "10de:2330", .remove = "08:00.0" },
		{ .name = "one slot", .add = "gpu", .multifunction = true },
		{ .name = "given", .policy = GPUPT_HOLE_SIZE },
		{ .name = "cured", .add = "gpu", .allow = "fwcfg", .forbid = "hole,hotplug" },
	};
	size_t wrong = 0, length;
	char *text = read_file(path, &length);
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		struct job job = { wishes[i].name, NULL, text, length, &wishes[i] };
		wrong += let_fail(&job, false);
		if (i == 0)
			wrong += let_fail(&job, true);
	}
	free(text);
	return wrong;
}

static size_t read_inventory(const char *path)
{
	size_t length;
	char *text = read_file(path, &length);
	struct job job = { path, NULL, text, length, NULL };
	size_t wrong = let_fail(&job, false) + let_fail(&job, true);
	free(text);
	return wrong;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: nomem DOMAIN SYSFS INVENTORY...\n", stderr);
		return 2;
	}
	/* libxml2 tells the world that it has no memory for a parser */
	xmlSetGenericErrorFunc(NULL, say_nothing);
	size_t wrong = plan_for(argv[1]);
	struct job sysfs = { "sysfs", argv[2], NULL, 0, NULL };
	wrong += let_fail(&sysfs, false) + let_fail(&sysfs, true);
	for (int i = 3; i < argc; i++)
		wrong += read_inventory(argv[i]);
	printf("%zu wrong\n", wrong);
	return wrong > 0;
}
