/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libvirt drops without a word, or refuses, and what somebody meant something
 * by: kept for the findings. */

#include "domain/parse.h"

#include <ctype.h>

#include "base/arena.h"
#include "base/near.h"
#include "base/util.h"

#define HOLE "pcihole64"

enum { NEAR = 2 }; /* letters; no name that libvirt has is so near */

static struct gpupt_stray *add(struct gpupt_parser *parser, enum gpupt_stray_kind kind,
			       const char *name, const char *parent)
{
	struct gpupt_domain *domain = parser->domain;
	if (!name || !parent || !GPUPT_GROW(domain->strays, domain->n_strays, domain->c_strays)) {
		parser->no_memory = true;
		return NULL;
	}
	struct gpupt_stray *stray = &domain->strays[domain->n_strays++];
	*stray = (struct gpupt_stray){ .kind = kind, .name = name, .parent = parent };
	return stray;
}

/* "PciHole64", "pci-hole64-size", "pcihole64KiB", "hole64", "pcihol64". */
static bool looks_like_hole(const char *name)
{
	char plain[GPUPT_NEAR_MAX + 1];
	size_t length = 0;
	for (const char *p = name; *p; p++) {
		if (*p == '-' || *p == '_' || *p == '.')
			continue;
		if (length == GPUPT_NEAR_MAX)
			return false;
		plain[length++] = (char)tolower((unsigned char)*p);
	}
	plain[length] = '\0';
	return strncmp(plain, "pcihole", strlen("pcihole")) == 0 ||
	       strncmp(plain, "pci64hole", strlen("pci64hole")) == 0 ||
	       strcmp(plain, "hole64") == 0 || gpupt_edit_distance(plain, HOLE) <= NEAR;
}

/* The name in a start tag. */
static const char *name_of(struct gpupt_parser *parser, const struct gpupt_element *element)
{
	struct gpupt_domain *domain = parser->domain;
	const char *name = domain->text + element->start_tag.start + 1;
	return gpupt_arena_copy(&domain->arena, name, strcspn(name, " \t\r\n/>"));
}

void gpupt_strays_note_element(struct gpupt_parser *parser, const char *name,
			       const struct gpupt_element *element,
			       const struct gpupt_element *parent)
{
	bool exact = strcmp(name, HOLE) == 0;
	if (!exact && !looks_like_hole(name))
		return;
	struct gpupt_stray *stray = add(parser, exact ? GPUPT_STRAY_HOLE : GPUPT_STRAY_NAME,
					name_of(parser, element), name_of(parser, parent));
	if (stray)
		stray->element = *element;
}

void gpupt_strays_note_prefix(struct gpupt_parser *parser, const char *prefix,
			      const struct gpupt_element *element,
			      const struct gpupt_element *parent)
{
	struct gpupt_stray *stray =
		gpupt_is(prefix, "qemu") ? add(parser, GPUPT_STRAY_PREFIX, name_of(parser, element),
					       name_of(parser, parent)) : NULL;
	if (stray)
		stray->element = *element;
}

void gpupt_strays_enter_entry(struct gpupt_parser *parser,
			      const struct gpupt_attributes *attributes)
{
	const char *name = gpupt_attribute(parser, attributes, "name");
	add(parser, GPUPT_STRAY_FW_CFG, name ? name : "", "sysinfo");
}

void gpupt_strays_leave_entry(struct gpupt_domain *domain, const struct gpupt_element *element)
{
	for (size_t i = domain->n_strays; i-- > 0;) {
		struct gpupt_stray *stray = &domain->strays[i];
		if (stray->kind != GPUPT_STRAY_FW_CFG || stray->element.whole.end)
			continue;
		stray->element = *element;
		return;
	}
}
