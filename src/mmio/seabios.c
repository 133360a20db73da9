/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mmio/model.h"

int gpupt_seabios_place(struct gpupt_mmio_model *model)
{
	(void)model;
	return 0;
}
