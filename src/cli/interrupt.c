/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/util.h"

static atomic_int caught; /* the signal's number; threads look at it, too */

static void note(int number)
{
	caught = number;
}

void cli_catch_interrupts(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(signals); i++) {
		struct sigaction action;
		/* what the caller ignores stays ignored: nohup(1) */
		if (sigaction(signals[i], NULL, &action) < 0 || action.sa_handler != SIG_DFL)
			continue;
		action.sa_handler = note;
		/* no SA_RESTART: a question on the terminal ends with it */
		action.sa_flags = (int)SA_RESETHAND;
		sigaction(signals[i], &action, NULL);
	}
}

bool cli_was_interrupted(void)
{
	return caught;
}

void cli_die_if_interrupted(void)
{
	if (!caught)
		return;
	fflush(stdout);
	signal(caught, SIG_DFL);
	raise(caught);
}
