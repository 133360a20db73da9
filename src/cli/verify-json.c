/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/verify.h"

#include <jansson.h>

#include "cli/output.h"
#include "cli/print-json.h"

static json_t *number(uint64_t value)
{
	return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *predicted_json(const struct gpupt_layout_bar *predicted)
{
	if (!predicted)
		return json_null();
	return json_pack("{s:s, s:o}", "placed_by", cli_placer_name(predicted->placed_by),
			 "address", predicted->placed_by == GPUPT_PLACED_BY_NOBODY ?
				 json_null() : number(predicted->guest_address));
}

static json_t *bar_json(const struct cli_verification *verification,
			const struct gpupt_seen_function *function, unsigned int index)
{
	const struct gpupt_seen_bar *bar = &function->bars[index];
	return json_pack("{s:i, s:o, s:b, s:b, s:b, s:s, s:o, s:o}", "bar", (int)index,
			 "size_bytes", number(bar->size_bytes), "io", bar->io, "mem64", bar->mem64,
			 "prefetchable", bar->prefetchable, "sight", gpupt_sight_name(bar->sight),
			 "address", bar->sight == GPUPT_SIGHT_ASSIGNED ?
				 number(bar->guest_address) : json_null(),
			 "predicted", predicted_json(gpupt_running_predicted(verification->plan,
									     function, index)));
}

/* A device's name is QEMU's; it need not be UTF-8, and then json_pack() fails. */
static json_t *function_json(const struct cli_verification *verification,
			     const struct gpupt_seen_function *function)
{
	char host[GPUPT_PCI_ADDRESS_TEXT_MAX], guest[GPUPT_PCI_ADDRESS_TEXT_MAX];
	json_t *bars = json_array();
	bool complete = bars;
	for (unsigned int i = 0; i < GPUPT_BAR_COUNT; i++)
		if (function->bars[i].size_bytes)
			complete &= json_array_append_new(
				bars, bar_json(verification, function, i)) == 0;
	if (!complete) {
		json_decref(bars);
		return NULL;
	}
	gpupt_pci_address_format(function->host, host);
	gpupt_pci_address_format(function->guest, guest);
	return json_pack("{s:s, s:b, s:s?, s:b, s:s?, s:s, s:b, s:o}", "id", function->id,
			 "passed_through", function->passed_through, "host",
			 function->passed_through ? host : NULL, "found", function->found, "guest",
			 function->found ? guest : NULL, "path", function->path, "asked_guest",
			 function->asked_guest, "bars", bars);
}

static json_t *functions_json(const struct cli_verification *verification)
{
	const struct gpupt_running *running = verification->running;
	json_t *functions = json_array();
	for (size_t i = 0; functions && i < running->n_functions; i++) {
		if (json_array_append_new(functions, function_json(verification,
								   &running->functions[i])) == 0)
			continue;
		json_decref(functions);
		return NULL;
	}
	return functions;
}

/* What is no UTF-8 is left out. */
static json_t *lines_json(const char *const *lines, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; array && i < count; i++) {
		json_t *line = json_string(lines[i]);
		if (line)
			json_array_append_new(array, line);
	}
	return array;
}

static json_t *differences_json(unsigned int differences)
{
	static const struct {
		enum gpupt_difference bit;
		const char *name;
	} names[] = {
		{ GPUPT_DIFFERS_HOLE, "pcihole64" },
		{ GPUPT_DIFFERS_CONTROLLERS, "controllers" },
		{ GPUPT_DIFFERS_HOSTDEVS, "hostdevs" },
		{ GPUPT_DIFFERS_ADDRESS_WIDTH, "maxphysaddr" },
		{ GPUPT_DIFFERS_COMMANDLINE, "commandline" },
	};
	json_t *array = json_array();
	for (size_t i = 0; array && i < GPUPT_ARRAY_SIZE(names); i++)
		if (differences & names[i].bit)
			json_array_append_new(array, json_string(names[i].name));
	return array;
}

static json_t *findings_json(const struct cli_verification *verification)
{
	json_t *findings = json_array();
	for (size_t i = 0; findings && i < verification->n_findings; i++) {
		const struct gpupt_finding *finding = &verification->findings[i];
		char id[32];
		snprintf(id, sizeof(id), "GPUPT-%04u", finding->number);
		json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s}", "id", id,
				      "subject", finding->subject, "text", finding->text,
				      "remedy", finding->remedy));
	}
	return findings;
}

int cli_verification_print_json(const struct cli_verification *verification,
				struct gpupt_error **error)
{
	const struct gpupt_running *running = verification->running;
	const char *name = gpupt_domain_get_name(running->domain);
	json_t *document = json_pack(
		"{s:s, s:i, s:s, s:s, s:s?, s:o, s:b, s:o, s:b, s:s?, s:o, s:o, s:o}", "format",
		"gpupt-verification", "version", 1, "domain", name ? name : "", "state",
		gpupt_state_name(verification->state), "not_seen_because", running->qemu_trouble,
		"functions", functions_json(verification), "needs_restart",
		running->differences != 0, "differences", differences_json(running->differences),
		"asked_agent", running->asked_agent, "agent_trouble", running->agent_trouble,
		"messages", lines_json(running->messages, running->n_messages), "nvidia_smi",
		lines_json(running->gpus, running->n_gpus), "findings",
		findings_json(verification));
	return cli_print_json(document, error);
}
