/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_REHEARSE_STANDIN_H
#define GPUPT_REHEARSE_STANDIN_H

#include "mmio/mmio.h"

/* No emulated function has both the 32-bit and the 64-bit BARs of a GPU, so there are
 * two ways to choose. */
enum gpupt_standin_aim {
	GPUPT_STANDIN_WIDE,   /* all 64-bit prefetchable BARs; what else there is, if possible */
	GPUPT_STANDIN_NARROW, /* the largest of these, and the large ones below 4 GiB */
};

enum { GPUPT_STANDIN_NONE = -1 };

/* An emulated function. */
struct gpupt_standin {
	const char *driver;   /* QEMU's name */
	char properties[128]; /* ",key=value", or "" */
	char backend[96];     /* a -object, less its id; or "" */
	const char *backend_property; /* of the device, that names it */
	uint32_t class_code;
	struct gpupt_mmio_bar bars[6];
	size_t n_bars;
	int bar_of[6]; /* for bars[i] of the function, the stand-in's BAR, or NONE */
	bool needs_memory; /* QEMU maps its BAR as it would memory */
};

/* Chooses the function whose BARs come closest. Never fails: at worst there is none
 * for any BAR. */
void gpupt_standin_choose(const struct gpupt_mmio_function *function, enum gpupt_standin_aim aim,
			  struct gpupt_standin *ret);

/* A function that stands for itself: a bridge, or a part of the machine. */
void gpupt_standin_self(const struct gpupt_mmio_function *function, struct gpupt_standin *ret);

/* Whether OVMF could treat the two otherwise where it runs out of room: it never leaves
 * out what is VGA compatible (see mmio/ovmf-place.c). */
bool gpupt_standin_is_other_class(const struct gpupt_mmio_function *function,
				  const struct gpupt_standin *standin);

#endif
