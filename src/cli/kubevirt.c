/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* KubeVirt's hook: a sidecar of the pod that runs the guest is asked for the domain's XML
 * before libvirt gets it (cmd/sidecars, onDefineDomain, v1alpha3). No libvirt is at hand,
 * and no file of the container tells of the host but /proc and /sys. */

#include <jansson.h>

#include "base/json.h"
#include "base/near.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/work.h"

/* "gpupt-xml/pcihole64" is the option --pcihole64 */
#define PREFIX "gpupt-xml/"

struct hook {
	struct cli_settings settings; /* with what the annotations say */
	struct cli_words words;       /* a command line of them */
	struct cli_target target;
	struct gpupt_inventory *inventory;
	struct gpupt_request *request;
	struct gpupt_plan *plan;
	bool disabled;
};

/* ---- annotations */

static int fail_annotation(const char *name, const char *why, struct gpupt_error **error)
{
	return gpupt_fail(error, GPUPT_E_ARGUMENT, "annotation " PREFIX "%s: %s", name, why);
}

/* Takes the word, which is NULL where there was no memory for it. */
static int add_word(struct hook *hook, char *word, struct gpupt_error **error)
{
	struct cli_words *words = &hook->words;
	if (word && GPUPT_GROW(words->items, words->count, words->capacity)) {
		words->items[words->count++] = word;
		return 0;
	}
	free(word);
	return gpupt_fail_nomem(error);
}

static char *option_word(const char *name, const char *value, size_t length)
{
	char *word = NULL;
	int r = value ? asprintf(&word, "--%s=%.*s", name, (int)length, value) :
			asprintf(&word, "--%s", name);
	return r < 0 ? NULL : word;
}

/* The texts themselves come from the sidecar, and nobody is there to be helped. */
static bool is_annotation(const struct cli_option *option)
{
	return (option->commands & CLI_KUBEVIRT) && strcmp(option->name, "vmi") != 0 &&
	       strcmp(option->name, "domain") != 0 && strcmp(option->name, "help") != 0;
}

/* Whole names only: getopt_long() would take the first letters for the name. */
static const struct cli_option *find_option(const char *name, struct gpupt_error **error)
{
	GPUPT_AUTOFREE const char **names = calloc(cli_n_options + 1, sizeof(*names));
	if (!names) {
		gpupt_fail_nomem(error);
		return NULL;
	}
	names[cli_n_options] = "enabled";
	for (size_t i = 0; i < cli_n_options; i++) {
		if (!is_annotation(&cli_options[i]))
			continue;
		names[i] = cli_options[i].name;
		if (strcmp(names[i], name) == 0)
			return &cli_options[i];
	}
	const char *near = gpupt_nearest(name, names, cli_n_options + 1);
	gpupt_fail(error, GPUPT_E_ARGUMENT, "annotation " PREFIX "%s: there is no such option%s%s%s",
		   name, near ? "; did you mean " PREFIX : "", near ? near : "", near ? "?" : "");
	return NULL;
}

/* A key can be there once only: several cards stand in one with commas between. */
static int take_assumptions(struct hook *hook, const char *value, struct gpupt_error **error)
{
	int r = 0;
	while (r == 0 && *value) {
		size_t length = strcspn(value, ", \n");
		if (length)
			r = add_word(hook, option_word("assume", value, length), error);
		value += length + (value[length] != '\0');
	}
	return r;
}

static int take_switch(const char *name, const char *value, bool *ret,
		       struct gpupt_error **error)
{
	*ret = value && strcmp(value, "true") == 0;
	return *ret || (value && strcmp(value, "false") == 0) ?
		       0 :
		       fail_annotation(name, "expected \"true\" or \"false\"", error);
}

static int take_option(struct hook *hook, const char *name, const char *value,
		       struct gpupt_error **error)
{
	bool is_on;
	const struct cli_option *option = find_option(name, error);
	if (!option)
		return GPUPT_E_ARGUMENT;
	if (!option->argument) {
		int r = take_switch(name, value, &is_on, error);
		return r < 0 || !is_on ? r : add_word(hook, option_word(name, NULL, 0), error);
	}
	if (!value)
		return fail_annotation(name, "not a string", error);
	return strcmp(name, "assume") == 0 ?
		       take_assumptions(hook, value, error) :
		       add_word(hook, option_word(name, value, strlen(value)), error);
}

/* Switched off it does nothing, whatever else is wrong: that is the way out. */
static int take_annotations(struct hook *hook, json_t *annotations, struct gpupt_error **error)
{
	const char *key;
	json_t *value = json_object_get(annotations, PREFIX "enabled");
	bool is_enabled = true;
	int r = value ? take_switch("enabled", json_string_value(value), &is_enabled, error) : 0;
	hook->disabled = !is_enabled;
	json_object_foreach (annotations, key, value)
		if (r == 0 && is_enabled && strncmp(key, PREFIX, strlen(PREFIX)) == 0 &&
		    strcmp(key, PREFIX "enabled") != 0)
			r = take_option(hook, key + strlen(PREFIX), json_string_value(value), error);
	return r;
}

static int read_vmi(struct hook *hook, const char *vmi, struct gpupt_error **error)
{
	json_error_t why;
	json_t *root = gpupt_json_load(vmi, strlen(vmi), 0, &why);
	if (!root && !*why.text)
		return gpupt_fail_nomem(error);
	if (!root)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "--vmi: no JSON: %s, at character %d",
				  why.text, why.position);
	json_t *metadata = json_object_get(root, "metadata");
	int r = take_annotations(hook, json_object_get(metadata, "annotations"), error);
	json_decref(root);
	return r;
}

/* The annotations' words first, so that a text they might bring along does not count. */
static int read_settings(struct hook *hook, const struct cli_settings *given,
			 struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	int r = add_word(hook, strdup(given->command->name), error);
	if (r == 0 && given->vmi)
		r = read_vmi(hook, given->vmi, error);
	size_t n_own = hook->words.count;
	for (char **word = given->argv + 2; r == 0 && *word; word++)
		r = add_word(hook, strdup(*word), error);
	if (r < 0 || hook->disabled)
		return r;
	hook->settings = (struct cli_settings){ .command = given->command, .argv = given->argv };
	r = cli_options_parse((int)hook->words.count, (char **)hook->words.items, &hook->settings,
			      &why);
	if (r < 0)
		gpupt_fail(error, (enum gpupt_status)r, "%s%s",
			   n_own > 1 ? "annotations " PREFIX "...: " : "",
			   why ? gpupt_error_get_message(why) : "memory is short");
	gpupt_error_free(why);
	return r;
}

/* ---- the plan */

/* os-release(5) is this container's or, in a snapshot, the node's: what virt-launcher's
 * image has, and its QEMU with it, is another matter. */
static int forget_os(struct hook *hook, struct gpupt_error **error)
{
	struct gpupt_inventory *without = NULL;
	if (!hook->inventory)
		return 0;
	int r = gpupt_inventory_without_os(hook->inventory, &without, error);
	if (r < 0)
		return r;
	gpupt_inventory_free(hook->inventory);
	hook->inventory = without;
	return 0;
}

static int plan(struct hook *hook, struct gpupt_error **error)
{
	const struct cli_settings *settings = &hook->settings;
	int r = cli_inventory_for(settings, &hook->target, &hook->inventory, error);
	if (r == 0)
		r = forget_os(hook, error);
	if (r == 0)
		r = cli_request_make(settings, &hook->target, &hook->request, error);
	if (r == 0)
		r = gpupt_plan_make(hook->target.domain, hook->inventory, hook->request,
				    &hook->plan, error);
	return r;
}

static int answer(struct hook *hook, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = plan(hook, error);
	if (r < 0)
		return r;
	r = cli_judge(&hook->settings, hook->plan, "domain");
	if (r != CLI_DONE)
		return r;
	r = gpupt_plan_apply(hook->plan, hook->target.domain, &text, &length, error);
	return r < 0 ? r : cli_print_text(text, length, error);
}

static int run(struct hook *hook, const struct cli_settings *given, struct gpupt_error **error)
{
	const char *xml = given->domain_xml;
	if (!xml)
		return gpupt_fail(error, GPUPT_E_ARGUMENT, "kubevirt-hook needs --domain XML");
	int r = read_settings(hook, given, error);
	if (r < 0)
		return r;
	if (hook->disabled)
		return cli_print_text(xml, strlen(xml), error);
	hook->target.is_file = true;
	r = gpupt_domain_parse(xml, strlen(xml), "domain", &hook->target.domain, error);
	return r < 0 ? r : answer(hook, error);
}

int cli_kubevirt_hook(const struct cli_settings *settings, struct gpupt_error **error)
{
	struct hook hook = { 0 };
	int r = run(&hook, settings, error);
	gpupt_plan_free(hook.plan);
	gpupt_request_free(hook.request);
	gpupt_inventory_free(hook.inventory);
	cli_target_close(&hook.target);
	cli_settings_clear(&hook.settings);
	for (size_t i = 0; i < hook.words.count; i++)
		free((char *)hook.words.items[i]);
	free(hook.words.items);
	return r;
}
