/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/planned.h"

#include "plan/making.h"

/* The plan outlives the domain. NULL stays NULL. */
static const char *copy(struct gpupt_making *making, const char *text)
{
	return text ? gpupt_making_text(making, "%s", text) : NULL;
}

static void keep_worlds(const struct gpupt_making *making, struct gpupt_planned *planned)
{
	for (size_t i = 0; i < making->n_worlds; i++) {
		planned->worlds[i] = (struct gpupt_planned_world){
			.guest = making->worlds[i].guest,
			.distinct = making->worlds[i].model == i,
		};
		planned->worlds[i].guest.hole_set = true;
		planned->worlds[i].guest.hole_bytes = gpupt_making_effective_hole(making);
	}
}

int gpupt_make_planned(struct gpupt_making *making)
{
	struct gpupt_arena **arena = &making->plan->arena;
	const struct gpupt_domain *domain = making->domain;
	size_t n = making->n_functions;
	if (!making->plan->layout)
		return 0;
	struct gpupt_planned *planned = gpupt_arena_alloc(arena, sizeof(*planned));
	if (!planned)
		return gpupt_fail_nomem(making->error);
	planned->worlds = gpupt_arena_alloc(arena, making->n_worlds * sizeof(*planned->worlds));
	planned->functions = gpupt_arena_alloc(arena, n * sizeof(*planned->functions));
	planned->labels = gpupt_arena_alloc(arena, n * sizeof(*planned->labels));
	if (!planned->worlds || !planned->functions || !planned->labels)
		return gpupt_fail_nomem(making->error);
	planned->arch = copy(making, domain->arch);
	planned->machine = copy(making, domain->machine);
	planned->emulator = copy(making, domain->emulator);
	planned->loader = copy(making, domain->loader);
	planned->loader_type = copy(making, domain->loader_type);
	planned->os_firmware = copy(making, domain->os_firmware);
	planned->nvram_template = copy(making, domain->nvram_template);
	keep_worlds(making, planned);
	planned->boots_kernel = domain->kernel;
	memcpy(planned->functions, making->functions, n * sizeof(*planned->functions));
	for (size_t i = 0; i < n; i++)
		planned->labels[i] = making->devices[i].label; /* in the arena, or static */
	planned->n_functions = n;
	making->plan->planned = planned;
	return 0;
}

GPUPT_EXPORT const struct gpupt_planned *gpupt_plan_get_planned(const struct gpupt_plan *plan)
{
	return plan->planned;
}
