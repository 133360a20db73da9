/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <stdbool.h>

#include <gpupt/gpupt.h>

#include "apply-diff.h"
#include "domain/domain.h"

/* A wish, a domain and an inventory: a plan for them can be applied, says what it is
 * going to do, changes nothing but its edits, and leaves nothing to do the second time.
 *
 * The input: letters in the first line, one for each option (see make_request()), the
 * domain, a line "%%", and a snapshot or lspci text. Without the letters the domain is
 * planned for as it is; without an inventory the host has one GPU. */
struct input {
	const char *wish;
	size_t wish_length;
	struct gpupt_domain *domain;
	struct gpupt_inventory *inventory;
};

static bool read_input(const char *data, size_t size, struct input *ret)
{
	const char *newline = memchr(data, '\n', size);
	if (newline && !memchr(data, '<', (size_t)(newline - data))) {
		ret->wish = data;
		ret->wish_length = (size_t)(newline - data);
		size -= (size_t)(newline + 1 - data);
		data = newline + 1;
	}
	const char *middle = memmem(data, size, "\n%%\n", 4);
	size_t length = middle ? (size_t)(middle - data) + 1 : size;
	if (gpupt_domain_parse(data, length, "input", &ret->domain, NULL) < 0)
		return false;
	if (middle)
		return gpupt_inventory_parse(middle + 4, size - length - 3, "input",
					     &ret->inventory, NULL) == 0;
	FUZZ_CHECK(gpupt_inventory_assume(NULL, "0000:08:00.0=10de:2330", &ret->inventory,
					  NULL) == 0);
	return true;
}

static bool wishes(const struct input *input, char letter)
{
	return input->wish_length && memchr(input->wish, letter, input->wish_length);
}

/* again: what is gone cannot be removed once more, and what "gpu" means depends on what
 * is there. */
static struct gpupt_request *make_request(const struct input *input, bool again)
{
	struct gpupt_request *request = gpupt_request_new();
	struct gpupt_pci_address address = { .bus = 8 };
	FUZZ_CHECK(request);
	int r = 0;
	if (wishes(input, 'a'))
		r |= gpupt_request_add_device(request, "0000:08:00.0", NULL);
	if (wishes(input, 'g') && !again)
		r |= gpupt_request_add_device(request, "gpu", NULL);
	if (wishes(input, 'r') && !again)
		r |= gpupt_request_remove_device(request, "08:00.0", NULL);
	if (wishes(input, 'o'))
		r |= gpupt_request_add_other_user(request, address, "another", NULL);
	if (wishes(input, 'd'))
		r |= gpupt_request_set_firmware(request, "debian-12", NULL);
	if (wishes(input, 'c'))
		r |= gpupt_request_allow(request, "move,maxphysaddr,fwcfg,cmdline", NULL);
	if (wishes(input, 'n'))
		r |= gpupt_request_forbid(request, "hole,hotplug", NULL);
	FUZZ_CHECK(r == 0);
	gpupt_request_set_libvirt(request, wishes(input, 'v') ? 10003000 : 0);
	gpupt_request_set_hole(request, wishes(input, 'k') ? GPUPT_HOLE_KEEP :
			       wishes(input, 's') ? GPUPT_HOLE_SIZE : GPUPT_HOLE_AUTO,
			       (uint64_t)300 << 30);
	gpupt_request_set_rounding(request, wishes(input, 'w') ? GPUPT_ROUND_GIB :
				   GPUPT_ROUND_POWER_OF_TWO);
	gpupt_request_set_headroom(request, wishes(input, 'h') ? (uint64_t)40 << 30 : 0);
	gpupt_request_set_allow_shrink(request, wishes(input, 'z'));
	gpupt_request_set_force(request, wishes(input, 'f'));
	gpupt_request_set_siblings(request, !wishes(input, 'b'));
	gpupt_request_set_multifunction(request, wishes(input, 'm'));
	return request;
}

/* Everything outside of the edits is in the new text as it was. */
static void check_splice(const struct gpupt_plan *plan, const char *old_text, size_t old_length,
			 const char *new_text, size_t new_length)
{
	size_t count, old_at = 0, new_at = 0;
	const struct gpupt_edit *edits = gpupt_plan_get_edits(plan, &count);
	for (size_t i = 0; i < count; i++) {
		size_t kept = edits[i].offset - old_at;
		FUZZ_CHECK(edits[i].offset >= old_at && kept <= new_length - new_at);
		FUZZ_CHECK(memcmp(old_text + old_at, new_text + new_at, kept) == 0);
		old_at += kept + edits[i].length;
		new_at += kept + edits[i].replacement_length;
		FUZZ_CHECK(old_at <= old_length && new_at <= new_length);
	}
	FUZZ_CHECK(old_length - old_at == new_length - new_at);
	FUZZ_CHECK(memcmp(old_text + old_at, new_text + new_at, old_length - old_at) == 0);
}

static void check_diff(const char *old_text, size_t old_length, const char *new_text,
		       size_t new_length)
{
	struct gpupt_diff_options options = { "a/vm", "b/vm", 3, false };
	char *text = NULL;
	size_t length, applied_length = 0;
	FUZZ_CHECK(gpupt_diff(old_text, old_length, new_text, new_length, &options, &text,
			      &length, NULL, NULL) == 0);
	char *applied = apply_diff(old_text, old_length, text, length, &applied_length);
	FUZZ_CHECK(applied && applied_length == new_length);
	FUZZ_CHECK(memcmp(applied, new_text, new_length) == 0);
	free(applied);
	free(text);
}

/* The hole that the text has is the one that the plan says it leaves. */
static void check_hole(const struct gpupt_plan *plan, const struct gpupt_domain *domain)
{
	const struct gpupt_hole_numbers *numbers = gpupt_plan_get_hole(plan);
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	size_t n_steps;
	const struct gpupt_step *steps = gpupt_plan_get_steps(plan, &n_steps);
	for (size_t i = 0; i < n_steps; i++)
		if (steps[i].remedy == GPUPT_REMEDY_HOLE)
			FUZZ_CHECK(root && root->hole.valid && root->hole.bytes == numbers->planned);
}

static bool sits_at(const struct gpupt_hostdev *a, const struct gpupt_hostdev *b)
{
	/* without a source it is no device, and libvirt refuses the domain */
	return a->has_source && b->has_source && a->address.present && b->address.present &&
	       gpupt_pci_address_compare(a->address.pci, b->address.pci) == 0;
}

/* How many pairs of devices have one place in the guest. */
static size_t count_clashes(const struct gpupt_domain *domain)
{
	size_t clashes = 0;
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		for (size_t j = 0; j < i; j++)
			clashes += sits_at(&domain->hostdevs[i], &domain->hostdevs[j]);
	return clashes;
}

static void check_second(const char *text, size_t length, const struct gpupt_plan *first,
			 const struct input *input)
{
	struct gpupt_request *request = make_request(input, true);
	struct gpupt_domain *domain = NULL;
	struct gpupt_plan *plan = NULL;
	size_t count = 1;
	FUZZ_CHECK(gpupt_domain_parse(text, length, "output", &domain, NULL) == 0);
	FUZZ_CHECK(gpupt_plan_check(first, domain, NULL) == 0);
	check_hole(first, domain);
	FUZZ_CHECK(count_clashes(domain) <= count_clashes(input->domain));
	FUZZ_CHECK(gpupt_plan_make(domain, input->inventory, request, &plan, NULL) == 0);
	gpupt_plan_get_edits(plan, &count);
	FUZZ_CHECK(count == 0);
	gpupt_plan_free(plan);
	gpupt_domain_free(domain);
	gpupt_request_free(request);
}

static void check_plan(const struct gpupt_plan *plan, const struct input *input)
{
	char *text = NULL, *json = NULL;
	size_t length, old_length, json_length;
	const char *old_text = gpupt_domain_get_text(input->domain, &old_length);
	FUZZ_CHECK(gpupt_plan_apply(plan, input->domain, &text, &length, NULL) == 0);
	check_splice(plan, old_text, old_length, text, length);
	check_diff(old_text, old_length, text, length);
	if (gpupt_plan_get_status(plan) == 0) /* else nothing of the wish came true */
		check_second(text, length, plan, input);
	FUZZ_CHECK(gpupt_plan_to_json(plan, &json, &json_length, NULL) == 0);
	free(json);
	free(text);
}

static void plan_for(const struct input *input)
{
	struct gpupt_request *request = make_request(input, false);
	struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	int r = gpupt_plan_make(input->domain, input->inventory, request, &plan, &error);
	FUZZ_CHECK((r == 0) == (plan != NULL) && (r == 0) == (error == NULL));
	FUZZ_CHECK(r != GPUPT_E_INTERNAL);
	if (plan)
		check_plan(plan, input);
	gpupt_error_free(error);
	gpupt_plan_free(plan);
	gpupt_request_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { 0 };
	if (read_input((const char *)data, size, &input))
		plan_for(&input);
	gpupt_inventory_free(input.inventory);
	gpupt_domain_free(input.domain);
	return 0;
}
