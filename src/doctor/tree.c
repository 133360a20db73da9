/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading below the directories of one host. A copied tree may come from anybody:
 * no link in it leads out, no FIFO hangs, and what cannot be read has a reason. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor/doctor.h"

#define LINE_LENGTH_MAX (4 * GPUPT_KIB)

static bool is_filesystem(int fd, long magic)
{
	struct statfs st;
	return fstatfs(fd, &st) == 0 && (long)st.f_type == magic;
}

static int open_directory(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* proc is in a saved tree or beside it, as for gpupt_inventory_read_sysfs(); a saved
 * tree never gets this machine's own, nor the other way round. */
static int open_proc(int sys, bool live)
{
	static const char *const places[] = { "proc", "../proc" };
	int number = ENOENT;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(places); i++) {
		int proc = open_directory(sys, places[i]);
		if (proc >= 0 && is_filesystem(proc, PROC_SUPER_MAGIC) == live)
			return proc;
		number = proc < 0 ? errno : ENOENT;
		if (proc >= 0)
			close(proc);
	}
	errno = number;
	return -1;
}

static void set_place(struct gpupt_tree *tree, enum gpupt_place_in_host place, int fd)
{
	tree->numbers[place] = fd < 0 ? errno : 0;
	tree->places[place] = fd;
}

int gpupt_tree_open(const char *sysfs, struct gpupt_tree *ret, struct gpupt_error **error)
{
	struct gpupt_tree tree = gpupt_tree_none();
	set_place(&tree, GPUPT_IN_SYS, open_directory(AT_FDCWD, sysfs));
	int sys = tree.places[GPUPT_IN_SYS];
	if (sys < 0 && strcmp(sysfs, "/sys") != 0)
		return gpupt_fail(error, errno == ENOENT || errno == ENOTDIR ? GPUPT_E_NOT_FOUND
									     : GPUPT_E_IO,
				  "cannot open %s: %s", sysfs, strerror(errno));
	if (sys < 0) { /* there is more to a machine than /sys */
		tree.live = true;
		set_place(&tree, GPUPT_IN_PROC, open_directory(AT_FDCWD, "/proc"));
	} else {
		tree.live = is_filesystem(sys, SYSFS_MAGIC);
		set_place(&tree, GPUPT_IN_PROC, open_proc(sys, tree.live));
	}
	int proc = tree.places[GPUPT_IN_PROC];
	set_place(&tree, GPUPT_IN_ROOT, proc < 0 ? -1 : open_directory(proc, ".."));
	*ret = tree;
	return 0;
}

void gpupt_tree_close(struct gpupt_tree *tree)
{
	for (size_t i = 0; i < GPUPT_N_PLACES; i++)
		if (tree->places[i] >= 0)
			close(tree->places[i]);
	*tree = gpupt_tree_none();
}

static void explain(const struct gpupt_tree *tree, enum gpupt_place_in_host place,
		    const char *path, int number, struct gpupt_trouble *trouble)
{
	static const char *const names[] = { "sys/", "proc/", "" };
	trouble->absent = false;
	if (tree->places[place] < 0)
		number = tree->numbers[place];
	if (!number) {
		strcpy(trouble->text, "not recorded in an inventory");
		return;
	}
	trouble->absent = tree->places[place] >= 0 && number == ENOENT;
	snprintf(trouble->text, sizeof(trouble->text), "%s%s%s: %s", tree->live ? "/" : "",
		 names[place], path, strerror(number));
}

/* Walks down without following links: the last directory's descriptor, and the name
 * in it. -1 with errno set. */
static int walk(int at, const char *path, const char **ret_name)
{
	int fd = at < 0 ? -1 : fcntl(at, F_DUPFD_CLOEXEC, 0);
	if (at < 0)
		errno = ENOENT;
	for (const char *slash; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		char name[256];
		if (slash - path >= (int)sizeof(name)) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		int next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int number = errno;
		close(fd);
		errno = number;
		fd = next;
	}
	*ret_name = path;
	return fd;
}

/* gpupt_read_at() does not tell absent from forbidden. */
static int why_unreadable(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return errno;
	close(fd);
	return EIO;
}

char *gpupt_tree_read(struct gpupt_tree *tree, enum gpupt_place_in_host place,
		      const char *path, size_t max, struct gpupt_trouble *trouble)
{
	const char *name;
	int at = walk(tree->places[place], path, &name);
	if (at < 0) {
		explain(tree, place, path, errno, trouble);
		return NULL;
	}
	char *text = NULL;
	struct gpupt_error *error = NULL;
	if (gpupt_read_at(at, name, (struct gpupt_read){ .max = max }, &text, NULL, &error) < 0) {
		tree->no_memory |= gpupt_error_get_status(error) == GPUPT_E_NOMEM;
		trouble->absent = false;
		snprintf(trouble->text, sizeof(trouble->text), "%s%s", tree->live ? "/" : "",
			 gpupt_error_get_message(error));
		gpupt_error_free(error);
	} else if (!text) {
		explain(tree, place, path, why_unreadable(at, name), trouble);
	}
	close(at);
	return text;
}

char *gpupt_tree_read_line(struct gpupt_tree *tree, enum gpupt_place_in_host place,
			   const char *path, struct gpupt_trouble *trouble)
{
	char *text = gpupt_tree_read(tree, place, path, LINE_LENGTH_MAX, trouble);
	if (text) {
		text[strcspn(text, "\n")] = '\0';
		gpupt_make_presentable(text, strlen(text));
	}
	return text;
}

DIR *gpupt_tree_list(const struct gpupt_tree *tree, enum gpupt_place_in_host place,
		     const char *path, struct gpupt_trouble *trouble)
{
	const char *name;
	int at = walk(tree->places[place], path, &name);
	int fd = at < 0 ? -1 : openat(at, *name ? name : ".",
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		explain(tree, place, path, errno, trouble);
	if (!dir && fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
	return dir;
}

const char *gpupt_tree_next(DIR *dir)
{
	struct dirent *entry = dir ? readdir(dir) : NULL;
	while (entry && entry->d_name[0] == '.')
		entry = readdir(dir);
	return entry ? entry->d_name : NULL;
}

void gpupt_tree_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
