/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TEXT_SAME_H
#define GPUPT_TEXT_SAME_H

#include "base/error.h"

/* 1: the texts, which libvirt wrote, say the same line by line, but for the order of
 * whole controllers. libvirt 9.0 adds missing ones behind the others and sorts them
 * all when it reads its own text the next time (virDomainControllerInsert()), so
 * that what it gives out is not always what it makes of that. 0: they differ. */
int gpupt_same_definition(const char *a, const char *b, struct gpupt_error **error);

#endif
