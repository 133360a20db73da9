/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/domain.h"

#include "base/util.h"

GPUPT_EXPORT size_t gpupt_domain_count_hostdevs(const struct gpupt_domain *domain)
{
	return domain->n_hostdevs;
}

GPUPT_EXPORT bool gpupt_domain_get_hostdev(const struct gpupt_domain *domain, size_t i,
					   struct gpupt_pci_address *ret_address)
{
	if (i >= domain->n_hostdevs || !domain->hostdevs[i].has_source)
		return false;
	*ret_address = domain->hostdevs[i].source;
	return true;
}
