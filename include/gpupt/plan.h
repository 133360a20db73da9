/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_H
#define GPUPT_PLAN_H

/**
 * @file
 * From a wish, a domain and an inventory to edits, a verdict and findings.
 *
 * ```
 *  request ──┐
 *  domain  ──┼─► plan: layout, hole, verdict, findings, edits ─► new text
 *  inventory ┘
 * ```
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gpupt/domain.h>
#include <gpupt/error.h>
#include <gpupt/firmware.h>
#include <gpupt/inventory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the user wants. Starts as: no device changes, hole size computed,
 *  rounded up to a power of two. */
struct gpupt_request;

/** How <pcihole64> is decided. Since 0.1. */
enum gpupt_hole_policy {
	GPUPT_HOLE_AUTO, /**< computed from the BARs */
	GPUPT_HOLE_KEEP, /**< stays as it is */
	GPUPT_HOLE_SIZE, /**< the size given */
};

/** How a computed hole is rounded. Since 0.1. */
enum gpupt_rounding {
	GPUPT_ROUND_POWER_OF_TWO,
	GPUPT_ROUND_GIB,
};

/** Makes an empty request; NULL when memory is short. Since 0.1. */
struct gpupt_request *gpupt_request_new(void);
/** Frees @p request. NULL is fine. Since 0.1. */
void gpupt_request_free(struct gpupt_request *request);

/** Adds a device selector (see gpupt_inventory_select()); resolved when the
 *  plan is made. @return 0 or GPUPT_E_NOMEM. Since 0.1. */
int gpupt_request_add_device(struct gpupt_request *request, const char *selector,
			     struct gpupt_error **error);
/** The inverse: the domain's hostdevs that @p selector means go. Since 0.1. */
int gpupt_request_remove_device(struct gpupt_request *request, const char *selector,
				struct gpupt_error **error);
/** Tells that another domain lists the device at @p address. Since 0.1. */
int gpupt_request_add_other_user(struct gpupt_request *request,
				 struct gpupt_pci_address address, const char *domain_name,
				 struct gpupt_error **error);
/** Decides about <pcihole64>; @p size_bytes only counts for GPUPT_HOLE_SIZE. Since 0.1. */
void gpupt_request_set_hole(struct gpupt_request *request, enum gpupt_hole_policy policy,
			    uint64_t size_bytes);
/** Power of two (default) or exact GiB. Since 0.1. */
void gpupt_request_set_rounding(struct gpupt_request *request, enum gpupt_rounding rounding);
/** Room to leave for devices plugged in later, behind all that the firmware and the
 *  kernel place; 0 by default. Since 0.1. */
void gpupt_request_set_headroom(struct gpupt_request *request, uint64_t size_bytes);
/** Lets the plan make an existing hole smaller: as small as is needed, or QEMU's own
 *  size where nothing is. Since 0.1. */
void gpupt_request_set_allow_shrink(struct gpupt_request *request, bool allow);
/** Overrides refusals: host in use, hole that does not fit. Since 0.1. */
void gpupt_request_set_force(struct gpupt_request *request, bool force);
/** Sibling functions of a device come along (default true). Since 0.1. */
void gpupt_request_set_siblings(struct gpupt_request *request, bool siblings);
/** Functions of one device get one guest slot, address written. Since 0.1. */
void gpupt_request_set_multifunction(struct gpupt_request *request, bool multifunction);

/**
 * Says which firmware the guest has, where the domain's text does not tell all:
 * "ovmf", "seabios", "edk2-stable202211", "seabios-1.16.3", or the distribution
 * both come from, such as "debian-12"; or, with a '/' in it, the path of a firmware
 * file, which is read now and taken for what it says of itself. NULL: not known.
 * @return 0, GPUPT_E_SYNTAX for a firmware that does not exist, GPUPT_E_NOMEM, and for
 *         a file what gpupt_firmware_identify() returns. Since 0.1.
 */
int gpupt_request_set_firmware(struct gpupt_request *request, const char *firmware,
			       struct gpupt_error **error);
/** The same for a file that was identified before: to look into one takes longer than a plan.
 *  @return 0 or GPUPT_E_NOMEM. Since 0.1. */
int gpupt_request_set_firmware_file(struct gpupt_request *request,
				    const struct gpupt_firmware *file, struct gpupt_error **error);
/** Returns the firmware file that @p domain names, where what it says of itself would
 *  matter: the host's distribution does not tell, or @p request says otherwise. For
 *  gpupt_inventory_read_firmware(), on the host of @p inventory. NULL where reading one
 *  would tell nothing new. Borrowed from @p domain. Since 0.1. */
const char *gpupt_request_firmware_file(const struct gpupt_request *request,
					const struct gpupt_domain *domain,
					const struct gpupt_inventory *inventory);
/** Says which Linux the guest runs, such as "6.12". NULL: not known.
 *  @return 0 or GPUPT_E_SYNTAX. Since 0.1. */
int gpupt_request_set_guest_kernel(struct gpupt_request *request, const char *version,
				   struct gpupt_error **error);

/** What a plan may do so that every BAR finds its place; from the least invasive to
 *  the most. The first three are allowed from the start. Since 0.1. */
enum gpupt_remedy {
	GPUPT_REMEDY_HOLE,        /**< <pcihole64> */
	GPUPT_REMEDY_MEMRESERVE,  /**< <target memReserve=> on a root port; libvirt 10.3 */
	GPUPT_REMEDY_HOTPLUG,     /**< <target hotplug='off'/> on a root port; libvirt 6.3 */
	GPUPT_REMEDY_MOVE,        /**< a device goes behind a root port of its own */
	GPUPT_REMEDY_MAXPHYSADDR, /**< <cpu><maxphysaddr>; libvirt 8.7 */
	GPUPT_REMEDY_FWCFG,       /**< OVMF's window, with <qemu:commandline> */
	GPUPT_REMEDY_CMDLINE,     /**< pci=realloc for the guest's kernel */
};

/** Returns "hole", "memreserve", ...; never NULL. Since 0.1. */
const char *gpupt_remedy_name(enum gpupt_remedy remedy);

/** Allows or forbids remedies: names with commas between them, as in
 *  "maxphysaddr,fwcfg". @return 0, GPUPT_E_SYNTAX for a name that does not exist,
 *  GPUPT_E_NOMEM. Since 0.1. */
int gpupt_request_allow(struct gpupt_request *request, const char *names,
			struct gpupt_error **error);
/** The inverse of gpupt_request_allow(). Since 0.1. */
int gpupt_request_forbid(struct gpupt_request *request, const char *names,
			 struct gpupt_error **error);
/** Tells which libvirt will read the text, as virConnectGetLibVersion() does:
 *  1000000 for each major, 1000 for each minor version. 0: not known, and then
 *  nothing that is newer than 6.3 is written unless allowed by name. Since 0.1. */
void gpupt_request_set_libvirt(struct gpupt_request *request, unsigned long version);

/** What the model says about the guest after the plan. Since 0.1. */
enum gpupt_verdict {
	/** Nothing to place: no passed-through function with memory BARs. */
	GPUPT_VERDICT_NOTHING,
	/** The firmware places every BAR. */
	GPUPT_VERDICT_FIRMWARE,
	/** The kernel places what the firmware leaves over. */
	GPUPT_VERDICT_KERNEL,
	/** Some BAR stays without an address, or the guest does not start, in some
	 *  possibility: the hole that is kept or forced is too small or too large,
	 *  or it alone is not all that the guest needs. The findings tell. */
	GPUPT_VERDICT_PARTIAL,
	/** No hole that QEMU would start with brings up every 64-bit BAR, or the
	 *  size asked for does not. Nothing is changed. */
	GPUPT_VERDICT_NO_FIT,
	/** Not computed (policy keep without an inventory, a device unknown). */
	GPUPT_VERDICT_UNKNOWN,
};

/** Returns "firmware", "kernel", ...; never NULL. Since 0.1. */
const char *gpupt_verdict_name(enum gpupt_verdict verdict);

/** How serious a finding is. Since 0.1. */
enum gpupt_severity {
	GPUPT_INFO,
	GPUPT_WARNING,
	GPUPT_ERROR,
};

/** Something odd about the domain, the host or the plan; see
 *  gpupt-xml-findings(7). Borrowed from the object it belongs to. Since 0.1. */
struct gpupt_finding {
	unsigned int number; /**< GPUPT-0012 is 12; never reused */
	enum gpupt_severity severity;
	const char *subject; /**< device address, element, ... */
	const char *text;    /**< one sentence */
	const char *remedy;  /**< what to do, or "" */
	size_t line;         /**< line in the domain XML, or 0 */
	size_t column;       /**< column, or 0 */
};

/** Who gives a BAR its guest address. Since 0.1. */
enum gpupt_placer {
	GPUPT_PLACED_BY_NOBODY,
	GPUPT_PLACED_BY_FIRMWARE,
	GPUPT_PLACED_BY_KERNEL,
};

/** One BAR of the guest as the plan leaves it. Since 0.1. */
struct gpupt_layout_bar {
	bool passed_through;           /**< false: one of the guest's own devices */
	struct gpupt_pci_address host; /**< valid when passed_through */
	const char *device;            /**< what has the BAR: "hostdev 0000:08:00.0" */
	unsigned int bar;              /**< index, GPUPT_BAR_ROM for the ROM */
	uint64_t size_bytes;
	bool mem64;
	bool prefetchable;
	enum gpupt_placer placed_by;
	uint64_t guest_address; /**< guest-physical; 0 when placed by nobody */
	const char *reason;     /**< why nobody places it; "" otherwise */
	const char *guest_path; /**< where in the guest its function is: slot and function
				 *   on the root bus and behind every bridge on the way,
				 *   "01.2/00.0"; behind an expander, its own comes first */
};

/** The numbers behind the size. Bytes; since 0.1. */
struct gpupt_hole_numbers {
	bool present;        /**< the domain had a <pcihole64> */
	uint64_t current;    /**< its value, or QEMU's default; where <qemu:commandline>
			      *   sets it, that one, since QEMU takes it */
	uint64_t planned;    /**< what the plan leaves the domain with */
	uint64_t minimum;    /**< smallest that works, to 1 GiB; 0: none is needed */
	uint64_t maximum;    /**< largest QEMU starts with */
	uint64_t hole_start; /**< guest-physical address where QEMU's hole starts */
	uint64_t bar_sum;    /**< sum of the 64-bit prefetchable BARs passed through */
	uint64_t largest_bar;
	uint64_t headroom;
	unsigned int phys_bits;
	bool phys_bits_assumed;
	uint64_t window_start; /**< start of the window the guest kernel gets */
	uint64_t window_end;
	uint64_t firmware_window_start; /**< the firmware's own 64-bit window */
	uint64_t firmware_window_end;
};

/** One possibility of what the guest runs on, where that is not known. Since 0.1. */
struct gpupt_possibility {
	const char *name; /**< "Debian 12, Linux up to 6.12" */
	bool booted;      /**< compared with boots; else read from source only */
	enum gpupt_verdict verdict; /**< with the planned hole */
	bool has_minimum;  /**< some hole gives every 64-bit BAR its place */
	uint64_t minimum;  /**< the smallest such, in bytes; 0: any */
};

/** What a part of the guest's physical address space is. May grow at its end.
 *  Since 0.1. */
enum gpupt_map_kind {
	GPUPT_MAP_RAM,
	GPUPT_MAP_HOTPLUG,         /**< kept for memory that is plugged in later */
	GPUPT_MAP_RESERVED,        /**< AMD's HyperTransport range */
	GPUPT_MAP_LOW_WINDOW,      /**< where the firmware puts BARs below 4 GiB */
	GPUPT_MAP_HOLE,            /**< what QEMU counts at its start: <pcihole64> from
				    *   where memory ends */
	GPUPT_MAP_KERNEL_WINDOW,   /**< 64-bit window that the guest kernel gets */
	GPUPT_MAP_FIRMWARE_WINDOW, /**< the firmware's own 64-bit window */
	GPUPT_MAP_BRIDGE_WINDOW,   /**< what a bridge passes on */
	GPUPT_MAP_BAR,
	GPUPT_MAP_BEYOND,          /**< past the guest's physical address width */
};

/** Returns "ram", "kernel-window", ...; never NULL. Since 0.1. */
const char *gpupt_map_kind_name(enum gpupt_map_kind kind);

/** Guest-physical addresses @p start to @p end, which is the first one past it.
 *  Since 0.1. */
struct gpupt_map_region {
	enum gpupt_map_kind kind;
	uint64_t start;
	uint64_t end;
	const char *label;  /**< what it is: "RAM above 4 GiB", "hostdev 0000:08:00.0" */
	unsigned int depth; /**< 0; 1 for what is on the root bus; one more behind every
			     *   bridge */
	const struct gpupt_layout_bar *bar; /**< NULL but for GPUPT_MAP_BAR */
};

/** One replacement of bytes in the domain's text. Since 0.1. */
struct gpupt_edit {
	size_t offset;
	size_t length;
	const char *replacement;
	size_t replacement_length;
};

/** One thing that the plan does, and why. Since 0.1. */
struct gpupt_step {
	enum gpupt_remedy remedy;
	const char *subject; /**< "pcihole64", "hostdev 0000:08:00.0", "cpu" */
	const char *text;    /**< what becomes of it */
	const char *reason;  /**< what it is good for */
	const char *cost;    /**< what it changes beside that; "" for nothing */
	const char *needs;   /**< the versions it takes; "" for any */
};

/** A plan: immutable, independent of the objects it was made from. */
struct gpupt_plan;

/**
 * Makes a plan. Nothing is written anywhere.
 *
 * A verdict of GPUPT_VERDICT_NO_FIT is a plan too: it has no edits and says why.
 *
 * @param inventory  NULL when none is at hand: enough for GPUPT_HOLE_KEEP and
 *                   GPUPT_HOLE_SIZE without device changes
 * @return 0, GPUPT_E_NOT_FOUND (a device to add or remove is not there),
 *         GPUPT_E_REFUSED (the host uses the device, the hole would shrink),
 *         GPUPT_E_UNSUPPORTED (a machine without pcihole64), GPUPT_E_SYNTAX (a
 *         selector), GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_plan_make(const struct gpupt_domain *domain, const struct gpupt_inventory *inventory,
		    const struct gpupt_request *request, struct gpupt_plan **ret,
		    struct gpupt_error **error);

/** Frees @p plan. NULL is fine. Since 0.1. */
void gpupt_plan_free(struct gpupt_plan *plan);

/** Returns 0, or why the plan cannot be carried out as asked: GPUPT_E_NO_FIT, or
 *  GPUPT_E_NOT_FOUND when a passed-through device is unknown and the hole was to
 *  be computed. Such a plan has no edits; its findings say why. Since 0.1. */
int gpupt_plan_get_status(const struct gpupt_plan *plan);
/** Returns the verdict. Since 0.1. */
enum gpupt_verdict gpupt_plan_get_verdict(const struct gpupt_plan *plan);
/** Returns the numbers behind the size; never NULL. Since 0.1. */
const struct gpupt_hole_numbers *gpupt_plan_get_hole(const struct gpupt_plan *plan);
/** Returns the findings, most serious first. Since 0.1. */
const struct gpupt_finding *gpupt_plan_get_findings(const struct gpupt_plan *plan,
						    size_t *ret_count);
/** Returns every memory BAR of the guest the model knows, in the possibility that
 *  is worst off. Since 0.1. */
const struct gpupt_layout_bar *gpupt_plan_get_layout(const struct gpupt_plan *plan,
						     size_t *ret_count);
/** Returns the guest's physical address space with the planned hole, sorted by
 *  start, then depth, in the possibility that gpupt_plan_get_layout() shows.
 *  Empty for machines without a PCI hole. Since 0.1. */
const struct gpupt_map_region *gpupt_plan_get_map(const struct gpupt_plan *plan,
						  size_t *ret_count);
/** Returns what was computed for each possibility of firmware, QEMU, guest kernel
 *  and CPU vendor; the plan holds in those whose verdict is firmware or kernel.
 *  @param ret_shown  receives which of them gpupt_plan_get_layout() shows; may be
 *                    NULL. Since 0.1. */
const struct gpupt_possibility *gpupt_plan_get_possibilities(const struct gpupt_plan *plan,
							     size_t *ret_count,
							     size_t *ret_shown);
/** Returns what the plan does beside adding and removing devices. Since 0.1. */
const struct gpupt_step *gpupt_plan_get_steps(const struct gpupt_plan *plan, size_t *ret_count);
/** Returns the edits, sorted and disjoint. Since 0.1. */
const struct gpupt_edit *gpupt_plan_get_edits(const struct gpupt_plan *plan, size_t *ret_count);

/**
 * Splices the plan's edits into @p domain's text, and checks that the result says
 * what the plan meant and nothing else: what the edits touch and what is around it
 * is parsed again, the rest is compared byte for byte.
 * @param domain  the very domain the plan was made from
 * @param ret_text  freed with free(); has a NUL byte after its end
 * @return 0, GPUPT_E_INTERNAL (the check failed), GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_plan_apply(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
		     char **ret_text, size_t *ret_length, struct gpupt_error **error);

/** Checks that @p domain (read back, say) says what the plan meant: hole size
 *  and passed-through devices. @return 0 or GPUPT_E_CONFLICT naming the
 *  difference. Since 0.1. */
int gpupt_plan_check(const struct gpupt_plan *plan, const struct gpupt_domain *domain,
		     struct gpupt_error **error);

/** Writes the plan as JSON; *ret_text is freed with free(). Since 0.1. */
int gpupt_plan_to_json(const struct gpupt_plan *plan, char **ret_text, size_t *ret_length,
		       struct gpupt_error **error);

/** Looks at the host half: BARs the host left unassigned, devices it uses.
 *  @param ret_findings  one allocation, freed with free(). Since 0.1. */
int gpupt_inventory_check(const struct gpupt_inventory *inventory,
			  struct gpupt_finding **ret_findings, size_t *ret_count,
			  struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
