/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_H
#define GPUPT_DOMAIN_H

/**
 * @file
 * What a libvirt domain XML says, with the bytes it says it in.
 */

#include <stdbool.h>
#include <stddef.h>

#include <gpupt/error.h>
#include <gpupt/inventory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest document accepted, in bytes. Since 0.1. */
#define GPUPT_DOMAIN_MAX_BYTES ((size_t)128 << 20)
/** Deepest nesting of elements accepted. Since 0.1. */
#define GPUPT_DOMAIN_MAX_DEPTH 256
/** Most attributes of one element accepted. Since 0.1. */
#define GPUPT_DOMAIN_MAX_ATTRIBUTES 4096

/** A parsed domain: immutable, owns a copy of its text. */
struct gpupt_domain;

/**
 * Parses a domain XML in one pass: no network, no entities beyond XML's five,
 * no DOCTYPE, UTF-8 only.
 *
 * @param text    the document; need not end in a NUL byte
 * @param length  its length in bytes
 * @param name    what messages call it (a file name); may be NULL
 * @return 0, GPUPT_E_SYNTAX (not well-formed), GPUPT_E_UNSUPPORTED (no
 *         <domain>, DOCTYPE, another encoding), GPUPT_E_LIMIT,
 *         GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_domain_parse(const char *text, size_t length, const char *name,
		       struct gpupt_domain **ret, struct gpupt_error **error);

/** Frees @p domain. NULL is fine. Since 0.1. */
void gpupt_domain_free(struct gpupt_domain *domain);

/** Returns the guest's name, or NULL; valid until gpupt_domain_free(). Since 0.1. */
const char *gpupt_domain_get_name(const struct gpupt_domain *domain);

/** Returns the guest's UUID as written, or NULL; valid until
 *  gpupt_domain_free(). Since 0.1. */
const char *gpupt_domain_get_uuid(const struct gpupt_domain *domain);

/** Returns the text that was parsed, valid until gpupt_domain_free().
 *  @param ret_length  receives its length; may be NULL. Since 0.1. */
const char *gpupt_domain_get_text(const struct gpupt_domain *domain, size_t *ret_length);

/** Returns how many PCI functions of the host the domain passes through, as
 *  hostdevs or as interfaces. Since 0.1. */
size_t gpupt_domain_count_hostdevs(const struct gpupt_domain *domain);

/** Tells which function of the host passed-through device @p i is, counted from 0.
 *  @return false past the end and where the XML names no usable address; then
 *          @p ret_address is untouched. Since 0.1. */
bool gpupt_domain_get_hostdev(const struct gpupt_domain *domain, size_t i,
			      struct gpupt_pci_address *ret_address);

#ifdef __cplusplus
}
#endif

#endif
