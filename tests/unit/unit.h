/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_UNIT_H
#define GPUPT_TESTS_UNIT_H

/* What every unit test includes: cmocka and the headers it wants first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

#endif
