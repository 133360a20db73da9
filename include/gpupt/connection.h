/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CONNECTION_H
#define GPUPT_CONNECTION_H

/**
 * @file
 * Reading and defining domains through libvirt, without a word of libvirt's own
 * API. Part of libgpupt-libvirt; programs that hold a virDomainPtr already
 * include gpupt/libvirt.h instead.
 *
 * ```
 *  connection ──► guest ──► gpupt_guest_read()  ──► gpupt_domain
 *                     ├───► gpupt_guest_apply() ──► outcome
 *                     └───► gpupt_guest_inspect() ──► inspection
 * ```
 */

#include <stdbool.h>
#include <stddef.h>

#include <gpupt/domain.h>
#include <gpupt/error.h>
#include <gpupt/inventory.h>
#include <gpupt/plan.h>
#include <gpupt/running.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to a hypervisor. */
struct gpupt_connection;
/** What the domains of a connection are, and which host devices they list. */
struct gpupt_survey;
/** A domain on a connection. */
struct gpupt_guest;
/** What gpupt_guest_apply() did, or is about to do. */
struct gpupt_outcome;
/** What gpupt_guest_inspect() saw. */
struct gpupt_inspection;

/** Whose PCI devices a connection's guests get. Since 0.1. */
enum gpupt_host_kind {
	GPUPT_HOST_LOCAL,  /**< this machine's: sysfs shows them */
	GPUPT_HOST_REMOTE, /**< another machine's: they come from a snapshot */
	GPUPT_HOST_NONE,   /**< nobody's: libvirt's test driver */
};

/** Keeps libvirt from printing errors to standard error by itself. Acts on the
 *  whole process (virSetErrorFunc()), so a program has to ask for it. Since 0.1. */
void gpupt_connection_silence(void);

/**
 * Connects to a hypervisor.
 * @param uri        NULL: libvirt decides (LIBVIRT_DEFAULT_URI, its configuration)
 * @param read_only  asks for no more than the right to look; secrets are then
 *                   left out of domain XML, and nothing can be defined
 * Where standard input is no terminal the program ssh is kept from asking anything, unless
 * the URI has no_tty=0.
 * @return 0 or GPUPT_E_LIBVIRT. Since 0.1.
 */
int gpupt_connection_open(const char *uri, bool read_only, struct gpupt_connection **ret,
			  struct gpupt_error **error);

/** Closes the connection and frees @p connection. NULL is fine. Guests of it
 *  stay usable until they are freed. Since 0.1. */
void gpupt_connection_free(struct gpupt_connection *connection);

/** Returns the URI that libvirt chose, or NULL when it does not tell; valid
 *  until gpupt_connection_free(). Since 0.1. */
const char *gpupt_connection_get_uri(const struct gpupt_connection *connection);
/** Returns the libvirt that defines the domains, as virConnectGetLibVersion() does
 *  (10.3.0 is 10003000); 0 where it does not say. Since 0.1. */
unsigned long gpupt_connection_get_libvirt(const struct gpupt_connection *connection);

/** Returns whose PCI devices the guests get. Since 0.1. */
enum gpupt_host_kind gpupt_connection_get_host(const struct gpupt_connection *connection);

/** Tells libvirt's and QEMU's versions on the hypervisor's host, written as libvirt
 *  does (9000000 is 9.0.0); 0 where libvirt does not tell, and for QEMU where the
 *  hypervisor is another. Since 0.1. */
void gpupt_connection_get_versions(const struct gpupt_connection *connection,
				   unsigned int *ret_libvirt, unsigned int *ret_qemu);

/**
 * Looks a domain up by name, then by UUID, then by the id of a running one.
 * @return 0, GPUPT_E_NOT_FOUND (the message suggests a near name) or
 *         GPUPT_E_LIBVIRT. Since 0.1.
 */
int gpupt_connection_find(struct gpupt_connection *connection, const char *name,
			  struct gpupt_guest **ret, struct gpupt_error **error);

/**
 * Tells @p request which host devices the other domains of the connection list,
 * running or not; see gpupt_request_add_other_user(). A domain that vanishes
 * meanwhile or that cannot be read is passed over.
 * @param except  the domain that does not count; may be NULL
 * @return 0, GPUPT_E_LIBVIRT or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_connection_add_other_users(struct gpupt_connection *connection,
				     const struct gpupt_guest *except,
				     struct gpupt_request *request, struct gpupt_error **error);

/**
 * Reads the definitions of all domains, some at a time, in threads of its own: what
 * gpupt_connection_find() with gpupt_guest_read() and gpupt_connection_add_other_users()
 * would read once more for each of them. Without passwords: most are other people's.
 * @param keep_definitions  for gpupt_survey_take(), which else finds none
 * @param ret  usable until the connection is freed, by one thread at a time
 * @return 0, GPUPT_E_LIBVIRT or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_connection_survey(struct gpupt_connection *connection, bool keep_definitions,
			    struct gpupt_survey **ret, struct gpupt_error **error);

/** Lists those of the domains that have a definition, running or not.
 *  @param ret_names  sorted, and NULL behind the last; freed with free(), while the names
 *                    belong to @p survey
 *  @return 0 or GPUPT_E_NOMEM. Since 0.1. */
int gpupt_survey_list(const struct gpupt_survey *survey, const char ***ret_names,
		      size_t *ret_count, struct gpupt_error **error);

/** Gives away what was read of the domain of that name: as gpupt_guest_read() without
 *  passwords.
 *  @return 0, what gpupt_domain_parse() returns, GPUPT_E_NOMEM, or GPUPT_E_NOT_FOUND,
 *          without an error: it was not there, could not be read, is given away
 *          already, or was too much to keep; gpupt_guest_read() may know it. Since 0.1. */
int gpupt_survey_take(struct gpupt_survey *survey, const char *name,
		      struct gpupt_guest **ret_guest, struct gpupt_domain **ret_domain,
		      struct gpupt_error **error);

/** Tells @p request which host devices the domains listed, but those of @p except, which
 *  may be NULL; see gpupt_connection_add_other_users().
 *  @return 0 or GPUPT_E_NOMEM. Since 0.1. */
int gpupt_survey_add_users(const struct gpupt_survey *survey, const struct gpupt_guest *except,
			   struct gpupt_request *request, struct gpupt_error **error);

/** Frees @p survey. NULL is fine. Since 0.1. */
void gpupt_survey_free(struct gpupt_survey *survey);

/** Frees @p guest. NULL is fine. Since 0.1. */
void gpupt_guest_free(struct gpupt_guest *guest);

/** Returns the domain's name, valid until gpupt_guest_free(). Since 0.1. */
const char *gpupt_guest_get_name(const struct gpupt_guest *guest);

/**
 * Reads what the domain will start with next time: its inactive XML.
 * @param secure  with passwords; needs a connection that is not read-only
 * @return 0, GPUPT_E_LIBVIRT, or what gpupt_domain_parse() returns. Since 0.1.
 */
int gpupt_guest_read(struct gpupt_guest *guest, bool secure, struct gpupt_domain **ret,
		     struct gpupt_error **error);

/** How gpupt_guest_apply() and gpupt_libvirt_apply() go about it. NULL in place
 *  of a pointer to it, or all zero: define without asking. Since 0.1. */
struct gpupt_apply_options {
	/** Stop before defining. Enough for a read-only connection. */
	bool dry_run;
	/** Where somebody changes the domain meanwhile: return GPUPT_E_CONFLICT, and do
	 *  not plan anew. */
	bool no_retry;
	/** What gpupt_guest_read() gave, with passwords unless it is a dry run: what to plan
	 *  from first, instead of reading it again. Where the domain is no longer that when
	 *  it comes to defining, all starts over as ever. Not to be freed before the outcome.
	 *  May be NULL. */
	const struct gpupt_domain *known;
	/** Called before defining, with what is about to be defined; anything but
	 *  0 stops there. Called again when the domain changed meanwhile and a
	 *  new plan had to be made. May be NULL. */
	int (*confirm)(const struct gpupt_outcome *proposal, void *data);
	void *confirm_data; /**< handed to confirm */
	/** Called when all that is left is to define, with what the domain has
	 *  (gpupt_outcome_get_domain()) and is to get: the moment to keep the
	 *  former. A negative status stops there, nothing changed, and is
	 *  returned with the error set. Called again where confirm is. May be NULL. */
	int (*keep)(const struct gpupt_outcome *proposal, void *data,
		    struct gpupt_error **error);
	/** Called after defining with what libvirt made of it, before that is
	 *  judged; never without keep before it. May be NULL. */
	void (*stored)(const char *text, void *data);
	void *keep_data; /**< handed to keep and stored */
};

/**
 * Reads a domain, plans, defines the result, reads it back and checks that
 * libvirt stored what was meant; libvirt drops what it does not know in silence.
 * The definition is read again just before defining: when somebody changed it,
 * all starts over, a few times at most. Where libvirt stored something else, the
 * old definition is put back, unless it changed again meanwhile; the error says
 * whether.
 *
 * A plan that changes nothing, or that cannot be carried out as asked (see
 * gpupt_plan_get_status()), defines nothing; that is a success of this function.
 *
 * @return 0, GPUPT_E_REFUSED (a transient domain: defining would make it
 *         persistent), GPUPT_E_CONFLICT (it keeps changing, or what libvirt
 *         stored is not what was meant), GPUPT_E_LIBVIRT, or what
 *         gpupt_domain_parse(), gpupt_plan_make() and gpupt_plan_apply()
 *         return. Since 0.1.
 */
int gpupt_guest_apply(struct gpupt_guest *guest, const struct gpupt_inventory *inventory,
		      const struct gpupt_request *request,
		      const struct gpupt_apply_options *options, struct gpupt_outcome **ret,
		      struct gpupt_error **error);

/**
 * Puts back a definition that gpupt_guest_read() gave out before, with the same
 * care: not unless the domain still says @p expected, read just before defining,
 * and read back afterwards. Where libvirt makes something else of it now,
 * @p expected comes back.
 * @param expected  what the domain has, secrets included
 * @param text      what it is to get; both end in a NUL byte
 * @param ret       has no plan: gpupt_outcome_get_plan() returns NULL
 * @return 0, GPUPT_E_REFUSED (a transient domain), GPUPT_E_CONFLICT (the domain
 *         does not say @p expected, or libvirt made something else of @p text),
 *         GPUPT_E_LIBVIRT or GPUPT_E_NOMEM. Since 0.1.
 */
int gpupt_guest_restore(struct gpupt_guest *guest, const char *expected, const char *text,
			struct gpupt_outcome **ret, struct gpupt_error **error);

/** Frees @p outcome. NULL is fine. Since 0.1. */
void gpupt_outcome_free(struct gpupt_outcome *outcome);

/** Returns the domain as it was before; valid until gpupt_outcome_free(). Since 0.1. */
const struct gpupt_domain *gpupt_outcome_get_domain(const struct gpupt_outcome *outcome);

/** Returns the plan, or NULL of gpupt_guest_restore(); valid until
 *  gpupt_outcome_free(). Since 0.1. */
const struct gpupt_plan *gpupt_outcome_get_plan(const struct gpupt_outcome *outcome);

/** Returns the XML that the plan leads to, ended by a NUL byte; valid until
 *  gpupt_outcome_free(). @param ret_length  may be NULL. Since 0.1. */
const char *gpupt_outcome_get_text(const struct gpupt_outcome *outcome, size_t *ret_length);

/** Returns whether that XML differs from what the domain had. Since 0.1. */
bool gpupt_outcome_differs(const struct gpupt_outcome *outcome);

/** Returns whether it was defined, read back and found right. Since 0.1. */
bool gpupt_outcome_is_defined(const struct gpupt_outcome *outcome);

/** Returns whether the guest runs: it has to be stopped in full and started
 *  for the new definition to count; a reboot is not enough. Since 0.1. */
bool gpupt_outcome_needs_restart(const struct gpupt_outcome *outcome);

/** Returns whether there is a managed-save image: the guest resumes from it with
 *  the old definition until `virsh managedsave-remove`. Since 0.1. */
bool gpupt_outcome_has_managed_save(const struct gpupt_outcome *outcome);

/** Returns why libvirt's schema rejected the definition as it stood, so that the
 *  new one was defined without validation; NULL where it was validated. Valid
 *  until gpupt_outcome_free(). Since 0.1. */
const char *gpupt_outcome_get_validation_error(const struct gpupt_outcome *outcome);

/** How a running guest is looked at. Since 0.1. */
struct gpupt_inspect_options {
	/** Ask QEMU's monitor (query-pci, which changes nothing). libvirt then marks the
	 *  running domain as tainted (custom-monitor). */
	bool monitor;
	/** Ask the agent in the guest: read files of its /sys, run dmesg and nvidia-smi.
	 *  libvirt then marks the running domain as tainted (custom-ga-command). */
	bool agent;
};

/**
 * Looks at a running guest: its XML, the same against its definition, and what QEMU
 * and the guest say of its PCI functions. What cannot be seen, for want of rights
 * say, is told by the result and is no error.
 * @return 0, GPUPT_E_NOT_FOUND (it is not running), GPUPT_E_LIBVIRT, or what
 *         gpupt_domain_parse() returns. Since 0.1.
 */
int gpupt_guest_inspect(struct gpupt_guest *guest, const struct gpupt_inspect_options *options,
			struct gpupt_inspection **ret, struct gpupt_error **error);

/** Returns what was seen; valid until gpupt_inspection_free(). Since 0.1. */
const struct gpupt_running *gpupt_inspection_get(const struct gpupt_inspection *inspection);

/** Frees @p inspection. NULL is fine. Since 0.1. */
void gpupt_inspection_free(struct gpupt_inspection *inspection);

#ifdef __cplusplus
}
#endif

#endif
