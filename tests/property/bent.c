/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Most of an edited text is not read again (excerpt.c), and what is has to show all that
 * reading the whole would: plans' edits are bent, at random but repeatably, and none may
 * pass that would not then.
 *   bent SEED TIMES SNAPSHOT FILE... */

#include <stdio.h>

#include "domain/splice.h"
#include "plan/check.h"

int gpupt_recheck_whole(const struct gpupt_plan *plan, const struct gpupt_domain *old,
			const char *text, size_t length, struct gpupt_error **error);

enum { MAX_EDITS = 64, MAX_BENDS = 3, MAX_CHANGE = 200 };

static struct {
	long plans, texts, passed, failures;
} count;

/* xorshift64 */
static uint64_t state;

static size_t random_below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return limit ? (size_t)(state >> 11) % limit : 0;
}

static char *read_file(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t size = 0;
	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		perror(path);
		exit(99);
	}
	fclose(file);
	*ret_length = strlen(text);
	return text;
}

/* ---- bending */

static const char *const pieces[] = {
	"</devices>", "<devices>", "</devices><devices>", "</controller>", "</domain>", "<domain>",
	"<!--", "-->", "<![CDATA[", "]]>", "<?gpupt?>", "<?gpupt ", "?>", "<x>", "</x>", "<disk/>",
	"<cpu/>", "<os/>", " ", "'", "\"", "0", "&amp;", "<source>", "</source>", "</hostdev>",
	"</target>", "<rom bar='off'/>", "<target hotplug='off'/>", "<interface type='hostdev'/>",
	"<controller type='pci' index='9' model='pcie-root-port'/>", "<qemu:commandline/>",
	"<hostdev type='pci'><source><address bus='0x09' slot='0' function='0'/></source></hostdev>",
	"<address type='pci' bus='0x01' slot='0x03' function='0'/>",
	"<pcihole64 unit='KiB'>1</pcihole64>", "</devices><memory>1</memory><devices>",
	"</devices><name>x</name><devices>", "</devices><metadata><devices>",
	"</devices></metadata><devices>", "</devices></domain><!--",
	"</devices><cpu><maxphysaddr mode='emulate' bits='40'/></cpu><devices>",
};

/* Mostly in front of a tag, where it may go unnoticed. */
static char *insert(const char *text)
{
	size_t at = random_below(strlen(text) + 1);
	if (random_below(2))
		at += strcspn(text + at, "<");
	char *bent;
	if (asprintf(&bent, "%.*s%s%s", (int)at, text, pieces[random_below(GPUPT_ARRAY_SIZE(pieces))],
		     text + at) < 0)
		abort();
	return bent;
}

static char *cut(const char *text)
{
	size_t at = random_below(strlen(text));
	size_t left = strlen(text) - at;
	char *bent;
	if (asprintf(&bent, "%.*s%s", (int)at, text,
		     text + at + 1 + random_below(left < 20 ? left : 20)) < 0)
		abort();
	return bent;
}

/* Edits stay in order. Where an edit may end at most: */
static size_t room_behind(const struct gpupt_plan *plan, size_t i, size_t length)
{
	return i + 1 < plan->n_edits ? plan->edits[i + 1].offset : length;
}

static void move(struct gpupt_plan *plan, size_t i, size_t length)
{
	struct gpupt_edit *edit = &plan->edits[i];
	size_t least = i ? plan->edits[i - 1].offset + plan->edits[i - 1].length : 0;
	edit->offset = least + random_below(room_behind(plan, i, length) - edit->length - least + 1);
}

/* Bends one edit; returns its new text where it has one, which is the caller's. */
static char *bend(struct gpupt_plan *plan, size_t length)
{
	size_t i = random_below(plan->n_edits);
	struct gpupt_edit *edit = &plan->edits[i];
	size_t how = random_below(10), most = room_behind(plan, i, length) - edit->offset;
	char *text = NULL;
	if (how < 6 || !edit->replacement_length)
		text = insert(edit->replacement);
	else if (how < 8)
		text = cut(edit->replacement);
	else if (how < 9)
		move(plan, i, length);
	else
		edit->length = random_below(most < MAX_CHANGE ? most + 1 : MAX_CHANGE);
	if (text) {
		edit->replacement = text;
		edit->replacement_length = strlen(text);
	}
	return text;
}

/* ---- the two checks */

static void compare(const char *file, const struct gpupt_plan *plan,
		    const struct gpupt_domain *domain, bool as_planned)
{
	char *text;
	size_t length;
	if (gpupt_splice(domain, plan->edits, plan->n_edits, &text, &length, NULL) < 0)
		abort();
	bool part = gpupt_recheck(plan, domain, text, length, NULL) == 0;
	bool whole = gpupt_recheck_whole(plan, domain, text, length, NULL) == 0;
	if ((part && !whole) || (as_planned && !part)) {
		printf("%s: %s:\n%s\n", file, part ? "refused when all of it is read, else not" :
		       "refused, and as it was planned", text);
		count.failures++;
	}
	count.texts++;
	count.passed += part;
	free(text);
}

static void bend_plan(const char *file, struct gpupt_plan *plan,
		      const struct gpupt_domain *domain, size_t length, long times)
{
	struct gpupt_edit edits[MAX_EDITS];
	if (!plan->n_edits || plan->n_edits > MAX_EDITS)
		return;
	count.plans++;
	memcpy(edits, plan->edits, plan->n_edits * sizeof(*edits));
	compare(file, plan, domain, true);
	while (times-- > 0) {
		char *texts[MAX_BENDS];
		size_t bends = 1 + random_below(MAX_BENDS);
		for (size_t i = 0; i < bends; i++)
			texts[i] = bend(plan, length);
		compare(file, plan, domain, false);
		for (size_t i = 0; i < bends; i++)
			free(texts[i]);
		memcpy(plan->edits, edits, plan->n_edits * sizeof(*edits));
	}
}

/* ---- wishes */

static const struct wish {
	const char *add, *remove;
	bool hole;
} wishes[] = {
	{ "gpu", NULL, false },
	{ "08:00.0", NULL, true },
	{ NULL, "08:00.0", true },
	{ NULL, NULL, true },
};

static struct gpupt_request *make_request(const struct wish *wish)
{
	struct gpupt_request *request = gpupt_request_new();
	if (wish->hole) {
		gpupt_request_set_hole(request, GPUPT_HOLE_SIZE, 256 * GPUPT_GIB);
		gpupt_request_set_force(request, true);
	}
	if ((wish->add && gpupt_request_add_device(request, wish->add, NULL) < 0) ||
	    (wish->remove && gpupt_request_remove_device(request, wish->remove, NULL) < 0) ||
	    gpupt_request_set_firmware(request, "debian-12", NULL) < 0)
		abort();
	return request;
}

static void try_file(const char *file, const struct gpupt_inventory *inventory, long times)
{
	size_t length;
	char *text = read_file(file, &length);
	struct gpupt_domain *domain = NULL;
	bool usable = gpupt_domain_parse(text, length, file, &domain, NULL) == 0;
	for (size_t i = 0; usable && i < GPUPT_ARRAY_SIZE(wishes); i++) {
		struct gpupt_request *request = make_request(&wishes[i]);
		struct gpupt_plan *plan = NULL;
		if (gpupt_plan_make(domain, inventory, request, &plan, NULL) == 0)
			bend_plan(file, plan, domain, length, times);
		gpupt_plan_free(plan);
		gpupt_request_free(request);
	}
	gpupt_domain_free(domain);
	free(text);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 99;
	state = strtoull(argv[1], NULL, 10) + 1;
	size_t length;
	char *text = read_file(argv[3], &length);
	struct gpupt_inventory *inventory;
	if (gpupt_inventory_parse(text, length, argv[3], &inventory, NULL) < 0)
		return 99;
	for (int i = 4; i < argc; i++)
		try_file(argv[i], inventory, strtol(argv[2], NULL, 10));
	gpupt_inventory_free(inventory);
	free(text);
	printf("%ld plans, %ld texts, %ld of them pass, %ld wrongly judged\n", count.plans,
	       count.texts, count.passed, count.failures);
	return count.failures || count.passed == count.texts || count.passed <= count.plans;
}
