/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "libvirt/error.h"

/* How often to plan anew when somebody else keeps changing the domain. */
#define MAX_ATTEMPTS 5

/* What one call works on. */
struct job {
	virDomainPtr domain;
	const char *name;
	const struct gpupt_inventory *inventory;
	const struct gpupt_request *request;
	const struct gpupt_apply_options *options;
	struct gpupt_error **error;
};

/* Passwords have to come along, or defining would drop them. A dry run makes do
 * without: a read-only connection may not see them. */
static int read_domain(const struct job *job, struct gpupt_domain **ret)
{
	struct gpupt_error *denied = NULL;
	int r = gpupt_libvirt_read_domain(job->domain, true, ret,
					  job->options->dry_run ? &denied : job->error);
	gpupt_error_free(denied);
	if (r < 0 && job->options->dry_run)
		r = gpupt_libvirt_read_domain(job->domain, false, ret, job->error);
	return r;
}

static int propose(const struct job *job, struct gpupt_outcome **ret)
{
	GPUPT_AUTO(gpupt_outcome_free) struct gpupt_outcome *outcome =
		calloc(1, sizeof(*outcome));
	if (!outcome)
		return gpupt_fail_nomem(job->error);
	int r = read_domain(job, &outcome->domain);
	if (r < 0)
		return r;
	r = gpupt_plan_make(outcome->domain, job->inventory, job->request, &outcome->plan,
			    job->error);
	if (r < 0)
		return r;
	r = gpupt_plan_apply(outcome->plan, outcome->domain, &outcome->text, &outcome->length,
			     job->error);
	if (r < 0)
		return r;
	outcome->running = virDomainIsActive(job->domain) == 1;
	outcome->managed_save = virDomainHasManagedSaveImage(job->domain, 0) == 1;
	virResetLastError(); /* not every driver has managed save */
	*ret = GPUPT_STEAL(outcome);
	return 0;
}

/* 1: the domain is still what the plan was made from. */
static int is_unchanged(const struct job *job, const struct gpupt_outcome *outcome)
{
	GPUPT_AUTOFREE char *text = gpupt_libvirt_fetch(job->domain, true);
	if (!text)
		return gpupt_fail_libvirt(job->error, "cannot read domain %s", job->name);
	return strcmp(text, gpupt_domain_get_text(outcome->domain, NULL)) == 0;
}

static bool define_xml(const struct job *job, const char *text, unsigned int flags)
{
	virDomainPtr defined =
		virDomainDefineXMLFlags(virDomainGetConnect(job->domain), text, flags);
	if (defined)
		virDomainFree(defined);
	return defined;
}

/* The schema said no, or libvirt could not find its schema. */
static bool is_validation_error(void)
{
	int code = virGetLastErrorCode();
	return code == VIR_ERR_XML_INVALID_SCHEMA || code == VIR_ERR_INTERNAL_ERROR;
}

/* There is no call that only validates: whether the old definition is to blame
 * shows when it is defined once more, as it is. 1: defined, 0: changed meanwhile. */
static int define(const struct job *job, struct gpupt_outcome *outcome)
{
	if (define_xml(job, outcome->text, VIR_DOMAIN_DEFINE_VALIDATE))
		return 1;
	if (!is_validation_error())
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	GPUPT_AUTOFREE char *complaint = gpupt_libvirt_message();
	if (!complaint)
		return gpupt_fail_nomem(job->error);
	int r = is_unchanged(job, outcome);
	if (r <= 0)
		return r;
	if (define_xml(job, gpupt_domain_get_text(outcome->domain, NULL),
		       VIR_DOMAIN_DEFINE_VALIDATE))
		return gpupt_fail(job->error, GPUPT_E_LIBVIRT, "cannot define domain %s: %s",
				  job->name, complaint);
	if (!is_validation_error())
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	outcome->validation_error = gpupt_libvirt_message();
	if (!outcome->validation_error)
		return gpupt_fail_nomem(job->error);
	if (!define_xml(job, outcome->text, 0))
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	return 1;
}

static int read_back(const struct job *job, struct gpupt_outcome *outcome)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *stored = NULL;
	int r = gpupt_libvirt_read_domain(job->domain, true, &stored, job->error);
	if (r < 0)
		return r;
	struct gpupt_error *difference = NULL;
	r = gpupt_plan_check(outcome->plan, stored, &difference);
	if (r < 0)
		gpupt_fail(job->error, (enum gpupt_status)r,
			   "domain %s was defined, but libvirt stored something else: %s",
			   job->name, gpupt_error_get_message(difference));
	else
		outcome->defined = true;
	gpupt_error_free(difference);
	return r < 0 ? r : 1;
}

/* 1: defined and found right; 0: the domain changed under our hands. */
static int carry_out(const struct job *job, struct gpupt_outcome *outcome)
{
	int turn;
	int r = gpupt_libvirt_take_turn(job->domain, &turn, job->error);
	if (r < 0)
		return r;
	r = is_unchanged(job, outcome);
	if (r > 0)
		r = define(job, outcome);
	if (r > 0)
		r = read_back(job, outcome);
	gpupt_libvirt_end_turn(turn);
	return r;
}

/* One round: *ret is set when it came to an end, and left when the domain
 * changed under our hands. */
static int attempt(const struct job *job, struct gpupt_outcome **ret)
{
	const struct gpupt_apply_options *options = job->options;
	GPUPT_AUTO(gpupt_outcome_free) struct gpupt_outcome *outcome = NULL;
	int r = propose(job, &outcome);
	if (r < 0)
		return r;
	bool wanted = gpupt_outcome_differs(outcome) && !options->dry_run;
	if (wanted && options->confirm)
		wanted = options->confirm(outcome, options->confirm_data) == 0;
	if (wanted) {
		r = carry_out(job, outcome);
		if (r <= 0)
			return r;
	}
	*ret = GPUPT_STEAL(outcome);
	return 0;
}

GPUPT_EXPORT int gpupt_libvirt_apply(virDomainPtr domain, const struct gpupt_inventory *inventory,
				     const struct gpupt_request *request,
				     const struct gpupt_apply_options *options,
				     struct gpupt_outcome **ret, struct gpupt_error **error)
{
	static const struct gpupt_apply_options defaults = { 0 };
	struct job job = {
		.domain = domain,
		.name = virDomainGetName(domain),
		.inventory = inventory,
		.request = request,
		.options = options ? options : &defaults,
		.error = error,
	};
	int persistent = virDomainIsPersistent(domain);
	if (persistent < 0)
		return gpupt_fail_libvirt(error, "cannot ask about domain %s", job.name);
	if (!persistent)
		return gpupt_fail(error, GPUPT_E_REFUSED,
				  "domain %s is transient: defining it would make it persistent",
				  job.name);
	struct gpupt_outcome *outcome = NULL;
	for (int i = 0; i < MAX_ATTEMPTS && !outcome; i++) {
		int r = attempt(&job, &outcome);
		if (r < 0)
			return r;
	}
	if (!outcome)
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "domain %s changed %d times while it was being planned for: "
				  "something else is editing it", job.name, MAX_ATTEMPTS);
	*ret = outcome;
	return 0;
}
