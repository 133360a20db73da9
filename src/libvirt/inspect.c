/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at a running guest: through QEMU's monitor, and through the agent in it. */

#include "libvirt/inspection.h"

#include <stdio.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "base/error.h"
#include "domain/running.h"
#include "libvirt/error.h"
#include "libvirt/outcome.h"
#include "pci/inventory.h"

#define RESOURCE_FILE_MAX ((size_t)16 << 10)
#define PROGRAM_SECONDS 20

static int read_definitions(struct gpupt_inspection *inspection, virDomainPtr domain,
			    struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *defined = NULL;
	GPUPT_AUTOFREE char *text = virDomainGetXMLDesc(domain, 0);
	if (!text)
		return gpupt_fail_libvirt(error, "cannot read domain %s", name);
	int r = gpupt_domain_parse(text, strlen(text), name, &inspection->domain, error);
	if (r < 0)
		return r;
	inspection->view.domain = inspection->domain;
	if (virDomainIsPersistent(domain) != 1)
		return 0;
	r = gpupt_libvirt_read_domain(domain, false, &defined, error);
	if (r == 0)
		inspection->view.differences =
			gpupt_domain_compare_running(inspection->domain, defined);
	return r;
}

/* What went wrong, kept as the reason why something was not seen. */
static const char *keep_trouble(struct gpupt_inspection *inspection, struct gpupt_error *error)
{
	const char *message = error ? gpupt_error_get_message(error) : "memory is short";
	char *copy = gpupt_arena_copy(&inspection->arena, message, strlen(message));
	gpupt_error_free(error);
	return copy ? copy : "memory is short";
}

static int query_pci(virDomainPtr domain, struct gpupt_seen_functions *functions,
		     struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *reply = NULL;
	if (virDomainQemuMonitorCommand(domain, GPUPT_QMP_QUERY_PCI, &reply, 0) < 0 || !reply)
		return gpupt_fail_libvirt(error, "QEMU's monitor cannot be asked");
	return gpupt_qmp_parse_pci(reply, strnlen(reply, GPUPT_REPLY_MAX + 1), functions, error);
}

static int look_at_qemu(struct gpupt_inspection *inspection, virDomainPtr domain, bool monitor,
			struct gpupt_error **error)
{
	struct gpupt_seen_functions seen = { .arena = &inspection->arena };
	struct gpupt_error *trouble = NULL;
	int r = 0;
	if (!monitor) {
		inspection->view.qemu_trouble = "QEMU's monitor was not asked: that takes "
						"more than a read-only connection";
	} else if (query_pci(domain, &seen, &trouble) < 0) {
		inspection->view.qemu_trouble = keep_trouble(inspection, trouble);
	} else {
		r = gpupt_qmp_match(&seen, inspection->domain, &inspection->functions,
				    &inspection->view.n_functions, error);
		inspection->view.functions = inspection->functions;
	}
	free(seen.items);
	return r;
}

/* ---- the agent */

int gpupt_libvirt_ask_agent(void *data, const char *command, char **ret,
			    struct gpupt_error **error)
{
	enum { SECONDS = 10 };
	char *reply = virDomainQemuAgentCommand(data, command, SECONDS, 0);
	if (!reply)
		return gpupt_fail_libvirt(error, "the guest agent cannot be asked");
	*ret = reply;
	return 0;
}

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

static int ask_for_messages(struct gpupt_inspection *inspection, const struct gpupt_agent *agent,
			    struct gpupt_error **error)
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
		gpupt_lines_add_messages(&inspection->messages, result.output.data,
					 result.output.length, inspection->view.functions,
					 inspection->view.n_functions);
	gpupt_agent_result_clear(&result);
	return r;
}

/* A guest without nvidia-smi is none to complain about. */
static void ask_for_gpus(struct gpupt_inspection *inspection, const struct gpupt_agent *agent)
{
	static const char *const nvidia_smi[] = { "nvidia-smi", "-L", NULL };
	struct gpupt_agent_result result = { 0 };
	if (gpupt_agent_run(agent, nvidia_smi, PROGRAM_SECONDS, &result, NULL) < 0)
		return;
	if (result.output.length)
		gpupt_lines_add_all(&inspection->gpus, result.output.data, result.output.length);
	gpupt_agent_result_clear(&result);
}

static void look_into_guest(struct gpupt_inspection *inspection, virDomainPtr domain)
{
	struct gpupt_agent agent = { gpupt_libvirt_ask_agent, domain };
	struct gpupt_error *error = NULL;
	int r = 0;
	inspection->view.asked_agent = true;
	for (size_t i = 0; r == 0 && i < inspection->view.n_functions; i++) {
		struct gpupt_seen_function *function = &inspection->functions[i];
		if (function->passed_through && function->found && is_unseen(function))
			r = ask_kernel(&agent, function, &error);
	}
	if (r == 0)
		r = ask_for_messages(inspection, &agent, &error);
	if (r == 0)
		ask_for_gpus(inspection, &agent);
	else
		inspection->view.agent_trouble = keep_trouble(inspection, error);
	virResetLastError();
	inspection->view.messages = inspection->messages.items;
	inspection->view.n_messages = inspection->messages.count;
	inspection->view.gpus = inspection->gpus.items;
	inspection->view.n_gpus = inspection->gpus.count;
}

static int inspect(struct gpupt_inspection *inspection, virDomainPtr domain,
		   const struct gpupt_inspect_options *options, struct gpupt_error **error)
{
	int r = read_definitions(inspection, domain, error);
	if (r == 0)
		r = look_at_qemu(inspection, domain, options->monitor, error);
	if (r == 0 && options->agent)
		look_into_guest(inspection, domain);
	return r == 0 && (inspection->messages.failed || inspection->gpus.failed) ?
		       gpupt_fail_nomem(error) : r;
}

GPUPT_EXPORT int gpupt_libvirt_inspect(virDomainPtr domain,
				       const struct gpupt_inspect_options *options,
				       struct gpupt_inspection **ret, struct gpupt_error **error)
{
	int active = virDomainIsActive(domain);
	if (active < 0)
		return gpupt_fail_libvirt(error, "cannot ask about domain %s",
					  virDomainGetName(domain));
	if (!active)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND,
				  "domain %s is not running: there is nothing to look at",
				  virDomainGetName(domain));
	struct gpupt_inspection *inspection = calloc(1, sizeof(*inspection));
	if (!inspection)
		return gpupt_fail_nomem(error);
	inspection->messages.arena = &inspection->arena;
	inspection->gpus.arena = &inspection->arena;
	int r = inspect(inspection, domain, options, error);
	if (r < 0)
		gpupt_inspection_free(inspection);
	else
		*ret = inspection;
	return r;
}

GPUPT_EXPORT const struct gpupt_running *
gpupt_inspection_get(const struct gpupt_inspection *inspection)
{
	return &inspection->view;
}

GPUPT_EXPORT void gpupt_inspection_free(struct gpupt_inspection *inspection)
{
	if (!inspection)
		return;
	gpupt_domain_free(inspection->domain);
	free(inspection->functions);
	free(inspection->messages.items);
	free(inspection->gpus.items);
	gpupt_arena_free(inspection->arena);
	free(inspection);
}
