/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/tune.h"

#include <stdio.h>

#include "base/util.h"

#define COMMAND_LINE_MAX ((size_t)64 << 10)
#define CONFIGURATION_MAX ((size_t)4 << 20) /* grub.cfg grows with every kernel */
#define PROGRAM_SECONDS 300 /* update-grub looks at all disks, on a slow guest */

#define WORDS_MAX 200 /* of a program that failed */

GPUPT_DEFINE_CLEANUP(struct gpupt_tuning, gpupt_tuning_free)

GPUPT_EXPORT void gpupt_tuning_free(struct gpupt_tuning *tuning)
{
	if (!tuning)
		return;
	free(tuning->os);
	free(tuning->command_line);
	free(tuning);
}

static int fail_program(const char *const *argv, const struct gpupt_agent_result *result,
			struct gpupt_error **error)
{
	const char *words = result->errors.length ? result->errors.data : "";
	size_t length = strcspn(words, "\n");
	return gpupt_fail(error, GPUPT_E_IO, "%s in the guest failed with exit status %d%s%.*s",
			  argv[0], result->status, length ? ": " : "",
			  (int)(length < WORDS_MAX ? length : WORDS_MAX), words);
}

static int run_program(const struct gpupt_agent *agent, const char *const *argv, char **ret_output,
		       struct gpupt_error **error)
{
	struct gpupt_agent_result result = { 0 };
	int r = gpupt_agent_run(agent, argv, PROGRAM_SECONDS, &result, error);
	if (r < 0)
		return r;
	if (result.status)
		r = fail_program(argv, &result, error);
	if (r == 0 && ret_output) {
		*ret_output = gpupt_str_steal(&result.output, NULL);
		r = *ret_output ? 0 : gpupt_fail_nomem(error);
	}
	gpupt_agent_result_clear(&result);
	return r;
}

/* 1: the next boot has it. 0 also where there is no telling beforehand. */
static int is_written(const struct gpupt_agent *agent, const struct gpupt_recipe *recipe,
		      struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r;
	if (recipe->check_argv)
		r = run_program(agent, recipe->check_argv, &text, error);
	else if (recipe->check_file)
		r = gpupt_agent_read_file(agent, recipe->check_file, CONFIGURATION_MAX, &text,
					  &length, error);
	else
		return 0;
	return r < 0 ? r : strstr(text, "pci=realloc") != NULL;
}

static int carry_out_step(const struct gpupt_agent *agent, const struct gpupt_guest_step *step,
			  struct gpupt_error **error)
{
	if (step->argv)
		return run_program(agent, step->argv, NULL, error);
	GPUPT_AUTOFREE char *text = NULL;
	if (asprintf(&text, "%s\n", step->text) < 0) {
		text = NULL;
		return gpupt_fail_nomem(error);
	}
	return gpupt_agent_write_file(agent, step->file, text, error);
}

/* The first step makes the backup: where that fails, nothing was changed. */
static int carry_out_steps(const struct gpupt_agent *agent, struct gpupt_tuning *tuning,
			   struct gpupt_error **error)
{
	const struct gpupt_recipe *recipe = tuning->recipe;
	if (!recipe->automatic)
		return gpupt_fail(error, GPUPT_E_UNSUPPORTED,
				  "nothing was changed in the guest: how its system (%s) is told is "
				  "not certain", tuning->os ? tuning->os : "not known");
	for (size_t i = 0; i < recipe->n_steps; i++) {
		struct gpupt_error *why = NULL;
		int r = carry_out_step(agent, &recipe->steps[i], &why);
		if (r < 0) {
			gpupt_fail(error, (enum gpupt_status)r, "step %zu of %zu, so %s: %s", i + 1,
				   recipe->n_steps, i ? "the steps before may have to be undone" :
				   "nothing was changed", why ? gpupt_error_get_message(why) : "");
			gpupt_error_free(why);
			return r;
		}
	}
	int r = is_written(agent, recipe, error);
	if (r == 0)
		r = gpupt_fail(error, GPUPT_E_CONFLICT, "every step was carried out in the guest, "
			       "and yet its next boot will not have pci=realloc");
	tuning->changed = r > 0;
	return r;
}

int gpupt_agent_tune(const struct gpupt_agent *agent, const char *fallback_os, bool carry_out,
		     struct gpupt_tuning **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_tuning_free) struct gpupt_tuning *tuning = calloc(1, sizeof(*tuning));
	size_t length;
	if (!tuning)
		return gpupt_fail_nomem(error);
	int r = gpupt_agent_read_file(agent, "/proc/cmdline", COMMAND_LINE_MAX,
				      &tuning->command_line, &length, error);
	if (r < 0)
		return r;
	tuning->command_line[strcspn(tuning->command_line, "\n")] = '\0';
	gpupt_agent_get_os(agent, &tuning->os, NULL); /* older agents do not know */
	tuning->recipe = gpupt_recipe_for(tuning->os ? tuning->os : fallback_os);
	tuning->state = gpupt_recipe_is_in(tuning->command_line) ? GPUPT_TUNING_PRESENT :
								   GPUPT_TUNING_MISSING;
	if (tuning->state == GPUPT_TUNING_MISSING) {
		int written = is_written(agent, tuning->recipe, NULL); /* < 0: no telling */
		if (written <= 0 && carry_out)
			written = r = carry_out_steps(agent, tuning, error);
		if (r < 0)
			return r;
		if (written > 0)
			tuning->state = GPUPT_TUNING_WRITTEN;
	}
	*ret = GPUPT_STEAL(tuning);
	return 0;
}
