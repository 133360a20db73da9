/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>

#include "base/json.h"
#include "doctor/checkup.h"
#include "plan/json.h"

static json_t *check_json(const struct gpupt_check *check)
{
	json_t *findings = json_array();
	bool ok = findings;
	for (size_t i = 0; ok && i < check->n_findings; i++)
		ok = json_array_append_new(findings,
					   gpupt_json_of_finding(&check->findings[i])) == 0;
	if (!ok) {
		json_decref(findings);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", check->name, "result",
			 gpupt_check_get_result(check), "seen", gpupt_json_text(check->seen),
			 "not_examined", gpupt_json_text(check->unseen), "findings", findings);
}

static json_t *checkup_json(const struct gpupt_checkup *checkup)
{
	json_t *devices = json_array(), *checks = json_array();
	bool ok = devices && checks;
	for (size_t i = 0; ok && i < checkup->n_devices; i++) {
		char address[GPUPT_PCI_ADDRESS_TEXT_MAX];
		gpupt_pci_address_format(checkup->devices[i], address);
		ok = json_array_append_new(devices, json_string(address)) == 0;
	}
	for (size_t i = 0; ok && i < GPUPT_N_CHECKS; i++)
		ok = json_array_append_new(checks, check_json(&checkup->checks[i])) == 0;
	if (!ok) {
		json_decref(devices);
		json_decref(checks);
		return NULL;
	}
	return json_pack("{s:s, s:i, s:s, s:o, s:o}", "format", "gpupt-checkup", "version", 1,
			 "host", checkup->host, "devices", devices, "checks", checks);
}

GPUPT_EXPORT int gpupt_checkup_to_json(const struct gpupt_checkup *checkup, char **ret_text,
				       size_t *ret_length, struct gpupt_error **error)
{
	json_t *json = checkup_json(checkup);
	char *text = json ? gpupt_json_dump(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	if (!text)
		return gpupt_fail_nomem(error);
	*ret_length = strlen(text);
	*ret_text = text;
	return 0;
}
