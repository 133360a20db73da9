/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/agent.h"

#include <jansson.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"
#include "libvirt/qmp.h"

#define READ_AT_ONCE 65536 /* bytes */
#define POLLS_A_SECOND 10

static void free_json(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON __attribute__((cleanup(free_json)))

static int fail(struct gpupt_error **error, const char *what)
{
	return gpupt_fail(error, GPUPT_E_SYNTAX, "the guest agent's answer is odd: %s", what);
}

/* ---- what the agent answers */

/* The value of "return"; *json owns it. */
static int take_return(const char *reply, json_t **json, const json_t **ret,
		       struct gpupt_error **error)
{
	json_error_t why;
	size_t length = strnlen(reply, GPUPT_REPLY_MAX + 1);
	if (length > GPUPT_REPLY_MAX)
		return fail(error, "longer than 4 MiB");
	*json = gpupt_json_load(reply, length, 0, &why);
	if (!*json)
		return *why.text ? fail(error, why.text) : gpupt_fail_nomem(error);
	const char *complaint =
		json_string_value(json_object_get(json_object_get(*json, "error"), "desc"));
	if (complaint)
		return gpupt_fail(error, GPUPT_E_SYNTAX, "the guest agent says: %s", complaint);
	*ret = json_object_get(*json, "return");
	return *ret ? 0 : fail(error, "nothing is returned");
}

static int letter_value(char letter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = letter ? strchr(letters, letter) : NULL;
	return found ? (int)(found - letters) : -1;
}

/* RFC 4648, 4: groups of four letters, the last one filled up with "=". */
static int add_base64(struct gpupt_str *data, const char *text, struct gpupt_error **error)
{
	size_t length = strlen(text);
	if (length / 4 * 3 > GPUPT_AGENT_OUTPUT_MAX)
		return fail(error, "more output than is read");
	if (length % 4)
		return fail(error, "base64 that ends too early");
	for (size_t i = 0; i < length; i += 4) {
		bool last = i + 4 == length;
		int filled = !last || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
		unsigned int bits = 0;
		for (int j = 0; j < 4; j++) {
			int value = j >= 4 - filled ? 0 : letter_value(text[i + (size_t)j]);
			if (value < 0)
				return fail(error, "no base64");
			bits = bits << 6 | (unsigned int)value;
		}
		char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
		gpupt_str_add(data, bytes, (size_t)(3 - filled));
	}
	return data->failed ? gpupt_fail_nomem(error) : 0;
}

int gpupt_agent_parse_number(const char *reply, const char *key, long long *ret,
			     struct gpupt_error **error)
{
	AUTO_JSON json_t *json = NULL;
	const json_t *value = NULL;
	int r = take_return(reply, &json, &value, error);
	if (r < 0)
		return r;
	if (key)
		value = json_object_get(value, key);
	if (!json_is_integer(value))
		return fail(error, "no number");
	*ret = json_integer_value(value);
	return 0;
}

int gpupt_agent_parse_read(const char *reply, struct gpupt_str *data, bool *ret_end,
			   struct gpupt_error **error)
{
	AUTO_JSON json_t *json = NULL;
	const json_t *value = NULL;
	int r = take_return(reply, &json, &value, error);
	if (r < 0)
		return r;
	const char *text = json_string_value(json_object_get(value, "buf-b64"));
	size_t before = data->length;
	if (text)
		r = add_base64(data, text, error);
	if (r < 0)
		return r;
	/* nothing more, whatever it says: no endless reading */
	*ret_end = json_is_true(json_object_get(value, "eof")) || data->length == before;
	return 0;
}

static int take_output(const json_t *value, const char *key, struct gpupt_str *data,
		       struct gpupt_error **error)
{
	const char *text = json_string_value(json_object_get(value, key));
	return text ? add_base64(data, text, error) : 0;
}

int gpupt_agent_parse_status(const char *reply, struct gpupt_agent_result *result,
			     struct gpupt_error **error)
{
	AUTO_JSON json_t *json = NULL;
	const json_t *value = NULL;
	int r = take_return(reply, &json, &value, error);
	if (r < 0)
		return r;
	if (!json_is_boolean(json_object_get(value, "exited")))
		return fail(error, "neither running nor ended");
	result->exited = json_is_true(json_object_get(value, "exited"));
	if (!result->exited)
		return 0;
	const json_t *status = json_object_get(value, "exitcode");
	result->status = json_is_integer(status) && json_integer_value(status) >= 0 &&
			 json_integer_value(status) <= 255 ? (int)json_integer_value(status) : -1;
	r = take_output(value, "out-data", &result->output, error);
	return r < 0 ? r : take_output(value, "err-data", &result->errors, error);
}

int gpupt_agent_parse_os(const char *reply, char **ret, struct gpupt_error **error)
{
	AUTO_JSON json_t *json = NULL;
	const json_t *value = NULL;
	int r = take_return(reply, &json, &value, error);
	if (r < 0)
		return r;
	const char *id = json_string_value(json_object_get(value, "id"));
	if (!id)
		return fail(error, "a system without a name");
	char *copy = strndup(id, 64);
	if (!copy)
		return gpupt_fail_nomem(error);
	*ret = copy;
	return 0;
}

/* ---- asking */

/* Takes the command. */
static int ask(const struct gpupt_agent *agent, json_t *command, char **ret,
	       struct gpupt_error **error)
{
	char *text = command ? json_dumps(command, JSON_COMPACT) : NULL;
	json_decref(command);
	if (!text)
		return gpupt_fail_nomem(error);
	int r = agent->ask(agent->data, text, ret, error);
	free(text);
	return r;
}

/* A command whose reply is a number, or has one under key. */
static int ask_number(const struct gpupt_agent *agent, json_t *command, const char *key,
		      long long *ret, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *reply = NULL;
	int r = ask(agent, command, &reply, error);
	return r < 0 ? r : gpupt_agent_parse_number(reply, key, ret, error);
}

static int open_file(const struct gpupt_agent *agent, const char *path, const char *mode,
		     long long *ret, struct gpupt_error **error)
{
	return ask_number(agent, json_pack("{s:s, s:{s:s, s:s}}", "execute", "guest-file-open",
					   "arguments", "path", path, "mode", mode),
			  NULL, ret, error);
}

static int close_file(const struct gpupt_agent *agent, long long handle,
		      struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *reply = NULL;
	return ask(agent, json_pack("{s:s, s:{s:I}}", "execute", "guest-file-close", "arguments",
				    "handle", (json_int_t)handle), &reply, error);
}

static int read_all(const struct gpupt_agent *agent, long long handle, size_t max,
		    struct gpupt_str *data, struct gpupt_error **error)
{
	for (bool end = false; !end;) {
		GPUPT_AUTOFREE char *reply = NULL;
		int r = ask(agent, json_pack("{s:s, s:{s:I, s:i}}", "execute", "guest-file-read",
					     "arguments", "handle", (json_int_t)handle, "count",
					     READ_AT_ONCE), &reply, error);
		if (r == 0)
			r = gpupt_agent_parse_read(reply, data, &end, error);
		if (r < 0)
			return r;
		if (data->length > max)
			return gpupt_fail(error, GPUPT_E_LIMIT,
					  "a file in the guest is longer than %zu bytes", max);
	}
	return 0;
}

int gpupt_agent_read_file(const struct gpupt_agent *agent, const char *path, size_t max,
			  char **ret, size_t *ret_length, struct gpupt_error **error)
{
	long long handle;
	struct gpupt_str data = { 0 };
	int r = open_file(agent, path, "r", &handle, error);
	if (r < 0)
		return r;
	r = read_all(agent, handle, max, &data, error);
	close_file(agent, handle, NULL);
	if (r < 0) {
		gpupt_str_clear(&data);
		return r;
	}
	char *text = gpupt_str_steal(&data, ret_length);
	if (!text)
		return gpupt_fail_nomem(error);
	*ret = text;
	return 0;
}

static char *to_base64(const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = strlen(text);
	struct gpupt_str encoded = { 0 };
	for (size_t i = 0; i < length; i += 3) {
		size_t n = length - i < 3 ? length - i : 3;
		unsigned int bits = (unsigned int)bytes[i] << 16 |
				    (n > 1 ? (unsigned int)bytes[i + 1] << 8 : 0) |
				    (n > 2 ? bytes[i + 2] : 0);
		char group[4] = { letters[bits >> 18], letters[bits >> 12 & 63],
				  n > 1 ? letters[bits >> 6 & 63] : '=',
				  n > 2 ? letters[bits & 63] : '=' };
		gpupt_str_add(&encoded, group, sizeof(group));
	}
	return gpupt_str_steal(&encoded, NULL);
}

int gpupt_agent_write_file(const struct gpupt_agent *agent, const char *path, const char *text,
			   struct gpupt_error **error)
{
	long long handle, written = 0;
	GPUPT_AUTOFREE char *encoded = to_base64(text);
	if (!encoded)
		return gpupt_fail_nomem(error);
	int r = open_file(agent, path, "w", &handle, error);
	if (r < 0)
		return r;
	r = ask_number(agent, json_pack("{s:s, s:{s:I, s:s}}", "execute", "guest-file-write",
					"arguments", "handle", (json_int_t)handle, "buf-b64",
					encoded), "count", &written, error);
	if (r < 0) {
		close_file(agent, handle, NULL);
		return r;
	}
	r = close_file(agent, handle, error); /* writes out what is buffered */
	if (r == 0 && written != (long long)strlen(text))
		r = gpupt_fail(error, GPUPT_E_IO, "%s in the guest was written in part only", path);
	return r;
}

/* ---- running programs */

void gpupt_agent_result_clear(struct gpupt_agent_result *result)
{
	gpupt_str_clear(&result->output);
	gpupt_str_clear(&result->errors);
	*result = (struct gpupt_agent_result){ 0 };
}

static int start(const struct gpupt_agent *agent, const char *const *argv, long long *ret,
		 struct gpupt_error **error)
{
	json_t *arguments = json_array();
	bool complete = arguments;
	for (size_t i = 1; argv[i] && complete; i++)
		complete = json_array_append_new(arguments, json_string(argv[i])) == 0;
	if (!complete) {
		json_decref(arguments);
		return gpupt_fail_nomem(error);
	}
	return ask_number(agent, json_pack("{s:s, s:{s:s, s:o, s:b}}", "execute", "guest-exec",
					   "arguments", "path", argv[0], "arg", arguments,
					   "capture-output", 1), "pid", ret, error);
}

int gpupt_agent_run(const struct gpupt_agent *agent, const char *const *argv,
		    unsigned int seconds, struct gpupt_agent_result *ret,
		    struct gpupt_error **error)
{
	static const struct timespec wait = { .tv_nsec = 1000000000L / POLLS_A_SECOND };
	struct gpupt_agent_result result = { 0 };
	long long pid;
	int r = start(agent, argv, &pid, error);
	for (unsigned int i = 0; r == 0 && !result.exited; i++) {
		GPUPT_AUTOFREE char *reply = NULL;
		if (i == seconds * POLLS_A_SECOND) {
			r = gpupt_fail(error, GPUPT_E_LIMIT,
				       "%s in the guest has not ended after %u seconds", argv[0],
				       seconds);
			break;
		}
		if (i)
			nanosleep(&wait, NULL);
		r = ask(agent, json_pack("{s:s, s:{s:I}}", "execute", "guest-exec-status",
					 "arguments", "pid", (json_int_t)pid), &reply, error);
		if (r == 0)
			r = gpupt_agent_parse_status(reply, &result, error);
	}
	if (r < 0) {
		gpupt_agent_result_clear(&result);
		return r;
	}
	*ret = result;
	return 0;
}

int gpupt_agent_get_os(const struct gpupt_agent *agent, char **ret, struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *reply = NULL;
	int r = ask(agent, json_pack("{s:s}", "execute", "guest-get-osinfo"), &reply, error);
	return r < 0 ? r : gpupt_agent_parse_os(reply, ret, error);
}
