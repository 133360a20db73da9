/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_PLAN_REQUEST_H
#define GPUPT_PLAN_REQUEST_H

#include <gpupt/plan.h>

#include "base/arena.h"
#include "base/util.h"

/* In the order of enum gpupt_remedy. */
#define GPUPT_REMEDY_NAMES                                                                     \
	"hole", "memreserve", "hotplug", "move", "maxphysaddr", "fwcfg", "cmdline"

struct gpupt_other_user {
	struct gpupt_pci_address address;
	const char *domain_name;
};

struct gpupt_request {
	const char **add;
	size_t n_add, c_add;
	const char **remove;
	size_t n_remove, c_remove;
	struct gpupt_other_user *other_users;
	size_t n_other_users, c_other_users;
	enum gpupt_hole_policy hole_policy;
	uint64_t hole_bytes;
	enum gpupt_rounding rounding;
	uint64_t headroom_bytes;
	const char *firmware;      /* NULL: not known */
	bool firmware_of_file;     /* a file was named, and says so itself */
	unsigned int guest_kernel; /* 6.12 -> 612; 0: not known */
	unsigned int allowed; /* bits of enum gpupt_remedy */
	unsigned int named;   /* those that were allowed by name */
	unsigned long libvirt; /* 0: not known */
	bool allow_shrink;
	bool force;
	bool no_siblings;
	bool multifunction;
	struct gpupt_arena *arena;
};

GPUPT_DEFINE_CLEANUP(struct gpupt_request, gpupt_request_free)

/* The domain that also lists the device, or NULL. */
const char *gpupt_request_other_user(const struct gpupt_request *request,
				     struct gpupt_pci_address address);

#endif
