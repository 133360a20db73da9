/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into libvirtd. It raises RLIMIT_MEMLOCK for a guest with a VFIO device,
 * which root may not do in every container; the lab's guests lock nothing. */

#include <sys/syscall.h>
#include <unistd.h>

#define MEMLOCK 8 /* RLIMIT_MEMLOCK; glibc's header would fix the prototypes */

int prlimit64(pid_t pid, int resource, const void *wanted, void *ret_old);
int setrlimit64(int resource, const void *wanted);

int prlimit64(pid_t pid, int resource, const void *wanted, void *ret_old)
{
	return (int)syscall(SYS_prlimit64, pid, resource, resource == MEMLOCK ? NULL : wanted,
			    ret_old);
}

int setrlimit64(int resource, const void *wanted)
{
	return prlimit64(0, resource, wanted, NULL);
}

/* on 64-bit machines the same */
int prlimit(pid_t pid, int resource, const void *wanted, void *ret_old)
	__attribute__((alias("prlimit64")));
int setrlimit(int resource, const void *wanted) __attribute__((alias("setrlimit64")));
