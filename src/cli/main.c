/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gpupt-xml: finds the command, reads its options, runs it, and turns what comes
 * back into an exit status. SIGPIPE keeps its default, as in other filters;
 * where the caller ignores it, a write fails and the exit status is 2. */

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/many.h"
#include "cli/options.h"
#include "cli/output.h"

#include "base/near.h"

#ifndef GPUPT_VERSION
#define GPUPT_VERSION "unknown"
#endif

static const struct cli_command commands[] = {
#define COMMAND(...) { __VA_ARGS__ },
#include "cli/commands.def"
#undef COMMAND
};

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int print_overview(FILE *out)
{
	fputs("Usage: gpupt-xml COMMAND [OPTIONS] [OPERAND]\n\n"
	      "Gives a libvirt VM the PCI address space that its passed-through GPUs need.\n\n"
	      "Commands:\n", out);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-13s %-9s  %s\n", commands[i].name,
			commands[i].operand ? commands[i].operand : "", commands[i].summary);
	fputs("\nTARGET is a libvirt domain (name, UUID or id) or a file (a path with a /, *.xml,\n"
	      "or - for standard input).\n"
	      "See gpupt-xml help COMMAND for the options, and the manual page gpupt-xml(1).\n",
	      out);
	return CLI_DONE;
}

static int print_help(const struct cli_command *command, FILE *out)
{
	fprintf(out, "Usage: gpupt-xml %s [OPTIONS]%s%s\n\n%s.\n", command->name,
		command->operand ? " " : "", command->operand ? command->operand : "",
		command->summary);
	if (*command->details)
		fprintf(out, "%s\n", command->details);
	fputs("\nOptions:\n", out);
	cli_options_print_help(command->bit, out);
	return CLI_DONE;
}

static int fail_command(const char *name, struct gpupt_error **error)
{
	const char *names[GPUPT_ARRAY_SIZE(commands)];
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	const char *near = gpupt_nearest(name, names, GPUPT_ARRAY_SIZE(names));
	return gpupt_fail(error, GPUPT_E_ARGUMENT, "there is no command \"%s\"%s%s%s", name,
			  near ? "; did you mean " : "; see gpupt-xml --help",
			  near ? near : "", near ? "?" : "");
}

static int help(const char *name, struct gpupt_error **error)
{
	if (!name)
		return print_overview(stdout);
	const struct cli_command *command = find_command(name);
	return command ? print_help(command, stdout) : fail_command(name, error);
}

static int run_command(int argc, char **argv, struct gpupt_error **error)
{
	struct cli_settings settings = { .argv = argv, .command = find_command(argv[1]) };
	if (!settings.command)
		return fail_command(argv[1], error);
	int r = cli_options_parse(argc - 1, argv + 1, &settings, error);
	if (r == 0)
		r = settings.help ? print_help(settings.command, stdout) :
		    cli_is_many(&settings) ? cli_run_many(&settings, error) :
					     settings.command->run(&settings, error);
	cli_settings_clear(&settings);
	return r;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int run(int argc, char **argv, struct gpupt_error **error)
{
	if (argc < 2)
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "say what to do: apply, undo, history, diff, patch, explain, "
				  "rehearse, devices, doctor, snapshot, verify, guest, "
				  "kubevirt-hook; see "
				  "gpupt-xml --help");
	if (is_one_of(argv[1], "-h", "--help", "help"))
		return help(argc > 2 ? argv[2] : NULL, error);
	if (is_one_of(argv[1], "-V", "--version", "version")) {
		puts("gpupt-xml " GPUPT_VERSION);
		return CLI_DONE;
	}
	if (argv[1][0] == '-')
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "%s: options come after the command; see gpupt-xml --help",
				  argv[1]);
	return run_command(argc, argv, error);
}

/* The name under which KubeVirt's sidecar looks for the hook in PATH. */
static bool is_hook(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strcmp(slash ? slash + 1 : path, "onDefineDomain") == 0;
}

/* The sidecar's log has what the shim read from standard error before the hook ended;
 * what is still in the pipe then is lost (runOnDefineDomain() in
 * cmd/sidecars/sidecar_shim.go calls Output() while logStderr() reads, KubeVirt 1.9). */
static bool is_for_shim(int argc, char **argv)
{
	return argc && (is_hook(*argv) || (argc > 1 && strcmp(argv[1], "kubevirt-hook") == 0));
}

/* onDefineDomain ARGUMENT... is gpupt-xml kubevirt-hook ARGUMENT... */
static int run_hook(int argc, char **argv, struct gpupt_error **error)
{
	static char name[] = "gpupt-xml", command[] = "kubevirt-hook";
	GPUPT_AUTOFREE char **words = calloc((size_t)argc + 2, sizeof(*words));
	if (!words)
		return gpupt_fail_nomem(error);
	words[0] = name;
	words[1] = command;
	for (int i = 1; i < argc; i++)
		words[i + 1] = argv[i];
	return run_command(argc + 1, words, error);
}

/* A file or a connection opened later must not become one of the three standard
 * ones. The wrong direction: reading from or writing to them still fails. */
static bool reserve_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	if (!reserve_standard_files())
		return CLI_TROUBLE;
	/* Domains have passwords in them: no core dump, whatever the limits are, and no
	 * other process of the user looks in. Unlike a limit it ends with an exec, so a
	 * daemon that libvirt starts, and its guests, are as before. */
	prctl(PR_SET_DUMPABLE, 0);
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line at a time, not a byte */
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *error = NULL;
	int r = argc && is_hook(*argv) ? run_hook(argc, argv, &error) : run(argc, argv, &error);
	if (r < 0)
		cli_print_error(error);
	/* A full disk may show only now. */
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *late = NULL;
	if (cli_close_output(&late) < 0 && r >= 0) {
		cli_print_error(late);
		r = GPUPT_E_IO;
	}
	if (is_for_shim(argc, argv))
		cli_await_reader();
	if (r >= 0)
		return r;
	return r == GPUPT_E_NO_FIT ? CLI_NO_FIT : CLI_TROUBLE;
}
