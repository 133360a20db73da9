/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_DOMAIN_SETUP_H
#define GPUPT_DOMAIN_SETUP_H

/* Sets libxml2 up, for whoever has threads that use it by way of something else. */
void gpupt_domain_set_up(void);

#endif
