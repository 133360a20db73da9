/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_read(const char *path, struct gpupt_error **error)
{
	bool absent = errno == ENOENT || errno == ENOTDIR;
	return gpupt_fail(error, absent ? GPUPT_E_NOT_FOUND : GPUPT_E_IO, "cannot read %s: %s",
			  path, strerror(errno));
}

/* Reads up to `size` bytes; what was cut off meanwhile is not missed. */
static int read_all(int fd, const char *path, uint8_t *data, size_t size, size_t *ret_length,
		    struct gpupt_error **error)
{
	size_t length = 0;
	while (length < size) {
		ssize_t n = read(fd, data + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_read(path, error);
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

static int check_regular(const struct stat *st, const char *path, struct gpupt_error **error)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return gpupt_fail(error, GPUPT_E_UNSUPPORTED, "%s is no regular file", path);
}

static int identify(int fd, const char *path, struct gpupt_firmware *ret,
		    struct gpupt_error **error)
{
	struct stat st;
	size_t length = 0;
	if (fstat(fd, &st) < 0)
		return fail_read(path, error);
	int r = check_regular(&st, path, error);
	if (r < 0)
		return r;
	if (st.st_size > (off_t)GPUPT_FIRMWARE_FILE_MAX)
		return gpupt_fail(error, GPUPT_E_LIMIT, "%s has more than 64 MiB: no firmware",
				  path);
	size_t size = (size_t)st.st_size;
	GPUPT_AUTOFREE uint8_t *data = malloc(size ? size : 1);
	if (!data)
		return gpupt_fail_nomem(error);
	r = read_all(fd, path, data, size, &length, error);
	return r < 0 ? r : gpupt_firmware_identify_image(data, length, path, ret, error);
}

GPUPT_EXPORT int gpupt_firmware_identify(const char *path, struct gpupt_firmware *ret,
					 struct gpupt_error **error)
{
	/* Opening some devices does something: a domain may name /dev/watchdog. */
	struct stat st;
	if (stat(path, &st) < 0)
		return fail_read(path, error);
	int r = check_regular(&st, path, error);
	if (r < 0)
		return r;
	/* O_NONBLOCK: a FIFO must not hang. Links are followed: packages have some. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_read(path, error);
	r = identify(fd, path, ret, error);
	close(fd);
	return r;
}
