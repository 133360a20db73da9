/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <linux/limits.h>
#include <unistd.h>

#define FIRST_READ ((size_t)64 << 10)

static int fail_errno(struct gpupt_error **error, const char *what, const char *path)
{
	int number = errno;
	return gpupt_fail(error, number == ENOENT ? GPUPT_E_NOT_FOUND : GPUPT_E_IO,
			  "cannot %s %s: %s", what, path, strerror(number));
}

/* Reads to the end, one byte more than allowed at most. */
static int read_all(int fd, const char *name, char **ret_text, size_t *ret_length,
		    struct gpupt_error **error)
{
	struct stat st;
	size_t capacity = FIRST_READ, length = 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uintmax_t)st.st_size <= GPUPT_DOMAIN_MAX_BYTES)
		capacity = (size_t)st.st_size + 2; /* so that the end shows without growing */
	GPUPT_AUTOFREE char *text = malloc(capacity);
	if (!text)
		return gpupt_fail_nomem(error);
	for (;;) {
		ssize_t n = read(fd, text + length, capacity - length - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(error, "read", name);
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > GPUPT_DOMAIN_MAX_BYTES)
			return gpupt_fail(error, GPUPT_E_LIMIT, "%s is larger than %zu MiB", name,
					  GPUPT_DOMAIN_MAX_BYTES >> 20);
		if (length + 1 < capacity)
			continue;
		char *grown = realloc(text, capacity * 2);
		if (!grown)
			return gpupt_fail_nomem(error);
		text = grown;
		capacity *= 2;
	}
	text[length] = '\0';
	*ret_text = GPUPT_STEAL(text);
	*ret_length = length;
	return 0;
}

int cli_file_read(const char *path, char **ret_text, size_t *ret_length,
		  struct gpupt_error **error)
{
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", ret_text, ret_length, error);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(error, "open", path);
	int r = read_all(fd, path, ret_text, ret_length, error);
	close(fd);
	return r;
}

static int write_all(int fd, const char *path, const char *text, size_t length,
		     struct gpupt_error **error)
{
	while (length) {
		ssize_t n = write(fd, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(error, "write to", path);
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Extended attributes: SELinux labels, ACLs, what users put there. One that may
 * not be set (a label, as an ordinary user) is an error: the file would not be
 * what it was. An attribute that the new file got by itself is no problem. */
static int copy_xattrs(int from, int to, const char *path, struct gpupt_error **error)
{
	ssize_t names_length = flistxattr(from, NULL, 0);
	if (names_length < 0)
		return errno == ENOTSUP ? 0 : fail_errno(error, "list the attributes of", path);
	if (names_length == 0)
		return 0;
	GPUPT_AUTOFREE char *names = malloc((size_t)names_length);
	GPUPT_AUTOFREE char *value = malloc(XATTR_SIZE_MAX);
	GPUPT_AUTOFREE char *own = malloc(XATTR_SIZE_MAX);
	if (!names || !value || !own)
		return gpupt_fail_nomem(error);
	names_length = flistxattr(from, names, (size_t)names_length);
	if (names_length < 0)
		return fail_errno(error, "list the attributes of", path);
	for (const char *name = names; name < names + names_length; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(from, name, value, XATTR_SIZE_MAX);
		if (n < 0)
			return fail_errno(error, "read the attributes of", path);
		if (fgetxattr(to, name, own, XATTR_SIZE_MAX) == n &&
		    memcmp(own, value, (size_t)n) == 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)n, 0) < 0)
			return fail_errno(error, "keep the attributes of", path);
	}
	return 0;
}

/* Owner first: chown() clears set-id bits. */
static int copy_metadata(int from, int to, const char *path, struct gpupt_error **error)
{
	struct stat st, own;
	if (fstat(from, &st) < 0 || fstat(to, &own) < 0)
		return fail_errno(error, "look at", path);
	if ((st.st_uid != own.st_uid || st.st_gid != own.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) < 0)
		return fail_errno(error, "keep the owner of", path);
	if (fchmod(to, st.st_mode & 07777) < 0)
		return fail_errno(error, "keep the mode of", path);
	return copy_xattrs(from, to, path, error);
}

/* Fills the temporary file and gives it what belonged to the old one (from < 0:
 * there is none). */
static int fill(int fd, int from, const char *path, const char *text, size_t length,
		struct gpupt_error **error)
{
	int r = write_all(fd, path, text, length, error);
	if (r == 0 && from >= 0)
		r = copy_metadata(from, fd, path, error);
	if (r == 0 && fsync(fd) < 0)
		r = fail_errno(error, "write to", path);
	return r;
}

/* The rename itself has to reach the disk too. */
static void sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int replace(const char *path, int from, const char *text, size_t length,
		   struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *directory = directory_of(path);
	GPUPT_AUTOFREE char *temporary = NULL;
	if (!directory || asprintf(&temporary, "%s/.gpupt-xml.XXXXXX", directory) < 0)
		return gpupt_fail_nomem(error);
	int fd = mkostemp(temporary, O_CLOEXEC); /* O_CREAT | O_EXCL, mode 0600 */
	if (fd < 0)
		return fail_errno(error, "create a file beside", path);
	int r = fill(fd, from, path, text, length, error);
	if (r == 0 && from < 0) {
		mode_t mask = umask(0);
		umask(mask);
		fchmod(fd, 0666 & ~mask);
	}
	if (close(fd) < 0 && r == 0)
		r = fail_errno(error, "write to", path);
	if (r == 0 && rename(temporary, path) < 0)
		r = fail_errno(error, "replace", path);
	if (r < 0)
		unlink(temporary);
	else
		sync_directory(directory);
	return r;
}

int cli_file_replace(const char *path, const char *text, size_t length,
		     struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *resolved = realpath(path, NULL);
	if (!resolved && errno != ENOENT)
		return fail_errno(error, "open", path);
	struct stat st;
	if (!resolved && lstat(path, &st) == 0)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND, "%s is a link to nothing", path);
	if (!resolved)
		return replace(path, -1, text, length, error);
	int from = open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from < 0)
		return fail_errno(error, "open", path);
	int r;
	if (fstat(from, &st) < 0)
		r = fail_errno(error, "look at", path);
	else if (!S_ISREG(st.st_mode))
		r = gpupt_fail(error, GPUPT_E_UNSUPPORTED, "%s is not a regular file", path);
	else if (access(resolved, W_OK) < 0)
		r = fail_errno(error, "write to", path);
	else
		r = replace(resolved, from, text, length, error);
	close(from);
	return r;
}
