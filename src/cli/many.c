/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/many.h"

#include <fnmatch.h>
#include <unistd.h>

#include "cli/ahead.h"
#include "cli/fleet.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/target.h"

/* So many are planned for before the first of them is shown, and so much text. */
enum { MAX_AHEAD = 64, MAX_AHEAD_BYTES = 4 << 20 };

/* What a target came to. */
enum result { WAITING, DEFINED, REWRITTEN, UNCHANGED, DIFFERS, FOUND, NO_FIT, FAILED };

struct item {
	const char *operand;
	char *label; /* what it is called in messages */
	struct cli_session *session; /* of its host */
	bool as_domain; /* it is one by that name, whatever it looks like */
	bool is_file;
	struct gpupt_error *failure; /* why there is nothing to work on, or NULL */
	enum result result;
};

struct many {
	const struct cli_settings *settings;
	struct cli_fleet fleet;
	struct cli_report *report; /* or NULL */
	struct item *items;
	size_t count;
	size_t capacity;
	struct cli_ahead *ahead; /* MAX_AHEAD; NULL: each when it is its turn */
	size_t first_ahead, n_ahead; /* items that are there, or were */
};

static bool is_pattern(const char *operand)
{
	return strpbrk(operand, "*?[");
}

bool cli_is_many(const struct cli_settings *settings)
{
	if (!cli_takes_many(settings->command))
		return false;
	if (settings->every || settings->operands.count > 1 || settings->hosts.count > 1 ||
	    settings->format != CLI_FORMAT_TEXT)
		return true;
	struct cli_settings one = *settings;
	one.operand = settings->operands.items[0];
	return settings->command->bit != CLI_PATCH && is_pattern(one.operand) &&
	       !cli_target_is_file(&one);
}

/* ---- which they are */

/* What makes sense for one only. */
static int check(const struct cli_settings *settings, struct gpupt_error **error)
{
	if (settings->command->bit == CLI_APPLY && settings->format != CLI_FORMAT_TEXT &&
	    !settings->yes && !settings->dry_run && isatty(STDIN_FILENO))
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "a report has no room for questions: "
				  "add --yes, or --dry-run");
	if (settings->command->bit == CLI_PATCH && !settings->in_place)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "several files are rewritten in their "
				  "place: add --in-place, or name one");
	bool several = settings->every || settings->operands.count > 1 ||
		       settings->hosts.count > 1 || is_pattern(settings->operands.items[0]);
	if (several && (settings->added.count || settings->removed.count))
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--%s-device is for one %s at a time",
				  settings->added.count ? "add" : "remove",
				  settings->command->bit == CLI_PATCH ? "file" : "domain");
	return 0;
}

/* One that cannot be had. */
static bool is_host(const struct item *item)
{
	return item->session->failure;
}

static int append(struct many *many, struct item item, struct gpupt_error **error)
{
	const char *host = item.is_file || is_host(&item) ? NULL : item.session->label;
	if (asprintf(&item.label, "%s%s%s", host ? host : "", host ? "/" : "", item.operand) < 0)
		return gpupt_fail_nomem(error);
	if (!GPUPT_GROW(many->items, many->count, many->capacity)) {
		free(item.label);
		return gpupt_fail_nomem(error);
	}
	many->items[many->count++] = item;
	return 0;
}

/* One that is named twice is done once. */
static int add(struct many *many, struct item item, struct gpupt_error **error)
{
	for (size_t i = 0; i < many->count; i++)
		if (many->items[i].session == item.session &&
		    strcmp(many->items[i].operand, item.operand) == 0)
			return 0;
	return append(many, item, error);
}

static struct item domain_item(struct cli_session *host, const char *name)
{
	return (struct item){ .operand = name, .session = host, .as_domain = true };
}

static bool has_name(const struct cli_session *host, const char *name)
{
	for (size_t i = 0; i < host->n_names; i++)
		if (strcmp(host->names[i], name) == 0)
			return true;
	return false;
}

/* A domain of that very name goes before the pattern. Returns how many there are, or a
 * status. */
static int add_matches_of(struct many *many, struct cli_session *host, const char *pattern,
			  struct gpupt_error **error)
{
	int r = 0, n = 0;
	bool is_name = has_name(host, pattern);
	for (size_t i = 0; r == 0 && i < host->n_names; i++) {
		if (is_name ? strcmp(host->names[i], pattern) != 0 :
			      fnmatch(pattern, host->names[i], 0) != 0)
			continue;
		n++;
		r = add(many, domain_item(host, host->names[i]), error);
	}
	return r < 0 ? r : n;
}

/* A mistake that is no matter to other targets. */
static int add_unmatched(struct many *many, const char *pattern, struct gpupt_error **error)
{
	struct item item = { .operand = pattern, .session = &many->fleet.nowhere };
	gpupt_fail(&item.failure, GPUPT_E_NOT_FOUND, "no domain matches \"%s\"", pattern);
	size_t before = many->count;
	int r = item.failure ? add(many, item, error) : gpupt_fail_nomem(error);
	if (many->count == before)
		gpupt_error_free(item.failure);
	return r;
}

static int add_matches(struct many *many, const char *pattern, struct gpupt_error **error)
{
	int n = 0;
	for (size_t i = 0; i < many->fleet.count; i++) {
		int r = add_matches_of(many, &many->fleet.hosts[i], pattern, error);
		if (r < 0)
			return r;
		n += r;
	}
	return n == 0 ? add_unmatched(many, pattern, error) : 0;
}

/* By UUID or id. */
static bool can_find(const struct cli_session *host, const char *operand)
{
	struct gpupt_guest *guest = NULL;
	if (host->failure ||
	    host->hypervisor.connection_find(host->connection, operand, &guest, NULL) < 0)
		return false;
	host->hypervisor.guest_free(guest);
	return true;
}

/* Of several hosts, those that have it by name, or by UUID or id; the first one tells of a
 * domain that is nowhere. */
static int add_name(struct many *many, const char *name, struct gpupt_error **error)
{
	struct cli_session *hosts = many->fleet.hosts, *first = hosts;
	size_t n_hosts = many->fleet.count, before = many->count;
	int r = 0;
	for (size_t i = 0; r == 0 && n_hosts > 1 && i < n_hosts; i++)
		if (has_name(&hosts[i], name))
			r = add(many, (struct item){ .operand = name, .session = &hosts[i] }, error);
	for (size_t i = 0; r == 0 && n_hosts > 1 && many->count == before && i < n_hosts; i++)
		if (can_find(&hosts[i], name))
			r = add(many, (struct item){ .operand = name, .session = &hosts[i] }, error);
	while (first < hosts + n_hosts - 1 && first->failure)
		first++;
	if (r < 0 || many->count > before || first->failure)
		return r;
	return add(many, (struct item){ .operand = name, .session = first }, error);
}

static int add_operand(struct many *many, const char *operand, struct gpupt_error **error)
{
	struct cli_settings one = *many->settings;
	one.operand = operand;
	if (one.command->bit == CLI_PATCH || cli_target_is_file(&one))
		return add(many, (struct item){ .operand = operand, .is_file = true,
						.session = &many->fleet.files }, error);
	return is_pattern(operand) ? add_matches(many, operand, error) :
				     add_name(many, operand, error);
}

/* Names alone are looked up one by one. */
static bool needs_names(const struct cli_settings *settings)
{
	if (settings->command->bit == CLI_PATCH)
		return false;
	bool needs = settings->every || settings->hosts.count > 1;
	struct cli_settings one = *settings;
	for (size_t i = 0; i < settings->operands.count; i++) {
		one.operand = settings->operands.items[i];
		needs |= !cli_target_is_file(&one) && is_pattern(one.operand);
	}
	return needs;
}

static int add_all_of(struct many *many, struct cli_session *host, struct gpupt_error **error)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < host->n_names; i++)
		r = append(many, domain_item(host, host->names[i]), error);
	return r;
}

/* A host that cannot be had is a target that failed; it comes first, so that apply
 * changes nothing without its being said. */
static int collect(struct many *many, struct gpupt_error **error)
{
	const struct cli_settings *settings = many->settings;
	int r = needs_names(settings) ? cli_fleet_open(settings, &many->fleet, error) : 0;
	for (size_t i = 0; r == 0 && i < many->fleet.count; i++)
		if (many->fleet.hosts[i].failure)
			r = append(many, (struct item){ .operand = many->fleet.hosts[i].uri,
							.session = &many->fleet.hosts[i] }, error);
	for (size_t i = 0; r == 0 && settings->every && i < many->fleet.count; i++)
		r = add_all_of(many, &many->fleet.hosts[i], error);
	for (size_t i = 0; r == 0 && i < settings->operands.count; i++)
		r = add_operand(many, settings->operands.items[i], error);
	return r;
}

/* ---- one of them */

/* For programs. */
static const char *const result_names[] = {
	[WAITING] = "not-tried", [DEFINED] = "defined", [REWRITTEN] = "rewritten",
	[UNCHANGED] = "unchanged", [DIFFERS] = "differs", [FOUND] = "errors-found",
	[NO_FIT] = "no-fit", [FAILED] = "failed",
};

static int status_of(enum result result)
{
	return result == FAILED || result == WAITING ? CLI_TROUBLE :
	       result == NO_FIT ? CLI_NO_FIT :
	       result == FOUND ? CLI_FINDINGS :
	       result == DIFFERS ? CLI_DIFFERS : CLI_DONE;
}

static enum result judge(const struct many *many, const struct item *item, int status)
{
	switch (status) {
	case CLI_DONE:
		if (!item->session->changed)
			return UNCHANGED;
		return many->settings->command->bit == CLI_PATCH ? REWRITTEN : DEFINED;
	case CLI_DIFFERS: return DIFFERS;
	case CLI_FINDINGS: return FOUND;
	case CLI_NO_FIT:
	case GPUPT_E_NO_FIT: return NO_FIT;
	default: return FAILED;
	}
}

static void begin_report(struct many *many, const struct item *item)
{
	const struct cli_session *session = item->session;
	const char *uri = session->connection && !item->is_file ?
				  session->hypervisor.connection_get_uri(session->connection) :
				  session->uri;
	cli_report_begin(many->report, &(struct cli_report_target){
		.name = item->operand,
		.label = item->label,
		.uri = item->is_file ? NULL : uri,
		.kind = is_host(item) ? "host" : item->is_file ? "file" : "domain",
	});
}

static const struct gpupt_error *failure_of(const struct item *item)
{
	return is_host(item) ? item->session->failure : item->failure;
}

static struct cli_settings settings_of(const struct many *many, const struct item *item)
{
	struct cli_settings one = cli_session_settings(many->settings, item->session);
	one.operand = item->operand;
	one.as_domain |= item->as_domain;
	one.report = many->report;
	one.quiet |= many->report != NULL;
	return one;
}

/* What is read already, or quickly: others are to be seen as they come. */
static bool can_go_ahead(const struct many *many, const struct item *item)
{
	return many->ahead && !failure_of(item) && (item->is_file || item->session->survey);
}

/* What changes nothing can be planned for before it is its turn, and by several threads. */
static void go_ahead(struct many *many, size_t first)
{
	size_t n = 0, bytes = 0;
	for (size_t i = first; i < many->count && n < MAX_AHEAD && bytes < MAX_AHEAD_BYTES &&
	     can_go_ahead(many, &many->items[i]); i++) {
		if (n > 0 && cli_was_interrupted())
			break;
		const struct cli_settings one = settings_of(many, &many->items[i]);
		bytes += cli_ahead_open(&one, &many->ahead[n++]);
	}
	cli_ahead_plan(many->ahead, n);
	many->first_ahead = first;
	many->n_ahead = n;
}

static int run_command(struct many *many, const struct item *item, struct gpupt_error **error)
{
	size_t i = (size_t)(item - many->items) - many->first_ahead;
	const struct cli_settings one = settings_of(many, item);
	if (i >= many->n_ahead)
		return one.command->run(&one, error);
	int r = cli_ahead_show(&many->ahead[i], error);
	cli_ahead_close(&many->ahead[i]);
	return r;
}

static int run(struct many *many, struct item *item, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *own = NULL;
	item->session->changed = false;
	if (many->report)
		begin_report(many, item);
	const struct gpupt_error *failure = failure_of(item);
	int r = failure ? GPUPT_E_LIBVIRT : run_command(many, item, &own);
	const struct gpupt_error *why = failure ? failure : own;
	item->result = judge(many, item, r);
	if (r < 0)
		cli_print_target_error(item->label, why);
	return many->report ? cli_report_end(many->report, result_names[item->result],
					     status_of(item->result), why, error) : 0;
}

/* What may have changed something stops where something is wrong, as make(1) does. */
static bool goes_on(const struct many *many, const struct item *item)
{
	const struct cli_settings *settings = many->settings;
	if (cli_was_interrupted() || ferror(stdout))
		return false;
	return settings->keep_going || settings->command->bit == CLI_DIFF || settings->dry_run ||
	       (item->result != FAILED && item->result != NO_FIT);
}

/* ---- all of them */

static size_t count(const struct many *many, enum result result)
{
	size_t n = 0;
	for (size_t i = 0; i < many->count; i++)
		n += many->items[i].result == result;
	return n;
}

/* The names of some: those to look after. */
static void add_names(const struct many *many, enum result result, struct gpupt_str *line)
{
	enum { MAX_NAMES = 20 };
	size_t n = 0;
	for (size_t i = 0; i < many->count; i++) {
		if (many->items[i].result != result || ++n > MAX_NAMES)
			continue;
		gpupt_str_adds(line, n == 1 ? " (" : ", ");
		gpupt_str_adds(line, many->items[i].label);
	}
	gpupt_str_adds(line, n > MAX_NAMES ? ", ...)" : n ? ")" : "");
}

static void summarize(const struct many *many)
{
	static const struct {
		enum result result;
		const char *text;
		bool named;
	} rows[] = {
		{ DEFINED, "defined", false }, { REWRITTEN, "rewritten", false },
		{ DIFFERS, "would change", false }, { UNCHANGED, "nothing to do", false },
		{ FOUND, "with errors found", true }, { NO_FIT, "cannot fit", true },
		{ FAILED, "failed", true }, { WAITING, "not tried", true },
	};
	struct gpupt_str line = { 0 };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rows); i++) {
		size_t n = count(many, rows[i].result);
		if (!n)
			continue;
		gpupt_str_addf(&line, "%s%zu %s", line.length ? ", " : "", n, rows[i].text);
		if (rows[i].named)
			add_names(many, rows[i].result, &line);
	}
	GPUPT_AUTOFREE char *text = gpupt_str_steal(&line, NULL);
	if (text)
		cli_note(many->settings, "%zu in all: %s", many->count, text);
}

static int worst(const struct many *many)
{
	return count(many, FAILED) || count(many, WAITING) ? CLI_TROUBLE :
	       count(many, NO_FIT) ? CLI_NO_FIT :
	       count(many, FOUND) ? CLI_FINDINGS :
	       count(many, DIFFERS) ? CLI_DIFFERS : CLI_DONE;
}

static int report_the_rest(struct many *many, struct gpupt_error **error)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < many->count; i++) {
		struct item *item = &many->items[i];
		if (item->result != WAITING)
			continue;
		begin_report(many, item);
		r = cli_report_end(many->report, result_names[WAITING], status_of(WAITING), NULL,
				   error);
	}
	return r < 0 ? r : cli_report_close(many->report, error);
}

static int run_all(struct many *many, struct gpupt_error **error)
{
	int r = 0;
	if (many->settings->command->bit == CLI_DIFF && !many->settings->show_secrets)
		many->ahead = calloc(MAX_AHEAD, sizeof(*many->ahead));
	cli_catch_interrupts();
	for (size_t i = 0; i < many->count; i++) {
		struct item *item = &many->items[i];
		cli_progress_show(many->settings, i + 1, many->count, item->label);
		if (i >= many->first_ahead + many->n_ahead)
			go_ahead(many, i);
		r = run(many, item, error);
		if (r < 0 || !goes_on(many, item))
			break;
	}
	if (r == 0 && many->report)
		r = report_the_rest(many, error);
	cli_progress_hide();
	if (many->count)
		summarize(many);
	cli_die_if_interrupted();
	return r < 0 ? r : worst(many);
}

static void clear(struct many *many)
{
	for (size_t i = 0; i < many->count; i++) {
		free(many->items[i].label);
		gpupt_error_free(many->items[i].failure);
	}
	for (size_t i = 0; i < many->n_ahead; i++)
		cli_ahead_close(&many->ahead[i]);
	free(many->ahead);
	free(many->items);
	cli_report_free(many->report);
	cli_fleet_close(&many->fleet);
}

int cli_run_many(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct many many = { .settings = settings };
	int r = check(settings, error);
	if (r == 0)
		r = cli_fleet_make(settings, &many.fleet, error);
	if (r == 0)
		r = collect(&many, error);
	if (r == 0 && many.count == 0)
		cli_note(settings, "there is no domain");
	if (r == 0 && settings->format != CLI_FORMAT_TEXT)
		r = cli_report_new(settings, &many.report, error);
	if (r == 0)
		r = run_all(&many, error);
	clear(&many);
	return r;
}
