/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_MAKING_H
#define GPUPT_PLAN_MAKING_H

/* A plan in the making, as it passes from file to file:
 *
 *   devices.c  which devices the guest will have   (wish + domain + inventory)
 *   slots.c    one guest slot for the functions of a card (--multifunction)
 *   guest.c    the guest as the model sees it      (machine, memory, CPU)
 *   topology.c which function sits behind which bridge
 *   hole.c     how large the hole has to be        (model + policy)
 *   edit.c     what to change in the text
 */

#include "domain/splice.h"
#include "mmio/mmio.h"
#include "plan/finding.h"
#include "plan/request.h"

/* A PCI device the guest will have. */
struct gpupt_wanted {
	struct gpupt_pci_address host;
	const struct gpupt_hostdev *existing;      /* NULL: the plan adds it */
	const struct gpupt_pci_function *function; /* NULL: not in the inventory */
	struct gpupt_guest_address guest;          /* where it sits, if said */
	bool writes_guest_address;                 /* --multifunction */
};

/* What a function of the model stands for. */
struct gpupt_guest_device {
	const char *label;
	const struct gpupt_wanted *wanted; /* NULL: one of the guest's own */
	const struct gpupt_element *element; /* in the domain, or NULL */
};

struct gpupt_plan {
	struct gpupt_arena *arena;
	int status;
	enum gpupt_verdict verdict;
	struct gpupt_hole_numbers hole;
	bool writes_hole;
	struct gpupt_findings findings;
	struct gpupt_layout_bar *layout;
	size_t n_layout;
	struct gpupt_edit *edits;
	size_t n_edits, c_edits;
	size_t n_controllers_added;
	struct gpupt_pci_address *added; /* hostdevs the edits add */
	size_t n_added;
	size_t c_added;
	struct gpupt_pci_address *removed;
	size_t n_removed, c_removed;
};

struct gpupt_making {
	const struct gpupt_domain *domain;
	const struct gpupt_inventory *inventory; /* may be NULL */
	const struct gpupt_request *request;
	struct gpupt_plan *plan;
	struct gpupt_error **error;
	enum gpupt_machine machine;

	struct gpupt_wanted *wanted; /* existing ones first, then added ones */
	size_t n_wanted, c_wanted;
	const struct gpupt_hostdev **removed;
	size_t n_removed, c_removed;
	bool device_unknown; /* a wanted device's BARs are not known */
	unsigned int first_new_port; /* controller index of the root ports to add */
	unsigned int n_new_ports;    /* for --multifunction */

	struct gpupt_mmio_guest guest;
	bool vendor_unknown;
	struct gpupt_mmio_function *functions;
	struct gpupt_guest_device *devices; /* devices[i] is what functions[i] is */
	size_t n_functions;
};

/* Each returns 0 or a negative status with *making->error set. */
int gpupt_make_devices(struct gpupt_making *making);
int gpupt_make_slots(struct gpupt_making *making);
int gpupt_make_guest(struct gpupt_making *making);
int gpupt_make_topology(struct gpupt_making *making);
int gpupt_make_hole(struct gpupt_making *making);
int gpupt_make_edits(struct gpupt_making *making);

/* The BARs QEMU gives one of the guest's own devices. Returns how many, at most
 * 7; class_code and bars are filled. 0 where it has none or is not on PCI. */
size_t gpupt_own_device_bars(const struct gpupt_device *device, enum gpupt_machine_kind machine,
			     uint32_t *ret_class, struct gpupt_mmio_bar *ret_bars);

#endif
