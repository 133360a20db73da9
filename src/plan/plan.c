/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/making.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_plan, gpupt_plan_free)

GPUPT_EXPORT void gpupt_plan_free(struct gpupt_plan *plan)
{
	if (!plan)
		return;
	free(plan->findings.items);
	free(plan->findings.offsets);
	free(plan->layout);
	free(plan->possibilities);
	free(plan->map);
	free(plan->steps);
	free(plan->ports);
	free(plan->addresses);
	free(plan->edits);
	free(plan->added);
	free(plan->removed);
	gpupt_arena_free(plan->arena);
	free(plan);
}

/* The root controller as libvirt wants it for the machine (qemuDomainValidateDevice-
 * DefControllerPCI, src/qemu/qemu_validate.c, 9.0), where the plan is to touch it. */
static int check_root(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	bool q35 = making->machine == GPUPT_MACHINE_HAS_Q35;
	for (size_t i = 0; i < domain->n_controllers; i++) {
		const struct gpupt_controller *controller = &domain->controllers[i];
		bool is_root = controller->model == GPUPT_CONTROLLER_PCI_ROOT ||
			       controller->model == GPUPT_CONTROLLER_PCIE_ROOT;
		bool fits = controller->model ==
			    (q35 ? GPUPT_CONTROLLER_PCIE_ROOT : GPUPT_CONTROLLER_PCI_ROOT);
		bool first = controller->has_index && controller->index == 0;
		if ((is_root && fits) || (!is_root && !first))
			continue;
		struct gpupt_place place =
			gpupt_domain_place(domain, controller->element.whole.start);
		return gpupt_fail_at(making->error, GPUPT_E_UNSUPPORTED, &place,
				     "a %s machine has a PCI controller 0 of model '%s', not '%s'; "
				     "libvirt refuses this domain", q35 ? "q35" : "i440fx",
				     q35 ? "pcie-root" : "pci-root",
				     controller->model_text ? controller->model_text : "");
	}
	return 0;
}

/* Machines other than q35 and i440fx have no pcihole64. */
static int check_machine(struct gpupt_making *making)
{
	const struct gpupt_domain *domain = making->domain;
	const struct gpupt_request *request = making->request;
	making->machine = gpupt_domain_machine(domain);
	bool touches = request->hole_policy == GPUPT_HOLE_SIZE ||
		       (request->hole_policy == GPUPT_HOLE_AUTO &&
			(making->n_wanted || request->headroom_bytes));
	if (!touches)
		return 0;
	if (making->machine != GPUPT_MACHINE_OTHER)
		return check_root(making);
	struct gpupt_place place = gpupt_domain_place(domain, domain->root.whole.start);
	return gpupt_fail_at(making->error, GPUPT_E_UNSUPPORTED, &place,
			     "pcihole64 exists on x86 machines q35 and i440fx only, and this domain "
			     "is type '%s', architecture '%s', machine '%s'; use --pcihole64 keep to "
			     "leave it alone", domain->type ? domain->type : "",
			     domain->arch ? domain->arch : "",
			     domain->machine ? domain->machine : "");
}

static int make(struct gpupt_making *making)
{
	int r = gpupt_make_devices(making);
	if (r == 0)
		r = check_machine(making);
	if (r == 0)
		r = gpupt_make_slots(making);
	if (r == 0 && making->machine != GPUPT_MACHINE_OTHER) {
		r = gpupt_make_remedies(making);
		if (r == 0)
			r = gpupt_make_planned(making);
	} else if (r == 0) {
		making->plan->verdict = making->n_wanted ? GPUPT_VERDICT_UNKNOWN :
							   GPUPT_VERDICT_NOTHING;
	}
	if (r == 0)
		r = gpupt_make_steps(making);
	if (r == 0)
		gpupt_lint(making);
	if (r == 0)
		gpupt_lint_addresses(making);
	if (r == 0)
		r = gpupt_lint_guest(making);
	if (r == 0)
		r = gpupt_make_edits(making);
	if (r == 0)
		gpupt_findings_settle(&making->plan->findings);
	if (r == 0 && making->plan->findings.no_memory)
		r = gpupt_fail_nomem(making->error);
	return r;
}

GPUPT_EXPORT int gpupt_plan_make(const struct gpupt_domain *domain,
				 const struct gpupt_inventory *inventory,
				 const struct gpupt_request *request, struct gpupt_plan **ret,
				 struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_plan_free) struct gpupt_plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return gpupt_fail_nomem(error);
	plan->findings.arena = &plan->arena;
	struct gpupt_making making = {
		.domain = domain, .inventory = inventory, .request = request,
		.plan = plan, .error = error,
	};
	int r = make(&making);
	gpupt_making_clear(&making);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(plan);
	return 0;
}

GPUPT_EXPORT int gpupt_plan_get_status(const struct gpupt_plan *plan)
{
	return plan->status;
}

GPUPT_EXPORT enum gpupt_verdict gpupt_plan_get_verdict(const struct gpupt_plan *plan)
{
	return plan->verdict;
}

GPUPT_EXPORT const char *gpupt_verdict_name(enum gpupt_verdict verdict)
{
	switch (verdict) {
	case GPUPT_VERDICT_NOTHING: return "nothing";
	case GPUPT_VERDICT_FIRMWARE: return "firmware";
	case GPUPT_VERDICT_KERNEL: return "kernel";
	case GPUPT_VERDICT_PARTIAL: return "partial";
	case GPUPT_VERDICT_NO_FIT: return "no-fit";
	case GPUPT_VERDICT_UNKNOWN: break;
	}
	return "unknown";
}

GPUPT_EXPORT const struct gpupt_hole_numbers *gpupt_plan_get_hole(const struct gpupt_plan *plan)
{
	return &plan->hole;
}

GPUPT_EXPORT const struct gpupt_finding *gpupt_plan_get_findings(const struct gpupt_plan *plan,
								 size_t *ret_count)
{
	*ret_count = plan->findings.count;
	return plan->findings.items;
}

GPUPT_EXPORT const struct gpupt_layout_bar *gpupt_plan_get_layout(const struct gpupt_plan *plan,
								  size_t *ret_count)
{
	*ret_count = plan->n_layout;
	return plan->layout;
}

GPUPT_EXPORT const struct gpupt_map_region *gpupt_plan_get_map(const struct gpupt_plan *plan,
							       size_t *ret_count)
{
	*ret_count = plan->n_map;
	return plan->map;
}

GPUPT_EXPORT const struct gpupt_possibility *
gpupt_plan_get_possibilities(const struct gpupt_plan *plan, size_t *ret_count, size_t *ret_shown)
{
	*ret_count = plan->n_possibilities;
	if (ret_shown)
		*ret_shown = plan->shown;
	return plan->possibilities;
}

GPUPT_EXPORT const struct gpupt_step *gpupt_plan_get_steps(const struct gpupt_plan *plan,
							   size_t *ret_count)
{
	*ret_count = plan->n_steps;
	return plan->steps;
}

GPUPT_EXPORT const struct gpupt_edit *gpupt_plan_get_edits(const struct gpupt_plan *plan,
							   size_t *ret_count)
{
	*ret_count = plan->n_edits;
	return plan->edits;
}
