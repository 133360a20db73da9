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

static int propose(const struct job *job, const struct gpupt_domain *known,
		   struct gpupt_outcome **ret)
{
	GPUPT_AUTO(gpupt_outcome_free) struct gpupt_outcome *outcome =
		calloc(1, sizeof(*outcome));
	if (!outcome)
		return gpupt_fail_nomem(job->error);
	int r = known ? 0 : read_domain(job, &outcome->own);
	if (r < 0)
		return r;
	outcome->domain = known ? known : outcome->own;
	r = gpupt_plan_make(outcome->domain, job->inventory, job->request, &outcome->plan,
			    job->error);
	if (r < 0)
		return r;
	r = gpupt_plan_apply(outcome->plan, outcome->domain, &outcome->text, &outcome->length,
			     job->error);
	if (r < 0)
		return r;
	gpupt_libvirt_look(job->domain, outcome);
	*ret = GPUPT_STEAL(outcome);
	return 0;
}

/* 1: the domain is still what the plan was made from. */
static int is_unchanged(const struct job *job, const struct gpupt_outcome *outcome)
{
	return gpupt_libvirt_says(job->domain, gpupt_domain_get_text(outcome->domain, NULL),
				  job->error);
}

/* There is no call that only validates: whether the old definition is to blame
 * shows when it is defined once more, as it is. 1: defined, 0: changed meanwhile. */
static int define(const struct job *job, struct gpupt_outcome *outcome)
{
	if (gpupt_libvirt_define(job->domain, outcome->text, VIR_DOMAIN_DEFINE_VALIDATE))
		return 1;
	if (!gpupt_libvirt_is_validation_error())
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	GPUPT_AUTOFREE char *complaint = gpupt_libvirt_message();
	if (!complaint)
		return gpupt_fail_nomem(job->error);
	int r = is_unchanged(job, outcome);
	if (r <= 0)
		return r;
	if (gpupt_libvirt_define(job->domain, gpupt_domain_get_text(outcome->domain, NULL),
				 VIR_DOMAIN_DEFINE_VALIDATE))
		return gpupt_fail(job->error, GPUPT_E_LIBVIRT, "cannot define domain %s: %s",
				  job->name, complaint);
	if (!gpupt_libvirt_is_validation_error())
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	outcome->validation_error = gpupt_libvirt_message();
	if (!outcome->validation_error)
		return gpupt_fail_nomem(job->error);
	if (!gpupt_libvirt_define(job->domain, outcome->text, 0))
		return gpupt_fail_libvirt(job->error, "cannot define domain %s", job->name);
	return 1;
}

/* The old definition comes back, unless what is there now is not what was found
 * wrong. In the moment between defining and reading back others may have defined
 * something too: then it is theirs that was found wrong, and nobody can tell. That
 * text is not lost, stored() had it. */
static void roll_back(const struct job *job, const struct gpupt_outcome *outcome,
		      const char *stored, const char *difference)
{
	struct gpupt_error *why = NULL;
	GPUPT_AUTOFREE char *ignored = NULL;
	int r = gpupt_libvirt_put_back(job->domain, stored,
				       gpupt_domain_get_text(outcome->domain, NULL), &ignored,
				       &why);
	const char *message = r == 0 ? "somebody else changed it meanwhile" :
			      why ? gpupt_error_get_message(why) : "memory is short";
	if (r > 0)
		gpupt_fail(job->error, GPUPT_E_CONFLICT, "libvirt stored something else for "
			   "domain %s than was meant (%s); the previous definition is back",
			   job->name, difference);
	else
		gpupt_fail(job->error, GPUPT_E_CONFLICT, "domain %s was defined, but libvirt "
			   "stored something else than was meant (%s); the previous definition is "
			   "not back: %s", job->name, difference, message);
	gpupt_error_free(why);
}

/* 1: libvirt has what was meant. */
static int read_back(const struct job *job, struct gpupt_outcome *outcome)
{
	const struct gpupt_apply_options *options = job->options;
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *stored = NULL;
	int r = gpupt_libvirt_read_domain(job->domain, true, &stored, job->error);
	if (r < 0)
		return r;
	const char *text = gpupt_domain_get_text(stored, NULL);
	if (options->stored)
		options->stored(text, options->keep_data);
	struct gpupt_error *difference = NULL;
	r = gpupt_plan_check(outcome->plan, stored, &difference);
	if (r == GPUPT_E_NOMEM)
		gpupt_fail_nomem(job->error);
	else if (r < 0)
		roll_back(job, outcome, text, gpupt_error_get_message(difference));
	else
		outcome->defined = true;
	gpupt_error_free(difference);
	return r < 0 ? r : 1;
}

/* Whoever called may want the old definition to be safe first. Disks are slow, so
 * the domain is looked at once more afterwards. 1: it is still the old one. */
static int keep(const struct job *job, const struct gpupt_outcome *outcome)
{
	int r = job->options->keep(outcome, job->options->keep_data, job->error);
	return r < 0 ? r : is_unchanged(job, outcome);
}

/* 1: defined and found right; 0: the domain changed under our hands. */
static int carry_out(const struct job *job, struct gpupt_outcome *outcome)
{
	int turn;
	int r = gpupt_libvirt_take_turn(job->domain, &turn, job->error);
	if (r < 0)
		return r;
	r = is_unchanged(job, outcome);
	if (r > 0 && job->options->keep)
		r = keep(job, outcome);
	if (r > 0)
		r = define(job, outcome);
	if (r > 0)
		r = read_back(job, outcome);
	gpupt_libvirt_end_turn(turn);
	return r;
}

/* One round: *ret is set when it came to an end, and left when the domain
 * changed under our hands. */
static int attempt(const struct job *job, const struct gpupt_domain *known,
		   struct gpupt_outcome **ret)
{
	const struct gpupt_apply_options *options = job->options;
	GPUPT_AUTO(gpupt_outcome_free) struct gpupt_outcome *outcome = NULL;
	int r = propose(job, known, &outcome);
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
	int r = gpupt_libvirt_check_persistent(domain, error);
	if (r < 0)
		return r;
	struct gpupt_outcome *outcome = NULL;
	int attempts = job.options->no_retry ? 1 : MAX_ATTEMPTS;
	for (int i = 0; i < attempts && !outcome; i++) {
		r = attempt(&job, i == 0 ? job.options->known : NULL, &outcome);
		if (r < 0)
			return r;
	}
	if (!outcome && job.options->no_retry)
		return gpupt_fail(error, GPUPT_E_CONFLICT, "domain %s changed meanwhile and was "
				  "left alone: try again", job.name);
	if (!outcome)
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "domain %s changed %d times while it was being planned for: "
				  "something else is editing it", job.name, MAX_ATTEMPTS);
	*ret = outcome;
	return 0;
}
