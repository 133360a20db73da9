/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Back to a definition that libvirt gave out before. */

#include "libvirt/outcome.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "libvirt/error.h"
#include "text/same.h"

bool gpupt_libvirt_define(virDomainPtr domain, const char *text, unsigned int flags)
{
	virDomainPtr defined = virDomainDefineXMLFlags(virDomainGetConnect(domain), text, flags);
	if (defined)
		virDomainFree(defined);
	return defined;
}

/* The schema said no, or libvirt could not find its schema. */
bool gpupt_libvirt_is_validation_error(void)
{
	int code = virGetLastErrorCode();
	return code == VIR_ERR_XML_INVALID_SCHEMA || code == VIR_ERR_INTERNAL_ERROR;
}

int gpupt_libvirt_says(virDomainPtr domain, const char *text, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *now = gpupt_libvirt_fetch(domain, true);
	if (!now)
		return gpupt_fail_libvirt(error, "cannot read domain %s", virDomainGetName(domain));
	return strcmp(now, text) == 0;
}

int gpupt_libvirt_check_persistent(virDomainPtr domain, struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	int persistent = virDomainIsPersistent(domain);
	if (persistent < 0)
		return gpupt_fail_libvirt(error, "cannot ask about domain %s", name);
	if (!persistent)
		return gpupt_fail(error, GPUPT_E_REFUSED,
				  "domain %s is transient: defining it would make it persistent",
				  name);
	return 0;
}

int gpupt_libvirt_put_back(virDomainPtr domain, const char *from, const char *to,
			   char **ret_stored, struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	int r = gpupt_libvirt_says(domain, from, error);
	if (r <= 0)
		return r;
	/* What libvirt took once without its schema it takes so again. */
	if (!gpupt_libvirt_define(domain, to, VIR_DOMAIN_DEFINE_VALIDATE) &&
	    (!gpupt_libvirt_is_validation_error() || !gpupt_libvirt_define(domain, to, 0)))
		return gpupt_fail_libvirt(error, "cannot define domain %s", name);
	GPUPT_AUTOFREE char *stored = gpupt_libvirt_fetch(domain, true);
	if (!stored)
		return gpupt_fail_libvirt(error, "cannot read domain %s", name);
	r = gpupt_same_definition(stored, to, error);
	if (r != 0)
		return r;
	*ret_stored = GPUPT_STEAL(stored);
	return gpupt_fail(error, GPUPT_E_CONFLICT,
			  "libvirt does not take back what it gave out for domain %s", name);
}

/* libvirt, perhaps a newer one, made something else of the old text. */
static int give_up(virDomainPtr domain, const char *stored, const char *expected,
		   struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	struct gpupt_error *why = NULL;
	GPUPT_AUTOFREE char *ignored = NULL;
	int r = gpupt_libvirt_put_back(domain, stored, expected, &ignored, &why);
	if (r > 0)
		gpupt_fail(error, GPUPT_E_CONFLICT, "libvirt makes something else of the kept "
			   "definition of %s than it was; it has the one again that it had", name);
	else
		gpupt_fail(error, GPUPT_E_CONFLICT, "libvirt made something else of the kept "
			   "definition of %s than it was, and that is what it has now: %s", name,
			   why ? gpupt_error_get_message(why) : "somebody else changed it meanwhile");
	gpupt_error_free(why);
	return GPUPT_E_CONFLICT;
}

static int restore(virDomainPtr domain, const char *expected, const char *text,
		   struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *stored = NULL;
	int turn;
	int r = gpupt_libvirt_take_turn(domain, &turn, error);
	if (r < 0)
		return r;
	r = gpupt_libvirt_put_back(domain, expected, text, &stored, error);
	if (r < 0 && stored)
		r = give_up(domain, stored, expected, error);
	gpupt_libvirt_end_turn(turn);
	if (r == 0)
		return gpupt_fail(error, GPUPT_E_CONFLICT,
				  "domain %s changed meanwhile and was left alone: try again",
				  virDomainGetName(domain));
	return r < 0 ? r : 0;
}

GPUPT_EXPORT int gpupt_libvirt_restore(virDomainPtr domain, const char *expected, const char *text,
				       struct gpupt_outcome **ret, struct gpupt_error **error)
{
	const char *name = virDomainGetName(domain);
	GPUPT_AUTO(gpupt_outcome_free) struct gpupt_outcome *outcome =
		calloc(1, sizeof(*outcome));
	if (!outcome)
		return gpupt_fail_nomem(error);
	outcome->text = strdup(text);
	outcome->length = strlen(text);
	if (!outcome->text)
		return gpupt_fail_nomem(error);
	int r = gpupt_libvirt_check_persistent(domain, error);
	if (r == 0)
		r = gpupt_domain_parse(expected, strlen(expected), name, &outcome->own, error);
	if (r == 0)
		r = restore(domain, expected, text, error);
	if (r < 0)
		return r;
	outcome->domain = outcome->own;
	gpupt_libvirt_look(domain, outcome);
	outcome->defined = true;
	*ret = GPUPT_STEAL(outcome);
	return 0;
}
