/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/rehearse.h"

#include <stdio.h>
#include <unistd.h>

#include "base/util.h"
#include "rehearse/judge.h"
#include "rehearse/machine.h"

#define MEMORY_WITHOUT_HELP GPUPT_GIB /* that QEMU may map as any process does */

struct rehearsing {
	const struct gpupt_plan *plan;
	const struct gpupt_planned *planned;
	const struct gpupt_rehearsal_options *options;
	struct gpupt_rehearsal *rehearsal;
	struct gpupt_firmware_files firmware;
	struct gpupt_round rounds[2];
	size_t n_rounds;
	int signal;
	struct gpupt_error **error;
};

/* ---- the emulator */

static int find_emulator(struct rehearsing *rehearsing)
{
	const char *const usual[] = { rehearsing->planned->emulator, "/usr/bin/qemu-system-x86_64",
				      "/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm" };
	const char *said = rehearsing->options->emulator, *found = said;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(usual) && !found; i++)
		if (usual[i] && access(usual[i], X_OK) == 0)
			found = usual[i];
	if (said && access(said, X_OK) < 0)
		return gpupt_fail(rehearsing->error, GPUPT_E_NOT_FOUND, "emulator %s: %m", said);
	if (!found)
		return gpupt_fail(rehearsing->error, GPUPT_E_NOT_FOUND, "no emulator: neither %s%s"
				  "/usr/bin/qemu-system-x86_64 nor /usr/libexec/qemu-kvm is here; "
				  "name one with --emulator",
				  usual[0] ? usual[0] : "", usual[0] ? ", " : "");
	rehearsing->rehearsal->emulator = strdup(found);
	return rehearsing->rehearsal->emulator ? 0 : gpupt_fail_nomem(rehearsing->error);
}

/* Runs QEMU, does something with its monitor, and ends it. */
static int with_qemu(struct rehearsing *rehearsing, const struct gpupt_words *arguments,
		     const struct gpupt_words *environment, const struct gpupt_memory_files *files,
		     int (*act)(struct rehearsing *rehearsing, struct gpupt_monitor *monitor))
{
	struct gpupt_process process;
	struct gpupt_monitor monitor = { 0 };
	int r = gpupt_process_start(&process, rehearsing->rehearsal->emulator, arguments,
				    environment, files, rehearsing->options->timeout_seconds,
				    rehearsing->error);
	if (r < 0)
		return r;
	r = gpupt_monitor_open(&monitor, &process, rehearsing->error);
	if (r == 0)
		r = act(rehearsing, &monitor);
	gpupt_process_stop(&process);
	rehearsing->signal = process.interrupted;
	const char *message = gpupt_process_message(&process);
	if (r < 0 && monitor.closed && strstr(message, "phys-bits too low")) {
		rehearsing->rehearsal->refusal = strdup(message);
		r = rehearsing->rehearsal->refusal ? 0 : gpupt_fail_nomem(rehearsing->error);
	} else if (r < 0 && monitor.closed) {
		gpupt_fail(rehearsing->error, (enum gpupt_status)r, "%s: %s",
			   rehearsing->rehearsal->emulator,
			   *message ? message : "it ended without a word");
	}
	gpupt_monitor_close(&monitor);
	return r;
}

static int note_version(struct rehearsing *rehearsing, struct gpupt_monitor *monitor)
{
	json_t *answer = NULL;
	int major = 0, minor = 0;
	int r = gpupt_monitor_ask(monitor, "query-version", NULL, &answer, rehearsing->error);
	if (r == 0 && json_unpack(answer, "{s:{s:i, s:i}}", "qemu", "major", &major, "minor",
				  &minor) < 0)
		r = gpupt_fail(rehearsing->error, GPUPT_E_IO, "QEMU does not tell its version");
	json_decref(answer);
	rehearsing->rehearsal->qemu_version = (unsigned int)(major * 100 + minor);
	return r;
}

/* Its version decides which options it takes. */
static int ask_version(struct rehearsing *rehearsing)
{
	static const char *const options[] = { "-no-user-config", "-nodefaults", "-display", "none",
					       "-machine", "none", "-S", "-qmp", "stdio" };
	struct gpupt_memory_files files = { .count = 0 };
	struct gpupt_words words = { 0 };
	gpupt_words_add(&words, "%s", rehearsing->rehearsal->emulator);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(options); i++)
		gpupt_words_add(&words, "%s", options[i]);
	int r = words.failed ? gpupt_fail_nomem(rehearsing->error) :
		with_qemu(rehearsing, &words, NULL, &files, note_version);
	gpupt_words_clear(&words);
	return r;
}

/* ---- a boot */

static int watch(struct rehearsing *rehearsing, struct gpupt_monitor *monitor)
{
	struct gpupt_round *round = &rehearsing->rounds[rehearsing->n_rounds - 1];
	int r = gpupt_monitor_wait_for_end(monitor, rehearsing->error);
	return r < 0 ? r : gpupt_look(monitor, rehearsing->planned,
				      rehearsing->options->kernel != NULL, round->seen,
				      rehearsing->error);
}

static bool wants_noreserve(const struct rehearsing *rehearsing, const struct gpupt_round *round)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < rehearsing->planned->n_functions; i++)
		for (size_t b = 0; b < round->standins[i].n_bars; b++)
			if (round->standins[i].needs_memory)
				bytes = gpupt_add(bytes, round->standins[i].bars[b].size);
	return bytes > MEMORY_WITHOUT_HELP && rehearsing->options->noreserve &&
	       access(rehearsing->options->noreserve, R_OK) == 0;
}

/* Ours, with the library first. */
static void fill_environment(const char *noreserve, struct gpupt_words *ret)
{
	const char *others = getenv("LD_PRELOAD");
	for (char **item = environ; item && *item; item++)
		if (strncmp(*item, "LD_PRELOAD=", strlen("LD_PRELOAD=")) != 0)
			gpupt_words_add(ret, "%s", *item);
	gpupt_words_add(ret, "LD_PRELOAD=%s%s%s", noreserve, others ? ":" : "",
			others ? others : "");
}

static int boot(struct rehearsing *rehearsing, const struct gpupt_round *round,
		const struct gpupt_mmio_guest *guest)
{
	struct gpupt_machine_order order = {
		.planned = rehearsing->planned, .guest = guest, .standins = round->standins,
		.firmware = &rehearsing->firmware, .options = rehearsing->options,
		.qemu_version = rehearsing->rehearsal->qemu_version,
	};
	struct gpupt_memory_files files = { .count = 0 };
	struct gpupt_words words = { 0 }, environment = { 0 };
	bool noreserve = wants_noreserve(rehearsing, round);
	int r = gpupt_machine_arguments(&order, rehearsing->rehearsal->emulator, &words, &files,
					rehearsing->error);
	if (r == 0 && noreserve)
		fill_environment(rehearsing->options->noreserve, &environment);
	if (r == 0 && environment.failed)
		r = gpupt_fail_nomem(rehearsing->error);
	if (r == 0)
		r = with_qemu(rehearsing, &words, noreserve ? &environment : NULL, &files, watch);
	rehearsing->rehearsal->boots++;
	gpupt_words_clear(&words);
	gpupt_words_clear(&environment);
	gpupt_memory_files_close(&files);
	return r;
}

/* Chooses the stand-ins of one more round. */
static int prepare(struct rehearsing *rehearsing, enum gpupt_standin_aim aim)
{
	size_t n = rehearsing->planned->n_functions;
	struct gpupt_round *round = &rehearsing->rounds[rehearsing->n_rounds];
	round->standins = calloc(n + 1, sizeof(*round->standins));
	round->seen = calloc(n + 1, sizeof(*round->seen));
	rehearsing->n_rounds++;
	if (!round->standins || !round->seen)
		return gpupt_fail_nomem(rehearsing->error);
	for (size_t i = 0; i < n; i++) {
		const struct gpupt_mmio_function *function = &rehearsing->planned->functions[i];
		if (function->kind == GPUPT_MMIO_ENDPOINT &&
		    !gpupt_machine_has(rehearsing->planned, i))
			gpupt_standin_choose(function, aim, &round->standins[i]);
		else
			gpupt_standin_self(function, &round->standins[i]);
	}
	return 0;
}

static bool are_alike(const struct rehearsing *rehearsing)
{
	for (size_t i = 0; i < rehearsing->planned->n_functions; i++) {
		const struct gpupt_standin *a = &rehearsing->rounds[0].standins[i];
		const struct gpupt_standin *b = &rehearsing->rounds[1].standins[i];
		if (a->driver != b->driver || strcmp(a->properties, b->properties) != 0)
			return false;
	}
	return true;
}

static int boot_all(struct rehearsing *rehearsing)
{
	size_t count, shown;
	gpupt_plan_get_possibilities(rehearsing->plan, &count, &shown);
	const struct gpupt_mmio_guest *guest = &rehearsing->planned->worlds[shown].guest;
	int r = prepare(rehearsing, GPUPT_STANDIN_WIDE);
	if (r == 0)
		r = boot(rehearsing, &rehearsing->rounds[0], guest);
	if (r < 0 || rehearsing->rehearsal->refusal)
		return r;
	r = prepare(rehearsing, GPUPT_STANDIN_NARROW);
	if (r < 0)
		return r;
	if (!are_alike(rehearsing))
		return boot(rehearsing, &rehearsing->rounds[1], guest);
	rehearsing->n_rounds = 1;
	return 0;
}

/* ---- all of it */

static int check_files(const struct rehearsing *rehearsing)
{
	const char *const files[] = { rehearsing->options->kernel, rehearsing->options->initrd };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], R_OK) < 0)
			return gpupt_fail(rehearsing->error, GPUPT_E_NOT_FOUND, "%s: %m", files[i]);
	return 0;
}

static int rehearse(struct rehearsing *rehearsing)
{
	const struct gpupt_planned *planned = rehearsing->planned;
	if (!planned)
		return gpupt_fail(rehearsing->error, GPUPT_E_UNSUPPORTED, "there is nothing to "
				  "rehearse: no device with BARs is passed through, or nothing is "
				  "known of them");
	if (planned->arch && strcmp(planned->arch, "x86_64") != 0)
		return gpupt_fail(rehearsing->error, GPUPT_E_UNSUPPORTED, "a guest of architecture "
				  "%s cannot be rehearsed", planned->arch);
	int r = check_files(rehearsing);
	if (r == 0)
		r = find_emulator(rehearsing);
	if (r == 0)
		r = gpupt_firmware_find(planned, &rehearsing->firmware, rehearsing->error);
	if (r == 0 && rehearsing->firmware.code) {
		rehearsing->rehearsal->firmware = strdup(rehearsing->firmware.code);
		r = rehearsing->rehearsal->firmware ? 0 : gpupt_fail_nomem(rehearsing->error);
	}
	if (r == 0)
		r = ask_version(rehearsing);
	if (r == 0)
		r = boot_all(rehearsing);
	if (r == 0 && !rehearsing->rehearsal->refusal &&
	    gpupt_judge(rehearsing->plan, rehearsing->rounds, rehearsing->n_rounds,
			rehearsing->options->kernel != NULL, rehearsing->rehearsal) < 0)
		r = gpupt_fail_nomem(rehearsing->error);
	return r;
}

int gpupt_rehearse(const struct gpupt_plan *plan, const struct gpupt_rehearsal_options *options,
		   struct gpupt_rehearsal **ret, int *ret_signal, struct gpupt_error **error)
{
	struct rehearsing rehearsing = { .plan = plan, .planned = gpupt_plan_get_planned(plan),
					 .options = options, .error = error };
	rehearsing.rehearsal = calloc(1, sizeof(*rehearsing.rehearsal));
	int r = rehearsing.rehearsal ? rehearse(&rehearsing) : gpupt_fail_nomem(error);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(rehearsing.rounds); i++) {
		free(rehearsing.rounds[i].standins);
		free(rehearsing.rounds[i].seen);
	}
	gpupt_firmware_clear(&rehearsing.firmware);
	*ret_signal = rehearsing.signal;
	if (r < 0)
		gpupt_rehearsal_free(rehearsing.rehearsal);
	else
		*ret = rehearsing.rehearsal;
	return r;
}

void gpupt_rehearsal_free(struct gpupt_rehearsal *rehearsal)
{
	if (!rehearsal)
		return;
	free(rehearsal->bars);
	free(rehearsal->refusal);
	free(rehearsal->emulator);
	free(rehearsal->firmware);
	free(rehearsal);
}
