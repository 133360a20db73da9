/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>

#include "base/str.h"
#include "cli/define.h"
#include "cli/output.h"
#include "cli/print-json.h"
#include "cli/store.h"
#include "cli/table.h"

/* So much of a change is told. */
#define MAX_CHANGE 160

/* A line of a diff, without its sign and indentation. */
struct line {
	const char *text;
	size_t length;
	char sign;
};

static bool next_line(const char **diff, struct line *ret)
{
	while (**diff) {
		size_t length = strcspn(*diff, "\n");
		const char *start = *diff, *end = start + length;
		*diff = end + (*end == '\n');
		bool header = strncmp(start, "--- ", 4) == 0 || strncmp(start, "+++ ", 4) == 0;
		if (header || (*start != '+' && *start != '-'))
			continue;
		ret->sign = *start++;
		start += strspn(start, " \t");
		ret->text = start;
		ret->length = start < end ? (size_t)(end - start) : 0;
		return true;
	}
	return false;
}

/* Up to what ends a start tag: "<a/>" becomes "<a>" when it gets a child. */
static size_t tag_length(const struct line *line)
{
	size_t length = line->length;
	while (length && strchr("/>\r", line->text[length - 1]))
		length--;
	return length;
}

/* A line of the other sign says the same. */
static bool is_new(const struct line *line, const char *diff)
{
	struct line other;
	size_t length = tag_length(line);
	while (next_line(&diff, &other))
		if (other.sign != line->sign && tag_length(&other) == length &&
		    memcmp(other.text, line->text, length) == 0)
			return false;
	return line->length > 1 && line->text[1] != '/';
}

/* Not into the middle of a character of UTF-8. */
static size_t shown_length(const struct line *line)
{
	size_t length = line->length < MAX_CHANGE ? line->length : MAX_CHANGE;
	while (length && length < line->length && ((unsigned char)line->text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

/* What came, or where nothing did, what went. */
static char *describe(const char *diff)
{
	static const char signs[] = "+-";
	struct gpupt_str change = { 0 };
	for (size_t i = 0; i < 2 && !change.length; i++) {
		struct line line;
		const char *rest = diff;
		while (next_line(&rest, &line) && change.length < MAX_CHANGE) {
			if (line.sign != signs[i] || !is_new(&line, diff))
				continue;
			gpupt_str_addf(&change, "%s%c ", change.length ? ", " : "", line.sign);
			gpupt_str_add(&change, line.text, shown_length(&line));
		}
	}
	if (change.length >= MAX_CHANGE)
		gpupt_str_adds(&change, " ...");
	return gpupt_str_steal(&change, NULL);
}

/* In one line, without secrets. */
static int summarize(const struct cli_store *store, const struct cli_kept *kept, char **ret,
		     struct gpupt_error **error)
{
	struct gpupt_diff_options options = { .old_name = "a", .new_name = "b", .redact = true };
	GPUPT_AUTOFREE char *old = NULL;
	GPUPT_AUTOFREE char *new = NULL;
	GPUPT_AUTOFREE char *diff = NULL;
	GPUPT_AUTO(gpupt_error_free) struct gpupt_error *why = NULL;
	size_t old_length, new_length, diff_length;
	int r = cli_store_read(store, kept, CLI_KEPT_OLD, &old, &old_length, &why);
	if (r == 0)
		r = cli_store_read(store, kept, CLI_KEPT_NEW, &new, &new_length, &why);
	if (r == 0)
		r = gpupt_diff(old, old_length, new, new_length, &options, &diff, &diff_length,
			       NULL, &why);
	/* one that cannot be read does not hide the others */
	char *change = r == 0 ? describe(diff) : why ? strdup(gpupt_error_get_message(why)) : NULL;
	if (!change)
		return gpupt_fail_nomem(error);
	*ret = change;
	return 0;
}

static int print_text(const struct cli_store *store, const struct cli_kept_list *list,
		      struct gpupt_error **error)
{
	static const char *const headings[] = { "time", "change" };
	struct cli_table table = { .headings = headings, .n_columns = 2 };
	int r = 0;
	for (size_t i = list->count; i > 0 && r == 0; i--) {
		char when[CLI_KEPT_TIME_MAX];
		GPUPT_AUTOFREE char *change = NULL;
		r = summarize(store, &list->items[i - 1], &change, error);
		if (r < 0)
			break;
		cli_table_add(&table, "%s", cli_kept_format_time(&list->items[i - 1], when));
		cli_table_add(&table, "%s", change);
	}
	if (r == 0 && list->count)
		r = cli_table_print(&table, stdout, error);
	cli_table_clear(&table);
	return r < 0 ? r : cli_flush_output(error);
}

static int add_json(json_t *changes, const struct cli_store *store, const struct cli_kept *kept,
		    struct gpupt_error **error)
{
	char when[CLI_KEPT_TIME_MAX];
	GPUPT_AUTOFREE char *change = NULL;
	GPUPT_AUTOFREE char *old = cli_store_path(store, kept, CLI_KEPT_OLD);
	GPUPT_AUTOFREE char *new = cli_store_path(store, kept, CLI_KEPT_NEW);
	int r = summarize(store, kept, &change, error);
	if (r < 0)
		return r;
	cli_kept_format_time(kept, when);
	json_t *item = !old || !new ? NULL :
		json_pack("{s:s, s:s, s:s, s:s}", "time", when, "change", change, "old", old,
			  "new", new);
	return json_array_append_new(changes, item) < 0 ? gpupt_fail_nomem(error) : 0;
}

static int print_json(const char *name, const struct cli_store *store,
		      const struct cli_kept_list *list, struct gpupt_error **error)
{
	json_t *changes = json_array();
	int r = 0;
	for (size_t i = list->count; i > 0 && r == 0; i--)
		r = add_json(changes, store, &list->items[i - 1], error);
	if (r < 0) {
		json_decref(changes);
		return r;
	}
	json_t *document = json_pack("{s:s, s:o}", "domain", name, "changes", changes);
	return cli_print_json(document, error);
}

static int show(const struct cli_settings *settings, const struct cli_target *target,
		const struct cli_store *store, struct gpupt_error **error)
{
	const char *name = target->hypervisor.guest_get_name(target->guest);
	struct cli_kept_list list = { 0 };
	int r = cli_store_list(store, &list, error);
	if (r < 0)
		return r;
	if (!list.count)
		cli_note(settings, "no earlier definition of %s is kept in %s", name, store->path);
	else if (settings->verbose)
		cli_note(settings, "the definitions are in %s", store->path);
	r = settings->format == CLI_FORMAT_JSON ? print_json(name, store, &list, error) :
						  print_text(store, &list, error);
	free(list.items);
	return r < 0 ? r : CLI_DONE;
}

int cli_history(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct cli_target target = { 0 };
	struct cli_store store = { 0 };
	int r = cli_domain_only(settings, error);
	if (r == 0)
		r = cli_target_open(settings, CLI_LOOK, &target, error);
	if (r < 0)
		return r;
	r = cli_store_locate(target.hypervisor.connection_get_uri(target.connection),
			     gpupt_domain_get_uuid(target.domain), &store, error);
	if (r == 0)
		r = show(settings, &target, &store, error);
	cli_store_clear(&store);
	cli_target_close(&target);
	return r;
}
