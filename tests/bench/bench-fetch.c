/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What diff --all is compared with: all definitions of a hypervisor, fetched through
 * libvirt and dropped.
 *   bench-fetch URI */

#include <stdio.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>

int main(int argc, char **argv)
{
	virDomainPtr *domains = NULL;
	virConnectPtr connection = argc == 2 ? virConnectOpenReadOnly(argv[1]) : NULL;
	int count = connection ? virConnectListAllDomains(connection, &domains, 0) : -1;
	if (count < 0)
		return 2;
	for (int i = 0; i < count; i++) {
		char *text = virDomainGetXMLDesc(domains[i], VIR_DOMAIN_XML_INACTIVE);
		if (!text)
			return 2;
		free(text);
		virDomainFree(domains[i]);
	}
	free(domains);
	virConnectClose(connection);
	printf("%d\n", count);
	return 0;
}
