/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "libvirt/agent.h"

static int read_reply(const char *reply, struct gpupt_str *data, bool *end)
{
	return gpupt_agent_parse_read(reply, data, end, NULL);
}

static void test_read(void **state)
{
	struct gpupt_str data = { 0 };
	bool end = true;
	(void)state;
	/* RFC 4648, 10 */
	assert_int_equal(read_reply("{\"return\":{\"count\":4,\"buf-b64\":\"Zm9vYg==\","
				    "\"eof\":false}}", &data, &end), 0);
	assert_false(end);
	assert_int_equal(read_reply("{\"return\":{\"count\":5,\"buf-b64\":\"Zm9vYmE=\","
				    "\"eof\":true}}", &data, &end), 0);
	assert_true(end);
	assert_int_equal(data.length, 9);
	assert_string_equal(data.data, "foobfooba");
	/* bytes that are no text; a reply without any is the end */
	assert_int_equal(read_reply("{\"return\":{\"buf-b64\":\"AP+A\",\"eof\":false}}", &data,
				    &end), 0);
	assert_memory_equal(data.data + 9, "\0\xff\x80", 3);
	assert_int_equal(read_reply("{\"return\":{\"buf-b64\":\"\",\"eof\":false}}", &data, &end), 0);
	assert_true(end);
	static const char *const odd[] = { "Zg=", "Z===", "Zg==Zg==", "Z g=", "Zm9v!m9v", "=m9v" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(odd); i++) {
		char reply[100];
		snprintf(reply, sizeof(reply), "{\"return\":{\"buf-b64\":\"%s\"}}", odd[i]);
		assert_int_equal(read_reply(reply, &data, &end), GPUPT_E_SYNTAX);
	}
	gpupt_str_clear(&data);
}

static void test_long_output(void **state)
{
	size_t length = GPUPT_AGENT_OUTPUT_MAX / 3 * 4 + 400;
	char *reply = malloc(length + 100);
	struct gpupt_agent_result result = { 0 };
	(void)state;
	assert_non_null(reply);
	char *p = reply + sprintf(reply, "{\"return\":{\"exited\":true,\"out-data\":\"");
	memset(p, 'A', length / 4 * 4);
	strcpy(p + length / 4 * 4, "\"}}");
	assert_int_equal(gpupt_agent_parse_status(reply, &result, NULL), GPUPT_E_SYNTAX);
	gpupt_agent_result_clear(&result);
	free(reply);
}

static void test_status(void **state)
{
	struct gpupt_agent_result result = { 0 };
	struct gpupt_error *error = NULL;
	(void)state;
	assert_int_equal(gpupt_agent_parse_status("{\"return\":{\"exited\":false}}", &result, NULL),
			 0);
	assert_false(result.exited);
	assert_int_equal(gpupt_agent_parse_status("{\"return\":{\"exited\":true,\"exitcode\":1,"
						  "\"err-data\":\"bm8K\"}}", &result, NULL), 0);
	assert_true(result.exited);
	assert_int_equal(result.status, 1);
	assert_int_equal(result.output.length, 0);
	assert_string_equal(result.errors.data, "no\n");
	gpupt_agent_result_clear(&result);
	assert_int_equal(gpupt_agent_parse_status("{\"return\":{\"exited\":true,\"signal\":9}}",
						  &result, NULL), 0);
	assert_int_equal(result.status, -1);
	assert_int_equal(gpupt_agent_parse_status("{\"return\":{}}", &result, NULL),
			 GPUPT_E_SYNTAX);
	assert_int_equal(gpupt_agent_parse_status("{\"error\":{\"class\":\"GenericError\","
						  "\"desc\":\"disabled\"}}", &result, &error),
			 GPUPT_E_SYNTAX);
	assert_non_null(strstr(gpupt_error_get_message(error), "disabled"));
	gpupt_error_free(error);
}

static void test_os(void **state)
{
	char *os = NULL;
	(void)state;
	assert_int_equal(gpupt_agent_parse_os("{\"return\":{\"id\":\"debian\",\"version-id\":\"12\"}}",
					      &os, NULL), 0);
	assert_string_equal(os, "debian");
	free(os);
	os = NULL;
	assert_int_equal(gpupt_agent_parse_os("{\"return\":{}}", &os, NULL), GPUPT_E_SYNTAX);
	assert_null(os);
}

/* An agent that says what the script says; every command has to be the one expected. */
struct exchange {
	const char *command, *reply; /* reply NULL: no agent */
};

struct script {
	const struct exchange *exchanges;
	size_t n_exchanges, next;
};

static int play(void *data, const char *command, char **ret, struct gpupt_error **error)
{
	struct script *script = data;
	assert_true(script->next < script->n_exchanges);
	const struct exchange *exchange = &script->exchanges[script->next++];
	assert_string_equal(command, exchange->command);
	if (!exchange->reply)
		return gpupt_fail(error, GPUPT_E_LIBVIRT, "not connected");
	*ret = strdup(exchange->reply);
	return 0;
}

#define SCRIPT(...)                                                                            \
	static const struct exchange exchanges[] = { __VA_ARGS__ };                            \
	struct script script = { exchanges, GPUPT_ARRAY_SIZE(exchanges), 0 };                  \
	struct gpupt_agent agent = { play, &script }

static void test_read_file(void **state)
{
	SCRIPT({ "{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/proc/cmdline\","
		 "\"mode\":\"r\"}}", "{\"return\":1000}" },
	       { "{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":1000,\"count\":65536}}",
		 "{\"return\":{\"count\":3,\"buf-b64\":\"Zm9v\",\"eof\":false}}" },
	       { "{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":1000,\"count\":65536}}",
		 "{\"return\":{\"count\":3,\"buf-b64\":\"YmFy\",\"eof\":true}}" },
	       { "{\"execute\":\"guest-file-close\",\"arguments\":{\"handle\":1000}}",
		 "{\"return\":{}}" });
	char *text = NULL;
	size_t length = 0;
	(void)state;
	assert_int_equal(gpupt_agent_read_file(&agent, "/proc/cmdline", 100, &text, &length, NULL),
			 0);
	assert_string_equal(text, "foobar");
	assert_int_equal(length, 6);
	assert_int_equal(script.next, 4);
	free(text);
}

/* A file without an end is closed too. */
static void test_read_too_much(void **state)
{
	SCRIPT({ "{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/dev/zero\","
		 "\"mode\":\"r\"}}", "{\"return\":7}" },
	       { "{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":7,\"count\":65536}}",
		 "{\"return\":{\"buf-b64\":\"AAAA\",\"eof\":false}}" },
	       { "{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":7,\"count\":65536}}",
		 "{\"return\":{\"buf-b64\":\"AAAA\",\"eof\":false}}" },
	       { "{\"execute\":\"guest-file-close\",\"arguments\":{\"handle\":7}}",
		 "{\"return\":{}}" });
	char *text = NULL;
	size_t length = 0;
	(void)state;
	assert_int_equal(gpupt_agent_read_file(&agent, "/dev/zero", 5, &text, &length, NULL),
			 GPUPT_E_LIMIT);
	assert_null(text);
	assert_int_equal(script.next, 4);
}

static void test_write_file(void **state)
{
	SCRIPT({ "{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/etc/x\","
		 "\"mode\":\"w\"}}", "{\"return\":1}" },
	       { "{\"execute\":\"guest-file-write\",\"arguments\":{\"handle\":1,"
		 "\"buf-b64\":\"Zm9vYg==\"}}", "{\"return\":{\"count\":4,\"eof\":false}}" },
	       { "{\"execute\":\"guest-file-close\",\"arguments\":{\"handle\":1}}",
		 "{\"return\":{}}" },
	       { "{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/etc/x\","
		 "\"mode\":\"w\"}}", "{\"return\":1}" },
	       { "{\"execute\":\"guest-file-write\",\"arguments\":{\"handle\":1,"
		 "\"buf-b64\":\"Zm9v\"}}", "{\"return\":{\"count\":1,\"eof\":false}}" },
	       { "{\"execute\":\"guest-file-close\",\"arguments\":{\"handle\":1}}",
		 "{\"return\":{}}" });
	(void)state;
	assert_int_equal(gpupt_agent_write_file(&agent, "/etc/x", "foob", NULL), 0);
	assert_int_equal(gpupt_agent_write_file(&agent, "/etc/x", "foo", NULL), GPUPT_E_IO);
}

static void test_run(void **state)
{
	SCRIPT({ "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"nvidia-smi\","
		 "\"arg\":[\"-L\"],\"capture-output\":true}}", "{\"return\":{\"pid\":42}}" },
	       { "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":42}}",
		 "{\"return\":{\"exited\":false}}" },
	       { "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":42}}",
		 "{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"Zm9v\"}}" },
	       { "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"dmesg\","
		 "\"arg\":[],\"capture-output\":true}}", NULL });
	static const char *const smi[] = { "nvidia-smi", "-L", NULL };
	static const char *const dmesg[] = { "dmesg", NULL };
	struct gpupt_agent_result result = { 0 };
	struct gpupt_error *error = NULL;
	(void)state;
	assert_int_equal(gpupt_agent_run(&agent, smi, 5, &result, NULL), 0);
	assert_int_equal(result.status, 0);
	assert_string_equal(result.output.data, "foo");
	gpupt_agent_result_clear(&result);
	assert_int_equal(gpupt_agent_run(&agent, dmesg, 5, &result, &error), GPUPT_E_LIBVIRT);
	assert_string_equal(gpupt_error_get_message(error), "not connected");
	assert_null(result.output.data);
	gpupt_error_free(error);
}

static int never_end(void *data, const char *command, char **ret, struct gpupt_error **error)
{
	(void)data;
	(void)error;
	*ret = strdup(strstr(command, "guest-exec-status") ? "{\"return\":{\"exited\":false}}" :
							     "{\"return\":{\"pid\":1}}");
	return 0;
}

static void test_never_ends(void **state)
{
	struct gpupt_agent agent = { never_end, NULL };
	static const char *const argv[] = { "sleep", "inf", NULL };
	struct gpupt_agent_result result = { 0 };
	(void)state;
	assert_int_equal(gpupt_agent_run(&agent, argv, 1, &result, NULL), GPUPT_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	   cmocka_unit_test(test_long_output),
		cmocka_unit_test(test_status),	   cmocka_unit_test(test_os),
		cmocka_unit_test(test_read_file),  cmocka_unit_test(test_read_too_much),
		cmocka_unit_test(test_write_file), cmocka_unit_test(test_run),
		cmocka_unit_test(test_never_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
