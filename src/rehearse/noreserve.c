/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into QEMU: lets it map hundreds of GiB of device memory that no
 * guest ever touches. Straight to the kernel, so that it loads into the QEMU of
 * another release, with another C library, too. */

#undef _FILE_OFFSET_BITS /* both names are wanted as they are */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, length, protection, flags | MAP_NORESERVE, fd,
			       offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
