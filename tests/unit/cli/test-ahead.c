/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <signal.h>

#include "cli/ahead.h"
#include "cli/interrupt.h"

enum { COUNT = 40 }; /* enough for all threads */

static const char *file, *host;

static void open_all(struct cli_ahead *targets)
{
	static const struct cli_command diff = { .name = "diff", .bit = CLI_DIFF };
	const struct cli_settings settings = { .command = &diff, .operand = file,
					       .inventory = host };
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(cli_ahead_open(&settings, &targets[i]) > 0);
		assert_int_equal(targets[i].status, 0);
	}
}

static size_t count_planned(const struct cli_ahead *targets)
{
	size_t n = 0;
	for (size_t i = 0; i < COUNT; i++)
		n += targets[i].work.plan && targets[i].work.changes.text;
	return n;
}

static void close_all(struct cli_ahead *targets)
{
	for (size_t i = 0; i < COUNT; i++)
		cli_ahead_close(&targets[i]);
}

static void test_all(void **state)
{
	struct cli_ahead targets[COUNT];
	(void)state;
	open_all(targets);
	cli_ahead_plan(targets, COUNT);
	assert_int_equal(count_planned(targets), COUNT);
	close_all(targets);
}

/* The last test: nothing takes a signal back. */
static void test_interrupted(void **state)
{
	struct cli_ahead targets[COUNT];
	(void)state;
	open_all(targets);
	cli_catch_interrupts();
	raise(SIGTERM);
	assert_true(cli_was_interrupted());
	cli_ahead_plan(targets, COUNT);
	assert_non_null(targets[0].work.plan);
	assert_int_equal(count_planned(targets), 1);
	close_all(targets);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_interrupted),
	};
	if (argc != 3)
		return 99;
	file = argv[1];
	host = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
