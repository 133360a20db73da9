/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <jansson.h>

#include "libvirt/tune.h"

/* A guest with a few files and programs. What it was told to do is kept in `done`, one
 * line a change. */
struct guest {
	const char *os;
	const char *command_line;
	char configuration[512]; /* what the next boot reads */
	const char *failing;     /* a program that does not work */
	bool useless;            /* its update-grub does nothing */
	const char *open;        /* the file that was opened */
	const char *last;        /* the program that ran */
	char done[2048];
};

static const char *text_of(const json_t *arguments, const char *key)
{
	const char *text = json_string_value(json_object_get(arguments, key));
	return text ? text : "";
}

__attribute__((format(printf, 1, 2)))
static char *reply(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	assert_true(vasprintf(&text, format, args) >= 0);
	va_end(args);
	return text;
}

static char *encode(const char *text)
{
	char command[1024];
	static char encoded[1024];
	snprintf(command, sizeof(command), "printf %%s '%s' | base64 -w0", text);
	FILE *pipe = popen(command, "r");
	encoded[fread(encoded, 1, sizeof(encoded) - 1, pipe)] = '\0';
	pclose(pipe);
	return encoded;
}

static void note(struct guest *guest, const char *word, const char *more)
{
	strcat(guest->done, word);
	strcat(guest->done, more);
}

static char *exec(struct guest *guest, const json_t *arguments)
{
	const json_t *words = json_object_get(arguments, "arg");
	guest->last = text_of(arguments, "path");
	static char program[64];
	snprintf(program, sizeof(program), "%s", guest->last);
	guest->last = program;
	if (!(strcmp(program, "grubby") == 0 &&
	      strcmp(json_string_value(json_array_get(words, 0)), "--info=DEFAULT") == 0)) {
		note(guest, program, "");
		for (size_t i = 0; i < json_array_size(words); i++)
			note(guest, " ", json_string_value(json_array_get(words, i)));
		note(guest, "", "\n");
		bool writes = strcmp(program, "update-grub") == 0 || strcmp(program, "grubby") == 0;
		if (writes && !guest->useless)
			strcat(guest->configuration, " pci=realloc");
	}
	return reply("{\"return\":{\"pid\":5}}");
}

static char *answer(struct guest *guest, const char *command, const json_t *arguments)
{
	static char file[128];
	if (strcmp(command, "guest-get-osinfo") == 0)
		return guest->os ? reply("{\"return\":{\"id\":\"%s\"}}", guest->os) :
				   reply("{\"error\":{\"desc\":\"unknown command\"}}");
	if (strcmp(command, "guest-file-open") == 0) {
		snprintf(file, sizeof(file), "%s", text_of(arguments, "path"));
		guest->open = file;
		return reply("{\"return\":3}");
	}
	if (strcmp(command, "guest-file-read") == 0)
		return reply("{\"return\":{\"buf-b64\":\"%s\",\"eof\":true}}",
			     encode(strcmp(guest->open, "/proc/cmdline") == 0 ?
					    guest->command_line : guest->configuration));
	if (strcmp(command, "guest-file-write") == 0) {
		note(guest, "write ", guest->open);
		note(guest, "", "\n");
		return reply("{\"return\":{\"count\":53}}");
	}
	if (strcmp(command, "guest-exec") == 0)
		return exec(guest, arguments);
	if (strcmp(command, "guest-exec-status") == 0)
		return guest->failing && strcmp(guest->failing, guest->last) == 0 ?
			       reply("{\"return\":{\"exited\":true,\"exitcode\":1,\"err-data\":\"%s\"}}",
				     encode("no such file\nmore")) :
			       reply("{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"%s\"}}",
				     encode(guest->configuration));
	return reply("{\"return\":{}}");
}

static int ask(void *data, const char *command, char **ret, struct gpupt_error **error)
{
	json_t *json = json_loads(command, 0, NULL);
	(void)error;
	assert_non_null(json);
	*ret = answer(data, text_of(json, "execute"), json_object_get(json, "arguments"));
	json_decref(json);
	return 0;
}

static int tune(struct guest *guest, bool carry_out, struct gpupt_tuning **ret,
		struct gpupt_error **error)
{
	struct gpupt_agent agent = { ask, guest };
	return gpupt_agent_tune(&agent, "http://debian.org/debian/12", carry_out, ret, error);
}

static void expect(struct guest *guest, bool carry_out, enum gpupt_tuning_state expected,
		   bool changed)
{
	struct gpupt_tuning *tuning = NULL;
	struct gpupt_error *error = NULL;
	if (tune(guest, carry_out, &tuning, &error) < 0)
		fail_msg("%s", gpupt_error_get_message(error));
	assert_int_equal(tuning->state, expected);
	assert_int_equal(tuning->changed, changed);
	assert_string_equal(tuning->command_line, guest->command_line);
	gpupt_tuning_free(tuning);
}

#define DEBIAN_STEPS                                                                           \
	"cp -a /boot/grub/grub.cfg /boot/grub/grub.cfg.before-gpupt-xml\n"                     \
	"mkdir -p /etc/default/grub.d\n"                                                       \
	"write /etc/default/grub.d/99-gpupt-xml.cfg\n"                                         \
	"update-grub\n"

static void test_debian(void **state)
{
	struct guest guest = { .os = "debian", .command_line = "ro quiet" };
	(void)state;
	expect(&guest, false, GPUPT_TUNING_MISSING, false);
	assert_string_equal(guest.done, "");
	expect(&guest, true, GPUPT_TUNING_WRITTEN, true);
	assert_string_equal(guest.done, DEBIAN_STEPS);
	/* once more: nothing is done twice, least of all the backup */
	expect(&guest, true, GPUPT_TUNING_WRITTEN, false);
	assert_string_equal(guest.done, DEBIAN_STEPS);
	guest.command_line = "ro quiet pci=realloc";
	expect(&guest, true, GPUPT_TUNING_PRESENT, false);
	assert_string_equal(guest.done, DEBIAN_STEPS);
}

/* An agent that does not know its system: what the XML says counts. */
static void test_fallback(void **state)
{
	struct guest guest = { .command_line = "ro" };
	(void)state;
	expect(&guest, true, GPUPT_TUNING_WRITTEN, true);
	assert_string_equal(guest.done, DEBIAN_STEPS);
}

static void test_red_hat(void **state)
{
	struct guest guest = { .os = "rhel", .command_line = "ro" };
	(void)state;
	expect(&guest, true, GPUPT_TUNING_WRITTEN, true);
	assert_string_equal(guest.done,
			    "cp -a /etc/default/grub /etc/default/grub.before-gpupt-xml\n"
			    "grubby --update-kernel=ALL --args=pci=realloc\n");
}

static void expect_failure(struct guest *guest, enum gpupt_status expected, const char *message)
{
	struct gpupt_tuning *tuning = NULL;
	struct gpupt_error *error = NULL;
	assert_int_equal(tune(guest, true, &tuning, &error), expected);
	assert_null(tuning);
	if (!strstr(gpupt_error_get_message(error), message))
		fail_msg("%s", gpupt_error_get_message(error));
	gpupt_error_free(error);
}

static void test_failures(void **state)
{
	struct guest no_backup = { .os = "debian", .command_line = "ro", .failing = "cp" };
	struct guest half = { .os = "debian", .command_line = "ro", .failing = "update-grub" };
	struct guest useless = { .os = "debian", .command_line = "ro", .useless = true };
	struct guest other = { .os = "arch", .command_line = "ro" };
	(void)state;
	expect_failure(&no_backup, GPUPT_E_IO, "step 1 of 4, so nothing was changed: cp in the "
		       "guest failed with exit status 1: no such file");
	assert_null(strstr(no_backup.done, "write"));
	expect_failure(&half, GPUPT_E_IO, "step 4 of 4, so the steps before may have to be undone: "
		       "update-grub");
	expect_failure(&useless, GPUPT_E_CONFLICT, "will not have pci=realloc");
	expect_failure(&other, GPUPT_E_UNSUPPORTED, "nothing was changed in the guest");
	assert_string_equal(other.done, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_red_hat),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
