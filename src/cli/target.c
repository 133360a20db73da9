/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/target.h"

#include <unistd.h>

#include "cli/file.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/session.h"

#define SYSTEM_URI "qemu:///system"

bool cli_target_is_file(const struct cli_settings *settings)
{
	const char *operand = settings->operand;
	size_t length = strlen(operand);
	if (settings->as_file || settings->as_domain)
		return settings->as_file;
	return strcmp(operand, "-") == 0 || strchr(operand, '/') ||
	       (length > 4 && strcmp(operand + length - 4, ".xml") == 0);
}

/* A file is called by its own name in a diff; standard input by the domain's. */
static int name_target(const struct cli_settings *settings, struct cli_target *target,
		       struct gpupt_error **error)
{
	const char *name = gpupt_domain_get_name(target->domain);
	const char *host = settings->session ? settings->session->label : NULL;
	const char *slash = strrchr(settings->operand, '/');
	if (asprintf(&target->label, "%s%s%s", host ? host : "", host ? "/" : "",
		     name ? name : "domain") < 0)
		target->label = NULL;
	else if (target->is_file && strcmp(settings->operand, "-") != 0)
		target->diff_name = strdup(slash ? slash + 1 : settings->operand);
	else if (asprintf(&target->diff_name, "%s.xml", target->label) < 0)
		target->diff_name = NULL;
	return target->diff_name ? 0 : gpupt_fail_nomem(error);
}

static int open_file(const struct cli_settings *settings, struct cli_target *target,
		     struct gpupt_error **error)
{
	const char *path = settings->operand;
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = cli_file_read(path, &text, &length, error);
	if (r < 0)
		return r;
	r = gpupt_domain_parse(text, length, strcmp(path, "-") == 0 ? "<stdin>" : path,
			       &target->domain, error);
	if (settings->report)
		cli_report_text(settings->report, path, GPUPT_STEAL(text), length);
	return r;
}

/* The command that was given, with -c behind its name, for a shell; NULL when
 * memory is short. */
static char *command_with_uri(char **argv, const char *uri)
{
	struct gpupt_str line = { 0 };
	for (size_t i = 0; argv[i]; i++) {
		cli_add_word(&line, i == 0 ? "gpupt-xml" : argv[i]);
		if (i != 1)
			continue;
		cli_add_word(&line, "-c");
		cli_add_word(&line, uri);
	}
	return gpupt_str_steal(&line, NULL);
}

/* An ordinary user's default is often qemu:///session, while the domain is in
 * qemu:///system. target->connection is NULL where the default did not answer. */
static bool is_in_system(const struct cli_settings *settings, const struct cli_target *target)
{
	const struct cli_hypervisor *hypervisor = &target->hypervisor;
	const char *uri = target->connection ?
				  hypervisor->connection_get_uri(target->connection) : NULL;
	struct gpupt_connection *connection = NULL;
	struct gpupt_guest *guest = NULL;
	if (!settings->operand || settings->uri || (uri && strcmp(uri, SYSTEM_URI) == 0))
		return false;
	if (hypervisor->connection_open(SYSTEM_URI, true, &connection, NULL) == 0)
		hypervisor->connection_find(connection, settings->operand, &guest, NULL);
	bool found = guest;
	hypervisor->guest_free(guest);
	hypervisor->connection_free(connection);
	return found;
}

static int suggest_system(const struct cli_settings *settings, const char *what,
			  struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *command = command_with_uri(settings->argv, SYSTEM_URI);
	return gpupt_fail(error, GPUPT_E_NOT_FOUND, "%s, but there is a domain \"%s\" at "
			  SYSTEM_URI ": %s", what, settings->operand, command ? command : "");
}

/* Says in what other way the operand might have been meant. */
static int explain_not_found(const struct cli_settings *settings,
			     const struct cli_target *target, struct gpupt_error **error)
{
	const char *uri = target->hypervisor.connection_get_uri(target->connection);
	if (is_in_system(settings, target)) {
		GPUPT_AUTOFREE char *what = NULL;
		if (asprintf(&what, "there is no domain \"%s\" at %s", settings->operand,
			     uri ? uri : "the default connection") < 0)
			return gpupt_fail_nomem(error);
		return suggest_system(settings, what, error);
	}
	if (!settings->as_domain && access(settings->operand, F_OK) == 0)
		return gpupt_fail(error, GPUPT_E_NOT_FOUND,
				  "there is no domain \"%s\", but a file: %s", settings->operand,
				  settings->command->bit & (CLI_APPLY | CLI_UNDO | CLI_HISTORY) ?
					  "see gpupt-xml patch --in-place" : "use --file");
	return GPUPT_E_NOT_FOUND; /* with the near names that the search found */
}

/* Says what may have been in the way of a connection. */
static int connect(const struct cli_settings *settings, enum cli_access access,
		   struct cli_target *target, struct gpupt_error **error)
{
	struct gpupt_error *why = NULL;
	int r = target->hypervisor.connection_open(settings->uri, access == CLI_LOOK,
						   &target->connection, &why);
	if (r >= 0)
		return r;
	if (is_in_system(settings, target))
		r = suggest_system(settings, gpupt_error_get_message(why), error);
	else
		gpupt_fail(error, (enum gpupt_status)r, "%s%s",
			   access == CLI_LOOK || !settings->show_secrets ? "" :
			   "--show-secrets needs more than a read-only connection: ",
			   gpupt_error_get_message(why));
	gpupt_error_free(why);
	return r;
}

enum cli_access cli_access_for(const struct cli_settings *settings)
{
	if (settings->command->bit == CLI_APPLY && !settings->dry_run)
		return CLI_CHANGE;
	return settings->show_secrets ? CLI_LOOK_SECRETS : CLI_LOOK;
}

int cli_target_connect(const struct cli_settings *settings, enum cli_access access,
		       struct cli_target *target, struct gpupt_error **error)
{
	struct cli_session *session = settings->session;
	if (session && session->connection) {
		target->hypervisor = session->hypervisor;
		target->connection = session->connection;
		target->is_shared = true;
		return 0;
	}
	int r = 0;
	if (session && session->hypervisor.library)
		target->hypervisor = session->hypervisor;
	else
		r = cli_hypervisor_load(&target->hypervisor, error);
	if (r == 0)
		r = connect(settings, access, target, error);
	if (r == 0 && session) {
		session->hypervisor = target->hypervisor;
		session->connection = target->connection;
		target->is_shared = true;
	}
	return r;
}

/* A domain of that name that was read already, which is without passwords;
 * GPUPT_E_NOT_FOUND where there is none. */
static int take_from_survey(const struct cli_settings *settings, enum cli_access access,
			    struct cli_target *target, struct gpupt_error **error)
{
	const struct cli_session *session = settings->session;
	if (!session || !session->survey || access != CLI_LOOK)
		return GPUPT_E_NOT_FOUND;
	return target->hypervisor.survey_take(session->survey, settings->operand, &target->guest,
					      &target->domain, error);
}

static int look_up(const struct cli_settings *settings, enum cli_access access,
		   struct cli_target *target, struct gpupt_error **error)
{
	struct cli_hypervisor *hypervisor = &target->hypervisor;
	int r = hypervisor->connection_find(target->connection, settings->operand, &target->guest,
					    error);
	if (r == GPUPT_E_NOT_FOUND)
		return explain_not_found(settings, target, error);
	return r < 0 ? r : hypervisor->guest_read(target->guest, access != CLI_LOOK,
						  &target->domain, error);
}

static int open_domain(const struct cli_settings *settings, enum cli_access access,
		       struct cli_target *target, struct gpupt_error **error)
{
	int r = cli_target_connect(settings, access, target, error);
	if (r < 0)
		return r;
	r = take_from_survey(settings, access, target, error);
	return r == GPUPT_E_NOT_FOUND ? look_up(settings, access, target, error) : r;
}

int cli_target_open(const struct cli_settings *settings, enum cli_access access,
		    struct cli_target *ret, struct gpupt_error **error)
{
	struct cli_target target = { .is_file = cli_target_is_file(settings) };
	int r = target.is_file ? open_file(settings, &target, error) :
				 open_domain(settings, access, &target, error);
	if (r == 0)
		r = name_target(settings, &target, error);
	if (r < 0)
		cli_target_close(&target);
	else
		*ret = target;
	return r;
}

void cli_target_close(struct cli_target *target)
{
	if (target->guest)
		target->hypervisor.guest_free(target->guest);
	if (target->connection && !target->is_shared)
		target->hypervisor.connection_free(target->connection);
	gpupt_domain_free(target->domain);
	free(target->label);
	free(target->diff_name);
	*target = (struct cli_target){ 0 };
}

enum gpupt_host_kind cli_target_get_host(const struct cli_target *target)
{
	if (target->is_file)
		return GPUPT_HOST_LOCAL;
	return target->hypervisor.connection_get_host(target->connection);
}
