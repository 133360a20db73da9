/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/print-json.h"

#include "base/json.h"
#include "cli/output.h"

static int print(json_t *document, size_t flags, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = document ? gpupt_json_dump(document, flags) : NULL;
	json_decref(document);
	if (!text)
		return gpupt_fail_nomem(error);
	size_t length = strlen(text);
	text[length++] = '\n'; /* where the NUL byte was */
	return cli_print_text(text, length, error);
}

int cli_print_json(json_t *document, struct gpupt_error **error)
{
	return print(document, JSON_INDENT(2), error);
}

int cli_print_json_line(json_t *document, struct gpupt_error **error)
{
	return print(document, JSON_COMPACT, error);
}
