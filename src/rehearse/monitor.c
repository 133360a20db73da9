/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearse/monitor.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/util.h"

/* query-pci of 256 buses full of functions stays below a tenth of this. */
#define MOST_BYTES ((size_t)16 << 20)

static int fail_closed(struct gpupt_monitor *monitor, struct gpupt_error **error)
{
	monitor->closed = true;
	return gpupt_fail(error, GPUPT_E_IO, "QEMU ended early");
}

static int read_more(struct gpupt_monitor *monitor, struct gpupt_error **error)
{
	if (monitor->length == monitor->capacity) {
		if (monitor->capacity >= MOST_BYTES)
			return gpupt_fail(error, GPUPT_E_LIMIT, "QEMU says too much");
		size_t more = monitor->capacity ? monitor->capacity * 2 : 16384;
		char *grown = realloc(monitor->buffer, more);
		if (!grown)
			return gpupt_fail_nomem(error);
		monitor->buffer = grown;
		monitor->capacity = more;
	}
	size_t n = 0;
	int r = gpupt_process_read(monitor->process, monitor->buffer + monitor->length,
				   monitor->capacity - monitor->length, &n, error);
	if (r < 0)
		return r;
	if (!n)
		return fail_closed(monitor, error);
	monitor->length += n;
	return 0;
}

/* The next line, as an object. */
static int read_object(struct gpupt_monitor *monitor, json_t **ret, struct gpupt_error **error)
{
	char *end;
	while (!monitor->length || !(end = memchr(monitor->buffer, '\n', monitor->length))) {
		int r = read_more(monitor, error);
		if (r < 0)
			return r;
	}
	size_t line = (size_t)(end - monitor->buffer);
	json_t *object = json_loadb(monitor->buffer, line, 0, NULL);
	monitor->length -= line + 1;
	memmove(monitor->buffer, end + 1, monitor->length);
	if (!json_is_object(object)) {
		json_decref(object);
		return gpupt_fail(error, GPUPT_E_SYNTAX, "QEMU's monitor does not speak QMP");
	}
	const char *event = json_string_value(json_object_get(object, "event"));
	monitor->guest_is_down |= event && strcmp(event, "SHUTDOWN") == 0;
	*ret = object;
	return 0;
}

static int send_text(struct gpupt_monitor *monitor, const char *text, struct gpupt_error **error)
{
	for (size_t length = strlen(text); length;) {
		ssize_t n = send(monitor->process->socket, text, length, MSG_NOSIGNAL);
		if (n <= 0)
			return fail_closed(monitor, error);
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static int wait_for_answer(struct gpupt_monitor *monitor, const char *command, json_t **ret,
			   struct gpupt_error **error)
{
	for (;;) {
		json_t *object;
		int r = read_object(monitor, &object, error);
		if (r < 0)
			return r;
		json_t *answer = json_object_get(object, "return");
		json_t *failure = json_object_get(object, "error");
		if (answer && ret)
			*ret = json_incref(answer);
		if (failure) {
			const char *why = json_string_value(json_object_get(failure, "desc"));
			r = gpupt_fail(error, GPUPT_E_IO, "QEMU's %s: %s", command,
				       why ? why : "failed");
		}
		json_decref(object);
		if (answer || failure)
			return r;
	}
}

int gpupt_monitor_ask(struct gpupt_monitor *monitor, const char *command, json_t *arguments,
		      json_t **ret, struct gpupt_error **error)
{
	json_t *object = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
	GPUPT_AUTOFREE char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text)
		return gpupt_fail_nomem(error);
	int r = send_text(monitor, text, error);
	if (r == 0)
		r = send_text(monitor, "\n", error);
	return r < 0 ? r : wait_for_answer(monitor, command, ret, error);
}

int gpupt_monitor_open(struct gpupt_monitor *monitor, struct gpupt_process *process,
		       struct gpupt_error **error)
{
	*monitor = (struct gpupt_monitor){ .process = process };
	json_t *greeting;
	int r = read_object(monitor, &greeting, error);
	if (r < 0)
		return r;
	json_decref(greeting);
	return gpupt_monitor_ask(monitor, "qmp_capabilities", NULL, NULL, error);
}

void gpupt_monitor_close(struct gpupt_monitor *monitor)
{
	free(monitor->buffer);
	*monitor = (struct gpupt_monitor){ 0 };
}

static int ask_human(struct gpupt_monitor *monitor, const char *command, json_t **ret,
		     struct gpupt_error **error)
{
	return gpupt_monitor_ask(monitor, "human-monitor-command",
				 json_pack("{s:s}", "command-line", command), ret, error);
}

static int choose_register(struct gpupt_monitor *monitor, uint32_t address,
			   struct gpupt_error **error)
{
	char command[64];
	snprintf(command, sizeof(command), "o/w 0xcf8 %#x", 0x80000000u | address);
	return ask_human(monitor, command, NULL, error);
}

/* "portl[0x0cfc] = 0x00100007" */
int gpupt_monitor_config_read(struct gpupt_monitor *monitor, uint32_t address, uint32_t *ret,
			      struct gpupt_error **error)
{
	json_t *answer = NULL;
	int r = choose_register(monitor, address, error);
	if (r == 0)
		r = ask_human(monitor, "i/w 0xcfc", &answer, error);
	if (r < 0)
		return r;
	const char *text = json_string_value(answer);
	const char *equals = text ? strchr(text, '=') : NULL;
	unsigned int value;
	if (equals && sscanf(equals + 1, " %x", &value) == 1)
		*ret = value;
	else
		r = gpupt_fail(error, GPUPT_E_SYNTAX, "QEMU's monitor does not read ports");
	json_decref(answer);
	return r;
}

int gpupt_monitor_config_write(struct gpupt_monitor *monitor, uint32_t address, uint32_t value,
			       struct gpupt_error **error)
{
	char command[64];
	snprintf(command, sizeof(command), "o/w 0xcfc %#x", value);
	int r = choose_register(monitor, address, error);
	return r < 0 ? r : ask_human(monitor, command, NULL, error);
}

int gpupt_monitor_wait_for_end(struct gpupt_monitor *monitor, struct gpupt_error **error)
{
	while (!monitor->guest_is_down) {
		json_t *object;
		int r = read_object(monitor, &object, error);
		if (r < 0)
			return r;
		json_decref(object);
	}
	return 0;
}
