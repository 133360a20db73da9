/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To be preloaded: tells on standard error what a connection to libvirt may do. It is
 * not linked to libvirt, which would then be there before all else. */

#include <dlfcn.h>
#include <stdio.h>

#include <libvirt/libvirt.h>

virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
	__typeof__(virConnectOpenAuth) *real = NULL;
	void *libvirt = dlopen("libvirt.so.0", RTLD_LAZY | RTLD_NOLOAD);
	if (libvirt)
		real = (__typeof__(real))dlsym(libvirt, "virConnectOpenAuth");
	fprintf(stderr, "connection: %s\n", flags & VIR_CONNECT_RO ? "read-only" : "may write");
	return real ? real(name, auth, flags) : NULL;
}
