/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>

#include "base/near.h"

#define PLANNING (CLI_APPLY | CLI_DIFF | CLI_PATCH | CLI_EXPLAIN | CLI_REHEARSE)
#define LOOKING (CLI_DIFF | CLI_EXPLAIN | CLI_REHEARSE)
#define RUNNING (CLI_VERIFY | CLI_GUEST)
#define HOST (PLANNING | CLI_DEVICES | CLI_DOCTOR | CLI_SNAPSHOT | RUNNING | CLI_KUBEVIRT)
#define KEPT (CLI_UNDO | CLI_HISTORY)
#define EVERY (HOST | KEPT)

/* Options without a letter. */
enum {
	OPTION_FILE = 256, OPTION_DOMAIN, OPTION_INVENTORY, OPTION_SYSFS, OPTION_ASSUME,
	OPTION_ADD, OPTION_REMOVE, OPTION_HOLE, OPTION_HEADROOM, OPTION_ROUNDING, OPTION_SHRINK,
	OPTION_FORCE, OPTION_MULTIFUNCTION, OPTION_NO_SIBLINGS, OPTION_DRY_RUN, OPTION_YES,
	OPTION_ALL, OPTION_FORMAT, OPTION_PICTURE_FORMAT, OPTION_SECRETS, OPTION_COLOR,
	OPTION_FIRMWARE, OPTION_GUEST_KERNEL, OPTION_ALLOW, OPTION_FORBID, OPTION_STRICT_CHECKUP,
	OPTION_STRICT, OPTION_AGENT, OPTION_CARRY_OUT, OPTION_GUEST_OS, OPTION_KERNEL,
	OPTION_INITRD, OPTION_EMULATOR, OPTION_TIMEOUT, OPTION_NO_BACKUP, OPTION_EVERY,
	OPTION_KEEP_GOING, OPTION_NO_RETRY, OPTION_VMI, OPTION_DOMAIN_XML,
	OPTION_REPORT_FORMAT,
};

const struct cli_option cli_options[] = {
	{ 'c', "connect", "URI", CLI_APPLY | LOOKING | CLI_DOCTOR | RUNNING | KEPT,
	  "hypervisor to connect to, as in virsh; apply and diff take several" },
	{ OPTION_FILE, "file", NULL, LOOKING | CLI_DOCTOR,
	  "TARGET is a file, whatever it looks like" },
	{ OPTION_DOMAIN, "domain", NULL, CLI_APPLY | LOOKING | CLI_DOCTOR | KEPT,
	  "TARGET is a domain, whatever it looks like" },
	{ OPTION_EVERY, "all", NULL, CLI_APPLY | CLI_DIFF, "every domain that has a definition" },
	{ OPTION_KEEP_GOING, "keep-going", NULL, CLI_APPLY | CLI_PATCH,
	  "of several, go on with the others when one fails" },
	{ OPTION_VMI, "vmi", "JSON", CLI_KUBEVIRT,
	  "the VirtualMachineInstance: its annotations gpupt-xml/OPTION count" },
	{ OPTION_DOMAIN_XML, "domain", "XML", CLI_KUBEVIRT, "the domain's XML, not a file" },
	{ OPTION_ADD, "add-device", "DEVICE", PLANNING,
	  "pass a device through as well (repeatable): 0000:08:00.0, pci_0000_08_00_0, "
	  "VENDOR:DEVICE, or gpu for all that the host can spare" },
	{ OPTION_REMOVE, "remove-device", "DEVICE", PLANNING,
	  "stop passing a device through (repeatable)" },
	{ OPTION_MULTIFUNCTION, "multifunction", NULL, PLANNING,
	  "give the functions of an added device one guest slot" },
	{ OPTION_NO_SIBLINGS, "no-siblings", NULL, PLANNING,
	  "leave an added device's other functions to the host" },
	{ OPTION_HOLE, "pcihole64", "auto|keep|SIZE", PLANNING | CLI_KUBEVIRT,
	  "compute <pcihole64> (default), leave it, or set it, e.g. to 128GiB" },
	{ OPTION_ROUNDING, "rounding", "power-of-two|gib", PLANNING | CLI_KUBEVIRT,
	  "round a computed size up to a power of two (default) or to whole GiB" },
	{ OPTION_HEADROOM, "headroom", "SIZE", PLANNING | CLI_KUBEVIRT,
	  "leave room for devices plugged in later (default 0)" },
	{ OPTION_SHRINK, "allow-shrink", NULL, PLANNING | CLI_KUBEVIRT,
	  "make an existing <pcihole64> smaller" },
	{ OPTION_FORCE, "force", NULL, PLANNING | CLI_KUBEVIRT,
	  "override refusals: a device the host uses, a SIZE that does not fit" },
	{ OPTION_FIRMWARE, "firmware", "NAME|FILE", PLANNING | RUNNING | CLI_KUBEVIRT,
	  "what the guest's firmware is, where it is known: edk2-stable202211, "
	  "seabios-1.16.3, what they come from, such as debian-12, or its file" },
	{ OPTION_GUEST_KERNEL, "guest-kernel", "VERSION", PLANNING | RUNNING | CLI_KUBEVIRT,
	  "which Linux the guest runs, where it is known, e.g. 6.12" },
	{ OPTION_ALLOW, "allow", "LIST", PLANNING | CLI_GUEST | CLI_KUBEVIRT,
	  "what else may be done so that every BAR fits: move, maxphysaddr, fwcfg, cmdline, "
	  "memreserve (see the man page)" },
	{ OPTION_FORBID, "forbid", "LIST", PLANNING | CLI_GUEST | CLI_KUBEVIRT,
	  "what may not: of hole, hotplug, memreserve, which are allowed by default" },
	{ OPTION_INVENTORY, "inventory", "FILE", HOST,
	  "the host's devices, from a snapshot or from lspci -vv; behind a --connect "
	  "those of that host alone" },
	{ OPTION_SYSFS, "sysfs", "DIR", HOST, "the host's devices, from a copy of /sys" },
	{ OPTION_ASSUME, "assume", "ADDRESS=VENDOR:DEVICE", HOST,
	  "take a known GPU to be in the host already (repeatable)" },
	{ OPTION_DRY_RUN, "dry-run", NULL, CLI_APPLY | CLI_UNDO,
	  "define nothing; exit 1 when something would change" },
	{ OPTION_GUEST_OS, "guest-os", "NAME", CLI_GUEST,
	  "which system the guest runs: debian, fedora, sles..." },
	{ OPTION_AGENT, "guest-agent", NULL, RUNNING, "ask the agent that runs in the guest" },
	{ OPTION_CARRY_OUT, "yes", NULL, CLI_GUEST,
	  "let the agent carry the steps out" },
	{ OPTION_YES, "yes", NULL, CLI_APPLY | CLI_UNDO, "do not ask on a terminal" },
	{ OPTION_NO_BACKUP, "no-backup", NULL, CLI_APPLY,
	  "do not keep the present definition for undo" },
	{ OPTION_NO_RETRY, "no-retry", NULL, CLI_APPLY,
	  "stop when something else changes the domain meanwhile; else plan anew" },
	{ 'i', "in-place", NULL, CLI_PATCH, "rewrite FILE itself" },
	{ 'o', "output", "FILE", CLI_PATCH | CLI_SNAPSHOT, "write to FILE" },
	{ OPTION_KERNEL, "kernel", "FILE", CLI_REHEARSE,
	  "a Linux to boot, to see what it does after the firmware" },
	{ OPTION_INITRD, "initrd", "FILE", CLI_REHEARSE,
	  "its initial file system; none is needed" },
	{ OPTION_EMULATOR, "emulator", "FILE", CLI_REHEARSE,
	  "the QEMU to run; else the domain's, or the usual one" },
	{ OPTION_TIMEOUT, "timeout", "SECONDS", CLI_REHEARSE,
	  "how long a boot may take (default 120)" },
	{ OPTION_ALL, "all", NULL, CLI_DEVICES, "all functions, not only those worth passing on" },
	{ OPTION_STRICT_CHECKUP, "strict", NULL, CLI_DOCTOR,
	  "exit 1 also where something could not be examined" },
	{ OPTION_FORMAT, "format", "text|json",
	  CLI_HISTORY | CLI_REHEARSE | CLI_DEVICES | CLI_DOCTOR | RUNNING,
	  "text (default) or JSON" },
	{ OPTION_REPORT_FORMAT, "format", "text|json|sarif|table", CLI_APPLY | CLI_DIFF,
	  "text (default), a line of JSON for each target, SARIF, or a table with a row for "
	  "each" },
	{ OPTION_PICTURE_FORMAT, "format", "text|json|svg", CLI_EXPLAIN,
	  "text (default), JSON, or the drawing as an SVG picture" },
	{ OPTION_STRICT, "strict", NULL, CLI_DIFF, "exit 4 when a finding is an error" },
	{ OPTION_SECRETS, "show-secrets", NULL, CLI_APPLY | CLI_DIFF | CLI_UNDO,
	  "show passwords in the diff" },
	{ OPTION_COLOR, "color", "auto|always|never", EVERY,
	  "colours: auto (default: on a terminal, unless NO_COLOR is set)" },
	{ 'q', "quiet", NULL, EVERY, "errors only" },
	{ 'v', "verbose", NULL, EVERY, "say more: the numbers, the guest's own devices" },
	{ 'h', "help", NULL, EVERY, "this text" },
};

const size_t cli_n_options = GPUPT_ARRAY_SIZE(cli_options);

static int add_word(struct cli_words *words, const char *word, struct gpupt_error **error)
{
	if (!GPUPT_GROW(words->items, words->count, words->capacity))
		return gpupt_fail_nomem(error);
	words->items[words->count++] = word;
	return 0;
}

void cli_settings_clear(struct cli_settings *settings)
{
	free(settings->hosts.items);
	free(settings->operands.items);
	free(settings->assumptions.items);
	free(settings->added.items);
	free(settings->removed.items);
	free(settings->allowed.items);
	free(settings->forbidden.items);
	*settings = (struct cli_settings){ 0 };
}

/* A bare number would be KiB in libvirt's XML and anything in a person's mind. */
static int parse_size(const char *option, const char *text, uint64_t *ret,
		      struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	uint64_t bytes = 0, as_bytes = 0;
	int r = gpupt_size_parse(text, GPUPT_KIB, &bytes, &why);
	if (r < 0) {
		gpupt_fail(error, (enum gpupt_status)r, "--%s: %s", option,
			   gpupt_error_get_message(why));
		gpupt_error_free(why);
		return r;
	}
	r = gpupt_size_parse(text, 1, &as_bytes, error);
	if (r < 0)
		return r;
	if (bytes != as_bytes)
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "--%s %s: a size needs a unit, e.g. %sGiB or %sKiB", option,
				  text, text, text);
	*ret = bytes;
	return 0;
}

/* The position of word in a table row's "a|b|c"; -1: none of them. */
static int parse_choice(const char *choices, const char *word)
{
	size_t length = strlen(word);
	for (int i = 0; *choices; i++) {
		size_t n = strcspn(choices, "|");
		if (n == length && strncmp(choices, word, n) == 0)
			return i;
		choices += n + (choices[n] == '|');
	}
	return -1;
}

static int parse_hole(const char *text, struct cli_settings *settings,
		      struct gpupt_error **error)
{
	if (strcmp(text, "auto") == 0) {
		settings->hole = GPUPT_HOLE_AUTO;
		return 0;
	}
	if (strcmp(text, "keep") == 0) {
		settings->hole = GPUPT_HOLE_KEEP;
		return 0;
	}
	if (!isdigit((unsigned char)*text))
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "--pcihole64 %s: expected auto, keep or a size such as 128GiB",
				  text);
	settings->hole = GPUPT_HOLE_SIZE;
	return parse_size("pcihole64", text, &settings->hole_bytes, error);
}

static int parse_timeout(const char *text, struct cli_settings *settings,
			 struct gpupt_error **error)
{
	char *end;
	errno = 0;
	unsigned long seconds = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || !seconds || seconds > 86400)
		return gpupt_fail(error, GPUPT_E_SYNTAX,
				  "--timeout %s: expected seconds, 1 to 86400", text);
	settings->timeout_seconds = (unsigned int)seconds;
	return 0;
}

/* Options whose argument is one of the words that their table row lists. */
static int set_choice(const struct cli_option *option, const char *argument,
		      struct cli_settings *settings, struct gpupt_error **error)
{
	int choice = parse_choice(option->argument, argument);
	if (choice < 0)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "--%s %s: expected %s", option->name,
				  argument, option->argument);
	switch (option->id) {
	case OPTION_ROUNDING: settings->rounding = (enum gpupt_rounding)choice; break;
	case OPTION_FORMAT:
	case OPTION_PICTURE_FORMAT: settings->format = (enum cli_format)choice; break;
	case OPTION_REPORT_FORMAT:
		settings->format = choice == 2 ? CLI_FORMAT_SARIF :
				   choice == 3 ? CLI_FORMAT_TABLE : (enum cli_format)choice;
		break;
	case OPTION_COLOR: settings->color = (enum cli_color)choice; break;
	}
	return 0;
}

static int add_host(struct cli_settings *settings, const char *uri, struct gpupt_error **error)
{
	struct cli_hosts *hosts = &settings->hosts;
	if (!GPUPT_GROW(hosts->items, hosts->count, hosts->capacity))
		return gpupt_fail_nomem(error);
	hosts->items[hosts->count++] = (struct cli_host){ .uri = uri };
	settings->uri = uri;
	return 0;
}

/* Behind a --connect it is that host's, so that no other is planned with its devices. */
static void set_inventory(struct cli_settings *settings, const char *path)
{
	if (settings->hosts.count)
		settings->hosts.items[settings->hosts.count - 1].inventory = path;
	else
		settings->inventory = path;
}

static int set(const struct cli_option *option, const char *argument,
	       struct cli_settings *settings, struct gpupt_error **error)
{
	switch (option->id) {
	case 'c': return add_host(settings, argument, error);
	case OPTION_KERNEL: settings->kernel = argument; break;
	case OPTION_INITRD: settings->initrd = argument; break;
	case OPTION_EMULATOR: settings->emulator = argument; break;
	case OPTION_TIMEOUT: return parse_timeout(argument, settings, error);
	case 'i': settings->in_place = true; break;
	case 'o': settings->output = argument; break;
	case 'q': settings->quiet = true; break;
	case 'v': settings->verbose = true; break;
	case 'h': settings->help = true; break;
	case OPTION_FILE: settings->as_file = true; break;
	case OPTION_DOMAIN: settings->as_domain = true; break;
	case OPTION_INVENTORY: set_inventory(settings, argument); break;
	case OPTION_SYSFS: settings->sysfs = argument; break;
	case OPTION_ASSUME: return add_word(&settings->assumptions, argument, error);
	case OPTION_ADD: return add_word(&settings->added, argument, error);
	case OPTION_REMOVE: return add_word(&settings->removed, argument, error);
	case OPTION_HOLE: return parse_hole(argument, settings, error);
	case OPTION_HEADROOM:
		return parse_size(option->name, argument, &settings->headroom_bytes, error);
	case OPTION_FIRMWARE: settings->firmware = argument; break;
	case OPTION_ALLOW: return add_word(&settings->allowed, argument, error);
	case OPTION_FORBID: return add_word(&settings->forbidden, argument, error);
	case OPTION_GUEST_KERNEL: settings->guest_kernel = argument; break;
	case OPTION_SHRINK: settings->allow_shrink = true; break;
	case OPTION_FORCE: settings->force = true; break;
	case OPTION_MULTIFUNCTION: settings->multifunction = true; break;
	case OPTION_NO_SIBLINGS: settings->no_siblings = true; break;
	case OPTION_DRY_RUN: settings->dry_run = true; break;
	case OPTION_YES:
	case OPTION_CARRY_OUT: settings->yes = true; break;
	case OPTION_GUEST_OS: settings->guest_os = argument; break;
	case OPTION_AGENT: settings->guest_agent = true; break;
	case OPTION_NO_BACKUP: settings->no_backup = true; break;
	case OPTION_NO_RETRY: settings->no_retry = true; break;
	case OPTION_VMI: settings->vmi = argument; break;
	case OPTION_DOMAIN_XML: settings->domain_xml = argument; break;
	case OPTION_ALL: settings->all = true; break;
	case OPTION_EVERY: settings->every = true; break;
	case OPTION_KEEP_GOING: settings->keep_going = true; break;
	case OPTION_STRICT_CHECKUP: settings->strict_checkup = true; break;
	case OPTION_STRICT: settings->strict = true; break;
	case OPTION_SECRETS: settings->show_secrets = true; break;
	default: return set_choice(option, argument, settings, error);
	}
	return 0;
}

/* getopt_long's view of the table, for one command. */
struct getopt_arrays {
	struct option long_options[GPUPT_ARRAY_SIZE(cli_options) + 1];
	char letters[2 * GPUPT_ARRAY_SIZE(cli_options) + 2];
};

static void fill_arrays(unsigned int command, struct getopt_arrays *arrays)
{
	size_t n = 0, letter = 0;
	*arrays = (struct getopt_arrays){ 0 };
	arrays->letters[letter++] = ':'; /* a missing argument is told apart */
	for (size_t i = 0; i < cli_n_options; i++) {
		const struct cli_option *option = &cli_options[i];
		if (!(option->commands & command))
			continue;
		arrays->long_options[n++] = (struct option){
			.name = option->name,
			.has_arg = option->argument ? required_argument : no_argument,
			.val = option->id,
		};
		if (option->id < OPTION_FILE)
			arrays->letters[letter++] = (char)option->id;
		if (option->id < OPTION_FILE && option->argument)
			arrays->letters[letter++] = ':';
	}
}

static const struct cli_option *find_option(int id)
{
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].id == id)
			return &cli_options[i];
	return NULL;
}

/* What getopt_long could not read: argv[optind - 1], or the letter optopt. */
static int fail_option(const char *word, const struct cli_settings *settings,
		       struct gpupt_error **error)
{
	const char *command = settings->command->name;
	const char *names[GPUPT_ARRAY_SIZE(cli_options)] = { 0 };
	if (strncmp(word, "--", 2) != 0)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s has no option -%c", command,
				  optopt);
	if (optopt && find_option(optopt))
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--%s takes no argument",
				  find_option(optopt)->name);
	for (size_t i = 0; i < cli_n_options; i++)
		if (cli_options[i].commands & settings->command->bit)
			names[i] = cli_options[i].name;
	size_t length = strcspn(word + 2, "=");
	GPUPT_AUTOFREE char *name = strndup(word + 2, length);
	if (!name)
		return gpupt_fail_nomem(error);
	for (size_t i = 0; i < cli_n_options; i++)
		if (strcmp(cli_options[i].name, name) == 0)
			return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s has no option --%s",
					  command, name);
	const char *near = gpupt_nearest(name, names, cli_n_options);
	return gpupt_fail(error, GPUPT_E_ARGUMENT, "unknown option --%s%s%s%s", name,
			  near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

bool cli_takes_many(const struct cli_command *command)
{
	return command->operand && strstr(command->operand, "...");
}

/* A single host is not told apart from the settings. */
static int settle_hosts(struct cli_settings *settings, struct gpupt_error **error)
{
	const struct cli_hosts *hosts = &settings->hosts;
	if (hosts->count > 1 && !cli_takes_many(settings->command))
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s takes one --connect: %s or %s?",
				  settings->command->name, hosts->items[0].uri,
				  hosts->items[1].uri);
	for (size_t i = 1; i < hosts->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(hosts->items[i].uri, hosts->items[k].uri) == 0)
				return gpupt_fail(error, GPUPT_E_ARGUMENT,
						  "--connect %s is there twice", hosts->items[i].uri);
	if (hosts->count == 1 && hosts->items[0].inventory)
		settings->inventory = hosts->items[0].inventory;
	return 0;
}

static bool has_inventory(const struct cli_settings *settings)
{
	bool has = settings->inventory;
	for (size_t i = 0; i < settings->hosts.count; i++)
		has |= settings->hosts.items[i].inventory != NULL;
	return has;
}

static int check_combinations(const struct cli_settings *settings, struct gpupt_error **error)
{
	if (settings->as_file && settings->as_domain)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--file and --domain exclude each other");
	if (settings->in_place && settings->output)
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "--in-place and --output exclude each other");
	if (settings->command->bit == CLI_GUEST && settings->yes && !settings->guest_agent)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--yes needs --guest-agent: the agent "
				  "is what carries the steps out");
	if (has_inventory(settings) && settings->sysfs)
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "--inventory and --sysfs exclude each other");
	if (settings->uri && settings->as_file)
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "--connect and --file exclude each other");
	return 0;
}

static int check_count(size_t count, const char *const *operands,
		       const struct cli_settings *settings, struct gpupt_error **error)
{
	const struct cli_command *command = settings->command;
	size_t most = cli_takes_many(command) ? SIZE_MAX : command->operand ? 1 : 0;
	if (count == 0 && command->operand && *command->operand != '[' && !settings->every)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s needs a %.*s; see gpupt-xml help %s",
				  command->name, (int)strcspn(command->operand, "."),
				  command->operand, command->name);
	if (count > most)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s: \"%s\" is one argument too many",
				  command->name, operands[most]);
	if (count && settings->every)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--all means every domain: leave \"%s\" "
				  "out, or --all", operands[0]);
	return 0;
}

static bool is_stdin(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

/* One that is for several hosts is read for each of them. */
static int inventories_from_stdin(const struct cli_settings *settings)
{
	const struct cli_hosts *hosts = &settings->hosts;
	int n = 0;
	if (hosts->count <= 1)
		return is_stdin(settings->inventory);
	for (size_t i = 0; i < hosts->count; i++)
		n += is_stdin(hosts->items[i].inventory ? hosts->items[i].inventory :
							  settings->inventory);
	return n;
}

static int take_operands(int argc, char **argv, struct cli_settings *settings,
			 struct gpupt_error **error)
{
	int r = 0, from_stdin = inventories_from_stdin(settings);
	if (settings->help)
		return 0;
	for (int i = 0; i < argc && r == 0; i++) {
		r = add_word(&settings->operands, argv[i], error);
		from_stdin += is_stdin(argv[i]);
	}
	if (r == 0)
		r = check_count(settings->operands.count, settings->operands.items, settings, error);
	if (r < 0)
		return r;
	settings->operand = argc ? argv[0] : NULL;
	if (from_stdin > 1 && settings->hosts.count <= 1 && is_stdin(settings->inventory))
		return gpupt_fail(error, GPUPT_E_ARGUMENT,
				  "the domain and the inventory cannot both come from standard input");
	if (from_stdin > 1)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "standard input can be read once only");
	return 0;
}

int cli_options_parse(int argc, char **argv, struct cli_settings *settings,
		      struct gpupt_error **error)
{
	struct getopt_arrays arrays;
	fill_arrays(settings->command->bit, &arrays);
	opterr = 0;
	optind = 0; /* glibc and musl: begin anew */
	for (;;) {
		int id = getopt_long(argc, argv, arrays.letters, arrays.long_options, NULL);
		if (id == -1)
			break;
		if (id == ':')
			return gpupt_fail(error, GPUPT_E_ARGUMENT, "%s needs an argument: %s",
					  argv[optind - 1], find_option(optopt)->argument);
		if (id == '?')
			return fail_option(argv[optind - 1], settings, error);
		int r = set(find_option(id), optarg, settings, error);
		if (r < 0)
			return r;
	}
	int r = settle_hosts(settings, error);
	if (r == 0)
		r = check_combinations(settings, error);
	return r < 0 ? r : take_operands(argc - optind, argv + optind, settings, error);
}
