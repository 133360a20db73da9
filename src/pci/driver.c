/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host driver's name tells. */
#include <string.h>

#include "pci/inventory.h"

bool gpupt_pci_is_with_vfio(const struct gpupt_pci_function *function)
{
	/* variants such as nvgrace-gpu-vfio-pci or mlx5_vfio_pci */
	return function->driver && (strstr(function->driver, "vfio-pci") ||
				    strstr(function->driver, "vfio_pci"));
}

bool gpupt_pci_holds_group(const struct gpupt_pci_function *function)
{
	if (function->is_bridge || (function->driver_known && !function->driver))
		return false;
	if (function->driver && (strcmp(function->driver, "pci-stub") == 0 ||
				 strcmp(function->driver, "pcieport") == 0))
		return false;
	return !gpupt_pci_is_with_vfio(function);
}
