/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at a running guest: through QEMU's monitor, and through the agent in it. */

#include "libvirt/inspection.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "base/error.h"
#include "domain/running.h"
#include "libvirt/error.h"
#include "libvirt/outcome.h"

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

static void look_into_guest(struct gpupt_inspection *inspection, virDomainPtr domain)
{
	struct gpupt_agent agent = { gpupt_libvirt_ask_agent, domain };
	struct gpupt_error *error = NULL;
	inspection->view.asked_agent = true;
	if (gpupt_agent_look(&agent, inspection->functions, inspection->view.n_functions,
			     &inspection->messages, &inspection->gpus, &error) < 0)
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
