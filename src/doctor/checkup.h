/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOCTOR_CHECKUP_H
#define GPUPT_DOCTOR_CHECKUP_H

#include "doctor/doctor.h"

#define GPUPT_N_CHECKS 9

/* The finished checkup. Strings live in the arena. */
struct gpupt_checkup {
	struct gpupt_check checks[GPUPT_N_CHECKS];
	struct gpupt_pci_address *devices;
	size_t n_devices;
	const char *host;
	struct gpupt_arena *arena;
};

#endif
