/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/session.h"

#include "cli/target.h"

int cli_session_connect(const struct cli_settings *settings, struct cli_session *session,
			struct gpupt_error **error)
{
	struct cli_settings with_session = *settings;
	struct cli_target target = { 0 };
	with_session.session = session;
	return cli_target_connect(&with_session, cli_access_for(settings), &target, error);
}

int cli_session_survey(const struct cli_settings *settings, struct cli_session *session,
		       struct gpupt_error **error)
{
	if (session->survey)
		return 0;
	return session->hypervisor.connection_survey(session->connection,
						     cli_access_for(settings) != CLI_LOOK,
						     &session->survey, error);
}

void cli_session_close(struct cli_session *session)
{
	if (session->survey)
		session->hypervisor.survey_free(session->survey);
	if (session->connection)
		session->hypervisor.connection_free(session->connection);
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(session->inventories); i++)
		gpupt_inventory_free(session->inventories[i]);
	*session = (struct cli_session){ 0 };
}
