/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_OUTCOME_H
#define GPUPT_LIBVIRT_OUTCOME_H

/* What the files of this room share. */

#include <libvirt/libvirt.h>

#include <gpupt/libvirt.h>

#include "base/util.h"

GPUPT_DEFINE_CLEANUP(struct gpupt_domain, gpupt_domain_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_outcome, gpupt_outcome_free)
GPUPT_DEFINE_CLEANUP(struct gpupt_survey, gpupt_survey_free)

struct gpupt_outcome {
	const struct gpupt_domain *domain;
	struct gpupt_domain *own; /* the same, where it is not the caller's */
	struct gpupt_plan *plan;
	char *text;
	size_t length;
	bool defined;
	bool running;
	bool managed_save;
	char *validation_error;
};

/* The domain's inactive XML, freed with free(); NULL with libvirt's error set. */
char *gpupt_libvirt_fetch(virDomainPtr domain, bool secure);

/* Defines, with VIR_DOMAIN_DEFINE_* flags; false with libvirt's error set. */
bool gpupt_libvirt_define(virDomainPtr domain, const char *text, unsigned int flags);
bool gpupt_libvirt_is_validation_error(void);

/* 1: the definition is that text, secrets and all. 0: it is another. */
int gpupt_libvirt_says(virDomainPtr domain, const char *text, struct gpupt_error **error);

/* GPUPT_E_REFUSED for a transient domain: defining would make it persistent. */
int gpupt_libvirt_check_persistent(virDomainPtr domain, struct gpupt_error **error);

/* Puts a text that libvirt gave out in place of another one, and reads back: the
 * order of controllers aside (text/same.h) that is what there is then. For whoever
 * has the turn. 1: done; 0: the domain does not say `from`, and was left alone.
 * *ret_stored is set only where libvirt made something else of it, which is
 * GPUPT_E_CONFLICT. */
int gpupt_libvirt_put_back(virDomainPtr domain, const char *from, const char *to,
			   char **ret_stored, struct gpupt_error **error);

/* Notes whether the guest runs or was saved. */
void gpupt_libvirt_look(virDomainPtr domain, struct gpupt_outcome *outcome);

/* What a survey is for: who lists which device, names as well, or definitions, too. */
enum gpupt_survey_use { GPUPT_SURVEY_USERS, GPUPT_SURVEY_NAMES, GPUPT_SURVEY_DEFINITIONS };

/* See gpupt_connection_survey() and gpupt_survey_...(). A domain that is left out may be
 * NULL. */
int gpupt_libvirt_survey(virConnectPtr connection, virDomainPtr except, enum gpupt_survey_use use,
			 struct gpupt_survey **ret, struct gpupt_error **error);
int gpupt_libvirt_survey_add_users(const struct gpupt_survey *survey, virDomainPtr except,
				   struct gpupt_request *request, struct gpupt_error **error);
int gpupt_libvirt_survey_take(struct gpupt_survey *survey, const char *name,
			      virDomainPtr *ret_domain, struct gpupt_domain **ret,
			      struct gpupt_error **error);

/* libvirt has no compare-and-swap. So that processes of ours on one machine do not
 * overwrite each other's work, one at a time reads a domain for the last time and
 * defines it. GPUPT_E_CONFLICT when the turn does not come. */
int gpupt_libvirt_take_turn(virDomainPtr domain, int *ret, struct gpupt_error **error);
void gpupt_libvirt_end_turn(int turn);

#endif
