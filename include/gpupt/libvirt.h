/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_H
#define GPUPT_LIBVIRT_H

/**
 * @file
 * For programs that talk to libvirt themselves: the same as gpupt/connection.h on
 * a virDomainPtr or virConnectPtr they already hold. Nothing here changes
 * libvirt's error handler or keeps a reference.
 */

#include <libvirt/libvirt.h>

#include <gpupt/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/** See gpupt_guest_read(). Since 0.1. */
int gpupt_libvirt_read_domain(virDomainPtr domain, bool secure, struct gpupt_domain **ret,
			      struct gpupt_error **error);

/** See gpupt_connection_add_other_users(). Since 0.1. */
int gpupt_libvirt_add_other_users(virConnectPtr connection, virDomainPtr except,
				  struct gpupt_request *request, struct gpupt_error **error);

/** See gpupt_guest_apply(). Since 0.1. */
int gpupt_libvirt_apply(virDomainPtr domain, const struct gpupt_inventory *inventory,
			const struct gpupt_request *request,
			const struct gpupt_apply_options *options, struct gpupt_outcome **ret,
			struct gpupt_error **error);

/** See gpupt_guest_inspect(). Since 0.1. */
int gpupt_libvirt_inspect(virDomainPtr domain, const struct gpupt_inspect_options *options,
			  struct gpupt_inspection **ret, struct gpupt_error **error);

/** See gpupt_guest_restore(). Since 0.1. */
int gpupt_libvirt_restore(virDomainPtr domain, const char *expected, const char *text,
			  struct gpupt_outcome **ret, struct gpupt_error **error);

#ifdef __cplusplus
}
#endif

#endif
