/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/resource.h>

#include <gpupt/doctor.h>

#include "cli/output.h"
#include "cli/request.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_checkup, gpupt_checkup_free)

enum { INDENT = 9 };

#define RESET "\033[0m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"

/* What was found, in numbers. */
struct tally {
	size_t errors, warnings, incomplete;
};

static const char *color_of(const char *result)
{
	static const char *const colors[][2] = {
		{ "ok", GREEN }, { "note", CYAN }, { "warning", YELLOW }, { "error", RED },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(colors); i++)
		if (strcmp(result, colors[i][0]) == 0)
			return colors[i][1];
	return "";
}

static struct tally count(const struct gpupt_checkup *checkup)
{
	struct tally tally = { 0 };
	size_t n_checks;
	const struct gpupt_check *checks = gpupt_checkup_get_checks(checkup, &n_checks);
	for (size_t i = 0; i < n_checks; i++) {
		tally.incomplete += checks[i].unseen != NULL;
		for (size_t f = 0; f < checks[i].n_findings; f++) {
			tally.errors += checks[i].findings[f].severity == GPUPT_ERROR;
			tally.warnings += checks[i].findings[f].severity == GPUPT_WARNING;
		}
	}
	return tally;
}

/* ---- text */

static void print_finding(const struct gpupt_finding *finding, bool with_remedy)
{
	static const char *const severities[] = { "note", "warning", "error" };
	char place[64] = "";
	if (finding->line)
		snprintf(place, sizeof(place), " (line %zu of the domain)", finding->line);
	bool has_subject = *finding->subject && !strstr(finding->text, finding->subject);
	cli_print_paragraph(stdout, INDENT + 2, INDENT, "%s: %s%s%s%s [GPUPT-%04u]",
			    severities[finding->severity], has_subject ? finding->subject : "",
			    has_subject ? ": " : "", finding->text, place, finding->number);
	if (with_remedy && *finding->remedy)
		cli_print_paragraph(stdout, INDENT + 4, INDENT + 2, "remedy: %s",
				    finding->remedy);
}

static void print_check(const struct cli_settings *settings, const struct gpupt_check *check)
{
	const char *result = gpupt_check_get_result(check);
	bool color = cli_use_color(settings->color, stdout);
	GPUPT_AUTOFREE char *line = NULL;
	if (settings->quiet && strcmp(result, "error") != 0)
		return;
	if (asprintf(&line, "%s%s%s", check->name, check->seen ? ": " : "",
		     check->seen ? check->seen : "") < 0)
		line = NULL;
	printf("%s%-8s%s ", color ? color_of(result) : "", result, color ? RESET : "");
	cli_print_filled(stdout, INDENT, INDENT, line ? line : check->name);
	if (check->unseen)
		cli_print_paragraph(stdout, INDENT + 2, INDENT, "not examined: %s", check->unseen);
	for (size_t i = 0; i < check->n_findings; i++) {
		const struct gpupt_finding *finding = &check->findings[i];
		if (settings->quiet && finding->severity != GPUPT_ERROR)
			continue;
		/* eight GPUs with the same trouble need to be told the way out once */
		print_finding(finding, i + 1 == check->n_findings ||
				       finding[1].number != finding->number);
	}
}

static void print_devices(const struct gpupt_checkup *checkup)
{
	size_t n_devices;
	const struct gpupt_pci_address *devices = gpupt_checkup_get_devices(checkup, &n_devices);
	struct gpupt_str line = { 0 };
	for (size_t i = 0; i < n_devices; i++) {
		char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
		gpupt_str_addf(&line, "%s%s", i ? " " : "",
			       gpupt_pci_address_format(devices[i], address));
	}
	if (line.length)
		cli_print_paragraph(stdout, INDENT, 0, "%-*s%s", INDENT, "devices", line.data);
	gpupt_str_clear(&line);
}

static int print_text(const struct cli_settings *settings, const struct gpupt_checkup *checkup,
		      struct gpupt_error **error)
{
	size_t n_checks;
	const struct gpupt_check *checks = gpupt_checkup_get_checks(checkup, &n_checks);
	const char *host = gpupt_checkup_get_host(checkup);
	struct tally tally = count(checkup);
	if (!settings->quiet && *host)
		cli_print_paragraph(stdout, INDENT, 0, "%-*s%s", INDENT, "host", host);
	if (settings->verbose)
		print_devices(checkup);
	for (size_t i = 0; i < n_checks; i++)
		print_check(settings, &checks[i]);
	if (!settings->quiet)
		printf("%-*s%zu error%s, %zu warning%s; %zu of %zu checks not made in full\n",
		       INDENT, "sum", tally.errors, tally.errors == 1 ? "" : "s", tally.warnings,
		       tally.warnings == 1 ? "" : "s", tally.incomplete, n_checks);
	return cli_flush_output(error);
}

static int print_json(const struct gpupt_checkup *checkup, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = gpupt_checkup_to_json(checkup, &text, &length, error);
	if (r < 0)
		return r;
	text[length++] = '\n'; /* where the NUL byte was */
	return cli_print_text(text, length, error);
}

/* ---- what to look at */

/* Whose QEMU may lock only what this account may: libvirt's session daemon has no
 * right to raise the limit. */
static bool is_session(const struct cli_target *target)
{
	const char *uri = target->connection ?
				  target->hypervisor.connection_get_uri(target->connection) : NULL;
	size_t length = uri ? strcspn(uri, "?") : 0;
	return length >= 8 && strncmp(uri + length - 8, "/session", 8) == 0;
}

static void ask_hypervisor(const struct cli_target *target, struct gpupt_checkup_options *options)
{
	struct rlimit limit;
	if (!target->connection)
		return;
	target->hypervisor.connection_get_versions(target->connection, &options->libvirt_version,
						   &options->qemu_version);
	if (is_session(target) && cli_target_get_host(target) == GPUPT_HOST_LOCAL &&
	    getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
		options->lock_limit_bytes = limit.rlim_max;
}

/* Of another host nothing is known but what an inventory records. */
static const char *files_of(const struct cli_settings *settings, const struct cli_target *target)
{
	if (settings->sysfs)
		return settings->sysfs;
	bool local = !settings->operand || cli_target_get_host(target) == GPUPT_HOST_LOCAL;
	return local && !settings->inventory ? "/sys" : NULL;
}

static int report(const struct cli_settings *settings, const struct gpupt_inventory *inventory,
		  const struct gpupt_checkup_options *options, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_checkup_free) struct gpupt_checkup *checkup = NULL;
	int r = gpupt_checkup_make(inventory, options, &checkup, error);
	if (r < 0)
		return r;
	r = settings->format == CLI_FORMAT_JSON ? print_json(checkup, error) :
						  print_text(settings, checkup, error);
	if (r < 0)
		return r;
	struct tally tally = count(checkup);
	if (!inventory)
		return CLI_TROUBLE;
	return tally.errors || tally.warnings || (settings->strict_checkup && tally.incomplete) ?
		       CLI_DIFFERS : CLI_DONE;
}

/* Where this machine's own devices cannot be read, that is a result, not a failure. */
static int read_inventory(const struct cli_settings *settings, const struct cli_target *target,
			  struct gpupt_inventory **ret, struct gpupt_error **problem,
			  struct gpupt_error **error)
{
	int r = settings->operand ? cli_inventory_for(settings, target, ret, problem) :
				    cli_inventory_of_host(settings, ret, problem);
	bool own = !settings->inventory && !settings->sysfs && !settings->assumptions.count;
	const char *files = files_of(settings, target);
	if (r >= 0 || (own && files && r != GPUPT_E_NOMEM))
		return 0;
	return gpupt_fail(error, (enum gpupt_status)r, "%s", gpupt_error_get_message(*problem));
}

int cli_doctor(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_target target = { 0 };
	GPUPT_AUTO(gpupt_inventory_free) struct gpupt_inventory *inventory = NULL;
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *problem = NULL;
	if (!settings->operand && settings->uri)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--connect needs a domain");
	int r = settings->operand ? cli_target_open(settings, CLI_LOOK, &target, error) : 0;
	if (r < 0)
		return r;
	r = read_inventory(settings, &target, &inventory, &problem, error);
	if (r == 0) {
		struct gpupt_checkup_options options = {
			.sysfs = files_of(settings, &target),
			.domain = target.domain,
			.inventory_problem = problem ? gpupt_error_get_message(problem) : NULL,
		};
		ask_hypervisor(&target, &options);
		r = report(settings, inventory, &options, error);
	}
	cli_target_close(&target);
	return r;
}
