/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of an edited text has to be read again. Devices are most of a domain, or
 * <metadata> is, and the edits change few: all else is the bytes that were read before.
 * What the plan has facts of beside the devices is read, whatever is around them is, and
 * that they still stand where they stood is what their stand-ins show. */

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

int gpupt_excerpt_make(const struct gpupt_plan *plan, const struct gpupt_domain *old,
		       const char *text, size_t length, char **ret_text, size_t *ret_length,
		       struct gpupt_left_out *ret_left_out)
{
	static const char stand_in[] = "<?" GPUPT_LEFT_OUT "?>";
	const size_t stand_in_length = sizeof(stand_in) - 1;
	/* a stand-in may be longer than what it is for, "<tpm/>" */
	size_t elements = old->n_plain + old->n_controllers + old->n_hostdevs + old->n_others;
	char *excerpt = malloc(length + elements * stand_in_length + 1), *out = excerpt;
	if (!excerpt)
		return GPUPT_E_NOMEM;
	struct walk walk = { .domain = old };
	struct gpupt_left_out left_out = { 0 };
	size_t from = 0, edit = 0;
	size_t moved = 0; /* bytes; wraps around where the text became shorter */
	const struct gpupt_span *span;
	while ((span = next_span(&walk))) {
		if (gpupt_is_touched(plan, *span))
			continue;
		for (; edit < plan->n_edits && plan->edits[edit].offset <= span->start; edit++)
			moved += plan->edits[edit].replacement_length - plan->edits[edit].length;
		out = mempcpy(out, text + from, span->start + moved - from);
		out = mempcpy(out, stand_in, stand_in_length);
		from = span->end + moved;
		left_out.plain += walk.is_plain;
		left_out.devices += !walk.is_plain;
	}
	out = mempcpy(out, text + from, length - from);
	*out = '\0';
	*ret_text = excerpt;
	*ret_length = (size_t)(out - excerpt);
	*ret_left_out = left_out;
	return 0;
}
