/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "libvirt/messages.h"

/* A GPU at 01:00.0 behind the root port 00:01.0, and somebody else's NIC. */
static const struct gpupt_seen_function functions[] = {
	{ .id = "hostdev0", .passed_through = true, .found = true, .guest = { 0, 1, 0, 0 },
	  .path = "01.0/00.0" },
	{ .id = "pci.1", .found = true, .guest = { 0, 0, 1, 0 }, .path = "01.0" },
	{ .id = "net0", .found = true, .guest = { 0, 2, 0, 0 }, .path = "01.1/00.0" },
	{ .id = "pci.2", .found = true, .guest = { 0, 0, 1, 1 }, .path = "01.1" },
	{ .id = "hostdev1", .passed_through = true, .path = "" },
};

static const char log_text[] =
	"[    0.41] pci 0000:00:01.0: BAR 13: no space for [io  size 0x1000]\n"
	"[    0.42] pci 0000:00:01.0: BAR 15: no space for [mem size 0x1800000000 64bit pref]\n"
	"[    0.43] pci 0000:00:01.1: BAR 14: no space for [mem size 0x00200000]\n"
	"[    0.44] pci 0000:01:00.0: BAR 1: failed to assign [mem size 0x800000000 64bit pref]\n"
	"[    0.45] pci 0000:01:00.0: BAR 0: assigned [mem 0x80000000-0x80ffffff]\n"
	"[    0.46] pci 0000:02:00.0: BAR 0: failed to assign [mem size 0x4000]\n"
	"[    7.01] NVRM: loading NVIDIA UNIX x86_64 Kernel Module\n"
	"[    7.02] NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:\n"
	"[    7.02] NVRM: BAR1 is 0M @ 0x0 (PCI:0000:01:00.0)\n";

static void test_messages(void **state)
{
	struct gpupt_arena *arena = NULL;
	struct gpupt_lines lines = { .arena = &arena };
	(void)state;
	gpupt_lines_add_messages(&lines, log_text, strlen(log_text), functions,
				 GPUPT_ARRAY_SIZE(functions));
	assert_int_equal(lines.count, 4);
	assert_non_null(strstr(lines.items[0], "BAR 15"));
	assert_non_null(strstr(lines.items[1], "0000:01:00.0: BAR 1: failed"));
	assert_non_null(strstr(lines.items[2], "is invalid:"));
	assert_string_equal(lines.items[3], "[    7.02] NVRM: BAR1 is 0M @ 0x0 (PCI:0000:01:00.0)");
	free(lines.items);
	gpupt_arena_free(arena);
}

static void test_limits(void **state)
{
	struct gpupt_arena *arena = NULL;
	struct gpupt_lines lines = { .arena = &arena };
	char text[4 * GPUPT_LINE_MAX + 1], *many = calloc(1000, 2);
	(void)state;
	assert_non_null(many);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	gpupt_lines_add_all(&lines, text, strlen(text));
	assert_int_equal(lines.count, 1);
	assert_int_equal(strlen(lines.items[0]), GPUPT_LINE_MAX);
	for (size_t i = 0; i < 999; i++)
		strcpy(many + 2 * i, "y\n");
	gpupt_lines_add_all(&lines, many, strlen(many));
	assert_int_equal(lines.count, GPUPT_LINES_MAX);
	assert_false(lines.failed);
	free(many);
	free(lines.items);
	gpupt_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
