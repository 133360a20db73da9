/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_REHEARSE_H
#define GPUPT_REHEARSE_REHEARSE_H

/* A planned guest, booted without its devices: QEMU with the same machine, firmware,
 * CPU, memory and PCI tree, where emulated functions with BARs of the same sizes stand
 * in for the passed-through ones. What comes of the BARs is read from QEMU.
 *
 *   standin.c   which emulated function stands in for which
 *   firmware.c  the firmware's files
 *   payload.c   the smallest guest there is, where no kernel is given
 *   machine.c   QEMU's arguments
 *   process.c   the process and its end; monitor.c what is said to it
 *   look.c      where the BARs are
 *   judge.c     what that means for the plan
 *
 * Nothing is written to any file system: what QEMU needs as a file is one in memory. */

#include <gpupt/plan.h>

#include "plan/planned.h"

struct gpupt_rehearsal_options {
	const char *emulator; /* NULL: the domain's, else a usual one */
	const char *kernel;   /* NULL: only what the firmware does is seen */
	const char *initrd;   /* may be NULL with a kernel too */
	const char *noreserve; /* a library to preload where QEMU maps much memory; or NULL */
	unsigned int timeout_seconds; /* for each boot */
};

enum gpupt_rehearsal_verdict {
	GPUPT_REHEARSAL_AS_PLANNED,
	GPUPT_REHEARSAL_ASSIGNED,  /* elsewhere, but only the 32-bit windows differ */
	GPUPT_REHEARSAL_ELSEWHERE,
	GPUPT_REHEARSAL_AFTER_ALL, /* the plan gives it no address, the guest did */
	GPUPT_REHEARSAL_MISSING,   /* it has no address */
	GPUPT_REHEARSAL_NOT_PLANNED, /* nor has the plan one, and no kernel was seen to try */
	GPUPT_REHEARSAL_NOT_SEEN_KERNEL,   /* the plan leaves it to the kernel; none was given */
	GPUPT_REHEARSAL_NOT_SEEN_STANDIN,  /* nothing emulated has it, or is treated alike */
};

/* "as planned", "not assigned", ... */
const char *gpupt_rehearsal_verdict_name(enum gpupt_rehearsal_verdict verdict);

struct gpupt_rehearsal_bar {
	const struct gpupt_layout_bar *planned; /* the plan's; which device, which BAR */
	enum gpupt_placer placed_by;            /* in the possibility that comes closest */
	uint64_t planned_address;               /* 0: none */
	uint64_t seen_address;                  /* 0: none, or not seen */
	enum gpupt_rehearsal_verdict verdict;
};

struct gpupt_rehearsal {
	struct gpupt_rehearsal_bar *bars; /* one for each of the plan's layout */
	size_t n_bars;
	char *refusal; /* QEMU's message where it does not start; then nothing was seen */
	size_t world;  /* the possibility that comes closest to what was seen */
	char *emulator;
	char *firmware; /* NULL: QEMU's own SeaBIOS */
	bool no_boot; /* the firmware then programs no PCI device, the boot disk included */
	unsigned int qemu_version; /* 702 */
	unsigned int boots;
};

/* Boots a guest as the plan leaves it, twice where no stand-in has all BARs of a
 * device. The plan has to outlive the rehearsal.
 * @param ret_signal  the signal that interrupted it (GPUPT_E_CONFLICT), else 0; the
 *                    process is stopped and waited for in any case
 * @return 0, GPUPT_E_UNSUPPORTED (a guest that cannot be imitated), GPUPT_E_NOT_FOUND
 *         (emulator, firmware or kernel), GPUPT_E_IO, GPUPT_E_LIMIT (it took too long),
 *         GPUPT_E_CONFLICT, GPUPT_E_NOMEM */
int gpupt_rehearse(const struct gpupt_plan *plan, const struct gpupt_rehearsal_options *options,
		   struct gpupt_rehearsal **ret, int *ret_signal, struct gpupt_error **error);
void gpupt_rehearsal_free(struct gpupt_rehearsal *rehearsal);

#endif
