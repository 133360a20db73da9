/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_CHECK_H
#define GPUPT_PLAN_CHECK_H

/* What the two checks of a plan share: recheck.c, of the text that was spliced, and
 * check.c, of what libvirt made of it. */

#include "plan/making.h"

static inline bool gpupt_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The position of an address in an ordered list; count: it is not there. */
size_t gpupt_find_address(const struct gpupt_pci_address *list, size_t count,
			  struct gpupt_pci_address address);
bool gpupt_port_is_as_planned(const struct gpupt_port *port,
			      const struct gpupt_controller *controller);
/* Whether the domain asks for a hole of that size. */
bool gpupt_hole_is(const struct gpupt_domain *domain, uint64_t bytes);

/* Whether the spliced text says what the plan meant and nothing else; if not,
 * GPUPT_E_INTERNAL. */
int gpupt_recheck(const struct gpupt_plan *plan, const struct gpupt_domain *old, const char *text,
		  size_t length, struct gpupt_error **error);

/* ---- excerpt.c */

/* Whether an edit changes something in the bytes of an element. */
bool gpupt_is_touched(const struct gpupt_plan *plan, struct gpupt_span span);

/* Whether an element of the old text is in the excerpt of the new one. */
static inline bool gpupt_is_read(const struct gpupt_plan *plan, struct gpupt_span span)
{
	return gpupt_is_touched(plan, span);
}

/* The spliced text, but for devices and what is no fact where no edit touches it, and for
 * all that is around <devices> if nothing there is touched: in the place of each run is a processing instruction, GPUPT_LEFT_OUT. *ret_text is freed with free(). 0 or
 * GPUPT_E_NOMEM. */
int gpupt_excerpt_make(const struct gpupt_plan *plan, const struct gpupt_domain *old,
		       const char *text, size_t length, char **ret_text, size_t *ret_length,
		       struct gpupt_left_out *ret_left_out);

#endif
