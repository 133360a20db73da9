/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/hypervisor.h"

#include <dlfcn.h>
#include <signal.h>

#include "cli/output.h"

#define LIBRARY "libgpupt-libvirt.so.0"

/* libvirt writes to its daemon's socket as to a file: a daemon that is gone must
 * not end the process. The handler, unlike SIG_IGN, leaves a trace: cli_flush_output()
 * knows by it that a closed standard output still has to. */
static void outlive_broken_pipes(void)
{
	struct sigaction action;
	if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
		return;
	action.sa_handler = cli_on_broken_pipe;
	action.sa_flags = SA_RESTART;
	sigaction(SIGPIPE, &action, NULL);
}

int cli_hypervisor_load(struct cli_hypervisor *ret, struct gpupt_error **error)
{
	struct cli_hypervisor loaded = { .library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL) };
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
	outlive_broken_pipes();
	*ret = loaded;
	return 0;
}
