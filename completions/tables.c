/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs while building: copies a shell's completion from standard input and puts what the
 * tables of commands and options hold, in that shell's language, where it has a line
 * "{commands}" or "{options}".
 *   tables bash|zsh|fish
 * What an argument may be is a function of the shell's file, and the words that it gets:
 * "word auto keep", "file", "list hole move". */

#include "cli/options.h"
#include "plan/request.h"

struct command {
	const char *name;
	unsigned int bit;
	const char *operand, *summary;
};

static const struct command commands[] = {
#define COMMAND(name, bit, operand, summary, ...) { name, bit, operand, summary },
#include "cli/commands.def"
#undef COMMAND
};

#define PLATFORM(id, ...) " " id
static const char firmwares[] = "ovmf seabios"
#include "plan/platforms.def"
	;
#undef PLATFORM

static const char *const remedies[] = { GPUPT_REMEDY_NAMES };

/* What an operand or an argument is, by its name in the table. */
static const struct {
	const char *name, *function;
} kinds[] = {
	{ "DEVICE", "device" }, { "DIR", "directory" }, { "DOMAIN", "domain" },
	{ "FILE", "file" },     { "LIST", "list" },     { "TARGET", "target" },
	{ "URI", "uri" },
};

static const char *kind_of(const char *name, size_t length)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0)
			return kinds[i].function;
	return NULL;
}

/* "TARGET...", "[TARGET]"; nothing where there is none. */
static const char *operand_of(const struct command *command)
{
	const char *name = command->operand ? command->operand : "";
	name += *name == '[';
	const char *kind = kind_of(name, strcspn(name, "]."));
	return kind ? kind : "";
}

/* What offers an option's argument: "auto|keep|SIZE" are the words auto and keep, and a
 * SIZE that nobody can guess. */
static const char *argument_of(const struct cli_option *option)
{
	static char text[512];
	char words[sizeof(text) - 16] = "";
	const char *kind = NULL;
	size_t length;
	for (const char *p = option->argument; *p; p += length + (p[length] == '|')) {
		length = strcspn(p, "|");
		size_t used = strlen(words);
		if (kind_of(p, length))
			kind = kind_of(p, length);
		else if (*p >= 'a' && *p <= 'z')
			snprintf(words + used, sizeof(words) - used, " %.*s", (int)length, p);
	}
	if (kind && strcmp(kind, "list") == 0)
		for (size_t i = 0; i < GPUPT_ARRAY_SIZE(remedies); i++)
			strcat(strcat(words, " "), remedies[i]);
	if (strcmp(option->argument, "NAME|FILE") == 0)
		strcat(strcat(words, " "), firmwares);
	snprintf(text, sizeof(text), "%s%s", kind ? kind : "word", words);
	return text;
}

static bool has_letter(const struct cli_option *option)
{
	return option->id < 256;
}

static bool is_repeatable(const struct cli_option *option)
{
	return strstr(option->help, "(repeatable)") ||
	       (option->argument && strcmp(option->argument, "LIST") == 0);
}

/* Inside single quotes; `special` characters get a backslash for what reads the string. */
static void put_quoted(const char *text, const char *quote, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

/* ---- bash: for each command its operand, and a line for each option */

static void bash_command(const struct command *command)
{
	puts(command->name);
}

static void bash_options(const struct command *command)
{
	printf("\t%s)\n\t\toperand='%s'\n\t\toptions='", command->name, operand_of(command));
	for (size_t i = 0; i < cli_n_options; i++) {
		const struct cli_option *option = &cli_options[i];
		if (!(option->commands & command->bit))
			continue;
		const char *argument = option->argument ? argument_of(option) : "";
		const char *space = *argument ? " " : "";
		if (has_letter(option))
			printf("-%c%s%s\n", option->id, space, argument);
		printf("--%s%s%s\n", option->name, space, argument);
	}
	puts("'\n\t\t;;");
}

/* ---- zsh: what _describe and _arguments take */

#define ZSH_QUOTE "'\\''"

static void zsh_command(const struct command *command)
{
	printf("\t'%s:", command->name);
	put_quoted(command->summary, ZSH_QUOTE, "\\");
	puts("'");
}

static void zsh_option(const struct cli_option *option)
{
	const char *plus = option->argument ? "+" : "", *equals = option->argument ? "=" : "";
	printf("\t\t\t'%s", is_repeatable(option) ? "*" : "");
	if (has_letter(option) && !is_repeatable(option))
		printf("(-%c --%s)", option->id, option->name);
	if (has_letter(option))
		printf("'{-%c%s,--%s%s}'[", option->id, plus, option->name, equals);
	else
		printf("--%s%s[", option->name, equals);
	put_quoted(option->help, ZSH_QUOTE, "\\[]:");
	putchar(']');
	if (option->argument) {
		putchar(':');
		put_quoted(option->argument, ZSH_QUOTE, "\\:");
		printf(": _gpupt_xml_%s", argument_of(option));
	}
	puts("' \\");
}

static void zsh_options(const struct command *command)
{
	const char *operand = command->operand;
	printf("\t(%s)\n\t\t_arguments \\\n", command->name);
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].commands & command->bit)
			zsh_option(&cli_options[i]);
	if (operand)
		printf("\t\t\t'%s:%s: _gpupt_xml_%s' \\\n",
		       strstr(operand, "...") ? "*" : *operand == '[' ? ":" : "", operand,
		       operand_of(command));
	puts("\t\t\t&& return\n\t\t;;");
}

/* ---- fish: a call of complete(1) for each */

#define FISH_QUOTE "\\'"

static void fish_command(const struct command *command)
{
	printf("        %s '", command->name);
	put_quoted(command->summary, FISH_QUOTE, "\\");
	puts("' \\");
}

static void fish_options(const struct command *command)
{
	const char *operand = operand_of(command);
	printf("\nset -l of -c gpupt-xml -n '__gpupt_xml_of %s'\n", command->name);
	if (strcmp(operand, "file") == 0 || strcmp(operand, "target") == 0)
		puts("complete $of -F");
	if (*operand)
		printf("complete $of -a '(__gpupt_xml_%s)'\n", operand);
	for (size_t i = 0; i < cli_n_options; i++) {
		const struct cli_option *option = &cli_options[i];
		if (!(option->commands & command->bit))
			continue;
		fputs("complete $of", stdout);
		if (has_letter(option))
			printf(" -s %c", option->id);
		printf(" -l %s", option->name);
		if (option->argument) {
			const char *argument = argument_of(option);
			printf(" %s -a '(__gpupt_xml_%s)'",
			       strncmp(argument, "file", 4) == 0 ? "-rF" : "-x", argument);
		}
		fputs(" -d '", stdout);
		put_quoted(option->help, FISH_QUOTE, "\\");
		puts("'");
	}
}

static const struct shell {
	const char *name;
	void (*put_command)(const struct command *command);
	void (*put_options)(const struct command *command);
} shells[] = {
	{ "bash", bash_command, bash_options },
	{ "zsh", zsh_command, zsh_options },
	{ "fish", fish_command, fish_options },
};

static void copy_with_tables(const struct shell *shell)
{
	char line[1024];
	while (fgets(line, sizeof(line), stdin)) {
		bool names = strcmp(line, "{commands}\n") == 0;
		bool tables = strcmp(line, "{options}\n") == 0;
		if (!names && !tables)
			fputs(line, stdout);
		for (size_t i = 0; (names || tables) && i < GPUPT_ARRAY_SIZE(commands); i++)
			(names ? shell->put_command : shell->put_options)(&commands[i]);
	}
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(shells); i++) {
		if (argc != 2 || strcmp(argv[1], shells[i].name) != 0)
			continue;
		copy_with_tables(&shells[i]);
		return ferror(stdin) || fflush(stdout) == EOF;
	}
	fputs("usage: tables bash|zsh|fish <COMPLETION\n", stderr);
	return 2;
}
