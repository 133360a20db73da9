/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TEXT_SECRETS_H
#define GPUPT_TEXT_SECRETS_H

/* Where the secrets of a domain XML are. What counts as one: see secrets.c. */

#include <stdbool.h>
#include <stddef.h>

/* What stands in place of a secret. */
#define GPUPT_REDACTED "[redacted]"

/* The bytes [start, end): never empty, never across the end of a line. */
struct gpupt_secret {
	size_t start;
	size_t end;
};

/* Sorted and disjoint. Like struct gpupt_str, a failed allocation sticks. */
struct gpupt_secrets {
	struct gpupt_secret *items;
	size_t count;
	size_t capacity;
	bool failed;
};

/* Reads the text at least up to `stop`, well-formed or not. Time and memory are
 * linear. 0 or GPUPT_E_NOMEM. */
int gpupt_secrets_find(const char *text, size_t length, size_t stop,
		       struct gpupt_secrets *ret_secrets);
void gpupt_secrets_clear(struct gpupt_secrets *secrets);

/* Adds what is not blank of the lines in [start, end); end is not before what
 * is in the list already. */
void gpupt_secrets_add(struct gpupt_secrets *secrets, const char *text, size_t start, size_t end);

/* What kind of text an assignment such as "password=x" stands in, which decides
 * how it ends. */
enum gpupt_prose {
	GPUPT_PROSE_TEXT,     /* between tags: ends at white space */
	GPUPT_PROSE_VALUE,    /* an attribute's value: all of it */
	GPUPT_PROSE_ARGUMENT, /* a hypervisor's argument: ends at a single comma */
};

/* Adds the secrets that are assigned to a telling key in text[start, end), and
 * the passwords in URLs. */
void gpupt_secrets_add_assigned(struct gpupt_secrets *secrets, const char *text, size_t start,
				size_t end, enum gpupt_prose prose);

/* Whether a fw_cfg file is the firmware's own, such as opt/ovmf/X-PciMmio64Mb. */
bool gpupt_is_firmware_file(const char *name, size_t length);

/* Whether something of that name (of an attribute, element, variable) is a secret. */
bool gpupt_secret_name(const char *name, size_t length);

#endif
