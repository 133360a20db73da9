/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_PARSE_H
#define GPUPT_DOMAIN_PARSE_H

/* Shared by parse.c (libxml2's events become elements with spans) and facts.c
 * (elements become facts). */

#include <libxml/parser.h>

#include "base/str.h"
#include "domain/domain.h"

/* What an open element means: its place in the domain's grammar. */
enum gpupt_context {
	CTX_IGNORED, /* nothing in it is a fact */
	CTX_FOREIGN, /* not libvirt's, either: metadata, foreign namespaces */
	CTX_DOCUMENT,
	CTX_DOMAIN,
	CTX_METADATA,
	CTX_LIBOSINFO,
	CTX_LIBOSINFO_OS,
	CTX_NAME,
	CTX_UUID,
	CTX_MEMORY,
	CTX_MAX_MEMORY,
	CTX_MEMORY_BACKING,
	CTX_HUGEPAGES,
	CTX_HUGEPAGE,
	CTX_MEMTUNE,
	CTX_HARD_LIMIT,
	CTX_SYSINFO,
	CTX_SYSINFO_ENTRY,
	CTX_OS,
	CTX_OS_TYPE,
	CTX_OS_LOADER,
	CTX_OS_NVRAM,
	CTX_OS_KERNEL,
	CTX_OS_CMDLINE,
	CTX_CPU,
	CTX_CPU_MODEL,
	CTX_CPU_VENDOR,
	CTX_CPU_FEATURE,
	CTX_NUMA,
	CTX_NUMA_CELL,
	CTX_MAXPHYSADDR,
	CTX_DEVICES,
	CTX_EMULATOR,
	CTX_QEMU_COMMANDLINE,
	CTX_QEMU_ARG,
	CTX_QEMU_OVERRIDE,
	CTX_QEMU_DEVICE,
	CTX_QEMU_FRONTEND,
	CTX_QEMU_PROPERTY,
	CTX_CONTROLLER, /* type='pci' */
	CTX_CONTROLLER_HOLE,
	CTX_CONTROLLER_TARGET,
	CTX_CONTROLLER_ADDRESS,
	CTX_HOSTDEV,
	CTX_HOSTDEV_SOURCE,
	CTX_HOSTDEV_SOURCE_ADDRESS,
	CTX_HOSTDEV_ADDRESS,
	CTX_HOSTDEV_ROM,
	CTX_HOSTDEV_ALIAS,
	CTX_OTHER, /* any other device */
	CTX_OTHER_MODEL,
	CTX_OTHER_TARGET,
	CTX_OTHER_TARGET_SIZE,
	CTX_OTHER_SIZE,
	CTX_OTHER_ADDRESS,
	CTX_OTHER_ROM,
	CTX_OTHER_SOURCE,
	CTX_OTHER_SOURCE_ADDRESS,
};

/* The attributes of a start tag, as libxml2's SAX2 hands them over. */
struct gpupt_attributes {
	const xmlChar **items;
	int count;
};

struct gpupt_parser {
	struct gpupt_domain *domain;
	struct gpupt_str text;     /* text of the innermost element that wants it */
	const char *unit;          /* its unit attribute */
	bool no_memory;
};

/* ---- attributes.c */

/* The value of an attribute without a namespace, copied; NULL when absent. */
const char *gpupt_attribute(struct gpupt_parser *parser, const struct gpupt_attributes *attributes,
			    const char *name);
/* An unsigned number in C's notation, as libvirt's virXMLPropUInt() with base 0;
 * false when absent, no number, or past max. */
bool gpupt_attribute_number(const struct gpupt_attributes *attributes, const char *name,
			    uint64_t max, uint64_t *ret);
/* A number of KiB in bytes; 0 when absent. */
uint64_t gpupt_attribute_kib(const struct gpupt_attributes *attributes, const char *name);
/* on or yes, anything else, or absent. */
enum gpupt_tristate gpupt_attribute_switch(const struct gpupt_attributes *attributes,
					   const char *name);
bool gpupt_attribute_is(const struct gpupt_attributes *attributes, const char *name,
			const char *expected);
/* domain=, bus=, slot= and function=; false when one is out of range or none is there. */
bool gpupt_attribute_pci_address(const struct gpupt_attributes *attributes,
				 struct gpupt_pci_address *ret);

/* ---- facts-devices.c: the same for the children of <devices> */

/* The newest of a list of facts; NULL when there is none. */
#define GPUPT_LAST(items, count) ((count) ? &(items)[(count)-1] : NULL)

enum gpupt_context gpupt_facts_enter_device(struct gpupt_parser *parser, const char *name,
					    const struct gpupt_attributes *attributes);
void gpupt_facts_enter_controller_child(struct gpupt_parser *parser, enum gpupt_context inside,
					const struct gpupt_attributes *attributes);
void gpupt_facts_enter_hostdev_child(struct gpupt_parser *parser, enum gpupt_context inside,
				     const struct gpupt_attributes *attributes);
void gpupt_facts_enter_other_child(struct gpupt_parser *parser, enum gpupt_context inside,
				   const struct gpupt_attributes *attributes);
void gpupt_facts_leave_device(struct gpupt_parser *parser, enum gpupt_context context,
			      const char *name, const struct gpupt_element *element);

/* ---- strays.c */

/* Whether a name may be meant as "pcihole64", at a glance, since every element that is
 * no fact is asked: it begins with "pc", "pi" or "hole". */
static inline bool gpupt_stray_is_likely(const char *name)
{
	int first = *name | 0x20, second = first == 'p' || first == 'h' ? name[1] | 0x20 : 0;
	return (first == 'p' && (second == 'c' || second == 'i')) ||
	       (first == 'h' && second == 'o' && (name[2] | 0x20) == 'l');
}
/* An element that means nothing where it stands: kept if it is a <pcihole64>, or
 * looks like one. */
void gpupt_strays_note_element(struct gpupt_parser *parser, const char *name,
			       const struct gpupt_element *element,
			       const struct gpupt_element *parent);
/* <entry name=> of <sysinfo> begins, and ends. */
void gpupt_strays_enter_entry(struct gpupt_parser *parser,
			      const struct gpupt_attributes *attributes);
void gpupt_strays_leave_entry(struct gpupt_domain *domain, const struct gpupt_element *element);

/* <qemu:commandline> and the like with a prefix that is not declared. */
void gpupt_strays_note_prefix(struct gpupt_parser *parser, const char *prefix,
			      const struct gpupt_element *element,
			      const struct gpupt_element *parent);

/* ---- facts.c */

#define GPUPT_FACTS_NAME_MAX 64

/* What the grammar calls an element, perhaps in the buffer; NULL where nothing in it is a
 * fact. */
const char *gpupt_facts_name(const char *name, const char *prefix, const char *uri,
			     char buffer[GPUPT_FACTS_NAME_MAX]);

/* What the child `name` of an element of context `parent` means. The elements of
 * <devices> are told apart by their attributes, so this also starts a device. */
enum gpupt_context gpupt_facts_enter(struct gpupt_parser *parser, enum gpupt_context parent,
				     const char *name, const struct gpupt_attributes *attributes);
/* The element ends; `element` says where it stood. */
void gpupt_facts_leave(struct gpupt_parser *parser, enum gpupt_context context,
		       enum gpupt_context parent, const char *name,
		       const struct gpupt_element *element);
/* Whether the text inside such an element is a fact. */
bool gpupt_facts_wants_text(enum gpupt_context context);

#endif
