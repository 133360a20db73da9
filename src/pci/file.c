/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci/inventory.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* A device can go away between readdir() and read(), and a container may hide
 * files: both mean that the source does not tell. */
static bool means_absent(int errno_value)
{
	return errno_value == ENOENT || errno_value == ENOTDIR || errno_value == EACCES ||
	       errno_value == EPERM || errno_value == ENODEV || errno_value == ENXIO;
}

static int fail_read(const char *path, struct gpupt_error **error)
{
	if (means_absent(errno))
		return 0;
	if (errno == ELOOP)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "%s is no regular file", path);
	return gpupt_fail(error, GPUPT_E_IO, "cannot read %s: %s", path, strerror(errno));
}

/* Reads until the end or until `max` bytes and one more; -1 with errno set. */
static ssize_t read_all(int fd, char **buffer, size_t max)
{
	size_t length = 0, capacity = 0;
	for (;;) {
		if (length == capacity) {
			if (length > max)
				return (ssize_t)length;
			capacity = capacity ? capacity * 2 : 4096;
			if (capacity > max + 1)
				capacity = max + 1;
			char *grown = realloc(*buffer, capacity + 1);
			if (!grown) {
				errno = ENOMEM;
				return -1;
			}
			*buffer = grown;
		}
		ssize_t n = read(fd, *buffer + length, capacity - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? n : (ssize_t)length;
		length += (size_t)n;
	}
}

int gpupt_read_at(int at, const char *path, struct gpupt_read how, char **ret_text,
		  size_t *ret_length, struct gpupt_error **error)
{
	*ret_text = NULL;
	/* O_NONBLOCK: opening a FIFO that somebody put there must not hang. */
	__attribute__((cleanup(close_fd))) int fd =
		openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return fail_read(path, error);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail_read(path, error);
	if (!S_ISREG(st.st_mode))
		return gpupt_fail(error, GPUPT_E_SYNTAX, "%s is no regular file", path);
	GPUPT_AUTOFREE char *text = NULL;
	ssize_t length = read_all(fd, &text, how.max);
	if (length < 0 && errno == ENOMEM)
		return gpupt_fail_nomem(error);
	if (length < 0)
		return fail_read(path, error);
	if ((size_t)length > how.max) {
		if (!how.truncate)
			return gpupt_fail(error, GPUPT_E_LIMIT, "%s has more than %zu bytes",
					  path, how.max);
		length = (ssize_t)how.max;
	}
	text[length] = '\0';
	*ret_text = GPUPT_STEAL(text);
	if (ret_length)
		*ret_length = (size_t)length;
	return 0;
}

bool gpupt_readlink_at(int at, const char *path, char buffer[GPUPT_LINK_MAX])
{
	ssize_t length = readlinkat(at, path, buffer, GPUPT_LINK_MAX - 1);
	if (length <= 0)
		return false;
	buffer[length] = '\0';
	return true;
}

const char *gpupt_basename(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}
