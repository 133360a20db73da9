/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lets every single allocation of the main job fail, one after the other and all from
 * one on: the call has to fail then, with its out parameters untouched, or to give
 * exactly what it gives otherwise. nomem DOMAIN...
 *
 * malloc() and its kin are the program's own, in front of glibc's. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlerror.h>

#include <gpupt/gpupt.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static size_t allocations; /* since it was set to 0 */
static size_t fail_at;     /* the one that fails, counted from 1; 0: none */
static int fail_all;       /* ... and all behind it */

static int fails(void)
{
	allocations++;
	int now = fail_at && (allocations == fail_at || (fail_all && allocations > fail_at));
	if (now)
		errno = ENOMEM;
	return now;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

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

static int main_job(const char *text, size_t length, const struct wish *wish,
		    struct result *result, struct gpupt_error **error)
{
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *card = NULL, *both = NULL;
	int r = gpupt_domain_parse(text, length, "vm.xml", &domain, error);
	if (r == 0)
		r = gpupt_inventory_assume(NULL, "0000:08:00.0=10de:1b39", &card, error);
	if (r == 0)
		r = gpupt_inventory_assume(card, "0000:09:00.0=10de:2330", &both, error);
	if (r == 0)
		r = plan_all(domain, both, wish, result, error);
	gpupt_inventory_free(both);
	gpupt_inventory_free(card);
	gpupt_domain_free(domain);
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
static size_t let_fail(const char *text, size_t length, const struct wish *wish, int all)
{
	struct result expected = { 0 };
	struct gpupt_error *error = NULL;
	size_t wrong = 0;
	fail_at = 0;
	allocations = 0;
	int expected_status = main_job(text, length, wish, &expected, &error);
	gpupt_error_free(error);
	size_t total = allocations;
	for (size_t n = 1; n <= total; n++) {
		struct result result = { 0 };
		error = NULL;
		allocations = 0;
		fail_all = all;
		fail_at = n;
		int r = main_job(text, length, wish, &result, &error);
		fail_at = 0;
		bool ok = r == GPUPT_E_NOMEM || (r == expected_status &&
						 same_result(&result, &expected));
		if (!ok) {
			printf("%s: allocation %zu of %zu%s: %s: %s\n", wish->name, n, total,
			       all ? " and all behind it" : "",
			       r < 0 ? gpupt_status_name((enum gpupt_status)r) :
			       what_differs(&result, &expected),
			       r < 0 && error ? gpupt_error_get_message(error) : "");
			wrong++;
		}
		gpupt_error_free(error);
		clear(&result);
	}
	clear(&expected);
	return wrong;
}

static void say_nothing(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

int main(int argc, char **argv)
{
	static const struct wish wishes[] = {
		{ .name = "exchanged", .add = "10de:2330", .remove = "08:00.0" },
		{ .name = "one slot", .add = "gpu", .multifunction = true },
		{ .name = "given", .policy = GPUPT_HOLE_SIZE },
		{ .name = "cured", .add = "gpu", .allow = "fwcfg", .forbid = "hole,hotplug" },
	};
	static char text[1 << 20];
	size_t wrong = 0;
	/* libxml2 tells the world that it has no memory for a parser */
	xmlSetGenericErrorFunc(NULL, say_nothing);
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		size_t length = fread(text, 1, sizeof(text), file);
		fclose(file);
		for (size_t w = 0; w < sizeof(wishes) / sizeof(wishes[0]); w++)
			for (int all = 0; all < (w == 0 ? 2 : 1); all++)
				wrong += let_fail(text, length, &wishes[w], all);
	}
	printf("%zu wrong\n", wrong);
	return wrong > 0;
}
