/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded, so that libvirt's test driver has a monitor and a guest agent: what QEMU
 * answers stands in the file $GPUPT_MONITOR, and the program $GPUPT_AGENT prints the
 * agent's answer to $COMMAND. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt-qemu.h>

static char *read_all(FILE *stream)
{
	char *text = NULL;
	size_t size = 0;
	if (getdelim(&text, &size, '\0', stream) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

int virDomainQemuMonitorCommand(virDomainPtr domain, const char *command, char **result,
				unsigned int flags)
{
	(void)domain;
	(void)flags;
	FILE *file = fopen(getenv("GPUPT_MONITOR"), "r");
	if (!file || strcmp(command, "{\"execute\":\"query-pci\"}") != 0)
		return -1;
	*result = read_all(file);
	fclose(file);
	return *result ? 0 : -1;
}

char *virDomainQemuAgentCommand(virDomainPtr domain, const char *command, int timeout,
				unsigned int flags)
{
	(void)domain;
	(void)timeout;
	(void)flags;
	setenv("COMMAND", command, 1);
	unsetenv("LD_PRELOAD"); /* the program needs none */
	FILE *pipe = popen(getenv("GPUPT_AGENT"), "r");
	char *answer = pipe ? read_all(pipe) : NULL;
	if (pipe)
		pclose(pipe);
	return answer;
}
