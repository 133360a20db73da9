/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_LIBVIRT_ERROR_H
#define GPUPT_LIBVIRT_ERROR_H

#include <gpupt/error.h>

/* Turns libvirt's last error of this thread into *error: "what: libvirt's words".
 * GPUPT_E_LIBVIRT, or GPUPT_E_NOT_FOUND where libvirt knows no such domain. */
int gpupt_fail_libvirt(struct gpupt_error **error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* libvirt's last message on one line, without a final newline; NULL when memory
 * is short. */
char *gpupt_libvirt_message(void);

#endif
