/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_BUSES_H
#define GPUPT_PLAN_BUSES_H

/* The guest's PCI buses as libvirt sees them when it looks for a free slot
 * (virDomainPCIAddressSet, src/conf/domain_addr.c, 9.0): what each of them takes, and what
 * is taken. */

#include "plan/tree.h"

/* What is to be connected, and what a bus takes. */
enum gpupt_connect {
	GPUPT_CONNECT_PCI = 1 << 0,
	GPUPT_CONNECT_PCIE = 1 << 1,
	GPUPT_CONNECT_ROOT_PORT = 1 << 2,
	GPUPT_CONNECT_UPSTREAM = 1 << 3,
	GPUPT_CONNECT_DOWNSTREAM = 1 << 4,
	GPUPT_CONNECT_DMI_TO_PCI = 1 << 5,
	GPUPT_CONNECT_PCIE_TO_PCI = 1 << 6,
	GPUPT_CONNECT_PCI_BRIDGE = 1 << 7,
	GPUPT_CONNECT_EXPANDER = 1 << 8,
	GPUPT_CONNECT_PCIE_EXPANDER = 1 << 9,
	GPUPT_CONNECT_KINDS = 10,
	GPUPT_CONNECT_AUTO = 1 << 10,       /* bus: takes devices that name no bus */
	GPUPT_CONNECT_INTEGRATED = 1 << 11, /* device: on bus 0, whatever that takes */
};

enum { GPUPT_ANY_FUNCTION = -1 };

struct gpupt_spot {
	size_t bus;
	unsigned int slot, function;
};

struct gpupt_bus {
	enum gpupt_controller_model model;
	unsigned int takes; /* enum gpupt_connect */
	unsigned int first_slot, last_slot;
	uint8_t functions[GPUPT_SLOTS]; /* taken ones */
	uint32_t shared; /* slots that root ports share */
};

struct gpupt_buses {
	struct gpupt_bus *items; /* by number; 0 is the root bus */
	size_t count, capacity;
	bool grows; /* buses are added for what finds no place */
	/* the first place where something of a kind may still go; nothing is ever freed */
	struct { size_t bus; unsigned int slot; } cursor[GPUPT_CONNECT_KINDS];
};

/* What a bridge connects to, or a device with this plug. */
unsigned int gpupt_connect_of_bridge(enum gpupt_controller_model model);
unsigned int gpupt_connect_of_plug(enum gpupt_plug plug, bool q35);

/* Adds a bus. 0 or GPUPT_E_NOMEM. */
int gpupt_buses_add(struct gpupt_buses *buses, enum gpupt_controller_model model);
/* Adds buses as libvirt does so that number `bus` is there; 0, and *bus is where what
 * `wants` one can go, GPUPT_E_NO_FIT when there can be none, or GPUPT_E_NOMEM. */
int gpupt_buses_grow(struct gpupt_buses *buses, unsigned int wants, size_t *bus);
void gpupt_buses_take(struct gpupt_buses *buses, unsigned int wants, struct gpupt_spot place);
/* Finds the first free place and takes it; results as of gpupt_buses_grow(). */
int gpupt_buses_find(struct gpupt_buses *buses, unsigned int wants, int function,
		     struct gpupt_spot *ret);
bool gpupt_buses_slot_in_use(const struct gpupt_buses *buses, unsigned int slot);
bool gpupt_buses_full(const struct gpupt_buses *buses);

#endif
