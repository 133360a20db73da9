/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ ((size_t)64 << 10)

int cli_file_fail(struct gpupt_error **error, const char *what, const char *path)
{
	int number = errno;
	return gpupt_fail(error, number == ENOENT ? GPUPT_E_NOT_FOUND : GPUPT_E_IO,
			  "cannot %s %s: %s", what, path, strerror(number));
}

/* Reads to the end, one byte more than allowed at most. */
int cli_file_read_open(int fd, const char *name, char **ret_text, size_t *ret_length,
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
			return cli_file_fail(error, "read", name);
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
		return cli_file_read_open(STDIN_FILENO, "standard input", ret_text, ret_length, error);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cli_file_fail(error, "open", path);
	int r = cli_file_read_open(fd, path, ret_text, ret_length, error);
	close(fd);
	return r;
}
