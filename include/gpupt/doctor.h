/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOCTOR_H
#define GPUPT_DOCTOR_H

/**
 * @file
 * What keeps a host from handing its devices to guests, and what to do about it.
 *
 * A checkup only reads, and needs no privileges. Each of its checks tells what it
 * saw, what it found wrong, and what it could not look at.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gpupt/domain.h>
#include <gpupt/error.h>
#include <gpupt/inventory.h>
#include <gpupt/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is looked at. All zero: the devices only, nothing but what the inventory
 *  records. Since 0.1. */
struct gpupt_checkup_options {
	/** A directory laid out as /sys, with "proc" in it or beside it, and "usr" and
	 *  "var" beside that. Links in it are not followed. NULL: no files are read. */
	const char *sysfs;
	/** Why there is no inventory, where there is none. May be NULL. */
	const char *inventory_problem;
	/** The guest whose devices and memory it is about; NULL: display controllers,
	 *  accelerators and whatever else has a large BAR. */
	const struct gpupt_domain *domain;
	unsigned int libvirt_version; /**< as virConnectGetLibVersion() says; 0: unknown */
	unsigned int qemu_version;    /**< as virConnectGetVersion() says; 0: unknown */
	/** How much memory the guest's QEMU may lock where nobody raises the limit for
	 *  it, as under qemu:///session; 0: libvirt raises it. */
	uint64_t lock_limit_bytes;
};

/** One thing that was looked into. Since 0.1. */
struct gpupt_check {
	const char *name;   /**< "bars", "iommu", ...; the same in every version */
	const char *seen;   /**< what there is; NULL where nothing could be examined */
	const char *unseen; /**< what was not examined, and why; NULL: all was */
	const struct gpupt_finding *findings; /**< most serious first */
	size_t n_findings;
};

/** Returns the check's result in a word: "error", "warning" or "note", the worst that
 *  was found; where nothing was, "ok", "partly" (some of it was not examined) or
 *  "unknown" (nothing was). Since 0.1. */
const char *gpupt_check_get_result(const struct gpupt_check *check);

/** The outcome: immutable, independent of what it was made from. */
struct gpupt_checkup;

/**
 * Looks at a host. What cannot be read is no error: the checks tell.
 * @param inventory  the host's devices; NULL where they could not be read
 * @param options    may be NULL
 * @return 0, GPUPT_E_NOT_FOUND or GPUPT_E_IO (options->sysfs cannot be opened),
 *         GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_checkup_make(const struct gpupt_inventory *inventory,
		       const struct gpupt_checkup_options *options, struct gpupt_checkup **ret,
		       struct gpupt_error **error);

/** Frees @p checkup. NULL is fine. Since 0.1. */
void gpupt_checkup_free(struct gpupt_checkup *checkup);

/** Returns the checks, always the same ones in the same order. Since 0.1. */
const struct gpupt_check *gpupt_checkup_get_checks(const struct gpupt_checkup *checkup,
						   size_t *ret_count);

/** Returns the devices looked at, ordered by address. Since 0.1. */
const struct gpupt_pci_address *gpupt_checkup_get_devices(const struct gpupt_checkup *checkup,
							  size_t *ret_count);

/** Returns a line about the host: maker, model, kernel, distribution, as far as they
 *  are known; "" where nothing is. Since 0.1. */
const char *gpupt_checkup_get_host(const struct gpupt_checkup *checkup);

/** Writes the checkup as JSON; *ret_text is freed with free(). Since 0.1. */
int gpupt_checkup_to_json(const struct gpupt_checkup *checkup, char **ret_text,
			  size_t *ret_length, struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
