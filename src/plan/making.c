/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/making.h"

#include <stdarg.h>
#include <stdio.h>

#include <gpupt/size.h>

const char *gpupt_making_had(struct gpupt_making *making, const char *text)
{
	making->plan->findings.no_memory |= !text;
	return text ? text : "";
}

static const char *keep(struct gpupt_making *making, const char *text)
{
	return gpupt_making_had(making, gpupt_arena_copy(&making->plan->arena, text, strlen(text)));
}

const char *gpupt_making_size(struct gpupt_making *making, uint64_t bytes)
{
	char buffer[GPUPT_SIZE_TEXT_MAX];
	return keep(making, gpupt_size_format(bytes, buffer));
}

const char *gpupt_making_address(struct gpupt_making *making, struct gpupt_pci_address address)
{
	char buffer[GPUPT_PCI_ADDRESS_TEXT_MAX];
	return keep(making, gpupt_pci_address_format(address, buffer));
}

const char *gpupt_making_text(struct gpupt_making *making, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = gpupt_arena_vprintf(&making->plan->arena, format, args);
	va_end(args);
	return gpupt_making_had(making, text);
}

void gpupt_making_report(struct gpupt_making *making, enum gpupt_finding_number number,
			 const struct gpupt_element *element, const char *subject,
			 const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = gpupt_arena_vprintf(&making->plan->arena, format, args);
	va_end(args);
	gpupt_findings_add(&making->plan->findings, number, making->domain, element, subject, "%s",
			   gpupt_making_had(making, text));
}

int gpupt_making_place(struct gpupt_making *making, const struct gpupt_world *world,
		       uint64_t hole_bytes, struct gpupt_mmio_result *ret)
{
	struct gpupt_mmio_guest guest = world->guest;
	guest.hole_set = true;
	guest.hole_bytes = hole_bytes;
	int r = gpupt_mmio_session_place(&making->session, &guest, ret);
	return r < 0 ? gpupt_fail_nomem(making->error) : 0;
}

const char *gpupt_making_limit(struct gpupt_making *making)
{
	const struct gpupt_hole_numbers *hole = &making->plan->hole;
	/* hw/i386/pc.c: AMD_HT_START */
	bool amd = gpupt_add(hole->hole_start, hole->maximum) == 1012 * GPUPT_GIB;
	return gpupt_making_text(
		making, "QEMU starts with at most %s (%u address bits%s, the hole begins at %s%s)",
		gpupt_making_size(making, hole->maximum), hole->phys_bits,
		hole->phys_bits_assumed ? " assumed" : "",
		gpupt_making_size(making, hole->hole_start),
		amd ? ", and AMD keeps 1012 GiB to 1 TiB to itself" : "");
}

const struct gpupt_element *gpupt_making_hole_element(const struct gpupt_making *making)
{
	const struct gpupt_controller *root = gpupt_domain_root_controller(making->domain);
	return root && root->n_holes ? &root->hole.element : NULL;
}

uint64_t gpupt_making_effective_hole(const struct gpupt_making *making)
{
	return making->has_commandline_hole ? making->commandline_hole :
					      making->plan->hole.planned;
}

void gpupt_making_clear(struct gpupt_making *making)
{
	free(making->wanted);
	free(making->by_address);
	free(making->removed);
	free(making->is_removed);
	free(making->worlds);
	gpupt_mmio_session_clear(&making->session);
	free(making->functions);
	free(making->devices);
	free(making->ports);
}
