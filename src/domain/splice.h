/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_SPLICE_H
#define GPUPT_DOMAIN_SPLICE_H

/* Edits in the manner of the text around them, and putting them in. */

#include <gpupt/plan.h>

#include "base/arena.h"
#include "domain/domain.h"

/* One line of a new element, written with ' as the quote character. */
struct gpupt_line {
	unsigned int level; /* 0: the element itself, 1: its children */
	const char *text;
};

/* Makes an edit that adds an element to `parent`: behind its child `after`, or as
 * the last child where after is NULL or whole.end is 0 and `first` is false; as the
 * first child where `first` is true. `sibling` is the child whose manner is copied
 * (NULL or whole.end 0: the parent has none). 0 or GPUPT_E_NOMEM. */
int gpupt_edit_insert(const struct gpupt_domain *domain, struct gpupt_arena **arena,
		      const struct gpupt_element *parent, const struct gpupt_element *sibling,
		      const struct gpupt_element *after, bool first,
		      const struct gpupt_line *lines, size_t n_lines, struct gpupt_edit *ret);

/* Makes an edit that removes an element and the line it stands on alone. */
struct gpupt_edit gpupt_edit_remove(const struct gpupt_domain *domain,
				    const struct gpupt_element *element);

/* Makes an edit that puts `text` in place of an element, with the quote character
 * the element (or else its parent) uses. 0 or GPUPT_E_NOMEM. */
int gpupt_edit_replace(const struct gpupt_domain *domain, struct gpupt_arena **arena,
		       const struct gpupt_element *parent, const struct gpupt_element *element,
		       const char *text, struct gpupt_edit *ret);

/* The value of an attribute in the element's start tag, by the name in the text and without
 * its quotes; start == end == 0: it is not there. */
struct gpupt_span gpupt_attribute_span(const struct gpupt_domain *domain,
				       const struct gpupt_element *element, const char *name);

/* Makes an edit that gives an element's attribute a value, which needs no escaping;
 * one that is not there is added behind the others. 0 or GPUPT_E_NOMEM. */
int gpupt_edit_attribute(const struct gpupt_domain *domain, struct gpupt_arena **arena,
			 const struct gpupt_element *element, const char *name,
			 const char *value, struct gpupt_edit *ret);

/* Applies edits, which are sorted and disjoint; *ret_text is freed with free(). */
int gpupt_splice(const struct gpupt_domain *domain, const struct gpupt_edit *edits,
		 size_t n_edits, char **ret_text, size_t *ret_length,
		 struct gpupt_error **error);

#endif
