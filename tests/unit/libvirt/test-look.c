/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "libvirt/look.h"

#define LINE(start, end, flags) start " " end " " flags "\n"
#define NO_BAR LINE("0x0000000000000000", "0x0000000000000000", "0x0000000000000000")
#define BAR0 LINE("0x0000000080000000", "0x0000000080ffffff", "0x0000000000040200")
#define BAR1 LINE("0x0000001000000000", "0x00000017ffffffff", "0x000000000014220c")
#define BAR1_UNSET LINE("0x0000000000000000", "0x00000007ffffffff", "0x000000002014220c")
#define RESOURCE(bar0, bar1) bar0 bar1 NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR

/* A guest with one file, which the tests change, and a kernel log. */
struct guest {
	const char *path, *resource, *log;
};

/* before, the text in base64, after */
static char *encoded(const char *before, const char *text, const char *after)
{
	char command[2048], data[2048] = "", *reply = NULL;
	snprintf(command, sizeof(command), "printf %%s '%s' | base64 -w0", text);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	data[fread(data, 1, sizeof(data) - 1, pipe)] = '\0';
	pclose(pipe);
	assert_true(asprintf(&reply, "%s%s%s", before, data, after) > 0);
	return reply;
}

static int ask(void *data, const char *command, char **ret, struct gpupt_error **error)
{
	struct guest *guest = data;
	if (strstr(command, "guest-file-open")) {
		if (!strstr(command, guest->path))
			return gpupt_fail(error, GPUPT_E_LIBVIRT, "no such file");
		*ret = strdup("{\"return\":1}");
	} else if (strstr(command, "guest-file-read")) {
		*ret = encoded("{\"return\":{\"buf-b64\":\"", guest->resource, "\",\"eof\":true}}");
	} else if (strstr(command, "\"guest-exec\"")) {
		if (!strstr(command, "\"dmesg\""))
			return gpupt_fail(error, GPUPT_E_LIBVIRT, "no such program");
		*ret = strdup("{\"return\":{\"pid\":1}}");
	} else if (strstr(command, "guest-exec-status")) {
		*ret = encoded("{\"return\":{\"exited\":true,\"exitcode\":0,\"out-data\":\"", guest->log,
			       "\"}}");
	} else {
		*ret = strdup("{\"return\":{}}");
	}
	return 0;
}

/* What QEMU does not map: 16 MiB and 32 GiB at 0000:03:00.0. */
static struct gpupt_seen_function card(void)
{
	return (struct gpupt_seen_function){
		.id = "hostdev0", .path = "01.2/00.0", .found = true, .passed_through = true,
		.guest = { 0, 3, 0, 0 },
		.bars = { { .size_bytes = 16 * GPUPT_MIB }, { .size_bytes = 32 * GPUPT_GIB } },
	};
}

static int look(const char *resource, struct gpupt_seen_function *function, size_t expected_lines)
{
	struct guest guest = { .path = "/sys/bus/pci/devices/0000:03:00.0/resource",
			       .resource = resource,
			       .log = "NVRM: BAR1 is 0M @ 0x0 (PCI:0000:03:00.0)\n" };
	struct gpupt_agent agent = { ask, &guest };
	struct gpupt_arena *arena = NULL;
	struct gpupt_lines messages = { .arena = &arena }, gpus = { .arena = &arena };
	struct gpupt_error *error = NULL;
	int r = gpupt_agent_look(&agent, function, 1, &messages, &gpus, &error);
	assert_int_equal(r < 0, error != NULL);
	assert_int_equal(messages.count, expected_lines);
	assert_int_equal(gpus.count, 0); /* there is no nvidia-smi, and that is no error */
	free(messages.items);
	gpupt_arena_free(arena);
	gpupt_error_free(error);
	return r;
}

static void test_assigned(void **state)
{
	struct gpupt_seen_function function = card();
	(void)state;
	assert_int_equal(look(RESOURCE(BAR0, BAR1), &function, 1), 0);
	assert_true(function.asked_guest);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(function.bars[0].guest_address, 0x80000000);
	assert_int_equal(function.bars[1].sight, GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(function.bars[1].guest_address, 0x1000000000);
}

/* The kernel shows that it has none, or nothing any more. */
static void test_unassigned(void **state)
{
	struct gpupt_seen_function function = card();
	(void)state;
	assert_int_equal(look(RESOURCE(BAR0, BAR1_UNSET), &function, 1), 0);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_ASSIGNED);
	assert_int_equal(function.bars[1].sight, GPUPT_SIGHT_UNASSIGNED);
	function = card();
	assert_int_equal(look(RESOURCE(NO_BAR, BAR1), &function, 1), 0);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_UNASSIGNED);
}

/* Where the guest numbers its buses otherwise, nothing was seen. */
static void test_another_device(void **state)
{
	struct gpupt_seen_function function = card();
	(void)state;
	assert_int_equal(look(RESOURCE(BAR1, NO_BAR), &function, 0), GPUPT_E_CONFLICT);
	assert_false(function.asked_guest);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_NONE);
	assert_int_equal(look("nonsense", &function, 0), GPUPT_E_SYNTAX);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_NONE);
	function.guest.bus = 4;
	assert_int_equal(look(RESOURCE(BAR0, BAR1), &function, 0), GPUPT_E_LIBVIRT);
}

/* What QEMU sees needs nobody's word. */
static void test_seen(void **state)
{
	struct gpupt_seen_function function = card();
	(void)state;
	function.bars[0].sight = GPUPT_SIGHT_UNASSIGNED;
	function.bars[1].sight = GPUPT_SIGHT_ASSIGNED;
	assert_int_equal(look(RESOURCE(BAR0, BAR1), &function, 1), 0);
	assert_false(function.asked_guest);
	assert_int_equal(function.bars[0].sight, GPUPT_SIGHT_UNASSIGNED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assigned),
		cmocka_unit_test(test_unassigned),
		cmocka_unit_test(test_another_device),
		cmocka_unit_test(test_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
