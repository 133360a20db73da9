/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_INTERRUPT_H
#define GPUPT_CLI_INTERRUPT_H

#include <stdbool.h>

/* Ctrl-C (SIGINT), SIGTERM and SIGHUP, while several targets are worked on: the one at
 * hand is finished, then the program ends. A second Ctrl-C ends it at once. */

void cli_catch_interrupts(void);
bool cli_was_interrupted(void);

/* Ends the process by the signal that came, as if it had never been caught, so that
 * whoever started it knows. */
void cli_die_if_interrupted(void);

#endif
