/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_MMIO_OVMF_H
#define GPUPT_MMIO_OVMF_H

/* What ovmf-place.c, edk2's PciBusDxe, asks of ovmf-allocate.c, its PciHostBridgeDxe: for
 * these two only. */

#include "mmio/model.h"

/* Kinds of addresses: I/O ports, below 4 GiB, above. */
enum tree { IO, MEM, PREF, N_TREES };

/* What a root bus asks for of one kind, all in one block, and what it gets. */
struct gpupt_ovmf_request {
	bool wanted;
	uint64_t length, align;
	/* the host bridge's own: */
	bool asked, ok;
	uint64_t base;
	uint64_t asked_align; /* the last time */
};

/* Tries to fulfil one root bus's requests, again and again as others are rejected; `free`
 * is what there is of each kind. *ret_all is left where all are fulfilled, else false. 0 or
 * GPUPT_E_NOMEM. */
int gpupt_ovmf_allocate(struct gpupt_space free[N_TREES],
			struct gpupt_ovmf_request *requests[N_TREES], bool *ret_all);

#endif
