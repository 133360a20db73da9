/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gpupt/tuning.h>

#include <string.h>

#include "base/util.h"

/* One line each: what a shell would run as root. */
#define RUN(...) { .argv = (const char *const[]){ __VA_ARGS__, NULL } }

#define DROP_IN "/etc/default/grub.d/99-gpupt-xml.cfg"
#define SUFFIX ".before-gpupt-xml"

/* Adds to GRUB_CMDLINE_LINUX="..." once, and keeps a copy of the file. */
#define EDIT_GRUB_DEFAULT                                                                      \
	RUN("sed", "-i" SUFFIX, "-e",                                                          \
	    "/^GRUB_CMDLINE_LINUX=.*pci=realloc/!s/^\\(GRUB_CMDLINE_LINUX=\"[^\"]*\\)\"/"     \
	    "\\1 pci=realloc\"/", "/etc/default/grub")
#define RESTORE_GRUB_DEFAULT RUN("cp", "-a", "/etc/default/grub" SUFFIX, "/etc/default/grub")

/* grub-mkconfig of Debian and Ubuntu reads /etc/default/grub.d/ *.cfg after
 * /etc/default/grub (their patch mkconfig-ubuntu-recovery and kin, since GRUB 2.02);
 * a file of its own leaves the administrator's alone. */
static const struct gpupt_guest_step debian_steps[] = {
	RUN("cp", "-a", "/boot/grub/grub.cfg", "/boot/grub/grub.cfg" SUFFIX),
	RUN("mkdir", "-p", "/etc/default/grub.d"),
	{ .file = DROP_IN, .text = "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX pci=realloc\"" },
	RUN("update-grub"),
};
static const struct gpupt_guest_step debian_undo[] = {
	RUN("rm", DROP_IN),
	RUN("update-grub"),
};

/* grubby(8) changes every kernel's entry, and what later ones will get. */
static const struct gpupt_guest_step redhat_steps[] = {
	RUN("cp", "-a", "/etc/default/grub", "/etc/default/grub" SUFFIX),
	RUN("grubby", "--update-kernel=ALL", "--args=pci=realloc"),
};
static const struct gpupt_guest_step redhat_undo[] = {
	RUN("grubby", "--update-kernel=ALL", "--remove-args=pci=realloc"),
};

static const struct gpupt_guest_step suse_steps[] = {
	RUN("cp", "-a", "/boot/grub2/grub.cfg", "/boot/grub2/grub.cfg" SUFFIX),
	EDIT_GRUB_DEFAULT,
	RUN("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
};
static const struct gpupt_guest_step suse_undo[] = {
	RESTORE_GRUB_DEFAULT,
	RUN("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),
};

static const struct gpupt_guest_step grub_steps[] = {
	RUN("cp", "-a", "/boot/grub/grub.cfg", "/boot/grub/grub.cfg" SUFFIX),
	EDIT_GRUB_DEFAULT,
	RUN("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),
};
static const struct gpupt_guest_step grub_undo[] = {
	RESTORE_GRUB_DEFAULT,
	RUN("grub-mkconfig", "-o", "/boot/grub/grub.cfg"),
};

static const char *const ask_grubby[] = { "grubby", "--info=DEFAULT", NULL };

#define STEPS(name)                                                                            \
	.steps = name##_steps, .n_steps = GPUPT_ARRAY_SIZE(name##_steps),                      \
	.undo = name##_undo, .n_undo = GPUPT_ARRAY_SIZE(name##_undo)

/* By ID of os-release(5) and by the words of libosinfo's names; the last one is for all
 * others. */
static const struct {
	const char *names;
	struct gpupt_recipe recipe;
} recipes[] = {
	{ "debian ubuntu linuxmint raspbian kali devuan pop neon zorin elementary",
	  { .name = "Debian, Ubuntu and their kin", STEPS(debian), .automatic = true,
	    .check_file = "/boot/grub/grub.cfg" } },
	{ "fedora rhel centos centos-stream rocky almalinux ol oraclelinux amzn amazonlinux "
	  "openEuler anolis",
	  { .name = "Fedora, Red Hat and their kin", STEPS(redhat), .automatic = true,
	    .check_argv = ask_grubby } },
	{ "sles sled sle suse opensuse opensuse-leap opensuse-tumbleweed",
	  { .name = "SUSE", STEPS(suse), .automatic = true,
	    .check_file = "/boot/grub2/grub.cfg" } },
	{ "win mswindows microsoft", { .name = "Windows" } },
	{ "", { .name = "another system, if it boots with GRUB", STEPS(grub) } },
};

/* Whether a list, separated by spaces, has a word. */
static bool lists(const char *words, const char *word, size_t length)
{
	for (const char *p = words; *p; p += *p == ' ') {
		size_t n = strcspn(p, " ");
		if (n == length && strncmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

/* "http://debian.org/debian/12" is the words http:, debian, org, debian and 12. */
GPUPT_EXPORT const struct gpupt_recipe *gpupt_recipe_for(const char *os)
{
	for (const char *p = os ? os : ""; *p;) {
		size_t length = strcspn(p, "/.");
		for (size_t i = 0; length && i < GPUPT_ARRAY_SIZE(recipes); i++)
			if (lists(recipes[i].names, p, length))
				return &recipes[i].recipe;
		p += length + (p[length] != '\0');
	}
	return &recipes[GPUPT_ARRAY_SIZE(recipes) - 1].recipe;
}

/* pci= takes a list; the last word on realloc counts (Linux, drivers/pci/pci.c
 * pci_setup(), setup-bus.c pci_realloc_get_opt()). */
GPUPT_EXPORT bool gpupt_recipe_is_in(const char *command_line)
{
	bool found = false;
	for (const char *p = command_line; *p;) {
		size_t length = strcspn(p, " \t\n");
		const char *end = p + length;
		const char *item = strncmp(p, "pci=", 4) == 0 ? p + 4 : end;
		while (item < end) {
			size_t n = strcspn(item, ", \t\n");
			if (n == strlen("realloc") && strncmp(item, "realloc", n) == 0)
				found = true;
			else if (strncmp(item, "realloc=", 8) == 0)
				found = strncmp(item + 8, "on", 2) == 0;
			item += n + (item[n] == ',');
		}
		p = end + (*end != '\0');
	}
	return found;
}

GPUPT_EXPORT const char *gpupt_tuning_state_name(enum gpupt_tuning_state state)
{
	switch (state) {
	case GPUPT_TUNING_MISSING: return "missing";
	case GPUPT_TUNING_WRITTEN: return "written";
	case GPUPT_TUNING_PRESENT: return "present";
	}
	return "";
}
