/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/output.h"

#include <ctype.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/progress.h"
#include "cli/session.h"

enum { LINE_WIDTH = 80, READER_MS = 5000 };

#define RESET "\033[0m"
#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"

bool cli_use_color(enum cli_color color, FILE *out)
{
	if (color != CLI_COLOR_AUTO)
		return color == CLI_COLOR_ALWAYS;
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	const char *terminal = getenv("TERM");
	return isatty(fileno(out)) && !(no_color && *no_color) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

/* C0, DEL, and C1 in UTF-8 (c2 80 to c2 9f), which some terminals obey too.
 * Returns how many bytes the control character has, 0 where there is none. */
static size_t control_length(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	if (c < 0x20 || c == 0x7f)
		return 1;
	if (c == 0xc2 && end - p > 1 && (unsigned char)p[1] >= 0x80 &&
	    (unsigned char)p[1] < 0xa0)
		return 2;
	return 0;
}

void cli_print_safe(FILE *out, const char *text, size_t length, bool newlines)
{
	const char *end = text + length, *plain = text;
	for (const char *p = text; p < end;) {
		size_t control = control_length(p, end);
		if (control == 0 || *p == '\t' || (*p == '\n' && newlines)) {
			p++;
			continue;
		}
		fwrite(plain, 1, (size_t)(p - plain), out);
		if (control == 1)
			fprintf(out, "^%c", *p ^ 0x40);
		else
			fprintf(out, "<%02x>", (unsigned char)p[1]);
		plain = p += control;
	}
	fwrite(plain, 1, (size_t)(end - plain), out);
}

void cli_add_word(struct gpupt_str *line, const char *word)
{
	gpupt_str_adds(line, line->length ? " " : "");
	if (*word && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789_-+=:,./@%")] == '\0') {
		gpupt_str_adds(line, word);
		return;
	}
	gpupt_str_adds(line, "'");
	for (; *word; word++)
		gpupt_str_add(line, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
	gpupt_str_adds(line, "'");
}

/* Where something is, as compilers write it: "vm.xml:3:5: ". */
static void print_place(const char *file, size_t line, size_t column)
{
	if (file)
		cli_print_safe(stderr, file, strlen(file), false);
	else if (line)
		fputs("line", stderr);
	if (line)
		fprintf(stderr, ":%zu", line);
	if (line && column)
		fprintf(stderr, ":%zu", column);
	if (file || line)
		fputs(": ", stderr);
}

/* What comes has a line of its own, behind what is on standard output already. */
static void begin_message(void)
{
	cli_progress_hide();
	fflush(stdout);
	fputs("gpupt-xml: ", stderr);
}

void cli_print_error(const struct gpupt_error *error)
{
	begin_message();
	print_place(gpupt_error_get_file(error), gpupt_error_get_line(error),
		    gpupt_error_get_column(error));
	const char *message = gpupt_error_get_message(error);
	cli_print_safe(stderr, message, strlen(message), false);
	fputc('\n', stderr);
}

/* Whether a message names the target already: the domain "a" is not in "no vm such as that". */
static bool names_target(const char *message, const char *target)
{
	size_t length = strlen(target);
	for (const char *p = message; length && (p = strstr(p, target)); p++) {
		bool starts = p == message || !isalnum((unsigned char)p[-1]);
		if (starts && !isalnum((unsigned char)p[length]))
			return true;
	}
	return false;
}

void cli_print_target_error(const char *target, const struct gpupt_error *error)
{
	const char *message = gpupt_error_get_message(error);
	if (gpupt_error_get_file(error) || names_target(message, target)) {
		cli_print_error(error);
		return;
	}
	begin_message();
	print_place(target, 0, 0);
	cli_print_safe(stderr, message, strlen(message), false);
	fputc('\n', stderr);
}

void cli_note(const struct cli_settings *settings, const char *format, ...)
{
	if (settings->quiet)
		return;
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	begin_message();
	cli_print_safe(stderr, text, (size_t)length, false);
	fputc('\n', stderr);
	free(text);
}

static const char *severity_name(enum gpupt_severity severity)
{
	switch (severity) {
	case GPUPT_INFO: return "note";
	case GPUPT_WARNING: return "warning";
	case GPUPT_ERROR: return "error";
	}
	return "note";
}

static const char *severity_color(enum gpupt_severity severity)
{
	switch (severity) {
	case GPUPT_INFO: return CYAN;
	case GPUPT_WARNING: return YELLOW;
	case GPUPT_ERROR: return RED;
	}
	return "";
}

static void print_remedy(const struct gpupt_finding *finding)
{
	if (!finding->remedy || !*finding->remedy)
		return;
	fputs("  remedy: ", stderr);
	cli_print_safe(stderr, finding->remedy, strlen(finding->remedy), false);
	fputc('\n', stderr);
}

static void print_finding(const struct gpupt_finding *finding, const char *file, bool color)
{
	print_place(file, finding->line, finding->column);
	fprintf(stderr, "%s%s%s: ", color ? severity_color(finding->severity) : "",
		severity_name(finding->severity), color ? RESET : "");
	if (finding->subject && *finding->subject && !strstr(finding->text, finding->subject)) {
		cli_print_safe(stderr, finding->subject, strlen(finding->subject), false);
		fputs(": ", stderr);
	}
	cli_print_safe(stderr, finding->text, strlen(finding->text), false);
	fprintf(stderr, " [GPUPT-%04u]\n", finding->number);
}

void cli_print_findings(const struct cli_settings *settings, const char *file,
			const struct gpupt_finding *findings, size_t n_findings)
{
	bool color = cli_use_color(settings->color, stderr);
	if (n_findings)
		cli_progress_hide();
	fflush(stdout);
	for (size_t i = 0; i < n_findings; i++) {
		if (settings->quiet && findings[i].severity != GPUPT_ERROR)
			continue;
		print_finding(&findings[i], file, color);
		/* eight GPUs in the same trap need to be told the way out once */
		if (i + 1 == n_findings || findings[i + 1].number != findings[i].number)
			print_remedy(&findings[i]);
	}
}

void cli_print_filled(FILE *out, int column, int indent, const char *text)
{
	bool begun = false;
	for (const char *word = text; *word;) {
		size_t length = strcspn(word, " ");
		if (begun && column + 1 + (int)length > LINE_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (begun) {
			fputc(' ', out);
			column++;
		}
		begun = true;
		cli_print_safe(out, word, length, false);
		column += (int)length;
		word += length + (word[length] == ' ');
	}
	fputc('\n', out);
}

void cli_print_paragraph(FILE *out, int indent, int first_indent, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	int column = fprintf(out, "%*s", first_indent, "");
	cli_print_filled(out, column, indent, text ? text : "");
	free(text);
}

const char *cli_format_size(uint64_t bytes, char buffer[GPUPT_SIZE_TEXT_MAX])
{
	enum { GIB = 3, TIB = 4 };
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int whole = 0, unit = 0;
	while (whole + 1 < GPUPT_ARRAY_SIZE(units) && bytes &&
	       bytes % (UINT64_C(1) << 10 * (whole + 1)) == 0)
		whole++;
	if (bytes >> 10 * whole <= (whole < GIB ? 9999 : 99999)) {
		snprintf(buffer, GPUPT_SIZE_TEXT_MAX, "%" PRIu64 " %s", bytes >> 10 * whole,
			 units[whole]);
		return buffer;
	}
	while (unit + 1 < GPUPT_ARRAY_SIZE(units) && bytes >> 10 * (unit + 1))
		unit++;
	if (unit == TIB && bytes / GPUPT_GIB <= 99999)
		unit = GIB; /* what people count in */
	snprintf(buffer, GPUPT_SIZE_TEXT_MAX, "%.1f %s",
		 (double)bytes / (double)(UINT64_C(1) << 10 * unit), units[unit]);
	return buffer;
}

const char *cli_placer_name(enum gpupt_placer placer)
{
	switch (placer) {
	case GPUPT_PLACED_BY_NOBODY: return "nobody";
	case GPUPT_PLACED_BY_FIRMWARE: return "firmware";
	case GPUPT_PLACED_BY_KERNEL: return "kernel";
	}
	return "";
}

void cli_on_broken_pipe(int number)
{
	(void)number;
}

static void end_on_broken_pipe(void)
{
	struct sigaction action;
	if (sigaction(SIGPIPE, NULL, &action) < 0 || action.sa_handler != cli_on_broken_pipe)
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static int fail_output(struct gpupt_error **error)
{
	if (errno == EPIPE)
		end_on_broken_pipe();
	return gpupt_fail(error, GPUPT_E_IO, "cannot write to standard output: %s",
			  strerror(errno));
}

int cli_flush_output(struct gpupt_error **error)
{
	return fflush(stdout) == EOF || ferror(stdout) ? fail_output(error) : 0;
}

void cli_await_reader(void)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct stat stat;
	int unread;
	if (fstat(STDERR_FILENO, &stat) < 0 || !S_ISFIFO(stat.st_mode))
		return;
	for (int i = 0; i < READER_MS; i++) {
		if (ioctl(STDERR_FILENO, FIONREAD, &unread) < 0 || unread == 0)
			return;
		nanosleep(&pause, NULL);
	}
}

int cli_close_output(struct gpupt_error **error)
{
	if (ferror(stdout)) /* errno is from something else by now */
		return gpupt_fail(error, GPUPT_E_IO, "cannot write to standard output");
	return fclose(stdout) == EOF ? fail_output(error) : 0;
}

int cli_print_text(const char *text, size_t length, struct gpupt_error **error)
{
	cli_progress_hide();
	if (isatty(STDOUT_FILENO))
		cli_print_safe(stdout, text, length, true);
	else
		fwrite(text, 1, length, stdout);
	return cli_flush_output(error);
}

int cli_put_text(const struct cli_settings *settings, const char *text, size_t length,
		 struct gpupt_error **error)
{
	struct cli_text new = { text, length };
	if (!settings->output || strcmp(settings->output, "-") == 0)
		return cli_print_text(text, length, error);
	return cli_file_replace(settings->output, NULL, &new, error);
}

static const char *diff_line_color(const char *line, bool in_hunk)
{
	switch (*line) {
	case '@': return CYAN;
	case '+': return in_hunk ? GREEN : BOLD;
	case '-': return in_hunk ? RED : BOLD;
	default: return "";
	}
}

static int print_colored_diff(const char *diff, size_t length, struct gpupt_error **error)
{
	const char *end = diff + length;
	bool terminal = isatty(STDOUT_FILENO), in_hunk = false;
	cli_progress_hide();
	while (diff < end) {
		const char *newline = memchr(diff, '\n', (size_t)(end - diff));
		size_t n = (size_t)((newline ? newline : end) - diff);
		in_hunk |= *diff == '@';
		const char *color = diff_line_color(diff, in_hunk);
		fputs(color, stdout);
		if (terminal)
			cli_print_safe(stdout, diff, n, false);
		else
			fwrite(diff, 1, n, stdout);
		fputs(*color ? RESET : "", stdout);
		if (newline)
			fputc('\n', stdout);
		diff += n + (newline ? 1 : 0);
	}
	return cli_flush_output(error);
}

/* A name for a diff's header: patch(1) would take "/" for directories, and other
 * odd characters would need quoting. */
static void make_plain(char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name <= 0x20 || *name == 0x7f || strchr("/\\\"", *name))
			*name = '_';
}

int cli_make_diff(const struct cli_settings *settings, const char *name, const char *old_text,
		  size_t old_length, const char *new_text, size_t new_length,
		  struct cli_changes *ret, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *plain = strdup(name);
	GPUPT_AUTOFREE char *old_name = NULL;
	GPUPT_AUTOFREE char *new_name = NULL;
	if (!plain)
		return gpupt_fail_nomem(error);
	/* The one slash that stays is that between the host, where there are several, and
	 * the domain. */
	const char *host = settings->session ? settings->session->label : NULL;
	size_t slash = host ? strlen(host) : 0;
	make_plain(plain);
	if (slash)
		plain[slash] = '/';
	if (asprintf(&old_name, "a/%s", plain) < 0 || asprintf(&new_name, "b/%s", plain) < 0)
		return gpupt_fail_nomem(error);
	struct gpupt_diff_options options = {
		.old_name = old_name,
		.new_name = new_name,
		.context = 3,
		.redact = !settings->show_secrets,
	};
	return gpupt_diff(old_text, old_length, new_text, new_length, &options, &ret->text,
			  &ret->length, &ret->redacted, error);
}

int cli_print_changes(const struct cli_settings *settings, const struct cli_changes *changes,
		      struct gpupt_error **error)
{
	int r = cli_use_color(settings->color, stdout) ?
			print_colored_diff(changes->text, changes->length, error) :
			cli_print_text(changes->text, changes->length, error);
	if (changes->redacted)
		cli_note(settings, "a password is hidden in this diff, so patch(1) will not "
				   "apply it; --show-secrets shows it");
	return r;
}

int cli_print_diff(const struct cli_settings *settings, const char *name, const char *old_text,
		   size_t old_length, const char *new_text, size_t new_length,
		   struct gpupt_error **error)
{
	struct cli_changes changes = { 0 };
	int r = cli_make_diff(settings, name, old_text, old_length, new_text, new_length,
			      &changes, error);
	if (r == 0)
		r = cli_print_changes(settings, &changes, error);
	free(changes.text);
	return r;
}
