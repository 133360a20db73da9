/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/domain.h"

#include <string.h>

#include "base/arena.h"
#include "base/util.h"

GPUPT_EXPORT void gpupt_domain_free(struct gpupt_domain *domain)
{
	if (!domain)
		return;
	gpupt_arena_free(domain->arena);
	free(domain->controllers);
	free(domain->hostdevs);
	free(domain->others);
	free(domain->plain);
	free(domain->arguments);
	free(domain->argument_elements);
	free(domain->strays);
	free(domain->own_text);
	free(domain);
}

GPUPT_EXPORT const char *gpupt_domain_get_name(const struct gpupt_domain *domain)
{
	return domain->name;
}

GPUPT_EXPORT const char *gpupt_domain_get_uuid(const struct gpupt_domain *domain)
{
	return domain->uuid;
}

GPUPT_EXPORT const char *gpupt_domain_get_text(const struct gpupt_domain *domain,
					       size_t *ret_length)
{
	if (ret_length)
		*ret_length = domain->length;
	return domain->text;
}

struct gpupt_place gpupt_domain_place(const struct gpupt_domain *domain, size_t offset)
{
	return gpupt_place_of(domain->name_of_text, domain->text, domain->length, offset);
}

const struct gpupt_controller *gpupt_domain_root_controller(const struct gpupt_domain *domain)
{
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		if (controller->model == GPUPT_CONTROLLER_PCIE_ROOT ||
		    controller->model == GPUPT_CONTROLLER_PCI_ROOT)
			return controller;
	}
	return NULL;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* libvirt's qemuDomainMachineIsQ35() and qemuDomainMachineIsI440FX()
 * (src/qemu/qemu_domain.c, 9.0), after the hypervisor and the architecture. */
enum gpupt_machine gpupt_domain_machine(const struct gpupt_domain *domain)
{
	const char *type = domain->type;
	if (type && strcmp(type, "kvm") != 0 && strcmp(type, "qemu") != 0 &&
	    strcmp(type, "hvf") != 0 && strcmp(type, "test") != 0)
		return GPUPT_MACHINE_OTHER;
	const char *arch = domain->arch;
	if (arch && strcmp(arch, "x86_64") != 0 && strcmp(arch, "i686") != 0)
		return GPUPT_MACHINE_OTHER;
	const char *machine = domain->machine;
	if (!machine) {
		const struct gpupt_controller *root = gpupt_domain_root_controller(domain);
		if (root)
			return root->model == GPUPT_CONTROLLER_PCIE_ROOT ?
				GPUPT_MACHINE_HAS_Q35 : GPUPT_MACHINE_HAS_I440FX;
		return GPUPT_MACHINE_UNKNOWN;
	}
	if (strcmp(machine, "q35") == 0 || has_prefix(machine, "pc-q35"))
		return GPUPT_MACHINE_HAS_Q35;
	if (strcmp(machine, "pc") == 0 || has_prefix(machine, "pc-0.") ||
	    has_prefix(machine, "pc-1.") || has_prefix(machine, "pc-i440") ||
	    has_prefix(machine, "rhel"))
		return GPUPT_MACHINE_HAS_I440FX;
	return GPUPT_MACHINE_OTHER;
}
