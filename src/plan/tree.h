/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_TREE_H
#define GPUPT_PLAN_TREE_H

/* The guest's PCI tree while it grows: topology.c puts bridges and devices in,
 * places.c gives those without an address the place libvirt would give them, order.c
 * puts them in order. */

#include "plan/making.h"

enum { GPUPT_ROOT_BUS = -1, GPUPT_NO_NODE = -2, GPUPT_SLOTS = 32 };

/* What a device plugs into where libvirt chooses. */
enum gpupt_plug {
	GPUPT_PLUG_NONE,    /* it is not on PCI */
	GPUPT_PLUG_PCI,     /* a slot of a conventional bus */
	GPUPT_PLUG_EXPRESS, /* a root port of its own; on i440fx a slot */
	GPUPT_PLUG_ROOT,    /* the root bus */
};

/* One of the guest's own devices. */
struct gpupt_own_device {
	const char *model; /* with libvirt's default; NULL: it has none */
	enum gpupt_plug plug;
	uint32_t class_code;
	size_t n_bars;
	struct gpupt_mmio_bar bars[7];
	unsigned int legacy_ports; /* I/O ports that virtio adds where it is conventional */
};

/* `primary`: the first video device, which is VGA compatible. */
void gpupt_own_device(const struct gpupt_device *device, bool primary,
		      struct gpupt_own_device *ret);

/* A controller that is not a PCI bridge. */
struct gpupt_listed {
	const struct gpupt_device *device; /* the domain's, or a constant */
	unsigned int index;
};

/* All of them, in libvirt's order, with those that libvirt adds; the caller frees *ret.
 * 0 or GPUPT_E_NOMEM. */
int gpupt_list_controllers(const struct gpupt_domain *domain, bool q35,
			   struct gpupt_listed **ret, size_t *ret_count);

struct gpupt_node {
	int parent; /* index of a bridge's node, or GPUPT_ROOT_BUS */
	struct gpupt_mmio_function function;
	struct gpupt_guest_device device;
	enum gpupt_plug plug;
	enum gpupt_controller_model model;         /* a bridge's */
	const struct gpupt_device *own;            /* one of the guest's own devices */
	const struct gpupt_controller *controller; /* a bridge of the domain */
	const char *name;   /* model of one of the guest's own, with libvirt's default */
	bool primary;       /* the first video device */
	unsigned int legacy_ports; /* as in gpupt_own_device */
	unsigned int index; /* a controller's, but PCI */
	size_t turn;        /* where it is in libvirt's list of these */
	struct gpupt_guest_address told; /* where it has to go, if anything says so */
	bool placed;        /* parent and slot are settled */
	unsigned int bus;   /* a bridge's own bus number: its controller index */
	bool added;         /* a bridge that only libvirt adds */
	bool inner;         /* a bridge that QEMU puts behind an expander */
};

struct gpupt_tree {
	struct gpupt_making *making;
	struct gpupt_node *nodes;
	size_t count, capacity;
	int owner[GPUPT_BUSES]; /* bus number -> node that makes it */
	/* the first node of a bus past those, and its number */
	size_t first_added, first_bus_added;
	unsigned int overflow; /* next slot past the last one: order is all that counts */
	bool only_root;     /* the domain lists no bridge */
};

/* Adds a bridge; NULL when memory is short. */
struct gpupt_node *gpupt_tree_add_bridge(struct gpupt_tree *tree,
					 enum gpupt_controller_model model, unsigned int bus);
/* Settles where a node sits. */
void gpupt_tree_place(struct gpupt_tree *tree, size_t node, int parent, unsigned int slot,
		      unsigned int function);
/* Adds the bridges that libvirt adds, and gives every node a place. 0 or GPUPT_E_NOMEM. */
int gpupt_tree_place_all(struct gpupt_tree *tree);
/* Moves the nodes into making->functions, bus by bus. 0 or GPUPT_E_NOMEM. */
int gpupt_tree_flatten(struct gpupt_tree *tree);

#endif
