/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/many.h"

#include <fnmatch.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/target.h"

/* What a target came to. */
enum result { WAITING, DEFINED, REWRITTEN, UNCHANGED, DIFFERS, FOUND, NO_FIT, FAILED };

struct item {
	const char *operand;
	bool as_domain; /* it is one by that name, whatever it looks like */
	bool is_file;
	enum result result;
};

struct many {
	const struct cli_settings *settings;
	struct cli_session session;
	struct cli_report *report; /* or NULL */
	char **names; /* of all domains, once they are needed */
	size_t n_names;
	struct item *items;
	size_t count;
	size_t capacity;
};

static bool is_pattern(const char *operand)
{
	return strpbrk(operand, "*?[");
}

bool cli_is_many(const struct cli_settings *settings)
{
	if (!cli_takes_many(settings->command))
		return false;
	if (settings->every || settings->operands.count > 1 || settings->format != CLI_FORMAT_TEXT)
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
		       is_pattern(settings->operands.items[0]);
	if (several && (settings->added.count || settings->removed.count))
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "--%s-device is for one %s at a time",
				  settings->added.count ? "add" : "remove",
				  settings->command->bit == CLI_PATCH ? "file" : "domain");
	return 0;
}

static int list_domains(struct many *many, struct gpupt_error **error)
{
	if (many->names)
		return 0;
	int r = cli_session_connect(many->settings, &many->session, error);
	if (r == 0)
		r = cli_session_survey(many->settings, &many->session, error);
	if (r < 0)
		return r;
	return many->session.hypervisor.connection_list(many->session.connection, &many->names,
							&many->n_names, error);
}

/* One that is named twice is done once. */
static int add(struct many *many, const char *operand, bool as_domain,
	       struct gpupt_error **error)
{
	for (size_t i = 0; i < many->count; i++)
		if (many->items[i].as_domain == as_domain &&
		    strcmp(many->items[i].operand, operand) == 0)
			return 0;
	if (!GPUPT_GROW(many->items, many->count, many->capacity))
		return gpupt_fail_nomem(error);
	struct cli_settings one = *many->settings;
	one.operand = operand;
	many->items[many->count++] = (struct item){
		.operand = operand,
		.as_domain = as_domain,
		.is_file = one.command->bit == CLI_PATCH ||
			   (!as_domain && cli_target_is_file(&one)),
	};
	return 0;
}

/* A domain of that very name goes before the pattern. */
static int add_matches(struct many *many, const char *pattern, struct gpupt_error **error)
{
	int r = list_domains(many, error);
	size_t before = many->count, known = 0;
	for (size_t i = 0; r == 0 && i < many->n_names; i++)
		if (strcmp(many->names[i], pattern) == 0)
			return add(many, many->names[i], true, error);
	for (size_t i = 0; r == 0 && i < many->n_names; i++) {
		if (fnmatch(pattern, many->names[i], 0) != 0)
			continue;
		known++;
		r = add(many, many->names[i], true, error);
	}
	if (r == 0 && many->count == before && !known)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND, "no domain matches \"%s\"", pattern);
	return r;
}

static int collect(struct many *many, struct gpupt_error **error)
{
	struct cli_settings one = *many->settings;
	int r = 0;
	if (one.every)
		r = list_domains(many, error);
	for (size_t i = 0; r == 0 && one.every && i < many->n_names; i++)
		r = add(many, many->names[i], true, error);
	for (size_t i = 0; r == 0 && i < one.operands.count; i++) {
		one.operand = one.operands.items[i];
		bool is_file = one.command->bit == CLI_PATCH || cli_target_is_file(&one);
		r = !is_file && is_pattern(one.operand) ? add_matches(many, one.operand, error) :
							  add(many, one.operand, false, error);
	}
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

static enum result judge(const struct many *many, int status)
{
	switch (status) {
	case CLI_DONE:
		if (!many->session.changed)
			return UNCHANGED;
		return many->settings->command->bit == CLI_PATCH ? REWRITTEN : DEFINED;
	case CLI_DIFFERS: return DIFFERS;
	case CLI_FINDINGS: return FOUND;
	case CLI_NO_FIT:
	case GPUPT_E_NO_FIT: return NO_FIT;
	default: return FAILED;
	}
}

static int run(struct many *many, struct item *item, struct gpupt_error **error)
{
	struct cli_settings one = *many->settings;
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *why = NULL;
	one.operand = item->operand;
	one.as_domain |= item->as_domain;
	one.session = &many->session;
	one.report = many->report;
	one.quiet |= many->report != NULL;
	many->session.changed = false;
	if (many->report)
		cli_report_begin(many->report, item->operand, item->is_file);
	int r = one.command->run(&one, &why);
	item->result = judge(many, r);
	if (r < 0)
		cli_print_target_error(item->operand, why);
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
		gpupt_str_adds(line, many->items[i].operand);
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
		cli_report_begin(many->report, item->operand, item->is_file);
		r = cli_report_end(many->report, result_names[WAITING], status_of(WAITING), NULL,
				   error);
	}
	return r < 0 ? r : cli_report_close(many->report, error);
}

static int run_all(struct many *many, struct gpupt_error **error)
{
	int r = 0;
	cli_catch_interrupts();
	for (size_t i = 0; i < many->count; i++) {
		struct item *item = &many->items[i];
		cli_progress_show(many->settings, i + 1, many->count, item->operand);
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

int cli_run_many(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct many many = { .settings = settings };
	int r = check(settings, error);
	if (r == 0)
		r = collect(&many, error);
	if (r == 0 && many.count == 0)
		cli_note(settings, "there is no domain");
	if (r == 0 && settings->format != CLI_FORMAT_TEXT)
		r = cli_report_new(settings, &many.report, error);
	if (r == 0)
		r = run_all(&many, error);
	cli_report_free(many.report);
	free(many.items);
	free(many.names);
	cli_session_close(&many.session);
	return r;
}
