/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "base/error.h"
#include "base/str.h"
#include "base/util.h"

/* A schema error has one line per complaint, ssh's more: "; " takes the place of line ends. */
char *gpupt_libvirt_message(void)
{
	const char *message = virGetLastErrorMessage();
	struct gpupt_str line = { 0 };
	for (const char *p = message; *p;) {
		size_t length = strcspn(p, "\r\n");
		if (length && line.length)
			gpupt_str_adds(&line, "; ");
		gpupt_str_add(&line, p, length);
		p += length + (p[length] != '\0');
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

#define START_DAEMON "`systemctl start libvirtd` (or virtqemud.socket)"
#define WHO_MAY "; root may, members of the group libvirt, and whom a polkit rule lets"
#define GIVE_KEY "; the host takes no key that ssh has: name one with ?keyfile=FILE, or add it " \
	"to ssh-agent (a password is asked for on a terminal only)"
#define KNOW_HOST "; once you know that it is that host, let `ssh` to it by hand keep its key"
#define NEW_KEY "; once you know why it has another key, take the old one out of known_hosts " \
	"(`ssh-keygen -R HOST`) and let `ssh` to it by hand keep the new one"
#define START_THERE "; ssh gets there, is libvirt's daemon running? On that host " START_DAEMON \
	" starts it"

/* The words of ssh, of the libraries that stand in for it, and of what they start on the
 * host, which have one language. The first that are there count. */
static const struct {
	const char *words;
	const char *what_to_do;
} ssh_troubles[] = {
	{ "IDENTIFICATION HAS CHANGED", NEW_KEY },
	{ "HOST KEY VERIFICATION FAILED", NEW_KEY },
	{ "Host key verification failed", KNOW_HOST },
	{ "to accept host key", KNOW_HOST },
	{ "Permission denied (", GIVE_KEY }, /* and the methods that the host offers */
	{ "authenticat", GIVE_KEY },
	{ "ssh: ", "; see that `ssh` gets there by hand" },
	{ "Permission denied", WHO_MAY },
	{ "not found", "; ssh gets there, but libvirt on that host has neither virt-ssh-helper "
		       "nor nc" },
	{ "No such file", START_THERE },
	{ "Connection refused", START_THERE },
};

static const char *ssh_advice(const char *message)
{
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(ssh_troubles); i++)
		if (strstr(message, ssh_troubles[i].words))
			return ssh_troubles[i].what_to_do;
	return "";
}

/* What to do about the errors that newcomers meet first; else "". Of a system error int1
 * is errno (src/util/virerror.c, virReportSystemErrorFull()); where a program was the way
 * to the host, its end, and what it said is in the message (src/rpc/virnetsocket.c
 * virNetSocketReadWire()). */
static const char *advice(void)
{
	const virError *why = virGetLastError();
	if (!why || !why->message)
		return "";
	bool is_socket = why->code == VIR_ERR_SYSTEM_ERROR && why->domain == VIR_FROM_RPC;
	if (is_socket && (why->int1 == ENOENT || why->int1 == ECONNREFUSED))
		return "; is its daemon running? " START_DAEMON " starts it";
	if (why->domain == VIR_FROM_SSH || why->domain == VIR_FROM_LIBSSH ||
	    (is_socket && (why->int1 == EIO || why->int1 == ECONNRESET || why->int1 == EPIPE)))
		return ssh_advice(why->message);
	if ((is_socket && why->int1 == EACCES) || why->code == VIR_ERR_AUTH_FAILED ||
	    why->code == VIR_ERR_AUTH_CANCELLED || why->code == VIR_ERR_AUTH_UNAVAILABLE ||
	    why->code == VIR_ERR_ACCESS_DENIED)
		return WHO_MAY;
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
