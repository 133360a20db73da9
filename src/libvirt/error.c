/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <libvirt/virterror.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"

/* A schema error has one line per complaint: "; " takes the place of line ends. */
char *gpupt_libvirt_message(void)
{
	const char *message = virGetLastErrorMessage();
	struct gpupt_str line = { 0 };
	for (const char *p = message; *p;) {
		size_t length = strcspn(p, "\n");
		if (length && line.length)
			gpupt_str_adds(&line, "; ");
		gpupt_str_add(&line, p, length);
		p += length + (p[length] == '\n');
	}
	return gpupt_str_steal(&line, NULL);
}

static enum gpupt_status status_of(int code)
{
	switch (code) {
	case VIR_ERR_NO_MEMORY: return GPUPT_E_NOMEM;
	case VIR_ERR_NO_DOMAIN: return GPUPT_E_NOT_FOUND;
	default: return GPUPT_E_LIBVIRT;
	}
}

/* What to do about the errors that newcomers meet first; else "". Of a system error
 * int1 is errno (src/util/virerror.c, virReportSystemErrorFull()). */
static const char *advice(void)
{
	const virError *why = virGetLastError();
	bool is_socket = why && why->code == VIR_ERR_SYSTEM_ERROR && why->domain == VIR_FROM_RPC;
	if (is_socket && (why->int1 == ENOENT || why->int1 == ECONNREFUSED))
		return "; is its daemon running? `systemctl start libvirtd` (or virtqemud.socket) "
		       "starts it";
	if ((is_socket && why->int1 == EACCES) ||
	    (why && (why->code == VIR_ERR_AUTH_FAILED || why->code == VIR_ERR_AUTH_CANCELLED ||
		     why->code == VIR_ERR_AUTH_UNAVAILABLE || why->code == VIR_ERR_ACCESS_DENIED)))
		return "; root may, members of the group libvirt, and whom a polkit rule lets";
	return "";
}

int gpupt_fail_libvirt(struct gpupt_error **error, const char *format, ...)
{
	enum gpupt_status status = status_of(virGetLastErrorCode());
	GPUPT_AUTOFREE char *message = gpupt_libvirt_message();
	GPUPT_AUTOFREE char *what = NULL;
	const char *what_to_do = advice();
	va_list args;
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	virResetLastError();
	if (!message || !what)
		return gpupt_fail_nomem(error);
	return gpupt_fail(error, status, "%s: %s%s", what, message, what_to_do);
}
