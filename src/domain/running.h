/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_RUNNING_H
#define GPUPT_DOMAIN_RUNNING_H

#include <gpupt/domain.h>

/* What a running guest's XML says beyond its definition. For libgpupt-libvirt, which
 * finds these under the version LIBGPUPT_PRIVATE (src/libgpupt.map). */

/* Enough for slot and function behind as many bridges as there are buses. */
#define GPUPT_GUEST_PATH_MAX (256 * 5)

/* QEMU's id of passed-through device i, "hostdev0"; NULL in a definition that does not
 * run. */
const char *gpupt_domain_get_hostdev_alias(const struct gpupt_domain *domain, size_t i);

/* Where device i is by the XML: slot and function on the root bus and behind every
 * bridge on the way, "01.2/00.0". false where that is not known: no address, or
 * behind an expander, whose buses QEMU tells apart in another way. */
bool gpupt_domain_get_hostdev_path(const struct gpupt_domain *domain, size_t i,
				   char buffer[GPUPT_GUEST_PATH_MAX]);

/* libosinfo's name for the guest's system, "http://debian.org/debian/12", or NULL. */
const char *gpupt_domain_get_os_id(const struct gpupt_domain *domain);

/* Whether it boots a kernel that the host hands over, so that its command line is in the
 * XML. */
bool gpupt_domain_boots_kernel(const struct gpupt_domain *domain);

/* In what a running guest differs from the definition it will start with next time:
 * bits of enum gpupt_difference (gpupt/running.h). */
unsigned int gpupt_domain_compare_running(const struct gpupt_domain *running,
					  const struct gpupt_domain *defined);

#endif
