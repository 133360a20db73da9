/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/outcome.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <libvirt/virterror.h>

#include "base/error.h"
#include "base/near.h"
#include "domain/setup.h"
#include "libvirt/error.h"
#include "libvirt/inspection.h"
#include "libvirt/tune.h"

struct gpupt_connection {
	virConnectPtr libvirt;
	char *uri;
	unsigned long version; /* libvirt's, of the daemon: asked for once; 0: not told */
};

struct gpupt_guest {
	virDomainPtr libvirt;
};

static void print_nothing(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

GPUPT_EXPORT void gpupt_connection_silence(void)
{
	virSetErrorFunc(NULL, print_nothing);
}

/* libvirt's own callback asks on standard output and reads standard input, whatever they
 * are. Without a terminal it is left to libvirt's auth.conf to know. */
static int ask_on_terminal(virConnectCredentialPtr wanted, unsigned int n_wanted, void *data)
{
	(void)data;
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -1;
	pthread_mutex_lock(&one_at_a_time);
	int r = virConnectAuthPtrDefault->cb(wanted, n_wanted, virConnectAuthPtrDefault->cbdata);
	pthread_mutex_unlock(&one_at_a_time);
	return r;
}

/* The program ssh asks on the terminal that it was started from, whatever standard input
 * is, and would wait there for an answer that nobody gives. With no_tty libvirt starts it
 * with BatchMode (src/rpc/virnetsocket.c virNetSocketNewConnectSSH()). NULL: as it is. */
static char *without_questions(const char *uri)
{
	const char *end = uri ? strstr(uri, "+ssh://") : NULL;
	const char *colon = uri ? strchr(uri, ':') : NULL;
	char *quiet = NULL;
	if (!end || end > colon || isatty(STDIN_FILENO) || strstr(uri, "no_tty="))
		return NULL;
	return asprintf(&quiet, "%s%cno_tty=1", uri, strchr(uri, '?') ? '&' : '?') < 0 ? NULL :
										     quiet;
}

/* The URI that was meant, where its driver is nearly one that this is for, but none that
 * libvirt has: of those only esx is as near. libvirt itself says so only where a daemon is
 * there to find out; else other errors come first. NULL: there is none. */
static char *nearest_uri(const char *uri)
{
	static const char *const drivers[] = { "qemu", "test" };
	size_t length = uri ? strcspn(uri, "+:") : 0;
	GPUPT_AUTOFREE char *driver = length && uri[length] ? strndup(uri, length) : NULL;
	char *meant = NULL;
	if (!driver)
		return NULL;
	const char *near = gpupt_nearest(driver, drivers, GPUPT_ARRAY_SIZE(drivers));
	if (!near || strcmp(driver, near) == 0 || strcmp(driver, "esx") == 0)
		return NULL;
	return asprintf(&meant, "%s%s", near, uri + length) < 0 ? NULL : meant;
}

static int fail_to_connect(const char *uri, const char *meant, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *near = nearest_uri(meant);
	const char *what = uri ? uri : "the default hypervisor";
	if (!near)
		return gpupt_fail_libvirt(error, "cannot connect to %s", what);
	return gpupt_fail_libvirt(error, "cannot connect to %s (did you mean %s?)", what, near);
}

GPUPT_EXPORT int gpupt_connection_open(const char *uri, bool read_only,
				       struct gpupt_connection **ret, struct gpupt_error **error)
{
	struct gpupt_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return gpupt_fail_nomem(error);
	const char *meant = uri ? uri : getenv("LIBVIRT_DEFAULT_URI");
	GPUPT_AUTOFREE char *quiet = without_questions(meant);
	gpupt_domain_set_up(); /* libvirt parses, too: in several threads, where there are any */
	virConnectAuth auth = *virConnectAuthPtrDefault;
	auth.cb = ask_on_terminal;
	connection->libvirt = virConnectOpenAuth(quiet ? quiet : uri, &auth,
						 read_only ? VIR_CONNECT_RO : 0);
	if (!connection->libvirt) {
		free(connection);
		return fail_to_connect(uri, meant, error);
	}
	connection->uri = quiet ? strdup(meant) : virConnectGetURI(connection->libvirt);
	if (virConnectGetLibVersion(connection->libvirt, &connection->version) < 0)
		connection->version = 0;
	virResetLastError();
	*ret = connection;
	return 0;
}

GPUPT_EXPORT void gpupt_connection_free(struct gpupt_connection *connection)
{
	if (!connection)
		return;
	virConnectClose(connection->libvirt);
	free(connection->uri);
	free(connection);
}

GPUPT_EXPORT const char *gpupt_connection_get_uri(const struct gpupt_connection *connection)
{
	return connection->uri;
}

GPUPT_EXPORT unsigned long gpupt_connection_get_libvirt(const struct gpupt_connection *connection)
{
	return connection->version;
}

/* DRIVER[+TRANSPORT]://[USER@][HOST][:PORT]/... (libvirt.org/uri.html). The
 * transport unix, and +ssh and the like to no host, stay on this machine. */
GPUPT_EXPORT enum gpupt_host_kind
gpupt_connection_get_host(const struct gpupt_connection *connection)
{
	const char *uri = connection->uri;
	const char *authority = uri ? strstr(uri, "://") : NULL;
	if (!authority)
		return GPUPT_HOST_LOCAL;
	authority += strlen("://");
	if (strncmp(uri, "test:", 5) == 0 || strncmp(uri, "test+", 5) == 0)
		return GPUPT_HOST_NONE;
	return *authority && *authority != '/' && *authority != '?' ? GPUPT_HOST_REMOTE :
								      GPUPT_HOST_LOCAL;
}

GPUPT_EXPORT void gpupt_connection_get_versions(const struct gpupt_connection *connection,
						unsigned int *ret_libvirt, unsigned int *ret_qemu)
{
	unsigned long hypervisor = 0;
	const char *type = virConnectGetType(connection->libvirt);
	if (!type || strcmp(type, "QEMU") != 0 ||
	    virConnectGetVersion(connection->libvirt, &hypervisor) < 0)
		hypervisor = 0;
	virResetLastError();
	*ret_libvirt = (unsigned int)connection->version;
	*ret_qemu = (unsigned int)hypervisor;
}

/* NULL without an error: there is no such domain. */
static virDomainPtr look_up(virConnectPtr connection, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(connection, name);
	if (domain || virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return domain;
	domain = virDomainLookupByUUIDString(connection, name);
	if (domain || !isdigit((unsigned char)*name))
		return domain;
	char *end;
	long id = strtol(name, &end, 10);
	return *end || id > INT32_MAX ? NULL : virDomainLookupByID(connection, (int)id);
}

static int fail_not_found(virConnectPtr connection, const char *name,
			  struct gpupt_error **error)
{
	virDomainPtr *domains = NULL;
	int count = virConnectListAllDomains(connection, &domains, 0);
	const char **names = count > 0 ? calloc((size_t)count, sizeof(*names)) : NULL;
	for (int i = 0; names && i < count; i++)
		names[i] = virDomainGetName(domains[i]);
	const char *near = names ? gpupt_nearest(name, names, (size_t)count) : NULL;
	if (near)
		gpupt_fail(error, GPUPT_E_NOT_FOUND,
			   "there is no domain \"%s\"; did you mean \"%s\"?", name, near);
	else
		gpupt_fail(error, GPUPT_E_NOT_FOUND, "there is no domain \"%s\"", name);
	free(names);
	for (int i = 0; i < count; i++)
		virDomainFree(domains[i]);
	free(domains);
	return GPUPT_E_NOT_FOUND;
}

GPUPT_EXPORT int gpupt_connection_find(struct gpupt_connection *connection, const char *name,
				       struct gpupt_guest **ret, struct gpupt_error **error)
{
	struct gpupt_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gpupt_fail_nomem(error);
	guest->libvirt = look_up(connection->libvirt, name);
	if (guest->libvirt) {
		virResetLastError();
		*ret = guest;
		return 0;
	}
	free(guest);
	switch (virGetLastErrorCode()) {
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_INVALID_ARG: /* no UUID by its form */
		virResetLastError();
		return fail_not_found(connection->libvirt, name, error);
	default:
		return gpupt_fail_libvirt(error, "cannot look up domain \"%s\"", name);
	}
}

GPUPT_EXPORT int gpupt_connection_survey(struct gpupt_connection *connection,
					 bool keep_definitions, struct gpupt_survey **ret,
					 struct gpupt_error **error)
{
	return gpupt_libvirt_survey(connection->libvirt, NULL, keep_definitions ?
				    GPUPT_SURVEY_DEFINITIONS : GPUPT_SURVEY_NAMES, ret, error);
}

GPUPT_EXPORT int gpupt_survey_add_users(const struct gpupt_survey *survey,
					const struct gpupt_guest *except,
					struct gpupt_request *request, struct gpupt_error **error)
{
	return gpupt_libvirt_survey_add_users(survey, except ? except->libvirt : NULL, request,
					      error);
}

GPUPT_EXPORT int gpupt_survey_take(struct gpupt_survey *survey, const char *name,
				   struct gpupt_guest **ret_guest, struct gpupt_domain **ret_domain,
				   struct gpupt_error **error)
{
	struct gpupt_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gpupt_fail_nomem(error);
	int r = gpupt_libvirt_survey_take(survey, name, &guest->libvirt, ret_domain, error);
	if (r < 0)
		free(guest);
	else
		*ret_guest = guest;
	return r;
}

GPUPT_EXPORT int gpupt_connection_add_other_users(struct gpupt_connection *connection,
						  const struct gpupt_guest *except,
						  struct gpupt_request *request,
						  struct gpupt_error **error)
{
	return gpupt_libvirt_add_other_users(connection->libvirt, except ? except->libvirt : NULL,
					     request, error);
}

GPUPT_EXPORT void gpupt_guest_free(struct gpupt_guest *guest)
{
	if (!guest)
		return;
	virDomainFree(guest->libvirt);
	free(guest);
}

GPUPT_EXPORT const char *gpupt_guest_get_name(const struct gpupt_guest *guest)
{
	return virDomainGetName(guest->libvirt);
}

GPUPT_EXPORT int gpupt_guest_read(struct gpupt_guest *guest, bool secure,
				  struct gpupt_domain **ret, struct gpupt_error **error)
{
	return gpupt_libvirt_read_domain(guest->libvirt, secure, ret, error);
}

GPUPT_EXPORT int gpupt_guest_apply(struct gpupt_guest *guest,
				   const struct gpupt_inventory *inventory,
				   const struct gpupt_request *request,
				   const struct gpupt_apply_options *options,
				   struct gpupt_outcome **ret, struct gpupt_error **error)
{
	return gpupt_libvirt_apply(guest->libvirt, inventory, request, options, ret, error);
}

GPUPT_EXPORT int gpupt_guest_inspect(struct gpupt_guest *guest,
				     const struct gpupt_inspect_options *options,
				     struct gpupt_inspection **ret, struct gpupt_error **error)
{
	return gpupt_libvirt_inspect(guest->libvirt, options, ret, error);
}

GPUPT_EXPORT int gpupt_guest_tune(struct gpupt_guest *guest, const char *fallback_os,
				  bool carry_out, struct gpupt_tuning **ret,
				  struct gpupt_error **error)
{
	struct gpupt_agent agent = { gpupt_libvirt_ask_agent, guest->libvirt };
	return gpupt_agent_tune(&agent, fallback_os, carry_out, ret, error);
}

GPUPT_EXPORT int gpupt_guest_restore(struct gpupt_guest *guest, const char *expected,
				     const char *text, struct gpupt_outcome **ret,
				     struct gpupt_error **error)
{
	return gpupt_libvirt_restore(guest->libvirt, expected, text, ret, error);
}
