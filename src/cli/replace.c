/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One file in the place of another, in one step. The new one is a draft beside the
 * old one, since rename() within a directory is what cannot be seen half done. */

#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <linux/limits.h>
#include <unistd.h>

#define ACL "system.posix_acl_access"

int cli_file_write(int fd, const char *path, const char *text, size_t length,
		   struct gpupt_error **error)
{
	while (length) {
		ssize_t n = write(fd, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cli_file_fail(error, "write to", path);
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
		return errno == ENOTSUP ? 0 : cli_file_fail(error, "list the attributes of", path);
	if (names_length == 0)
		return 0;
	GPUPT_AUTOFREE char *names = malloc((size_t)names_length);
	GPUPT_AUTOFREE char *value = malloc(XATTR_SIZE_MAX);
	GPUPT_AUTOFREE char *own = malloc(XATTR_SIZE_MAX);
	if (!names || !value || !own)
		return gpupt_fail_nomem(error);
	names_length = flistxattr(from, names, (size_t)names_length);
	if (names_length < 0)
		return cli_file_fail(error, "list the attributes of", path);
	for (const char *name = names; name < names + names_length; name += strlen(name) + 1) {
		ssize_t n = fgetxattr(from, name, value, XATTR_SIZE_MAX);
		if (n < 0)
			return cli_file_fail(error, "read the attributes of", path);
		if (fgetxattr(to, name, own, XATTR_SIZE_MAX) == n &&
		    memcmp(own, value, (size_t)n) == 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)n, 0) < 0)
			return cli_file_fail(error, "keep the attributes of", path);
	}
	return 0;
}

/* What a directory's default ACL gave the draft would let people in whom the old
 * file kept out. */
static int drop_inherited_acl(int from, int to, const char *path, struct gpupt_error **error)
{
	if (fgetxattr(from, ACL, NULL, 0) >= 0 || errno != ENODATA ||
	    fremovexattr(to, ACL) == 0 || errno == ENODATA || errno == ENOTSUP)
		return 0;
	return cli_file_fail(error, "keep the attributes of", path);
}

/* Owner first: chown() clears set-id bits. The mode last: until the ACLs are right
 * nobody but the owner gets in. */
static int copy_metadata(int from, int to, const char *path, struct gpupt_error **error)
{
	struct stat st, own;
	if (fstat(from, &st) < 0 || fstat(to, &own) < 0)
		return cli_file_fail(error, "look at", path);
	if ((st.st_uid != own.st_uid || st.st_gid != own.st_gid) &&
	    fchown(to, st.st_uid, st.st_gid) < 0)
		return cli_file_fail(error, "keep the owner of", path);
	int r = drop_inherited_acl(from, to, path, error);
	if (r == 0)
		r = copy_xattrs(from, to, path, error);
	if (r == 0 && fchmod(to, st.st_mode & 07777) < 0)
		r = cli_file_fail(error, "keep the mode of", path);
	return r;
}

/* The mode that any new file gets. */
static int set_default_mode(int fd, const char *path, struct gpupt_error **error)
{
	mode_t mask = umask(0);
	umask(mask);
	return fchmod(fd, 0666 & ~mask) < 0 ? cli_file_fail(error, "set the mode of", path) : 0;
}

/* Fills the draft and gives it what belonged to the old file (from < 0: there is
 * none). */
static int fill(int fd, int from, const char *path, const char *text, size_t length,
		struct gpupt_error **error)
{
	int r = cli_file_write(fd, path, text, length, error);
	if (r == 0)
		r = from >= 0 ? copy_metadata(from, fd, path, error) :
				set_default_mode(fd, path, error);
	if (r == 0 && fsync(fd) < 0)
		r = cli_file_fail(error, "write to", path);
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

/* Drafts of one file have one name, so that the next run finds what a killed one
 * left behind. Their makers hold a lock on them, which ends with the process. */
static void remove_left_behind(const char *draft)
{
	struct stat st, named;
	int fd = open(draft, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	    lstat(draft, &named) == 0 && st.st_dev == named.st_dev && st.st_ino == named.st_ino)
		unlink(draft);
	close(fd);
}

/* Another process may take a draft for left behind before it is locked. File
 * systems without locks do without. */
static bool lock_draft(int fd)
{
	struct stat st;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int open_draft(const char *draft, const char *path, int *ret, struct gpupt_error **error)
{
	for (int i = 0; i < 3; i++) {
		int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 && lock_draft(fd)) {
			*ret = fd;
			return 0;
		}
		if (fd >= 0)
			close(fd);
		else if (errno != EEXIST)
			return cli_file_fail(error, "create a file beside", path);
		else
			remove_left_behind(draft);
	}
	return gpupt_fail(error, GPUPT_E_CONFLICT,
			  "another process is writing %s, or left %s behind", path, draft);
}

/* Other people's editors know nothing of drafts: the old text is read once more. */
static int check_unchanged(const char *path, const struct cli_text *old,
			   struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = cli_file_read(path, &text, &length, error);
	if (r < 0)
		return r;
	if (length != old->length || memcmp(text, old->text, length) != 0)
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "%s changed meanwhile and was left alone: try again", path);
	return 0;
}

/* path has no symbolic link at its end. old == NULL: whatever is there goes. */
static int replace(const char *path, int from, const struct cli_text *old,
		   const struct cli_text *new, struct gpupt_error **error)
{
	const char *slash = strrchr(path, '/');
	int head = slash ? (int)(slash + 1 - path) : 0;
	GPUPT_AUTOFREE char *directory = head ? strndup(path, (size_t)head) : strdup(".");
	GPUPT_AUTOFREE char *draft = NULL;
	int fd = -1;
	/* a name may have 255 bytes */
	if (!directory || asprintf(&draft, "%.*s.%.200s.gpupt-xml", head, path, path + head) < 0)
		return gpupt_fail_nomem(error);
	int r = open_draft(draft, path, &fd, error);
	if (r < 0)
		return r;
	r = fill(fd, from, path, new->text, new->length, error);
	if (r == 0 && old)
		r = check_unchanged(path, old, error);
	if (r == 0 && rename(draft, path) < 0)
		r = cli_file_fail(error, "replace", path);
	if (r < 0)
		unlink(draft);
	else
		sync_directory(directory);
	close(fd); /* only now: it ends the lock */
	return r;
}

int cli_file_replace(const char *path, const struct cli_text *old, const struct cli_text *new,
		     struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *resolved = realpath(path, NULL);
	if (!resolved && errno != ENOENT)
		return cli_file_fail(error, "open", path);
	struct stat st;
	if (!resolved && lstat(path, &st) == 0)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND, "%s is a link to nothing", path);
	if (!resolved)
		return replace(path, -1, old, new, error);
	int from = open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from < 0)
		return cli_file_fail(error, "open", path);
	int r;
	if (fstat(from, &st) < 0)
		r = cli_file_fail(error, "look at", path);
	else if (!S_ISREG(st.st_mode))
		r = gpupt_fail(error, GPUPT_E_UNSUPPORTED, "%s is not a regular file", path);
	else if (access(resolved, W_OK) < 0)
		r = cli_file_fail(error, "write to", path);
	else
		r = replace(resolved, from, old, new, error);
	close(from);
	return r;
}
