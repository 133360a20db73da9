/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the definitions of a domain are kept. */

#include "cli/store.h"

#include <pwd.h>
#include <unistd.h>

#include "base/str.h"

#define SYSTEM_ROOT "/var/lib/gpupt-xml"

/* A name may have 255 bytes, and a UUID takes 37 of them. */
#define MAX_HOST_LENGTH 180

/* DRIVER[+TRANSPORT]://[USER@][HOST][:PORT]/PATH[?PARAMETERS] (libvirt.org/uri.html) */
struct uri_parts {
	const char *driver, *host, *path;
	int driver_length, host_length, path_length;
};

static struct uri_parts split(const char *uri)
{
	const char *authority = strstr(uri, "://");
	struct uri_parts parts = { .driver = uri, .driver_length = (int)strcspn(uri, "+:") };
	parts.host = authority ? authority + 3 : uri + strlen(uri);
	size_t length = strcspn(parts.host, "/?#");
	parts.path = parts.host + length;
	parts.path_length = (int)strcspn(parts.path, "?#");
	const char *at = memchr(parts.host, '@', length);
	if (at)
		parts.host = at + 1;
	/* an address in brackets has colons of its own */
	const char *port = parts.host + (*parts.host == '[' ? strcspn(parts.host, "]/?#") : 0);
	parts.host_length = (int)(strcspn(port, ":/?#") + (size_t)(port - parts.host));
	return parts;
}

/* FNV-1a, 64 bits: tells names apart that are cut or look alike, no more. */
static unsigned long long hash(const char *text)
{
	unsigned long long value = 0xcbf29ce484222325ULL;
	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3ULL;
	return value;
}

/* Adds text as part of a file name. */
static void add_name(struct gpupt_str *name, const char *text)
{
	size_t length = strnlen(text, MAX_HOST_LENGTH);
	bool same = !text[length] && *text != '.';
	for (size_t i = 0; i < length; i++) {
		bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789.-", text[i]) && (i || *text != '.');
		gpupt_str_add(name, plain ? text + i : "_", 1);
		same &= plain;
	}
	if (!same)
		gpupt_str_addf(name, "_%016llx", hash(text));
}

/* Whatever way leads to a daemon, it is the same one: transport, user, port and
 * parameters do not count. "qemu-localhost-system_UUID" */
static char *name_directory(const struct uri_parts *uri, const char *uuid)
{
	struct gpupt_str name = { 0 };
	GPUPT_AUTOFREE char *host = NULL;
	const char *path = uri->path_length ? uri->path + 1 : uri->path;
	int length = uri->path_length ? uri->path_length - 1 : 0;
	if (asprintf(&host, "%.*s-%.*s-%.*s", uri->driver_length, uri->driver,
		     uri->host_length ? uri->host_length : 9,
		     uri->host_length ? uri->host : "localhost", length, path) < 0)
		host = NULL;
	if (!host)
		return NULL;
	add_name(&name, host);
	gpupt_str_adds(&name, "_");
	add_name(&name, uuid);
	return gpupt_str_steal(&name, NULL);
}

static int find_root(const struct uri_parts *uri, char **ret, struct gpupt_error **error)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *account = home && *home == '/' ? NULL : getpwuid(geteuid());
	if (account)
		home = account->pw_dir; /* a service has no HOME */
	bool system = uri->path_length == 7 && strncmp(uri->path, "/system", 7) == 0;
	int n;
	if (system && geteuid() == 0)
		n = asprintf(ret, "%s", SYSTEM_ROOT);
	else if (state && *state == '/') /* another one is to be ignored, the specification says */
		n = asprintf(ret, "%s/gpupt-xml", state);
	else if (home && *home == '/')
		n = asprintf(ret, "%s/.local/state/gpupt-xml", home);
	else
		return gpupt_fail(error, GPUPT_E_NOT_FOUND,
				  "there is no directory for kept definitions: neither XDG_STATE_HOME "
				  "nor HOME is set, and the account has no home");
	if (n >= 0)
		return 0;
	*ret = NULL;
	return gpupt_fail_nomem(error);
}

int cli_store_locate(const char *uri, const char *uuid, struct cli_store *ret,
		     struct gpupt_error **error)
{
	struct uri_parts parts = split(uri ? uri : "");
	GPUPT_AUTOFREE char *root = NULL;
	GPUPT_AUTOFREE char *name = name_directory(&parts, uuid);
	char *path;
	int r = find_root(&parts, &root, error);
	if (r < 0)
		return r;
	if (!name || asprintf(&path, "%s/%s", root, name) < 0)
		return gpupt_fail_nomem(error);
	*ret = (struct cli_store){ .root = GPUPT_STEAL(root), .path = path };
	return 0;
}

void cli_store_clear(struct cli_store *store)
{
	free(store->root);
	free(store->path);
	*store = (struct cli_store){ 0 };
}
