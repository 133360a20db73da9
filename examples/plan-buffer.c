/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans from two buffers, a domain XML and a host's snapshot, and prints the diff:
 *   cc plan-buffer.c $(pkg-config --cflags --libs gpupt) -o plan-buffer
 *   ./plan-buffer z-k8s-n-1.xml hosts/p10.json */

#include <stdio.h>
#include <stdlib.h>

#include <gpupt/gpupt.h>

/* Enough for an example; a real program has its own buffers. */
static size_t read_file(const char *path, char *buffer, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length = file ? fread(buffer, 1, size, file) : 0;
	if (file)
		fclose(file);
	return length;
}

static int print_diff(const struct gpupt_domain *domain, const struct gpupt_plan *plan,
		      struct gpupt_error **error)
{
	struct gpupt_diff_options options = { "a/vm.xml", "b/vm.xml", 3, true };
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(plan);
	char *text, *diff, size[GPUPT_SIZE_TEXT_MAX];
	size_t old_length, length, diff_length;
	const char *old = gpupt_domain_get_text(domain, &old_length);
	int r = gpupt_plan_apply(plan, domain, &text, &length, error);
	if (r < 0)
		return r;
	r = gpupt_diff(old, old_length, text, length, &options, &diff, &diff_length, NULL, error);
	if (r == 0) {
		fwrite(diff, 1, diff_length, stdout);
		free(diff);
	}
	free(text);
	fprintf(stderr, "verdict: %s, hole: %s\n",
		gpupt_verdict_name(gpupt_plan_get_verdict(plan)),
		gpupt_size_format(hole->planned, size));
	return r;
}

int main(int argc, char **argv)
{
	static char xml[1 << 20], json[1 << 20];
	struct gpupt_domain *domain = NULL;
	struct gpupt_inventory *inventory = NULL;
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	if (argc != 3 || !request)
		return 2;
	size_t xml_length = read_file(argv[1], xml, sizeof(xml));
	size_t json_length = read_file(argv[2], json, sizeof(json));

	int r = gpupt_domain_parse(xml, xml_length, argv[1], &domain, &error);
	if (r == 0)
		r = gpupt_inventory_parse(json, json_length, argv[2], &inventory, &error);
	if (r == 0)
		r = gpupt_plan_make(domain, inventory, request, &plan, &error);
	if (r == 0)
		r = print_diff(domain, plan, &error);
	if (r < 0)
		fprintf(stderr, "%s\n", gpupt_error_get_message(error));

	gpupt_error_free(error);
	gpupt_plan_free(plan);
	gpupt_request_free(request);
	gpupt_inventory_free(inventory);
	gpupt_domain_free(domain);
	return r < 0;
}
