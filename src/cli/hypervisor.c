/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/hypervisor.h"

#include <dlfcn.h>

#define LIBRARY "libgpupt-libvirt.so.0"

int cli_hypervisor_load(struct cli_hypervisor *ret, struct gpupt_error **error)
{
	struct cli_hypervisor loaded = { .library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) };
	if (!loaded.library)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND,
				  "domains need libgpupt-libvirt, which cannot be loaded (%s); "
				  "files work without it", dlerror());
#define CLI_LOAD(name)                                                                         \
	loaded.name = (__typeof__(loaded.name))dlsym(loaded.library, "gpupt_" #name);          \
	if (!loaded.name)                                                                      \
		return gpupt_fail(error, GPUPT_E_INTERNAL,                                     \
				  LIBRARY " and gpupt-xml are not of one version: %s",         \
				  dlerror());
	CLI_HYPERVISOR_FUNCTIONS(CLI_LOAD)
#undef CLI_LOAD
	loaded.connection_silence();
	*ret = loaded;
	return 0;
}
