/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_GPUPT_H
#define GPUPT_GPUPT_H

/**
 * @file
 * libgpupt: room for passed-through GPUs in a libvirt domain. Read this first.
 *
 * ```
 *  domain XML text ──► gpupt_domain ────┐
 *  host devices    ──► gpupt_inventory ─┼─► gpupt_plan ──► new text, diff
 *  a wish          ──► gpupt_request ───┘
 * ```
 *
 * 1. gpupt_domain_parse() reads a domain XML.
 * 2. gpupt_inventory_read_sysfs(), gpupt_inventory_parse() or
 *    gpupt_inventory_assume() say what the host's devices need.
 * 3. gpupt_request_new() and its setters say what is wanted.
 * 4. gpupt_plan_make() works out the size; gpupt_plan_apply() gives the new
 *    text, in which every byte outside the edits is as it was; gpupt_diff()
 *    shows it.
 *
 * gpupt_checkup_make() looks at the host itself: what keeps it from passing its
 * devices on, and what to do about it.
 *
 * The library prints nothing, never exits and keeps no global state. Objects
 * are made by one call, immutable after (but for requests) and freed by their
 * _free() function; different objects may be used from different threads, and
 * one that nobody changes or frees from several. libgpupt(3) has the details.
 *
 * libgpupt-libvirt (gpupt/libvirt.h) adds reading from and defining through
 * libvirt.
 */

#include <gpupt/diff.h>
#include <gpupt/doctor.h>
#include <gpupt/domain.h>
#include <gpupt/error.h>
#include <gpupt/firmware.h>
#include <gpupt/inventory.h>
#include <gpupt/plan.h>
#include <gpupt/running.h>
#include <gpupt/size.h>

#endif
