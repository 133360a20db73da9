/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/request.h"

#include "cli/file.h"
#include "cli/session.h"

static int read_inventory_file(const char *path, struct gpupt_inventory **ret,
			       struct gpupt_error **error)
{
	GPUPT_AUTOFREE char *text = NULL;
	size_t length;
	int r = cli_file_read(path, &text, &length, error);
	if (r < 0)
		return r;
	return gpupt_inventory_parse(text, length, strcmp(path, "-") == 0 ? "<stdin>" : path,
				     ret, error);
}

/* Every --assume makes a new inventory from the one before. */
static int assume(const struct cli_settings *settings, struct gpupt_inventory *base,
		  struct gpupt_inventory **ret, struct gpupt_error **error)
{
	for (size_t i = 0; i < settings->assumptions.count; i++) {
		struct gpupt_inventory *more = NULL;
		int r = gpupt_inventory_assume(base, settings->assumptions.items[i], &more, error);
		gpupt_inventory_free(base);
		if (r < 0)
			return r;
		base = more;
	}
	*ret = base;
	return 0;
}

int cli_inventory_of_host(const struct cli_settings *settings, struct gpupt_inventory **ret,
			  struct gpupt_error **error)
{
	struct gpupt_inventory *base = NULL;
	int r;
	if (settings->inventory) {
		r = read_inventory_file(settings->inventory, &base, error);
	} else {
		r = gpupt_inventory_read_sysfs(settings->sysfs, &base, error);
		/* A machine without PCI can still plan for cards to come. */
		if (r == GPUPT_E_NOT_FOUND && !settings->sysfs && settings->assumptions.count) {
			if (error) {
				gpupt_error_free(*error);
				*error = NULL;
			}
			r = 0;
		}
	}
	return r < 0 ? r : assume(settings, base, ret, error);
}

/* What is behind :// up to the path or port: [USER@]HOST. */
static int fail_remote(const char *uri, struct gpupt_error **error)
{
	const char *host = strstr(uri, "://");
	host = host ? host + 3 : "";
	size_t length = strcspn(host, "/:?");
	if (memchr(host, '[', length)) /* an IPv6 address; ssh writes it otherwise */
		length = 0;
	return gpupt_fail(error, GPUPT_E_NOT_FOUND,
			  "%s is reached over the network, so this machine's devices are not "
			  "taken for its own: make a snapshot with `ssh %.*s gpupt-xml snapshot "
			  "> host.json` and add --inventory host.json", uri, length ? (int)length : 4,
			  length ? host : "HOST");
}

static bool needs_inventory(const struct cli_settings *settings, const struct cli_target *target)
{
	if (settings->inventory || settings->sysfs || settings->assumptions.count ||
	    settings->added.count || settings->removed.count)
		return true;
	if (settings->command->bit == CLI_DOCTOR)
		return true;
	if (settings->hole == GPUPT_HOLE_KEEP &&
	    !(settings->command->bit & (CLI_EXPLAIN | CLI_REHEARSE | CLI_VERIFY | CLI_GUEST)))
		return false;
	return gpupt_domain_count_hostdevs(target->domain) > 0;
}

/* Whatever the target is, the inventory is that of its host. */
static int read_for(const struct cli_settings *settings, const struct cli_target *target,
		    struct gpupt_inventory **ret, struct gpupt_error **error)
{
	enum gpupt_host_kind host = cli_target_get_host(target);
	if (settings->inventory || settings->sysfs || host == GPUPT_HOST_LOCAL)
		return cli_inventory_of_host(settings, ret, error);
	if (settings->assumptions.count)
		return assume(settings, NULL, ret, error);
	if (host == GPUPT_HOST_REMOTE)
		return fail_remote(target->hypervisor.connection_get_uri(target->connection), error);
	return gpupt_fail(error, GPUPT_E_NOT_FOUND,
			  "libvirt's test driver has no host devices: give them with --inventory "
			  "FILE or --assume ADDRESS=VENDOR:DEVICE");
}

int cli_inventory_for(const struct cli_settings *settings, const struct cli_target *target,
		      struct gpupt_inventory **ret, struct gpupt_error **error)
{
	if (!needs_inventory(settings, target)) {
		*ret = NULL;
		return 0;
	}
	if (!settings->session)
		return read_for(settings, target, ret, error);
	struct cli_session *session = settings->session;
	int r = session->host ? 0 : read_for(settings, target, &session->host, error);
	if (r == 0)
		*ret = session->host; /* the session's own */
	return r;
}

/* This machine's own devices, with nothing said of another. */
static bool is_live(const struct cli_settings *settings)
{
	return !settings->inventory && !settings->sysfs;
}

static int read_firmware(const char *file, struct gpupt_inventory **inventory,
			 struct gpupt_error **error)
{
	struct gpupt_inventory *more = NULL;
	int r = gpupt_inventory_read_firmware(*inventory, file, &more, error);
	if (r < 0)
		return r;
	gpupt_inventory_free(*inventory);
	*inventory = more;
	return 0;
}

/* Many targets have the same file, and to look into it takes longer than a plan. */
static bool was_read(const struct cli_session *session, const char *file)
{
	for (size_t i = 0; session && i < session->n_firmware; i++)
		if (strcmp(session->firmware[i], file) == 0)
			return true;
	return false;
}

static int note_as_read(struct cli_session *session, const char *file, struct gpupt_error **error)
{
	char *copy = strdup(file);
	if (!copy || !GPUPT_GROW(session->firmware, session->n_firmware, session->c_firmware)) {
		free(copy);
		return gpupt_fail_nomem(error);
	}
	session->firmware[session->n_firmware++] = copy;
	return 0;
}

int cli_inventory_add_firmware(const struct cli_settings *settings,
			       const struct cli_target *target,
			       const struct gpupt_request *request,
			       struct gpupt_inventory **inventory, struct gpupt_error **error)
{
	if (!*inventory || !is_live(settings) || cli_target_get_host(target) != GPUPT_HOST_LOCAL)
		return 0;
	const char *file = gpupt_request_firmware_file(request, target->domain, *inventory);
	struct cli_session *session = settings->session;
	if (!file || was_read(session, file))
		return 0;
	int r = read_firmware(file, inventory, error);
	if (r < 0 || !session)
		return r;
	session->host = *inventory; /* in the place of the one that is gone */
	return note_as_read(session, file, error);
}

int cli_inventory_add_all_firmware(const struct cli_settings *settings,
				   struct gpupt_inventory **inventory, struct gpupt_error **error)
{
	return is_live(settings) ? read_firmware(NULL, inventory, error) : 0;
}

static int add_devices(const struct cli_settings *settings, struct gpupt_request *request,
		       struct gpupt_error **error)
{
	for (size_t i = 0; i < settings->added.count; i++) {
		int r = gpupt_request_add_device(request, settings->added.items[i], error);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < settings->removed.count; i++) {
		int r = gpupt_request_remove_device(request, settings->removed.items[i], error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_remedies(const struct cli_settings *settings, struct gpupt_request *request,
			struct gpupt_error **error)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < settings->allowed.count; i++)
		r = gpupt_request_allow(request, settings->allowed.items[i], error);
	for (size_t i = 0; r == 0 && i < settings->forbidden.count; i++)
		r = gpupt_request_forbid(request, settings->forbidden.items[i], error);
	return r;
}

/* Other domains matter to one that has or gets devices. */
static int add_other_users(const struct cli_settings *settings, const struct cli_target *target,
			   struct gpupt_request *request, struct gpupt_error **error)
{
	if (target->is_file ||
	    (!settings->added.count && !gpupt_domain_count_hostdevs(target->domain)))
		return 0;
	const struct cli_hypervisor *hypervisor = &target->hypervisor;
	struct cli_session *session = settings->session;
	if (!session)
		return hypervisor->connection_add_other_users(target->connection, target->guest,
							      request, error);
	int r = cli_session_survey(settings, session, error);
	if (r < 0)
		return r;
	return hypervisor->survey_add_users(session->survey, target->guest, request, error);
}

/* A file of many targets is looked into once. */
static int set_firmware(const struct cli_settings *settings, struct gpupt_request *request,
			struct gpupt_error **error)
{
	struct cli_session *session = settings->session;
	if (!session || !settings->firmware || !strchr(settings->firmware, '/'))
		return gpupt_request_set_firmware(request, settings->firmware, error);
	int r = session->has_said ? 0 :
		gpupt_firmware_identify(settings->firmware, &session->said, error);
	if (r < 0)
		return r;
	session->has_said = true;
	return gpupt_request_set_firmware_file(request, &session->said, error);
}

int cli_request_make(const struct cli_settings *settings, const struct cli_target *target,
		     struct gpupt_request **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_request_free) struct gpupt_request *request = gpupt_request_new();
	if (!request)
		return gpupt_fail_nomem(error);
	gpupt_request_set_hole(request, settings->hole, settings->hole_bytes);
	gpupt_request_set_rounding(request, settings->rounding);
	gpupt_request_set_headroom(request, settings->headroom_bytes);
	gpupt_request_set_allow_shrink(request, settings->allow_shrink);
	gpupt_request_set_force(request, settings->force);
	gpupt_request_set_siblings(request, !settings->no_siblings);
	gpupt_request_set_multifunction(request, settings->multifunction);
	if (!target->is_file)
		gpupt_request_set_libvirt(
			request, target->hypervisor.connection_get_libvirt(target->connection));
	int r = set_firmware(settings, request, error);
	if (r == 0)
		r = gpupt_request_set_guest_kernel(request, settings->guest_kernel, error);
	if (r == 0)
		r = add_remedies(settings, request, error);
	if (r == 0)
		r = add_devices(settings, request, error);
	if (r < 0)
		return r;
	r = add_other_users(settings, target, request, error);
	if (r < 0)
		return r;
	*ret = GPUPT_STEAL(request);
	return 0;
}
