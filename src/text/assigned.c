/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/secrets.h"

#include <ctype.h>
#include <stdint.h>
#include <strings.h>

#include "base/util.h"

/* Assignments, in the spellings that a domain's free texts have: a kernel's
 * "rd.luks.key=x", QEMU's "secret,id=s0,data=x" and {"password": "x"}, cloud-init's
 * "password: x". Quotes may be written as character references. */

/* No key that counts is longer; keeps the look back from an '=' short. */
#define MAX_KEY 64
/* Nor is a login at an iSCSI target, which keeps the look ahead short. */
#define MAX_LOGIN 1024

struct prose {
	const char *text;
	size_t start;
	size_t end;
	size_t floor; /* end of the last secret: no key starts before it */
	enum gpupt_prose kind;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '/';
}

static bool equals(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

static bool has_suffix(const char *text, size_t length, const char *suffix)
{
	size_t n = strlen(suffix);
	return length >= n && strncasecmp(text + length - n, suffix, n) == 0;
}

static bool has_prefix(const char *text, size_t length, const char *prefix)
{
	size_t n = strlen(prefix);
	return length >= n && strncasecmp(text, prefix, n) == 0;
}

static bool mentions(const char *text, size_t length, const char *word)
{
	return memmem(text, length, word, strlen(word));
}

/* Length of the quote character at text, however it is written; 0: there is none. */
static size_t quote_length(const char *text, size_t length)
{
	static const char *const quotes[] = { "\"", "'", "&quot;", "&apos;", "&#34;", "&#39;",
					      "&#x22;", "&#x27;" };
	if (length == 0 || (*text != '"' && *text != '\'' && *text != '&'))
		return 0;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(quotes); i++)
		if (has_prefix(text, length, quotes[i]))
			return strlen(quotes[i]);
	return 0;
}

/* The same for a quote character that ends at text + length. */
static size_t quote_length_back(const char *text, size_t length)
{
	for (size_t n = 1; n <= 6 && n <= length; n++)
		if (quote_length(text + length - n, n) == n)
			return n;
	return 0;
}

/* QEMU names other objects with these; the object itself has the secret.
 * (qapi/block-core.json, qapi/crypto.json, QEMU 7.2) */
static bool is_reference(const char *key, size_t length)
{
	return has_suffix(key, length, "-secret") || equals(key, length, "passwordid");
}

bool gpupt_is_firmware_file(const char *name, size_t length)
{
	return has_prefix(name, length, "opt/ovmf/") ||
	       has_prefix(name, length, "opt/org.tianocore/") ||
	       has_prefix(name, length, "opt/org.seabios/") ||
	       has_prefix(name, length, "org.seabios/");
}

/* -fw_cfg [name=]FILE,string=... */
static bool is_firmware_setting(const char *argument, size_t length)
{
	size_t skipped = has_prefix(argument, length, "name=") ? strlen("name=") : 0;
	return gpupt_is_firmware_file(argument + skipped, length - skipped);
}

/* Keys that only mean a secret in what they stand in. */
static bool is_secret_in_place(const struct prose *p, const char *key, size_t length)
{
	const char *argument = p->text + p->start;
	size_t argument_length = p->end - p->start;
	if (equals(key, length, "key")) /* rbd:POOL/IMAGE:id=...:key=... */
		return key > argument && key[-1] == ':';
	if (equals(key, length, "data")) { /* -object secret,id=...,data=... */
		if (p->kind == GPUPT_PROSE_ARGUMENT)
			return mentions(argument, argument_length, "secret") || *argument == '{';
		size_t before = (size_t)(key - p->text) - p->floor;
		before = before < 256 ? before : 256;
		return mentions(key - before, before, "secret");
	}
	if (p->kind != GPUPT_PROSE_ARGUMENT)
		return false;
	if (equals(key, length, "string")) /* -fw_cfg name=...,string=... */
		return !is_firmware_setting(argument, argument_length);
	if (equals(key, length, "value")) /* -smbios type=11,value=... */
		return mentions(argument, argument_length, "type=11");
	return false;
}

static bool is_secret_key(const struct prose *p, const char *key, size_t length)
{
	if (length == 0)
		return false;
	if (p->kind == GPUPT_PROSE_ARGUMENT && is_reference(key, length))
		return false;
	return gpupt_secret_name(key, length) || is_secret_in_place(p, key, length);
}

/* "password=on" switches something, and gives nothing away. */
static bool is_switch(const char *value, size_t length)
{
	static const char *const words[] = { "on", "off", "yes", "no", "true", "false" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(words); i++)
		if (equals(value, length, words[i]))
			return true;
	return false;
}

static size_t end_of_line(const struct prose *p, size_t at)
{
	const char *newline = memchr(p->text + at, '\n', p->end - at);
	return newline ? (size_t)(newline - p->text) : p->end;
}

/* Up to the quote that closes the one of that spelling, or the end of the line. */
static size_t end_of_quoted(const struct prose *p, size_t at, const char *quote, size_t length)
{
	for (; at < p->end && p->text[at] != '\n'; at++) {
		if (p->end - at >= length && memcmp(p->text + at, quote, length) == 0)
			return at;
		if (p->text[at] == '\\' && at + 1 < p->end && p->text[at + 1] != '\n')
			at++;
	}
	return at;
}

/* Up to a comma that is not doubled, as QEMU's option lists have it. */
static size_t end_of_option(const struct prose *p, size_t at)
{
	for (; at < p->end; at++)
		if (p->text[at] == ',') {
			if (at + 1 >= p->end || p->text[at + 1] != ',')
				break;
			at++;
		}
	return at;
}

static size_t end_of_word(const struct prose *p, size_t at)
{
	while (at < p->end && !is_space(p->text[at]))
		at++;
	return at;
}

static size_t end_of_value(const struct prose *p, size_t at, char sign)
{
	switch (p->kind) {
	case GPUPT_PROSE_ARGUMENT: return end_of_option(p, at);
	case GPUPT_PROSE_VALUE: return p->end;
	case GPUPT_PROSE_TEXT: break;
	}
	return sign == ':' ? end_of_line(p, at) : end_of_word(p, at);
}

/* Adds the value behind the sign at `at`; returns where it ends. */
static size_t add_value(struct prose *p, struct gpupt_secrets *secrets, size_t at)
{
	char sign = p->text[at++];
	while (at < p->end && is_blank(p->text[at]))
		at++;
	size_t quote = quote_length(p->text + at, p->end - at);
	size_t start = at + quote;
	size_t end = quote ? end_of_quoted(p, start, p->text + at, quote)
			   : end_of_value(p, at, sign);
	if (!is_switch(p->text + start, end - start))
		gpupt_secrets_add(secrets, p->text, start, end);
	p->floor = end;
	return end;
}

/* The key that ends before `at`; its length may be 0. */
static const char *key_before(const struct prose *p, size_t at, bool *ret_quoted,
			      size_t *ret_length)
{
	size_t end = at;
	while (end > p->floor && is_blank(p->text[end - 1]) && at - end < MAX_KEY)
		end--;
	size_t quote = quote_length_back(p->text + p->floor, end - p->floor);
	end -= quote;
	size_t start = end;
	while (start > p->floor && is_key_char(p->text[start - 1]) && end - start < MAX_KEY)
		start--;
	*ret_quoted = quote > 0;
	*ret_length = end - start;
	return p->text + start;
}

/* Whether a character ends the part of a URL that has the login in it. */
static bool ends_login(char c)
{
	return is_space(c) || c == '/' || c == '<' || c == '>' || c == '"' || c == '\'';
}

/* Adds the password of the URL whose "://" is at `at`; returns from where on there may be
 * others, which is behind the "://" where it has none: "url=http://host,cookie=x". In
 * iscsi://user%password@host a '%' is in front (libiscsi). */
static size_t add_url_password(struct prose *p, struct gpupt_secrets *secrets, size_t at)
{
	size_t host = at + strlen("://"), start = 0;
	for (at = host; at < p->end && !ends_login(p->text[at]) && p->text[at] != '@'; at++)
		if ((p->text[at] == ':' || p->text[at] == '%') && !start)
			start = at + 1;
	if (!start || at == p->end || p->text[at] != '@')
		return host;
	gpupt_secrets_add(secrets, p->text, start, at);
	p->floor = at;
	return at;
}

static bool is_url(const struct prose *p, size_t at)
{
	return p->end - at > 2 && p->text[at + 1] == '/' && p->text[at + 2] == '/';
}

/* dracut's "netroot=iscsi:user:password@server:...": adds what is in front of the
 * '@', if the colon at `at` begins such a login; returns how far that reaches. */
static size_t add_iscsi_login(struct prose *p, struct gpupt_secrets *secrets, size_t at)
{
	if (!has_suffix(p->text + p->floor, at - p->floor, "iscsi"))
		return at;
	size_t end = at + MAX_LOGIN < p->end ? at + MAX_LOGIN : p->end;
	end = end_of_word(&(struct prose){ .text = p->text, .end = end }, at);
	const char *sign = memchr(p->text + at, '@', end - at);
	if (!sign)
		return at;
	p->floor = (size_t)(sign - p->text);
	gpupt_secrets_add(secrets, p->text, at + 1, p->floor);
	return p->floor;
}

/* "ds=nocloud;s=URL": where cloud-init is told to look, as a kernel argument or
 * in SMBIOS (cloud-init, DataSourceNoCloud). */
static bool is_cloud_seed(const struct prose *p, const char *key, size_t length, size_t at)
{
	static const char *const seeds[] = { "=nocloud;", "=nocloud-net;", "=nocloud\\;",
					     "=nocloud-net\\;", ("=" GPUPT_REDACTED) };
	if (!equals(key, length, "ds"))
		return false;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(seeds); i++)
		if (has_prefix(p->text + at, p->end - at, seeds[i]))
			return true;
	return false;
}

void gpupt_secrets_add_assigned(struct gpupt_secrets *secrets, const char *text, size_t start,
				size_t end, enum gpupt_prose kind)
{
	struct prose p = { text, start, end, start, kind };
	for (size_t at = start; at < end; at++) {
		if (text[at] != '=' && text[at] != ':')
			continue;
		if (text[at] == ':' && is_url(&p, at)) {
			at = add_url_password(&p, secrets, at) - 1;
			continue;
		}
		if (text[at] == ':')
			at = add_iscsi_login(&p, secrets, at);
		bool quoted;
		size_t length;
		const char *key = key_before(&p, at, &quoted, &length);
		/* A colon assigns in JSON and YAML; "tcp:host:port" is neither. */
		if (text[at] == ':' && !quoted && kind != GPUPT_PROSE_TEXT)
			continue;
		if (is_secret_key(&p, key, length) || is_cloud_seed(&p, key, length, at))
			at = add_value(&p, secrets, at) - 1;
	}
}
