/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_CLI_NAMES_H
#define GPUPT_CLI_NAMES_H

#include <gpupt/inventory.h>

/* Names from the machine's pci.ids, by libpci where it is installed; loaded when
 * needed, like libvirt. Never asks the network. */
struct cli_names;

/* NULL when there is no libpci: the other functions take that. */
struct cli_names *cli_names_open(void);
void cli_names_close(struct cli_names *names);

/* Write into buffer and return it; "" when the name is not known. */
const char *cli_names_device(struct cli_names *names, const struct gpupt_pci_function *function,
			     char *buffer, size_t size);
const char *cli_names_class(struct cli_names *names, const struct gpupt_pci_function *function,
			    char *buffer, size_t size);

#endif
