/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <gpupt/tuning.h>

#include "libvirt/agent.h"
#include "libvirt/messages.h"

/* Anything as the guest agent's answer, as a kernel log and as a command line. */

static void read_replies(const char *reply)
{
	struct gpupt_str data = { 0 };
	struct gpupt_agent_result result = { 0 };
	char *os = NULL;
	bool end;
	long long number;
	gpupt_agent_parse_number(reply, NULL, &number, NULL);
	gpupt_agent_parse_number(reply, "pid", &number, NULL);
	if (gpupt_agent_parse_read(reply, &data, &end, NULL) == 0)
		FUZZ_CHECK(data.length || end);
	FUZZ_CHECK(data.length <= GPUPT_AGENT_OUTPUT_MAX);
	if (gpupt_agent_parse_status(reply, &result, NULL) == 0)
		FUZZ_CHECK(result.status >= -1 && result.status <= 255);
	if (gpupt_agent_parse_os(reply, &os, NULL) == 0)
		FUZZ_CHECK(gpupt_recipe_for(os));
	free(os);
	gpupt_str_clear(&data);
	gpupt_agent_result_clear(&result);
}

static void read_log(const char *log, size_t length)
{
	static const struct gpupt_seen_function gpu = {
		.id = "hostdev0", .passed_through = true, .found = true, .path = "01.0/00.0",
		.guest = { 0, 1, 0, 0 },
	};
	struct gpupt_arena *arena = NULL;
	struct gpupt_lines lines = { .arena = &arena };
	gpupt_lines_add_messages(&lines, log, length, &gpu, 1);
	gpupt_lines_add_all(&lines, log, length);
	FUZZ_CHECK(lines.count <= GPUPT_LINES_MAX);
	for (size_t i = 0; i < lines.count; i++)
		FUZZ_CHECK(strlen(lines.items[i]) <= GPUPT_LINE_MAX);
	free(lines.items);
	gpupt_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	FUZZ_CHECK(text);
	read_replies(text);
	read_log((const char *)data, size);
	gpupt_recipe_is_in(text);
	free(text);
	return 0;
}
