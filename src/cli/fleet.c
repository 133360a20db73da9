/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/fleet.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>

#include "cli/progress.h"

/* Connecting is waiting: for ssh and its keys, for TLS. Each is a process or a socket. */
enum { MAX_AT_A_TIME = 8 };

/* "node-1" of qemu+ssh://root@node-1/system, or NULL: no host is named, or memory is
 * short. */
static char *host_of(const char *uri)
{
	const char *host = strstr(uri, "://");
	host = host ? host + strlen("://") : uri;
	size_t length = strcspn(host, "/?");
	const char *user = memchr(host, '@', length);
	if (user) {
		length -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	/* it becomes a directory in a diff: not ".." */
	return length && *host != '.' ? strndup(host, length) : NULL;
}

/* "qemu-system" of qemu:///system. NULL when memory is short. */
static char *flatten(const char *uri)
{
	char *label = strdup(uri), *end = label;
	for (const char *p = uri; label && *p; p++)
		if (isalnum((unsigned char)*p) || *p == '.' || *p == '_')
			*end++ = *p;
		else if (end > label && end[-1] != '-')
			*end++ = '-';
	if (label)
		*end = '\0';
	return label;
}

/* By its host's name, where there is one and no other goes by it. */
static int label(struct cli_fleet *fleet, size_t index, struct gpupt_error **error)
{
	struct cli_session *host = &fleet->hosts[index];
	host->label = host_of(host->uri);
	for (size_t i = 0; host->label && i < index; i++)
		if (strcmp(fleet->hosts[i].label, host->label) == 0) {
			free(host->label);
			host->label = NULL;
		}
	if (!host->label)
		host->label = flatten(host->uri);
	return host->label ? 0 : gpupt_fail_nomem(error);
}

int cli_fleet_make(const struct cli_settings *settings, struct cli_fleet *ret,
		   struct gpupt_error **error)
{
	const struct cli_hosts *hosts = &settings->hosts;
	struct cli_fleet fleet = { .count = hosts->count ? hosts->count : 1 };
	fleet.files.inventory = settings->inventory;
	fleet.hosts = calloc(fleet.count, sizeof(*fleet.hosts));
	if (!fleet.hosts)
		return gpupt_fail_nomem(error);
	*ret = fleet;
	for (size_t i = 0; i < fleet.count; i++) {
		struct cli_session *host = &fleet.hosts[i];
		host->inventory = settings->inventory;
		if (!hosts->count)
			continue;
		host->uri = hosts->items[i].uri;
		if (hosts->items[i].inventory)
			host->inventory = hosts->items[i].inventory;
		if (fleet.count > 1 && label(&fleet, i, error) < 0)
			return GPUPT_E_NOMEM;
	}
	return 0;
}

struct opening {
	const struct cli_settings *settings;
	struct cli_fleet *fleet;
	atomic_size_t next;
};

static void *open_some(void *data)
{
	struct opening *opening = data;
	for (;;) {
		size_t i = atomic_fetch_add(&opening->next, 1);
		if (i >= opening->fleet->count)
			return NULL;
		struct cli_session *host = &opening->fleet->hosts[i];
		if (cli_session_open(opening->settings, host, &host->failure) < 0 &&
		    !host->failure)
			gpupt_fail_nomem(&host->failure);
	}
}

/* This thread opens some, too: where no other can be had, all. */
static void open_all(struct opening *opening)
{
	pthread_t threads[MAX_AT_A_TIME - 1];
	size_t n = 0;
	while (n < MAX_AT_A_TIME - 1 && n + 1 < opening->fleet->count &&
	       pthread_create(&threads[n], NULL, open_some, opening) == 0)
		n++;
	open_some(opening);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

int cli_fleet_open(const struct cli_settings *settings, struct cli_fleet *fleet,
		   struct gpupt_error **error)
{
	if (fleet->count == 1)
		return cli_session_open(settings, fleet->hosts, error);
	/* loaded by one thread, and there for all */
	struct cli_hypervisor hypervisor;
	int r = cli_hypervisor_load(&hypervisor, error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < fleet->count; i++)
		fleet->hosts[i].hypervisor = hypervisor;
	struct opening opening = { .settings = settings, .fleet = fleet };
	cli_progress_show(settings, 0, fleet->count, "connecting");
	open_all(&opening);
	cli_progress_hide();
	return 0;
}

void cli_fleet_close(struct cli_fleet *fleet)
{
	for (size_t i = 0; fleet->hosts && i < fleet->count; i++)
		cli_session_close(&fleet->hosts[i]);
	cli_session_close(&fleet->files);
	free(fleet->hosts);
	*fleet = (struct cli_fleet){ 0 };
}
