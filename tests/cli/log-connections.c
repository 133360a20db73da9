/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To be preloaded: tells on standard error what a connection to libvirt may do, and of
 * which domains secrets are read. It is not linked to libvirt, which would then be there
 * before all else. */

#include <dlfcn.h>
#include <stdio.h>

#include <libvirt/libvirt.h>

static void *find(const char *name)
{
	void *libvirt = dlopen("libvirt.so.0", RTLD_LAZY | RTLD_NOLOAD);
	return libvirt ? dlsym(libvirt, name) : NULL;
}

virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
	__typeof__(virConnectOpenAuth) *real = (__typeof__(real))find("virConnectOpenAuth");
	fprintf(stderr, "connection: %s\n", flags & VIR_CONNECT_RO ? "read-only" : "may write");
	return real ? real(name, auth, flags) : NULL;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	__typeof__(virDomainGetXMLDesc) *real = (__typeof__(real))find("virDomainGetXMLDesc");
	__typeof__(virDomainGetName) *name = (__typeof__(name))find("virDomainGetName");
	if ((flags & VIR_DOMAIN_XML_SECURE) && name)
		fprintf(stderr, "secrets: %s\n", name(domain));
	return real ? real(domain, flags) : NULL;
}
