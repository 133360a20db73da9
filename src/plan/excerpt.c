/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of an edited text has to be read again. Devices are most of a domain, or
 * <metadata> is, and the edits change few: all else is the bytes that were read before.
 * What the plan has facts of beside the devices is read, whatever is around them is, and
 * that they still stand where they stood is what their stand-ins show, one for as many as
 * follow each other. */

#include "plan/check.h"

bool gpupt_is_touched(const struct gpupt_plan *plan, struct gpupt_span span)
{
	size_t low = 0, high = plan->n_edits;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct gpupt_edit *edit = &plan->edits[middle];
		if (edit->offset + edit->length > span.start)
			high = middle;
		else
			low = middle + 1;
	}
	return low < plan->n_edits && plan->edits[low].offset < span.end;
}

/* Where the walk over the elements is: each list is in the text's order. */
struct walk {
	const struct gpupt_domain *domain;
	size_t plain, controller, hostdev, other;
	bool is_plain; /* the last one was */
};

static const struct gpupt_span *earlier(const struct gpupt_span *a, const struct gpupt_span *b)
{
	return !b || (a && a->start < b->start) ? a : b;
}

/* The next one that may be left out; NULL at the end. */
static const struct gpupt_span *next_span(struct walk *walk)
{
	const struct gpupt_domain *domain = walk->domain;
	const struct gpupt_span *plain =
		walk->plain < domain->n_plain ? &domain->plain[walk->plain] : NULL;
	const struct gpupt_span *controller =
		walk->controller < domain->n_controllers ?
			&domain->controllers[walk->controller].element.whole : NULL;
	const struct gpupt_span *hostdev = walk->hostdev < domain->n_hostdevs ?
			&domain->hostdevs[walk->hostdev].element.whole : NULL;
	const struct gpupt_span *other = walk->other < domain->n_others ?
			&domain->others[walk->other].element.whole : NULL;
	const struct gpupt_span *next =
		earlier(earlier(plain, controller), earlier(hostdev, other));
	walk->is_plain = next && next == plain;
	walk->plain += walk->is_plain;
	walk->controller += next && next == controller;
	walk->hostdev += next && next == hostdev;
	walk->other += next && next == other;
	return next;
}

static bool is_blank(const char *text, size_t start, size_t end)
{
	while (start < end && (text[start] == ' ' || text[start] == '\n' || text[start] == '\t' ||
			       text[start] == '\r'))
		start++;
	return start == end;
}

/* Whether all edits are inside of <devices>, so that all around it may be left out. What
 * passes for a stand-in in the text already might be there, too. */
static bool changes_devices_only(const struct gpupt_plan *plan, const struct gpupt_domain *old)
{
	const struct gpupt_edit *last = plan->n_edits ? &plan->edits[plan->n_edits - 1] : NULL;
	return last && old->has_devices && !old->left_out.plain && !old->left_out.devices &&
	       plan->edits[0].offset >= old->devices.start_tag.end &&
	       last->offset + last->length <= old->devices.end_tag;
}

static const char stand_in[] = "<?" GPUPT_LEFT_OUT "?>";

struct excerpt {
	const char *text; /* the spliced one */
	char *out;
	size_t from; /* up to here the text is in the excerpt, or left out */
};

static void take(struct excerpt *excerpt, size_t to)
{
	excerpt->out = mempcpy(excerpt->out, excerpt->text + excerpt->from, to - excerpt->from);
}

static void leave_out(struct excerpt *excerpt, size_t start, size_t end)
{
	take(excerpt, start);
	excerpt->out = mempcpy(excerpt->out, stand_in, strlen(stand_in));
	excerpt->from = end;
}

/* Those elements between the offsets of the old text that no edit touches. */
static void leave_out_elements(struct excerpt *excerpt, const struct gpupt_plan *plan,
			       const struct gpupt_domain *old, struct gpupt_span within,
			       struct gpupt_left_out *left_out)
{
	struct walk walk = { .domain = old };
	size_t edit = 0;
	size_t moved = 0; /* bytes; wraps around where the text became shorter */
	const struct gpupt_span *span;
	while ((span = next_span(&walk)) && span->start < within.end) {
		if (span->start < within.start || gpupt_is_read(plan, *span))
			continue;
		for (; edit < plan->n_edits && plan->edits[edit].offset <= span->start; edit++)
			moved += plan->edits[edit].replacement_length - plan->edits[edit].length;
		size_t start = span->start + moved, end = span->end + moved;
		if (is_blank(excerpt->text, excerpt->from, start)) {
			excerpt->from = end;
			continue;
		}
		leave_out(excerpt, start, end);
		left_out->plain += walk.is_plain;
		left_out->devices += !walk.is_plain;
	}
}

int gpupt_excerpt_make(const struct gpupt_plan *plan, const struct gpupt_domain *old,
		       const char *text, size_t length, char **ret_text, size_t *ret_length,
		       struct gpupt_left_out *ret_left_out)
{
	/* a stand-in may be longer than what it is for, "<tpm/>" */
	size_t most = 2 + old->n_plain + old->n_controllers + old->n_hostdevs + old->n_others;
	char *start = malloc(length + most * strlen(stand_in) + 1);
	if (!start)
		return GPUPT_E_NOMEM;
	struct gpupt_left_out left_out = { .around = changes_devices_only(plan, old) };
	struct excerpt excerpt = { .text = text, .out = start };
	struct gpupt_span within = { 0, old->length };
	if (left_out.around) {
		within = old->devices.whole;
		leave_out(&excerpt, old->root.start_tag.end, within.start);
	}
	leave_out_elements(&excerpt, plan, old, within, &left_out);
	if (left_out.around) {
		size_t moved = length - old->length;
		leave_out(&excerpt, within.end + moved, old->root.end_tag + moved);
		left_out.plain = 2;
	}
	take(&excerpt, length);
	*excerpt.out = '\0';
	*ret_text = start;
	*ret_length = (size_t)(excerpt.out - start);
	*ret_left_out = left_out;
	return 0;
}
