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

/* The content of an element that is a secret. */
struct gpupt_secret_region {
	bool on;
	bool direct; /* up to the next tag; otherwise up to the end tag */
	size_t name; /* offset and length */
	size_t name_length;
	size_t depth;
};

/* Reads a text from its start. Set text and end, the rest is 0. */
struct gpupt_secrets_scan {
	const char *text;
	size_t end; /* of the text, or of the comment that is being read */
	size_t at;  /* all before is read */
	size_t start;
	size_t stop;
	bool in_comment;
	bool in_strings; /* <oemStrings> */
	bool behind_append; /* the last <arg> was QEMU's -append */
	struct gpupt_secret_region region;
	struct gpupt_secrets found;
};

/* Goes on until all secrets in text[start, stop) are in scan->found, perhaps with
 * some outside of it; start and stop are not before the last ones. The text need not
 * be well-formed. Takes linear time. */
void gpupt_secrets_read(struct gpupt_secrets_scan *scan, size_t start, size_t stop);

/* Two texts with the same bytes between old->at and old_end, new->at and new_end: reads
 * both up to there, as if each were read alone, but what is certain to be read alike
 * only once. */
void gpupt_secrets_read_both(struct gpupt_secrets_scan *old, size_t old_start, size_t old_end,
			     struct gpupt_secrets_scan *new, size_t new_start, size_t new_end);
void gpupt_secrets_clear(struct gpupt_secrets *secrets);

/* Adds what is not blank of the lines in [start, end); end is not before what
 * is in the list already. */
void gpupt_secrets_add(struct gpupt_secrets *secrets, const char *text, size_t start, size_t end);

/* What kind of text an assignment such as "password=x" stands in, which decides
 * how it ends. */
enum gpupt_prose {
	GPUPT_PROSE_TEXT,     /* between tags, a kernel's command line: ends at white space */
	GPUPT_PROSE_VALUE,    /* an attribute's value: all of it */
	GPUPT_PROSE_ARGUMENT, /* a hypervisor's argument: ends at a single comma */
};

/* Adds the secrets that are assigned to a telling key in text[start, end), and
 * the passwords in URLs. */
void gpupt_secrets_add_assigned(struct gpupt_secrets *secrets, const char *text, size_t start,
				size_t end, enum gpupt_prose prose);

/* Whether an argument of QEMU's is followed by the command line of a kernel. */
bool gpupt_is_append(const char *argument, size_t length);

/* Length of a "-----BEGIN ... PRIVATE KEY-----" at text; 0: there is none. */
size_t gpupt_private_key_begin(const char *text, size_t length);

/* Where the "-----END" of a private key is that goes on at text + at; limit: nowhere. */
size_t gpupt_private_key_end(const char *text, size_t at, size_t limit);

/* Where the last private key ends that begins in text[start, end), or else `end`. */
size_t gpupt_end_with_private_key(const char *text, size_t start, size_t end, size_t limit);

/* Where the YAML value text[start, end), up to the end of a line, of the key at `key` ends
 * with all lines that belong to it. */
size_t gpupt_end_of_block(const char *text, size_t first, size_t key, size_t start, size_t end,
			  size_t limit);

/* A copy of the argument behind QEMU's `option` that may be shown; NULL when memory is
 * short. */
char *gpupt_redact_argument(const char *option, const char *argument);

/* Whether a fw_cfg file is the firmware's own, such as opt/ovmf/X-PciMmio64Mb. */
bool gpupt_is_firmware_file(const char *name, size_t length);

/* Whether the content of an element is a secret, or the value of an attribute. */
bool gpupt_secret_element(const char *name, size_t length);
bool gpupt_secret_attribute(const char *element, size_t element_length, const char *name,
			    size_t length);

/* The character that a reference such as "&#119;" at text stands for, 0x80 for any that is not
 * ASCII; returns the reference's length, 0 when there is none. */
size_t gpupt_read_reference(const char *text, size_t length, char *ret);

/* Whether something of that name (of an attribute, element, variable; it may be written with
 * references) is a secret. */
bool gpupt_secret_name(const char *name, size_t length);

#endif
