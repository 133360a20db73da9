/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the guest itself says of its BARs. */

#include "libvirt/look.h"

#include <stdio.h>

#include "base/util.h"
#include "pci/inventory.h"

#define RESOURCE_FILE_MAX ((size_t)16 << 10)
#define PROGRAM_SECONDS 20

static bool is_unseen(const struct gpupt_seen_function *function)
{
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++)
		if (function->bars[i].size_bytes && !function->bars[i].io &&
		    function->bars[i].sight == GPUPT_SIGHT_NONE)
			return true;
	return false;
}

/* What the guest's kernel says of BARs that QEMU does not map. A BAR of another size is
 * another device's: then the guest numbers its buses otherwise. */
static int ask_kernel(const struct gpupt_agent *agent, struct gpupt_seen_function *function,
		      struct gpupt_error **error)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], path[80];
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	struct gpupt_pci_function known = { 0 };
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource",
		 gpupt_pci_address_format(function->guest, address));
	int r = gpupt_agent_read_file(agent, path, RESOURCE_FILE_MAX, &text, &length, error);
	if (r == 0)
		r = gpupt_sysfs_parse_resource(text, length, path, &known, error);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++)
		if (known.bars[i].present && known.bars[i].size_bytes &&
		    known.bars[i].size_bytes != function->bars[i].size_bytes)
			return gpupt_fail(error, GPUPT_E_CONFLICT,
					  "what the guest has at %s is another device", address);
	for (unsigned int i = 0; i < GPUPT_BAR_ROM; i++) {
		struct gpupt_seen_bar *bar = &function->bars[i];
		if (!bar->size_bytes || bar->io)
			continue;
		bar->sight = known.bars[i].assigned ? GPUPT_SIGHT_ASSIGNED :
						      GPUPT_SIGHT_UNASSIGNED;
		bar->guest_address = known.bars[i].assigned ? known.bars[i].address : 0;
	}
	function->asked_guest = true;
	return 0;
}

static int ask_for_messages(const struct gpupt_agent *agent,
			    const struct gpupt_seen_function *functions, size_t n_functions,
			    struct gpupt_lines *messages, struct gpupt_error **error)
{
	static const char *const dmesg[] = { "dmesg", NULL };
	struct gpupt_agent_result result = { 0 };
	int r = gpupt_agent_run(agent, dmesg, PROGRAM_SECONDS, &result, error);
	if (r < 0)
		return r;
	if (result.status)
		r = gpupt_fail(error, GPUPT_E_IO, "dmesg in the guest failed with exit status %d",
			       result.status);
	else if (result.output.length)
		gpupt_lines_add_messages(messages, result.output.data, result.output.length,
					 functions, n_functions);
	gpupt_agent_result_clear(&result);
	return r;
}

/* A guest without nvidia-smi is none to complain about. */
static void ask_for_gpus(const struct gpupt_agent *agent, struct gpupt_lines *gpus)
{
	static const char *const nvidia_smi[] = { "nvidia-smi", "-L", NULL };
	struct gpupt_agent_result result = { 0 };
	if (gpupt_agent_run(agent, nvidia_smi, PROGRAM_SECONDS, &result, NULL) < 0)
		return;
	if (result.output.length)
		gpupt_lines_add_all(gpus, result.output.data, result.output.length);
	gpupt_agent_result_clear(&result);
}

int gpupt_agent_look(const struct gpupt_agent *agent, struct gpupt_seen_function *functions,
		     size_t n_functions, struct gpupt_lines *messages, struct gpupt_lines *gpus,
		     struct gpupt_error **error)
{
	for (size_t i = 0; i < n_functions; i++) {
		if (!functions[i].passed_through || !functions[i].found ||
		    !is_unseen(&functions[i]))
			continue;
		int r = ask_kernel(agent, &functions[i], error);
		if (r < 0)
			return r;
	}
	int r = ask_for_messages(agent, functions, n_functions, messages, error);
	if (r == 0)
		ask_for_gpus(agent, gpus);
	return r;
}
