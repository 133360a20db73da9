/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is on disk when a process is killed, at any point:
 *
 *   keep    1. .draft written and synced, renamed to N.new.xml
 *           2. .draft written and synced, renamed to N.old.xml; the directory synced
 *   define  3. by libvirt, which is the old definition or the new one
 *   settle  4. .draft written and synced, renamed to N.new.xml; the directory synced
 *
 * A file has its name only when it is whole, and a change counts from the moment on
 * that its old.xml has its name, so before 3 the backup is there. Up to 2 the domain
 * is as it was; a new.xml without its old.xml, and a draft, are removed by the next
 * process that writes here. Between 2 and 3 a change is kept that was not made: undo
 * tells by the domain saying what old.xml says, and the next keep removes it. Between
 * 3 and 4 new.xml is what was meant, not what libvirt made of it; where the two
 * differ undo refuses, as it does after somebody else's change. Both files are whole
 * all the time. Forgetting goes the other way: old.xml first.
 *
 * The lock on the directory keeps writers apart, and ends with the process. */

#include "cli/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAFT ".draft"

/* "000012-20261231T235959Z.old.xml" */
#define NAME_MAX_LENGTH 64

static void format_name(const struct cli_kept *kept, enum cli_kept_side side,
			char name[NAME_MAX_LENGTH])
{
	struct tm utc = { 0 };
	char time[32];
	gmtime_r(&kept->time, &utc);
	strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(name, NAME_MAX_LENGTH, "%06lu-%s.%s.xml", kept->number, time,
		 side == CLI_KEPT_OLD ? "old" : "new");
}

/* Only names as they are written here. */
static bool parse_name(const char *name, struct cli_kept *ret, enum cli_kept_side *ret_side)
{
	char *end, again[NAME_MAX_LENGTH];
	struct tm utc = { 0 };
	struct cli_kept kept = { .number = strtoul(name, &end, 10) };
	const char *rest = end > name ? strptime(end, "-%Y%m%dT%H%M%SZ", &utc) : NULL;
	if (!rest)
		return false;
	kept.time = timegm(&utc);
	enum cli_kept_side side = strcmp(rest, ".old.xml") == 0 ? CLI_KEPT_OLD : CLI_KEPT_NEW;
	format_name(&kept, side, again);
	if (strcmp(name, again) != 0)
		return false;
	*ret = kept;
	*ret_side = side;
	return true;
}

char *cli_store_path(const struct cli_store *store, const struct cli_kept *kept,
		     enum cli_kept_side side)
{
	char name[NAME_MAX_LENGTH], *path;
	format_name(kept, side, name);
	return asprintf(&path, "%s/%s", store->path, name) < 0 ? NULL : path;
}

const char *cli_kept_format_time(const struct cli_kept *kept, char buffer[CLI_KEPT_TIME_MAX])
{
	struct tm utc = { 0 };
	gmtime_r(&kept->time, &utc);
	strftime(buffer, CLI_KEPT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return buffer;
}

/* ---- directories */

static int fail_mine(const char *path, struct gpupt_error **error)
{
	return gpupt_fail(error, GPUPT_E_REFUSED, "%s is not a directory of this user's own", path);
}

/* Nobody may have put something else there, and nobody else may look inside. */
static int open_mine(const char *path, int *ret, struct gpupt_error **error)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return fail_mine(path, error);
	if (fd < 0)
		return cli_file_fail(error, "open", path);
	int r = 0;
	if (fstat(fd, &st) < 0)
		r = cli_file_fail(error, "look at", path);
	else if (st.st_uid != geteuid())
		r = fail_mine(path, error);
	else if ((st.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0)
		r = cli_file_fail(error, "set the mode of", path);
	if (r < 0)
		close(fd);
	else
		*ret = fd;
	return r;
}

/* A new name is safe only once the directory that it is in is on disk too. */
static int sync_directory(const char *path, struct gpupt_error **error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cli_file_fail(error, "open", path);
	int r = fsync(fd) < 0 ? cli_file_fail(error, "write to", path) : 0;
	close(fd);
	return r;
}

/* Makes path, which is absolute, and what is missing above it. */
static int make_directories(const char *path, struct gpupt_error **error)
{
	const char *slash = strrchr(path, '/');
	if (access(path, F_OK) == 0)
		return 0;
	GPUPT_AUTOFREE char *parent = strndup(path, slash > path ? (size_t)(slash - path) : 1);
	if (!parent)
		return gpupt_fail_nomem(error);
	int r = make_directories(parent, error);
	if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = cli_file_fail(error, "create", path);
	return r < 0 ? r : sync_directory(parent, error);
}

/* Locked, for writing. */
static int open_store(const struct cli_store *store, int *ret, struct gpupt_error **error)
{
	int root, fd;
	int r = make_directories(store->root, error);
	if (r == 0)
		r = open_mine(store->root, &root, error);
	if (r < 0)
		return r;
	close(root); /* a directory of our own now: nobody else changes what is in it */
	if (mkdir(store->path, 0700) < 0 && errno != EEXIST)
		return cli_file_fail(error, "create", store->path);
	r = sync_directory(store->root, error);
	if (r == 0)
		r = open_mine(store->path, &fd, error);
	if (r < 0)
		return r;
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		; /* file systems without locks do without */
	*ret = fd;
	return 0;
}

/* ---- what is in them */

static int compare_numbers(const void *a, const void *b)
{
	unsigned long x = ((const struct cli_kept *)a)->number;
	unsigned long y = ((const struct cli_kept *)b)->number;
	return (x > y) - (x < y);
}

/* Those with an old.xml. */
static int list(int directory, const char *path, struct cli_kept_list *ret,
		struct gpupt_error **error)
{
	struct cli_kept_list kept = { 0 };
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream) {
		cli_file_fail(error, "read", path);
		if (fd >= 0)
			close(fd);
		return GPUPT_E_IO;
	}
	struct dirent *entry;
	struct cli_kept item;
	enum cli_kept_side side;
	int r = 0;
	for (errno = 0; r == 0 && (entry = readdir(stream)); errno = 0) {
		if (!parse_name(entry->d_name, &item, &side) || side != CLI_KEPT_OLD)
			continue;
		if (GPUPT_GROW(kept.items, kept.count, kept.capacity))
			kept.items[kept.count++] = item;
		else
			r = gpupt_fail_nomem(error);
	}
	if (r == 0 && errno)
		r = cli_file_fail(error, "read", path);
	closedir(stream);
	if (r < 0) {
		free(kept.items);
		return r;
	}
	if (kept.count)
		qsort(kept.items, kept.count, sizeof(*kept.items), compare_numbers);
	*ret = kept;
	return 0;
}

static int read_side(int directory, const struct cli_store *store, const struct cli_kept *kept,
		     enum cli_kept_side side, char **ret_text, size_t *ret_length,
		     struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *path = cli_store_path(store, kept, side);
	if (!path)
		return gpupt_fail_nomem(error);
	/* not a FIFO: opening that would wait */
	int fd = openat(directory, strrchr(path, '/') + 1,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return cli_file_fail(error, "open", path);
	int r = cli_file_read_open(fd, path, ret_text, ret_length, error);
	close(fd);
	return r;
}

static int sync_draft(int fd, const struct cli_store *store, const struct cli_text *text,
		      struct gpupt_error **error)
{
	int r = cli_file_write(fd, store->path, text->text, text->length, error);
	if (r == 0 && fchmod(fd, 0600) < 0) /* whatever the umask is */
		r = cli_file_fail(error, "set the mode of a file in", store->path);
	if (r == 0 && fsync(fd) < 0)
		r = cli_file_fail(error, "write to", store->path);
	return r;
}

static int write_side(int directory, const struct cli_store *store, const struct cli_kept *kept,
		      enum cli_kept_side side, const struct cli_text *text,
		      struct gpupt_error **error)
{
	char name[NAME_MAX_LENGTH];
	format_name(kept, side, name);
	unlinkat(directory, DRAFT, 0);
	int fd = openat(directory, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return cli_file_fail(error, "create a file in", store->path);
	int r = sync_draft(fd, store, text, error);
	close(fd);
	if (r == 0 && renameat(directory, DRAFT, directory, name) < 0)
		r = cli_file_fail(error, "write to", store->path);
	if (r < 0)
		unlinkat(directory, DRAFT, 0);
	return r;
}

/* ---- forgetting */

static void forget(int directory, const struct cli_kept *kept)
{
	char name[NAME_MAX_LENGTH];
	format_name(kept, CLI_KEPT_OLD, name);
	if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
		return;
	format_name(kept, CLI_KEPT_NEW, name);
	unlinkat(directory, name, 0);
}

/* All but the newest ones. What cannot be removed now is, the next time. */
static void rotate(int directory, const struct cli_kept_list *kept)
{
	for (size_t i = 0; i + CLI_STORE_MAX < kept->count; i++)
		forget(directory, &kept->items[i]);
}

/* What a killed process left behind: a draft, and halves of changes. */
static void tidy(int directory, const struct cli_kept_list *kept)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream) {
		if (fd >= 0)
			close(fd);
		return;
	}
	struct dirent *entry;
	struct cli_kept item;
	enum cli_kept_side side;
	while ((entry = readdir(stream))) {
		if (!parse_name(entry->d_name, &item, &side) || side == CLI_KEPT_OLD)
			continue;
		if (!kept->count || !bsearch(&item, kept->items, kept->count,
					     sizeof(*kept->items), compare_numbers))
			unlinkat(directory, entry->d_name, 0);
	}
	unlinkat(directory, DRAFT, 0);
	closedir(stream);
}

/* The domain is as it was before the newest change: that one was not made, or it was
 * taken back. */
static void forget_unmade(int directory, const struct cli_store *store,
			  struct cli_kept_list *kept, const struct cli_text *old)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	if (!kept->count || read_side(directory, store, &kept->items[kept->count - 1],
				      CLI_KEPT_OLD, &text, &length, NULL) < 0)
		return;
	if (length == old->length && memcmp(text, old->text, length) == 0)
		forget(directory, &kept->items[--kept->count]);
}

/* ---- what the others call */

static int keep(int directory, const struct cli_store *store, const struct cli_text *old,
		const struct cli_text *new, struct cli_kept *kept, struct gpupt_error **error)
{
	struct cli_kept_list before = { 0 };
	int r = list(directory, store->path, &before, error);
	if (r < 0)
		return r;
	kept->number = before.count ? before.items[before.count - 1].number + 1 : 1;
	tidy(directory, &before);
	rotate(directory, &before); /* those of processes killed before they could */
	r = write_side(directory, store, kept, CLI_KEPT_NEW, new, error);
	if (r == 0)
		r = write_side(directory, store, kept, CLI_KEPT_OLD, old, error);
	if (r == 0 && fsync(directory) < 0)
		r = cli_file_fail(error, "write to", store->path);
	if (r == 0)
		forget_unmade(directory, store, &before, old);
	else
		forget(directory, kept);
	free(before.items);
	return r;
}

int cli_store_keep(const struct cli_store *store, const struct cli_text *old,
		   const struct cli_text *new, time_t now, struct cli_kept *ret,
		   struct gpupt_error **error)
{
	struct cli_kept kept = { .time = now };
	int directory;
	int r = open_store(store, &directory, error);
	if (r < 0)
		return r;
	r = keep(directory, store, old, new, &kept, error);
	close(directory);
	if (r == 0)
		*ret = kept;
	return r;
}

/* Not if it was forgotten meanwhile. */
static int settle(int directory, const struct cli_store *store, const struct cli_kept *kept,
		  const struct cli_text *new, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	struct cli_kept_list all = { 0 };
	size_t length;
	int r = read_side(directory, store, kept, CLI_KEPT_NEW, &text, &length, error);
	if (r == 0 && (length != new->length || memcmp(text, new->text, length) != 0)) {
		r = write_side(directory, store, kept, CLI_KEPT_NEW, new, error);
		if (r == 0 && fsync(directory) < 0)
			r = cli_file_fail(error, "write to", store->path);
	}
	if (r == 0)
		r = list(directory, store->path, &all, error);
	if (r == 0)
		rotate(directory, &all);
	free(all.items);
	return r;
}

int cli_store_settle(const struct cli_store *store, const struct cli_kept *kept,
		     const struct cli_text *new, struct gpupt_error **error)
{
	int directory;
	int r = open_store(store, &directory, error);
	if (r < 0)
		return r;
	r = settle(directory, store, kept, new, error);
	close(directory);
	return r;
}

/* For reading nothing is made. 1: there is a directory. */
static int open_to_read(const struct cli_store *store, int *ret, struct gpupt_error **error)
{
	struct stat st;
	int root;
	if (lstat(store->path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	int r = open_mine(store->root, &root, error);
	if (r < 0)
		return r;
	close(root);
	r = open_mine(store->path, ret, error);
	return r < 0 ? r : 1;
}

int cli_store_list(const struct cli_store *store, struct cli_kept_list *ret,
		   struct gpupt_error **error)
{
	int directory;
	int r = open_to_read(store, &directory, error);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret = (struct cli_kept_list){ 0 };
		return 0;
	}
	r = list(directory, store->path, ret, error);
	close(directory);
	return r;
}

int cli_store_read(const struct cli_store *store, const struct cli_kept *kept,
		   enum cli_kept_side side, char **ret_text, size_t *ret_length,
		   struct gpupt_error **error)
{
	int directory = -1;
	int r = open_mine(store->path, &directory, error);
	if (r < 0)
		return r;
	r = read_side(directory, store, kept, side, ret_text, ret_length, error);
	close(directory);
	return r;
}

int cli_store_drop(const struct cli_store *store, const struct cli_kept *since,
		   struct gpupt_error **error)
{
	struct cli_kept_list kept = { 0 };
	int directory;
	int r = open_store(store, &directory, error);
	if (r < 0)
		return r;
	r = list(directory, store->path, &kept, error);
	for (size_t i = kept.count; r == 0 && i > 0; i--)
		if (kept.items[i - 1].number >= since->number)
			forget(directory, &kept.items[i - 1]);
	if (r == 0 && fsync(directory) < 0)
		r = cli_file_fail(error, "write to", store->path);
	free(kept.items);
	close(directory);
	return r;
}
