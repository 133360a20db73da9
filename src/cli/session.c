/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/session.h"

#include "cli/target.h"

struct cli_settings cli_session_settings(const struct cli_settings *settings,
					 struct cli_session *session)
{
	struct cli_settings own = *settings;
	own.session = session;
	own.uri = session->uri;
	own.inventory = session->inventory;
	return own;
}

/* Who changes domains, or shows passwords, reads each once more when it is its turn. */
int cli_session_survey(const struct cli_settings *settings, struct cli_session *session,
		       struct gpupt_error **error)
{
	if (session->survey)
		return 0;
	return session->hypervisor.connection_survey(session->connection,
						     cli_access_for(settings) == CLI_LOOK,
						     &session->survey, error);
}

int cli_session_open(const struct cli_settings *settings, struct cli_session *session,
		     struct gpupt_error **error)
{
	struct cli_settings own = cli_session_settings(settings, session);
	struct cli_target target = { 0 };
	int r = cli_target_connect(&own, cli_access_for(settings), &target, error);
	if (r == 0)
		r = cli_session_survey(settings, session, error);
	return r < 0 ? r : session->hypervisor.survey_list(session->survey, &session->names,
							   &session->n_names, error);
}

void cli_session_close(struct cli_session *session)
{
	if (session->survey)
		session->hypervisor.survey_free(session->survey);
	if (session->connection)
		session->hypervisor.connection_free(session->connection);
	gpupt_inventory_free(session->host);
	for (size_t i = 0; i < session->n_firmware; i++)
		free(session->firmware[i]);
	free(session->firmware);
	gpupt_error_free(session->failure);
	free(session->names);
	free(session->label);
	*session = (struct cli_session){ 0 };
}
