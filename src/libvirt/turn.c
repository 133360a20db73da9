/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "libvirt/error.h"

#define WAIT_MS 5
#define MAX_WAITS 2000 /* 10 s; a turn takes milliseconds */

/* Whoever has the socket of that name has the turn. An abstract name needs no
 * directory that all users may write to, and is gone with the process (unix(7)). */
static int bind_name(int fd, const char *uuid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			      "gpupt-xml/define/%s", uuid);
	return bind(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length));
}

int gpupt_libvirt_take_turn(virDomainPtr domain, int *ret, struct gpupt_error **error)
{
	static const struct timespec wait = { .tv_nsec = WAIT_MS * 1000000L };
	char uuid[VIR_UUID_STRING_BUFLEN];
	if (virDomainGetUUIDString(domain, uuid) < 0)
		return gpupt_fail_libvirt(error, "cannot ask for a domain's UUID");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; fd >= 0 && bind_name(fd, uuid) < 0 && errno == EADDRINUSE; i++) {
		if (i == MAX_WAITS) {
			close(fd);
			return gpupt_fail(error, GPUPT_E_CONFLICT,
					  "another process has been defining domain %s for too long",
					  virDomainGetName(domain));
		}
		nanosleep(&wait, NULL);
	}
	*ret = fd; /* where there are no such sockets, others have to be trusted */
	return 0;
}

void gpupt_libvirt_end_turn(int turn)
{
	if (turn >= 0)
		close(turn);
}
