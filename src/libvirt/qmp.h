/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_QMP_H
#define GPUPT_LIBVIRT_QMP_H

/* What QEMU's monitor answers. Knows nothing of libvirt; takes hostile input: a guest
 * that broke out of QEMU may write what it likes. */

#include <gpupt/running.h>

#include "base/arena.h"
#include "base/error.h"

/* A longer answer is none of QEMU's. libvirt passes on no more (REMOTE_STRING_MAX,
 * src/remote/remote_protocol.x, 9.0). */
#define GPUPT_REPLY_MAX ((size_t)4 << 20)

/* The command to send: reads, and changes nothing. */
#define GPUPT_QMP_QUERY_PCI "{\"execute\":\"query-pci\"}"

/* Functions in the order of the reply; strings live in the arena. */
struct gpupt_seen_functions {
	struct gpupt_seen_function *items;
	size_t count, capacity;
	struct gpupt_arena **arena;
};

/* Adds the functions that the reply of query-pci names, bridges included. GPUPT_E_SYNTAX
 * where it is none, also where it is QEMU's error. */
int gpupt_qmp_parse_pci(const char *reply, size_t length, struct gpupt_seen_functions *functions,
			struct gpupt_error **error);

/* Tells which functions are the domain's passed-through ones, and puts those first, in
 * the order of its XML; one that is not among them gets an entry that was not found.
 * *ret is freed with free(). */
int gpupt_qmp_match(const struct gpupt_seen_functions *seen, const struct gpupt_domain *domain,
		    struct gpupt_seen_function **ret, size_t *ret_count,
		    struct gpupt_error **error);

#endif
