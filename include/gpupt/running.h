/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_RUNNING_H
#define GPUPT_RUNNING_H

/**
 * @file
 * What is seen of a running guest, and how that compares with what was planned.
 *
 * gpupt_guest_inspect() (gpupt/connection.h) looks; gpupt_running_check() judges.
 * A program that asks QEMU by itself may fill the structures too.
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

/** What is known of a BAR's address in the guest. Since 0.1. */
enum gpupt_sight {
	GPUPT_SIGHT_NONE,       /**< nothing: QEMU maps no BAR of the function at all,
				 *   because none has an address or because nothing in
				 *   the guest has switched the function on */
	GPUPT_SIGHT_ASSIGNED,   /**< it has one */
	GPUPT_SIGHT_UNASSIGNED, /**< it has none */
};

/** Returns "unknown", "assigned" or "unassigned"; never NULL. Since 0.1. */
const char *gpupt_sight_name(enum gpupt_sight sight);

/** A BAR of the running guest. Since 0.1. */
struct gpupt_seen_bar {
	uint64_t size_bytes; /**< 0: there is no such BAR */
	bool io;             /**< I/O ports, not memory */
	bool mem64;
	bool prefetchable;
	enum gpupt_sight sight;
	uint64_t guest_address; /**< guest-physical, where assigned */
};

/** A PCI function of the running guest. Since 0.1. */
struct gpupt_seen_function {
	const char *id; /**< QEMU's name for it: "hostdev0"; "" where it has none */
	bool passed_through;
	struct gpupt_pci_address host;  /**< valid when passed_through */
	bool found;                     /**< QEMU reports it; else only the XML does */
	struct gpupt_pci_address guest; /**< where the guest sees it, once it was found */
	const char *path; /**< slot and function on the root bus and behind every bridge on
			   *   the way: "01.2/00.0" */
	bool asked_guest; /**< the sight is the guest kernel's, not QEMU's */
	struct gpupt_seen_bar bars[GPUPT_BAR_COUNT];
};

/** Bits: in what a running guest differs from its definition. Since 0.1. */
enum gpupt_difference {
	GPUPT_DIFFERS_HOLE = 1,        /**< <pcihole64> */
	GPUPT_DIFFERS_CONTROLLERS = 2, /**< root ports and other PCI controllers */
	GPUPT_DIFFERS_HOSTDEVS = 4,    /**< what is passed through, and where to */
	GPUPT_DIFFERS_ADDRESS_WIDTH = 8, /**< <maxphysaddr> */
	GPUPT_DIFFERS_COMMANDLINE = 16,  /**< <qemu:commandline> */
};

/** What was seen of a running guest. Since 0.1. */
struct gpupt_running {
	const struct gpupt_domain *domain; /**< as it runs */
	unsigned int differences; /**< from what it starts with next time: 0, or bits of
				   *   enum gpupt_difference */
	/** Why QEMU's view is not known; NULL: functions is what it said. */
	const char *qemu_trouble;
	const struct gpupt_seen_function *functions; /**< passed-through ones first */
	size_t n_functions;
	bool asked_agent;          /**< the guest agent was to be asked */
	const char *agent_trouble; /**< what of that did not work; NULL: all did */
	const char *const *messages; /**< the guest kernel's, about BARs without address */
	size_t n_messages;
	const char *const *gpus; /**< what nvidia-smi in the guest lists */
	size_t n_gpus;
};

/** Whether a running guest has what was planned for. Since 0.1. */
enum gpupt_state {
	GPUPT_STATE_ASSIGNED,   /**< every memory BAR passed through has an address */
	GPUPT_STATE_UNASSIGNED, /**< at least one has none */
	GPUPT_STATE_UNKNOWN,    /**< not all was seen, and nothing bad */
};

/** Returns "assigned", "unassigned" or "unknown"; never NULL. Since 0.1. */
const char *gpupt_state_name(enum gpupt_state state);

/**
 * Judges what was seen. Expansion ROMs and I/O ports do not count: a guest uses the
 * former rarely and drivers do without the latter.
 * @param plan  one made of running->domain, whose addresses are compared; may be NULL
 * @param ret_findings  one allocation, freed with free()
 * @return 0 or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_running_check(const struct gpupt_running *running, const struct gpupt_plan *plan,
			enum gpupt_state *ret_state, struct gpupt_finding **ret_findings,
			size_t *ret_count, struct gpupt_error **error);

/** Returns what the plan says of a BAR of the function, or NULL. @p plan may be
 *  NULL. Valid until gpupt_plan_free(). Since 0.1. */
const struct gpupt_layout_bar *gpupt_running_predicted(const struct gpupt_plan *plan,
						       const struct gpupt_seen_function *function,
						       unsigned int bar);

#ifdef __cplusplus
}
#endif

#endif
