/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TUNING_H
#define GPUPT_TUNING_H

/**
 * @file
 * pci=realloc for the kernel of a guest that boots from its own disk: what to do in
 * the guest, for its distribution, and doing it through the agent there. Part of
 * libgpupt-libvirt.
 */

#include <stdbool.h>
#include <stddef.h>

#include <gpupt/connection.h>
#include <gpupt/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One step, as root in the guest: a program to run, or a file to write. Since 0.1. */
struct gpupt_guest_step {
	const char *const *argv; /**< ends in NULL; NULL: a file is written */
	const char *file;
	const char *text; /**< one line without its end */
};

/** How a family of distributions is told. Static; never freed. Since 0.1. */
struct gpupt_recipe {
	const char *name;               /**< "Debian, Ubuntu and their kin" */
	const struct gpupt_guest_step *steps; /**< the first ones make a backup */
	size_t n_steps;                 /**< 0: there is nothing that could be done */
	const struct gpupt_guest_step *undo;
	size_t n_undo;
	bool automatic; /**< gpupt_guest_tune() may carry it out */
	/** What the next boot reads, to see whether it has pci=realloc: a file, or a
	 *  program's output. Both NULL where that is not known. */
	const char *check_file;
	const char *const *check_argv;
};

/**
 * Returns the recipe for a guest's system.
 * @param os  ID of os-release(5) ("debian"), or libosinfo's name
 *            ("http://debian.org/debian/12"); NULL: not known
 * @return never NULL; where the system is not known, one for GRUB that a person has
 *         to judge. Since 0.1.
 */
const struct gpupt_recipe *gpupt_recipe_for(const char *os);

/** Whether a kernel command line has pci=realloc, among other pci= options
 *  maybe. Since 0.1. */
bool gpupt_recipe_is_in(const char *command_line);

/** How far a guest is. Since 0.1. */
enum gpupt_tuning_state {
	GPUPT_TUNING_MISSING, /**< it runs without, and will the next time */
	GPUPT_TUNING_WRITTEN, /**< it runs without; the next boot will have it */
	GPUPT_TUNING_PRESENT, /**< it runs with pci=realloc */
};

/** Returns "missing", "written" or "present"; never NULL. Since 0.1. */
const char *gpupt_tuning_state_name(enum gpupt_tuning_state state);

/** What the agent in a guest found, or did. May grow at its end. Since 0.1. */
struct gpupt_tuning {
	enum gpupt_tuning_state state;
	bool changed; /**< the steps were carried out now */
	const struct gpupt_recipe *recipe;
	char *os;           /**< os-release's ID, or NULL where the agent does not tell */
	char *command_line; /**< of the kernel that runs */
};

/**
 * Asks the agent in a running guest for its kernel's command line and system.
 * Changes nothing where pci=realloc is there or will be at the next boot.
 * @param fallback_os  taken where the agent does not tell; may be NULL
 * @param carry_out    carry the recipe's steps out where it is missing
 * @return 0, GPUPT_E_LIBVIRT (no agent), GPUPT_E_SYNTAX (an odd answer),
 *         GPUPT_E_UNSUPPORTED (carry_out, and no automatic recipe), GPUPT_E_IO (a
 *         step failed; the message says which). Since 0.1.
 */
int gpupt_guest_tune(struct gpupt_guest *guest, const char *fallback_os, bool carry_out,
		     struct gpupt_tuning **ret, struct gpupt_error **error);

/** Frees @p tuning. NULL is fine. Since 0.1. */
void gpupt_tuning_free(struct gpupt_tuning *tuning);

#ifdef __cplusplus
}
#endif

#endif
