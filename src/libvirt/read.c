/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <libvirt/virterror.h>

#include "libvirt/error.h"

char *gpupt_libvirt_fetch(virDomainPtr domain, bool secure)
{
	unsigned int flags = VIR_DOMAIN_XML_INACTIVE;
	if (secure)
		flags |= VIR_DOMAIN_XML_SECURE;
	return virDomainGetXMLDesc(domain, flags);
}

GPUPT_EXPORT int gpupt_libvirt_read_domain(virDomainPtr domain, bool secure,
					   struct gpupt_domain **ret,
					   struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	GPUPT_AUTOFREE char *text = gpupt_libvirt_fetch(domain, secure);
	if (!text)
		return gpupt_fail_libvirt(error, "cannot read domain %s", name ? name : "");
	return gpupt_domain_parse(text, strlen(text), name, ret, error);
}

void gpupt_libvirt_look(virDomainPtr domain, struct gpupt_outcome *outcome)
{
	outcome->running = virDomainIsActive(domain) == 1;
	outcome->managed_save = virDomainHasManagedSaveImage(domain, 0) == 1;
	virResetLastError(); /* not every driver has managed save */
}
