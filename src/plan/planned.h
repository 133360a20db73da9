/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_PLANNED_H
#define GPUPT_PLAN_PLANNED_H

/* The guest a plan was computed for, whole: enough to build one like it. For the
 * command line of the very same build (LIBGPUPT_PRIVATE in src/libgpupt.map). */

#include <gpupt/plan.h>

#include "mmio/mmio.h"

/* One of the possibilities; gpupt_plan_get_possibilities() has its name. */
struct gpupt_planned_world {
	struct gpupt_mmio_guest guest; /* with the planned hole */
	bool distinct; /* the model tells it from every earlier one */
};

struct gpupt_planned {
	/* as the domain has them; NULL where it does not say */
	const char *arch;
	const char *machine;
	const char *emulator;
	const char *loader;
	const char *loader_type;
	const char *os_firmware;
	const char *nvram_template;
	bool boots_kernel; /* that QEMU loads: it needs no disk */
	struct gpupt_planned_world *worlds; /* as many as there are possibilities */
	/* Every PCI function; ordered as the layout is, which has an entry for each BAR
	 * that is neither I/O nor ROM. Of a bridge, labels[] is the controller's model.
	 * The results in them are of some possibility. */
	struct gpupt_mmio_function *functions;
	const char **labels;
	size_t n_functions;
};

/* NULL where the plan has no layout. */
const struct gpupt_planned *gpupt_plan_get_planned(const struct gpupt_plan *plan);

#endif
