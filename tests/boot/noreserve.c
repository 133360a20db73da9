/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into QEMU: lets it map hundreds of GiB of device memory that no
 * guest ever touches. */

#undef _FILE_OFFSET_BITS /* both names are wanted as they are */
#include <dlfcn.h>
#include <sys/mman.h>

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t);
	*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	return next(address, length, protection, flags | MAP_NORESERVE, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
