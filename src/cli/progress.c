/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/progress.h"

#include <unistd.h>

#include "cli/output.h"

#define ERASE_LINE "\r\033[K"

static bool is_shown;

static bool can_show(const struct cli_settings *settings)
{
	const char *terminal = getenv("TERM");
	return !settings->quiet && isatty(STDERR_FILENO) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

/* A name that would not fit in the line is cut, not inside of a character. */
static size_t shown_length(const char *name)
{
	enum { MAX = 60 };
	size_t length = strnlen(name, MAX);
	while (length && ((unsigned char)name[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void cli_progress_show(const struct cli_settings *settings, size_t number, size_t count,
		       const char *name)
{
	if (!can_show(settings))
		return;
	fflush(stdout);
	fprintf(stderr, ERASE_LINE "[%zu/%zu] ", number, count);
	cli_print_safe(stderr, name, shown_length(name), false);
	fflush(stderr);
	is_shown = true;
}

void cli_progress_hide(void)
{
	if (!is_shown)
		return;
	is_shown = false;
	fputs(ERASE_LINE, stderr);
	fflush(stderr);
}
