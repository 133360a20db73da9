/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A shell script plays QEMU; one that does not behave. */

#include "unit.h"

#include "plan/making.h"
#include "rehearse/look.h"

#define HELLO "read l; echo '{\"return\": {}}'; "

static void start(struct gpupt_process *process, const char *script)
{
	struct gpupt_memory_files files = { .count = 0 };
	struct gpupt_words words = { 0 };
	gpupt_words_add(&words, "sh");
	gpupt_words_add(&words, "-c");
	gpupt_words_add(&words, "%s", script);
	assert_false(words.failed);
	assert_int_equal(gpupt_process_start(process, "/bin/sh", &words, NULL, &files, 20, NULL),
			 0);
	gpupt_words_clear(&words);
}

static int open_monitor(const char *script)
{
	struct gpupt_process process;
	struct gpupt_monitor monitor = { 0 };
	start(&process, script);
	int r = gpupt_monitor_open(&monitor, &process, NULL);
	gpupt_process_stop(&process);
	gpupt_monitor_close(&monitor);
	return r;
}

static void it_may_say_anything(void **state)
{
	(void)state;
	assert_int_equal(open_monitor("echo '{\"QMP\": {}}'; " HELLO), 0);
	assert_int_equal(open_monitor("echo '{\"QMP\": {}}'; read l; "
				      "echo '{\"event\": \"RESUME\"}'; echo '{\"return\": 1}'"), 0);
	assert_int_equal(open_monitor("echo hello"), GPUPT_E_SYNTAX);
	assert_int_equal(open_monitor("echo '[]'"), GPUPT_E_SYNTAX);
	assert_int_equal(open_monitor("printf '{\"QMP\"'"), GPUPT_E_IO);
	assert_int_equal(open_monitor("exit 0"), GPUPT_E_IO);
	assert_int_equal(open_monitor("echo '{}'; read l; echo '{\"error\": {}}'"), GPUPT_E_IO);
	assert_int_equal(open_monitor("yes | tr -d '\\n' | head -c 20000000; sleep 20"),
			 GPUPT_E_LIMIT);
	assert_int_equal(open_monitor("yes '[' | tr -d '\\n' | head -c 1000000; echo"),
			 GPUPT_E_SYNTAX);
}

/* A root port with a function behind it, and an answer of query-pci. */
static int look(const char *answer, struct gpupt_seen seen[2])
{
	struct gpupt_planned_world world = { .guest = { .machine = GPUPT_MACHINE_Q35 } };
	struct gpupt_mmio_function functions[2] = {
		{ .kind = GPUPT_MMIO_ROOT_PORT, .parent = -1, .slot = 1 }, { .parent = 0 },
	};
	struct gpupt_planned planned = { .worlds = &world, .functions = functions,
					 .n_functions = 2 };
	struct gpupt_process process;
	struct gpupt_monitor monitor = { .process = &process };
	GPUPT_AUTOFREE char *script = NULL;
	assert_true(asprintf(&script, "read l; echo '{\"return\": %s}'", answer) > 0);
	start(&process, script);
	int r = gpupt_look(&monitor, &planned, false, seen, NULL);
	gpupt_process_stop(&process);
	gpupt_monitor_close(&monitor);
	return r;
}

#define PORT(window, device)                                                                   \
	"[{\"bus\": 0, \"devices\": [{\"qdev_id\": \"f0\", \"bus\": 0, \"slot\": 1, "          \
	"\"function\": 0, \"regions\": [], \"pci_bridge\": {\"bus\": {\"prefetchable_range\": " \
	window "}, \"devices\": [" device "]}}]}]"
#define DEVICE(address)                                                                        \
	"{\"qdev_id\": \"f1\", \"bus\": 1, \"slot\": 0, \"function\": 0, \"regions\": "        \
	"[{\"bar\": 2, \"size\": 4096, \"address\": " address "}]}"

static void a_bar_has_to_be_within_reach(void **state)
{
	(void)state;
	struct gpupt_seen seen[2];
	static const char inside[] = PORT("{\"base\": 65536, \"limit\": 131071}", DEVICE("69632"));
	static const char outside[] =
		PORT("{\"base\": 65536, \"limit\": 131071}", DEVICE("131072"));
	static const char closed[] = PORT("{\"base\": 65536, \"limit\": 4095}", DEVICE("69632"));
	static const char none[] = PORT("{\"base\": 65536, \"limit\": 131071}", DEVICE("-1"));
	assert_int_equal(look(inside, seen), 0);
	assert_true(seen[0].found && seen[1].found);
	assert_int_equal(seen[1].bars[2].size, 4096);
	assert_int_equal(seen[1].bars[2].address, 69632);
	assert_int_equal(seen[1].bars[1].size, 0);
	const char *const unusable[] = { outside, closed, none };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(unusable); i++) {
		assert_int_equal(look(unusable[i], seen), 0);
		assert_int_equal(seen[1].bars[2].size, 4096);
		assert_int_equal(seen[1].bars[2].address, 0);
	}
}

static void an_odd_answer_is_no_harm(void **state)
{
	(void)state;
	struct gpupt_seen seen[2];
	const char *const answers[] = {
		"null", "[]", "[1, {}, {\"devices\": 3}]", "{\"devices\": []}",
		"[{\"devices\": [{\"qdev_id\": \"f7\", \"regions\": [{\"bar\": 2}]}]}]",
		"[{\"devices\": [{\"qdev_id\": \"f1\", \"regions\": [{\"bar\": 99}, 4]}]}]",
		"[{\"devices\": [{\"qdev_id\": \"f1\", \"regions\": [{\"bar\": -1}]}]}]",
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(answers); i++) {
		assert_int_equal(look(answers[i], seen), 0);
		for (size_t b = 0; b < 6; b++)
			assert_int_equal(seen[1].bars[b].address, 0);
	}
}

static void bridges_end_somewhere(void **state)
{
	(void)state;
	struct gpupt_seen seen[2];
	struct { char text[40000]; size_t length; } deep = { .length = 0 };
	deep.length += (size_t)sprintf(deep.text, "[{\"devices\": ");
	for (int i = 0; i < 200; i++)
		deep.length += (size_t)sprintf(deep.text + deep.length,
					       "[{\"pci_bridge\": {\"devices\": ");
	deep.length += (size_t)sprintf(deep.text + deep.length, "[]");
	for (int i = 0; i < 200; i++)
		deep.length += (size_t)sprintf(deep.text + deep.length, "}}]");
	sprintf(deep.text + deep.length, "}]");
	assert_int_equal(look(deep.text, seen), GPUPT_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_may_say_anything),
		cmocka_unit_test(a_bar_has_to_be_within_reach),
		cmocka_unit_test(an_odd_answer_is_no_harm),
		cmocka_unit_test(bridges_end_somewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
