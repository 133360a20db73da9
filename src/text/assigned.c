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

/* Nor is any character reference in use: "&#x0000077;". */
#define MAX_REFERENCE 16

struct prose {
	const char *text;
	size_t start;
	size_t end;
	size_t floor; /* end of the last secret: no key starts before it */
	enum gpupt_prose kind;
	bool is_object;  /* an argument for -object secret */
	bool is_strings; /* an argument for -smbios type=11 */
};

struct key {
	size_t start; /* as it is written */
	bool quoted;
	char name[MAX_KEY]; /* without references */
	size_t length;
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
	char c;
	if (length > 0 && (*text == '"' || *text == '\''))
		return 1;
	size_t n = gpupt_read_reference(text, length, &c);
	return n && (c == '"' || c == '\'') ? n : 0;
}

/* Length of the character that ends at text + length. */
static size_t char_before(const char *text, size_t length, char *ret)
{
	if (length == 0)
		return 0;
	*ret = text[length - 1];
	for (size_t n = 1; *ret == ';' && n <= MAX_REFERENCE && n <= length; n++)
		if (text[length - n] == '&') {
			size_t read = gpupt_read_reference(text + length - n, n, ret);
			*ret = read == n ? *ret : ';';
			return read == n ? n : 1;
		}
	return 1;
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

/* ODBC's "UID=x;PWD=y", as opposed to the shell's "PWD=/root": a semicolon is beside it. */
static bool is_in_connection(const struct prose *p, const struct key *key, size_t sign)
{
	size_t before = key->start, end = sign;
	while (before > p->floor && is_space(p->text[before - 1]) && key->start - before < MAX_KEY)
		before--;
	if (before > p->start && p->text[before - 1] == ';')
		return true;
	if (has_prefix(p->text + sign, p->end - sign, GPUPT_REDACTED)) /* it was one */
		return true;
	while (end < p->end && end - sign < MAX_LOGIN && !is_space(p->text[end]))
		if (p->text[end++] == ';')
			return true;
	return false;
}

/* Keys that only mean a secret in what they stand in. */
static bool is_secret_in_place(const struct prose *p, const struct key *key, size_t sign)
{
	const char *name = key->name, *place = p->text + key->start;
	if (equals(name, key->length, "key")) /* rbd:POOL/IMAGE:id=...:key=... */
		return key->start > p->start && place[-1] == ':';
	if (equals(name, key->length, "PWD"))
		return is_in_connection(p, key, sign);
	if (equals(name, key->length, "data")) { /* -object secret,id=...,data=... */
		if (p->kind == GPUPT_PROSE_ARGUMENT)
			return p->is_object;
		size_t before = key->start - p->floor;
		before = before < 256 ? before : 256;
		return mentions(place - before, before, "secret");
	}
	if (p->kind != GPUPT_PROSE_ARGUMENT)
		return false;
	if (equals(name, key->length, "string")) /* -fw_cfg name=...,string=... */
		return !is_firmware_setting(p->text + p->start, p->end - p->start);
	if (equals(name, key->length, "value")) /* -smbios type=11,value=... */
		return p->is_strings;
	return false;
}

static bool is_secret_key(const struct prose *p, const struct key *key, size_t sign)
{
	if (key->length == 0)
		return false;
	if (p->kind == GPUPT_PROSE_ARGUMENT && is_reference(key->name, key->length))
		return false;
	return gpupt_secret_name(key->name, key->length) || is_secret_in_place(p, key, sign);
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

/* Up to white space; ODBC's braces go around what may have some. */
static size_t end_of_word(const struct prose *p, size_t at)
{
	if (at < p->end && p->text[at] == '{') {
		size_t line = end_of_line(p, at);
		const char *brace = memchr(p->text + at, '}', line - at);
		at = brace ? (size_t)(brace - p->text) : line;
	}
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

/* Adds the value at `at` behind the sign; returns where it ends. */
static size_t add_value(struct prose *p, struct gpupt_secrets *secrets, const struct key *key,
			size_t at, char sign)
{
	while (at < p->end && is_blank(p->text[at]))
		at++;
	size_t quote = quote_length(p->text + at, p->end - at);
	size_t start = at + quote;
	size_t first = quote ? end_of_quoted(p, start, p->text + at, quote)
			     : end_of_value(p, at, sign), end = first;
	bool to_end_of_line = end == p->end || p->text[end] == '\n';
	if (p->kind == GPUPT_PROSE_TEXT && sign == ':' && to_end_of_line)
		end = gpupt_end_of_block(p->text, p->start, key->start, start, end, p->end);
	end = gpupt_end_with_private_key(p->text, start, end, p->end);
	if (end > first || !is_switch(p->text + start, end - start))
		gpupt_secrets_add(secrets, p->text, start, end);
	p->floor = end;
	return end;
}

/* The key that ends before `at`; its length may be 0. */
static void read_key_before(const struct prose *p, size_t at, struct key *ret)
{
	size_t end = at, used = MAX_KEY, n;
	char c;
	while (end > p->floor && is_blank(p->text[end - 1]) && at - end < MAX_KEY)
		end--;
	n = char_before(p->text + p->floor, end - p->floor, &c);
	ret->quoted = n && (c == '"' || c == '\'');
	end -= ret->quoted ? n : 0;
	for (; used > 0; end -= n) {
		n = char_before(p->text + p->floor, end - p->floor, &c);
		if (n == 0 || !is_key_char(c))
			break;
		ret->name[--used] = c;
	}
	ret->start = end;
	ret->length = MAX_KEY - used;
	memmove(ret->name, ret->name + used, ret->length);
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

/* Reads what is at `at`: an assignment, a URL or a private key, or nothing of it. Returns
 * from where on to read. */
static size_t add_at(struct prose *p, struct gpupt_secrets *secrets, size_t at)
{
	char sign = p->text[at];
	size_t n = 1;
	if (sign == '-' && (n = gpupt_private_key_begin(p->text + at, p->end - at))) {
		p->floor = gpupt_private_key_end(p->text, at + n, p->end);
		gpupt_secrets_add(secrets, p->text, at + n, p->floor);
		return p->floor;
	}
	if (sign == '&')
		n = gpupt_read_reference(p->text + at, p->end - at, &sign);
	if (n == 0 || (sign != '=' && sign != ':'))
		return at + 1;
	size_t behind = at + n;
	if (sign == ':' && is_url(p, behind - 1))
		return add_url_password(p, secrets, behind - 1);
	if (sign == ':' && n == 1) {
		size_t login = add_iscsi_login(p, secrets, at);
		if (login > at)
			return login;
	}
	struct key key;
	read_key_before(p, at, &key);
	/* A colon assigns in JSON and YAML; "tcp:host:port" is neither. */
	if (sign == ':' && !key.quoted && p->kind != GPUPT_PROSE_TEXT)
		return behind;
	if (is_secret_key(p, &key, behind) || is_cloud_seed(p, key.name, key.length, at))
		return add_value(p, secrets, &key, behind, sign);
	return behind;
}

bool gpupt_is_append(const char *argument, size_t length)
{
	return equals(argument, length, "-append") || equals(argument, length, "--append");
}

void gpupt_secrets_add_assigned(struct gpupt_secrets *secrets, const char *text, size_t start,
				size_t end, enum gpupt_prose kind)
{
	struct prose p = { .text = text, .start = start, .end = end, .floor = start, .kind = kind };
	if (kind == GPUPT_PROSE_ARGUMENT && start < end) {
		p.is_object = text[start] == '{' || mentions(text + start, end - start, "secret");
		p.is_strings = mentions(text + start, end - start, "type=11");
	}
	for (size_t at = start; at < end;) {
		char c = text[at];
		at = c == '=' || c == ':' || c == '-' || c == '&' ? add_at(&p, secrets, at) : at + 1;
	}
}
