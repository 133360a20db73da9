/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties that hold for every domain, checked over folders full of them in one
 * process. property OUT FILE...: writes edited texts to OUT for property.py to look at
 * with other people's tools, lists refused files on standard output as "refused FILE:
 * MESSAGE", and complains on standard error.
 *
 *   no wish             the same bytes
 *   a device added      the diff has only the lines it cannot do without and leads to
 *                       what patch says; a second time changes nothing
 *   ... and removed     the hostdevs are as they were, to the byte
 *   hostdevs unknown    no hole is computed, an explicit one is written
 */

#include <stdio.h>

#include <gpupt/diff.h>

#include "apply-diff.h"
#include "plan/making.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_inventory, gpupt_inventory_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_plan, gpupt_plan_free)

static const char gpu[] = "0000:c8:00.0"; /* which no domain here has */
static const uint64_t size_given = 128 * GPUPT_GIB;

struct run {
	const char *out;  /* folder */
	const char *file; /* being looked at */
	size_t number, failures, checked, holes, needless;
	bool strange; /* a case of our own, made to be hard to edit by lines */
};

/* ---- texts */

struct text {
	char *data;
	size_t length;
};

static void clear_text(struct text *text)
{
	free(text->data);
	text->data = NULL;
}
#define AUTO_TEXT __attribute__((cleanup(clear_text)))

static bool same_text(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static struct text read_text(const char *path)
{
	struct text text = { NULL, 0 };
	FILE *file = fopen(path, "rb");
	if (file && fseek(file, 0, SEEK_END) == 0 && ftell(file) >= 0) {
		text.length = (size_t)ftell(file);
		text.data = malloc(text.length + 1);
		rewind(file);
		if (text.data && fread(text.data, 1, text.length, file) != text.length)
			clear_text(&text);
	}
	if (file)
		fclose(file);
	return text;
}

static void fail(struct run *run, const char *wish, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", run->file, wish, what);
	run->failures++;
}

/* ---- plans */

struct wish {
	const char *name;
	const char *add, *remove;
	enum gpupt_hole_policy policy;
	bool force;
	bool hole_only; /* nothing is done about root ports */
	bool anything_else; /* all but hole and root ports */
};

static int make(const struct gpupt_domain *domain, const struct gpupt_inventory *inventory,
		const struct wish *wish, struct gpupt_plan **ret, struct gpupt_error **error)
{
	struct gpupt_request *request = gpupt_request_new();
	if (!request)
		return GPUPT_E_NOMEM;
	int r = 0;
	gpupt_request_set_hole(request, wish->policy, size_given);
	gpupt_request_set_force(request, wish->force);
	if (wish->hole_only)
		r = gpupt_request_forbid(request, "memreserve,hotplug", error);
	if (wish->anything_else)
		r = gpupt_request_forbid(request, "hole,memreserve,hotplug", error);
	if (r == 0 && wish->anything_else)
		r = gpupt_request_allow(request, "move,maxphysaddr,fwcfg,cmdline", error);
	if (r == 0 && wish->add)
		r = gpupt_request_add_device(request, wish->add, error);
	if (r == 0 && wish->remove)
		r = gpupt_request_remove_device(request, wish->remove, error);
	if (r == 0)
		r = gpupt_plan_make(domain, inventory, request, ret, error);
	gpupt_request_free(request);
	return r;
}

/* The new text, or none, with a complaint. */
static struct text carry_out(struct run *run, const struct gpupt_domain *domain,
			     const struct gpupt_plan *plan, const char *wish)
{
	struct text text = { NULL, 0 };
	struct gpupt_error *error = NULL;
	if (gpupt_plan_apply(plan, domain, &text.data, &text.length, &error) < 0)
		fail(run, wish, gpupt_error_get_message(error));
	gpupt_error_free(error);
	return text;
}

static struct gpupt_inventory *assume(const struct gpupt_inventory *base, const char *address)
{
	char assumption[64];
	struct gpupt_inventory *made = NULL;
	snprintf(assumption, sizeof(assumption), "%s=10de:1b39", address);
	return gpupt_inventory_assume(base, assumption, &made, NULL) < 0 ? NULL : made;
}

/* The GPU to add and, with `all`, the domain's hostdevs too. */
static struct gpupt_inventory *make_inventory(const struct gpupt_domain *domain, bool all)
{
	struct gpupt_inventory *inventory = assume(NULL, gpu);
	for (size_t i = 0; all && inventory && i < gpupt_domain_count_hostdevs(domain); i++) {
		struct gpupt_pci_address address;
		char text[GPUPT_PCI_ADDRESS_TEXT_MAX];
		if (!gpupt_domain_get_hostdev(domain, i, &address))
			continue;
		struct gpupt_inventory *more =
			assume(inventory, gpupt_pci_address_format(address, text));
		gpupt_inventory_free(inventory);
		inventory = more;
	}
	return inventory;
}

static bool has_gpu(const struct gpupt_domain *domain)
{
	struct gpupt_pci_address address, wanted;
	gpupt_pci_address_parse(gpu, &wanted, NULL);
	for (size_t i = 0; i < gpupt_domain_count_hostdevs(domain); i++)
		if (gpupt_domain_get_hostdev(domain, i, &address) &&
		    gpupt_pci_address_compare(address, wanted) == 0)
			return true;
	return false;
}

static bool has_hole_machine(const struct gpupt_domain *domain)
{
	return gpupt_domain_machine(domain) != GPUPT_MACHINE_OTHER;
}

/* Hostdevs that an inventory cannot have: those without a usable address. */
static bool all_have_sources(const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		if (!domain->hostdevs[i].has_source)
			return false;
	return true;
}

/* ---- diffs */

/* What remedies for root ports take: a line inside each, or three for a new one. */
static size_t lines_of_ports(const struct gpupt_domain *domain, const struct gpupt_plan *plan)
{
	size_t lines = 0;
	for (size_t i = 0; i < plan->n_ports; i++) {
		if (plan->ports[i].controller == GPUPT_NEW_PORT) {
			lines += 3;
			continue;
		}
		const struct gpupt_controller *controller =
			&domain->controllers[plan->ports[i].controller];
		lines += controller->target.whole.end ? 2 : controller->element.self_closing ? 4 : 1;
	}
	return lines;
}

/* Devices that the plan tells where to sit, each on a line. */
static size_t lines_of_addresses(const struct gpupt_plan *plan, const struct text *new)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *after = NULL;
	size_t lines = plan->n_addresses;
	if (gpupt_domain_parse(new->data, new->length, NULL, &after, NULL) < 0)
		return 0;
	for (size_t i = 0; i < after->n_hostdevs; i++)
		for (size_t j = 0; j < plan->n_added; j++)
			lines += after->hostdevs[i].address.present &&
				 gpupt_pci_address_compare(after->hostdevs[i].source,
							   plan->added[j]) == 0;
	return lines;
}

/* The lines a diff of this plan cannot do without, added and removed. */
static size_t necessary_lines(const struct gpupt_domain *domain, const struct gpupt_plan *plan,
			      const struct text *new)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
	size_t lines = 5 * plan->n_added + 5 * plan->n_removed + lines_of_ports(domain, plan) +
		       lines_of_addresses(plan, new);
	if (!domain->has_devices)
		lines += 2; /* <devices> */
	else if (domain->devices.self_closing)
		lines += 3;
	if (plan->writes_hole && !root)
		lines += 3;
	else if (plan->writes_hole && root->n_holes)
		lines += 2; /* out with the old */
	else if (plan->writes_hole)
		lines += root->element.self_closing ? 4 : 1;
	return lines;
}

static size_t changed_lines(const char *diff)
{
	size_t count = 0;
	for (const char *line = diff; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += (*line == '+' || *line == '-') && strncmp(line, "+++ ", 4) != 0 &&
			 strncmp(line, "--- ", 4) != 0;
	}
	return count;
}

static void check_diff(struct run *run, const struct wish *wish, const struct gpupt_domain *domain,
		       const struct gpupt_plan *plan, const struct text *old,
		       const struct text *new)
{
	const struct gpupt_diff_options options = { "a/vm.xml", "b/vm.xml", 3, false };
	AUTO_TEXT struct text diff = { NULL, 0 }, applied = { NULL, 0 };
	if (gpupt_diff(old->data, old->length, new->data, new->length, &options, &diff.data,
		       &diff.length, NULL, NULL) < 0) {
		fail(run, wish->name, "no diff");
		return;
	}
	applied.data = apply_diff(old->data, old->length, diff.data, diff.length,
				  &applied.length);
	if (!applied.data || !same_text(&applied, new))
		fail(run, wish->name, "the diff does not lead to what patch writes");
	size_t changed = changed_lines(diff.data), necessary = necessary_lines(domain, plan, new);
	if (run->strange || wish->anything_else || changed == necessary)
		return;
	fprintf(stderr, "%s: %s: %zu lines change, %zu have to\n%s", run->file, wish->name, changed,
		necessary, diff.data);
	run->needless += changed > necessary ? changed - necessary : 1;
	run->failures++;
}

/* For property.py: KIND-NUMBER.xml, and a line in the index of where it comes from. */
static void keep(struct run *run, const char *kind, const struct text *text)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s-%04zu.xml", run->out, kind, run->number);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(text->data, 1, text->length, file) != text->length ||
	    fclose(file) != 0) {
		perror(path);
		exit(1);
	}
	printf("wrote %s %s\n", path, run->file);
}

/* ---- the properties */

static void without_a_wish(struct run *run, const struct gpupt_domain *domain,
			   const struct text *old)
{
	const struct wish wish = { .name = "no wish", .policy = GPUPT_HOLE_KEEP };
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	struct gpupt_error *error = NULL;
	if (make(domain, NULL, &wish, &plan, &error) < 0) {
		fail(run, wish.name, gpupt_error_get_message(error));
		gpupt_error_free(error);
		return;
	}
	AUTO_TEXT struct text new = carry_out(run, domain, plan, wish.name);
	if (!new.data || !same_text(old, &new))
		fail(run, wish.name, "the text changes");
}

/* The same wish for what came of it: nothing is left to do. */
static void twice(struct run *run, const struct wish *wish, const struct gpupt_inventory *inventory,
		  const struct gpupt_domain *done)
{
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	size_t edits = 1;
	if (make(done, inventory, wish, &plan, NULL) < 0)
		fail(run, wish->name, "a second time fails");
	else if (gpupt_plan_get_edits(plan, &edits), edits)
		fail(run, wish->name, "a second time changes something");
}

/* Takes the GPU out of `done` again. */
static void and_back(struct run *run, const struct gpupt_inventory *inventory,
		     const struct gpupt_domain *done, const struct text *without)
{
	const struct wish wish = { .name = "and removed", .remove = gpu,
				   .policy = GPUPT_HOLE_KEEP, .hole_only = true };
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	if (make(done, inventory, &wish, &plan, NULL) < 0) {
		fail(run, wish.name, "fails");
		return;
	}
	AUTO_TEXT struct text back = carry_out(run, done, plan, wish.name);
	if (!back.data || !same_text(&back, without))
		fail(run, wish.name, "does not lead back");
}

/* What the domain is with the hole alone, for and_back(). */
static struct text hole_alone(struct run *run, const struct gpupt_domain *domain,
			      const struct gpupt_inventory *inventory, const struct text *old,
			      bool writes_hole)
{
	const struct wish wish = { .name = "hole alone", .policy = GPUPT_HOLE_SIZE, .force = true,
				   .hole_only = true };
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	struct text text = { NULL, 0 };
	if (!writes_hole) {
		text.data = malloc(old->length + 1);
		text.length = old->length;
		if (text.data)
			memcpy(text.data, old->data, old->length);
	} else if (make(domain, inventory, &wish, &plan, NULL) == 0) {
		text = carry_out(run, domain, plan, wish.name);
	}
	return text;
}

/* A domain that had no <devices>, or an empty one, keeps an empty one. */
static bool can_lead_back(const struct gpupt_domain *domain)
{
	return domain->has_devices && domain->first_device.whole.end;
}

static void with_a_wish(struct run *run, const struct wish *wish,
			const struct gpupt_inventory *inventory, const struct gpupt_domain *domain,
			const struct text *old)
{
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *done = NULL;
	struct gpupt_error *error = NULL;
	int r = make(domain, inventory, wish, &plan, &error);
	if (r < 0) {
		if (r != GPUPT_E_UNSUPPORTED || wish->policy == GPUPT_HOLE_KEEP)
			fail(run, wish->name, gpupt_error_get_message(error));
		gpupt_error_free(error);
		return;
	}
	AUTO_TEXT struct text new = carry_out(run, domain, plan, wish->name);
	if (!new.data)
		return;
	check_diff(run, wish, domain, plan, old, &new);
	run->checked++;
	run->holes += plan->writes_hole;
	if (gpupt_domain_parse(new.data, new.length, run->file, &done, NULL) < 0) {
		fail(run, wish->name, "the result does not parse");
		return;
	}
	twice(run, wish, inventory, done);
	keep(run, wish->name, &new);
	if (wish->policy != GPUPT_HOLE_SIZE || !plan->n_added || !can_lead_back(domain))
		return;
	AUTO_TEXT struct text without = hole_alone(run, domain, inventory, old, plan->writes_hole);
	if (without.data)
		and_back(run, inventory, done, &without);
}

/* With an inventory that lacks the domain's hostdevs. */
static void without_sizes(struct run *run, const struct gpupt_domain *domain)
{
	const struct wish computed = { .name = "unknown, computed" };
	const struct wish given = { .name = "unknown, given", .policy = GPUPT_HOLE_SIZE,
				    .force = true, .hole_only = true };
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *nothing =
		assume(NULL, "00ff:fe:1f.7");
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = NULL, *explicit = NULL;
	bool any = false;
	for (size_t i = 0; i < domain->n_hostdevs; i++)
		any |= domain->hostdevs[i].has_source;
	if (!any || !nothing || !has_hole_machine(domain))
		return;
	int r = make(domain, nothing, &computed, &plan, NULL);
	if (r == GPUPT_E_UNSUPPORTED)
		return; /* a root controller of the other machine */
	if (r < 0 || gpupt_plan_get_status(plan) != GPUPT_E_NOT_FOUND || plan->n_edits)
		fail(run, computed.name, "a hole is computed although a device is not known");
	if (make(domain, nothing, &given, &explicit, NULL) < 0 ||
	    gpupt_plan_get_status(explicit) < 0 || explicit->hole.planned != size_given)
		fail(run, given.name, "an explicit size is not taken");
}

static void check(struct run *run, const struct text *old)
{
	const struct wish wishes[] = {
		{ .name = "added", .add = gpu },
		{ .name = "size", .add = gpu, .policy = GPUPT_HOLE_SIZE, .force = true,
		  .hole_only = true },
		{ .name = "cured", .add = gpu, .anything_else = true },
		{ .name = "kept", .add = gpu, .policy = GPUPT_HOLE_KEEP, .hole_only = true },
	};
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_domain_parse(old->data, old->length, NULL, &domain, &error) < 0) {
		printf("refused %s: %s\n", run->file, gpupt_error_get_message(error));
		gpupt_error_free(error);
		return;
	}
	without_a_wish(run, domain, old);
	without_sizes(run, domain);
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory =
		make_inventory(domain, true);
	if (!inventory) {
		fail(run, "inventory", "cannot be made");
		return;
	}
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(wishes); i++)
		if ((!has_gpu(domain) || !wishes[i].add) && all_have_sources(domain))
			with_a_wish(run, &wishes[i], inventory, domain, old);
}

int main(int argc, char **argv)
{
	struct run run = { .out = argc > 1 ? argv[1] : "." };
	for (int i = 2; i < argc; i++) {
		AUTO_TEXT struct text text = read_text(argv[i]);
		if (!text.data) {
			perror(argv[i]);
			return 1;
		}
		run.file = argv[i];
		run.strange = strstr(argv[i], "/golden/");
		run.number++;
		check(&run, &text);
	}
	fprintf(stderr, "%zu files, %zu edited texts, %zu of them with a new hole, %zu needless "
		"lines, %zu failures\n", run.number, run.checked, run.holes, run.needless,
		run.failures);
	return run.failures > 0;
}
