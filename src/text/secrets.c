/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/secrets.h"

#include <ctype.h>
#include <stdint.h>

#include <gpupt/error.h>

#include "base/util.h"

/* What counts as a secret, in the order of libvirt 9.0's domaincommon.rng:
 *
 *  - <initenv> and <qemu:env> whose name tells of a secret;
 *  - <cmdline>, <initarg>, <bootargs>, <description>, comments: password=x,
 *    rd.luks.key=x, ds=nocloud;..., "password: x" and the like (assigned.c);
 *  - <launchSecurity>: <dhCert>, <session>;
 *  - <disk><source>: query= (it carries tokens), <cookie>, http://user:password@;
 *    <auth> and <encryption> only refer to secrets by uuid or usage, which stay,
 *    but a text inside <secret> goes;
 *  - <graphics> of any type: passwd=; passwdValidTo= stays;
 *  - <sysinfo>: every fw_cfg <entry> but opt/ovmf/ and opt/org.seabios/, every
 *    <oemStrings> entry, entries whose name tells of a secret, ds=nocloud;
 *  - <metadata>, any namespace: elements and attributes whose name tells of one;
 *  - <qemu:arg>, <bhyve:arg>, <xen:arg>: -object secret,data=, password=,
 *    cookie=, -fw_cfg string=, -smbios type=11,value=, also written as JSON;
 *    references such as password-secret= stay; <qemu:property> by its name.
 *
 * The rules go by name and not by place, so that they also hold in comments, in
 * CDATA and in text that is not well-formed: hiding too much there is fine,
 * hiding too little is not. */

/* The content of an element that is a secret. */
struct region {
	bool on;
	bool direct; /* up to the next tag; otherwise up to the end tag */
	size_t name; /* offset and length */
	size_t name_length;
	size_t depth;
};

struct scan {
	const char *text;
	size_t at;
	size_t end; /* of the text, or of the comment */
	size_t stop;
	bool in_comment;
	bool in_strings; /* <oemStrings> */
	struct region region;
	struct gpupt_secrets *found;
};

struct attribute {
	size_t name;
	size_t name_length;
	size_t value;
	size_t value_end;
	bool secret; /* by its own name */
};

struct tag {
	size_t name; /* without prefix */
	size_t name_length;
	bool label_read;
	struct attribute label; /* name=; name_length is 0 when there is none */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == ':' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* ---- names ---- */

static bool is_word(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(name, word, length) == 0;
}

/* Whether "key", "pass" and such are words of a name: SSH_KEY, rd.luks.key and
 * DB_PWD, but not keymap, passthrough, a mere "key" or the shell's PWD. */
static bool has_secret_word(const char *name, size_t length)
{
	static const char *const words[] = { "pass", "psk", "key", "pwd" };
	for (size_t start = 0, end; start < length; start = end + 1) {
		for (end = start; end < length && isalnum((unsigned char)name[end]);)
			end++;
		size_t n_words = end - start == length ? 2 : GPUPT_ARRAY_SIZE(words);
		for (size_t i = 0; i < n_words; i++)
			if (is_word(name + start, end - start, words[i]))
				return true;
	}
	return false;
}

bool gpupt_secret_name(const char *name, size_t length)
{
	static const char *const parts[] = {
		"passw", "passphrase", "secret",     "token",       "credential",  "cookie",
		"userdata", "privatekey", "apikey", "cloudinit", "cloudconfig", "rootpass",
	};
	char lower[65], letters[65];
	size_t n_lower = 0, n_letters = 0;
	for (size_t i = 0; i < length && n_lower < sizeof(lower) - 1; i++) {
		char c = (char)tolower((unsigned char)name[i]);
		lower[n_lower++] = c;
		if (isalnum((unsigned char)c))
			letters[n_letters++] = c;
	}
	letters[n_letters] = '\0';
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(parts); i++)
		if (strstr(letters, parts[i]))
			return true;
	return has_secret_word(lower, n_lower);
}

static void cut_prefix(const char *text, size_t *name, size_t *length)
{
	const char *colon = memrchr(text + *name, ':', *length);
	if (!colon)
		return;
	size_t prefix = (size_t)(colon - text) + 1 - *name;
	*name += prefix;
	*length -= prefix;
}

static bool is_secret_element(const char *name, size_t length)
{
	if (is_word(name, length, "cookies")) /* their values are, their names are not */
		return false;
	return is_word(name, length, "dhCert") || is_word(name, length, "session") ||
	       gpupt_secret_name(name, length);
}

static bool is_secret_attribute(const char *element, size_t element_length, const char *name,
				size_t length)
{
	if (is_word(name, length, "passwdValidTo"))
		return false;
	if (is_word(name, length, "secret")) /* of a TPM's <encryption>: a uuid */
		return !is_word(element, element_length, "encryption");
	return is_word(name, length, "query") || gpupt_secret_name(name, length);
}

/* ---- the list ---- */

static void add_line(struct gpupt_secrets *secrets, const char *text, size_t start, size_t end)
{
	while (start < end && is_space(text[start]))
		start++;
	while (start < end && is_space(text[end - 1]))
		end--;
	if (start == end || is_word(text + start, end - start, GPUPT_REDACTED))
		return;
	if (secrets->failed || !GPUPT_GROW(secrets->items, secrets->count, secrets->capacity)) {
		secrets->failed = true;
		return;
	}
	secrets->items[secrets->count++] = (struct gpupt_secret){ start, end };
}

void gpupt_secrets_add(struct gpupt_secrets *secrets, const char *text, size_t start, size_t end)
{
	while (start < end) {
		const char *newline = memchr(text + start, '\n', end - start);
		size_t line_end = newline ? (size_t)(newline - text) : end;
		add_line(secrets, text, start, line_end);
		start = line_end + 1;
	}
}

void gpupt_secrets_clear(struct gpupt_secrets *secrets)
{
	free(secrets->items);
	*secrets = (struct gpupt_secrets){ 0 };
}

/* ---- markup ---- */

static bool looking_at(const struct scan *s, const char *word)
{
	size_t n = strlen(word);
	return s->end - s->at >= n && memcmp(s->text + s->at, word, n) == 0;
}

/* Offset of the word from `at` on; the end when there is none. */
static size_t find(const struct scan *s, size_t at, const char *word)
{
	const char *found = memmem(s->text + at, s->end - at, word, strlen(word));
	return found ? (size_t)(found - s->text) : s->end;
}

static size_t skip_space(const struct scan *s, size_t at)
{
	while (at < s->end && is_space(s->text[at]))
		at++;
	return at;
}

static size_t skip_name(const struct scan *s, size_t at)
{
	while (at < s->end && is_name_char(s->text[at]))
		at++;
	return at;
}

/* End of a value that starts at `at` behind a quote. Where another '<' comes
 * first, the text is not well-formed, and the value need not be one. */
static size_t skip_quoted(const struct scan *s, size_t at, char quote, bool secret)
{
	const char *found = memchr(s->text + at, quote, s->end - at);
	size_t end = found ? (size_t)(found - s->text) : s->end;
	const char *angle = secret ? NULL : memchr(s->text + at, '<', end - at);
	return angle ? (size_t)(angle - s->text) : end;
}

static size_t skip_bare(const struct scan *s, size_t at)
{
	while (at < s->end && !is_space(s->text[at]) && s->text[at] != '>' && s->text[at] != '<')
		at++;
	return at;
}

/* Reads the value that starts at ret->value, and goes behind it. */
static void read_value(struct scan *s, struct attribute *ret)
{
	char quote = ret->value < s->end ? s->text[ret->value] : '\0';
	if (quote != '"' && quote != '\'') {
		s->at = ret->value_end = skip_bare(s, ret->value);
		return;
	}
	ret->value++;
	s->at = ret->value_end = skip_quoted(s, ret->value, quote, ret->secret);
	if (s->at < s->end && s->text[s->at] == quote)
		s->at++;
}

/* Reads the next attribute of the tag from s->at on; false at the tag's end,
 * where s->at then is. */
static bool next_attribute(struct scan *s, const struct tag *tag, struct attribute *ret)
{
	for (; s->at < s->end; s->at++) {
		char c = s->text[s->at];
		if (c == '>' || c == '<')
			return false;
		if (!is_name_start(c))
			continue;
		size_t name = s->at;
		size_t name_end = skip_name(s, name);
		size_t at = skip_space(s, name_end);
		if (at >= s->end || s->text[at] != '=') {
			s->at = name_end - 1;
			continue;
		}
		at = skip_space(s, at + 1);
		size_t length = name_end - name;
		cut_prefix(s->text, &name, &length);
		*ret = (struct attribute){ name, length, at, at };
		ret->secret = is_secret_attribute(s->text + tag->name, tag->name_length,
						  s->text + name, length);
		read_value(s, ret);
		return true;
	}
	return false;
}

/* Whether the tag's name= tells of a secret. Looks ahead, once, since value= may
 * come first. */
static bool has_secret_label(const struct scan *s, struct tag *tag)
{
	struct scan ahead = *s;
	struct attribute a;
	while (!tag->label_read && next_attribute(&ahead, tag, &a))
		if (is_word(s->text + a.name, a.name_length, "name")) {
			tag->label = a;
			break;
		}
	tag->label_read = true;
	return gpupt_secret_name(s->text + tag->label.value,
				 tag->label.value_end - tag->label.value);
}

static void add_attribute(struct scan *s, struct tag *tag, const struct attribute *a)
{
	bool is_value = is_word(s->text + a->name, a->name_length, "value");
	if (a->secret || (s->region.on && !s->region.direct) ||
	    (is_value && has_secret_label(s, tag))) {
		gpupt_secrets_add(s->found, s->text, a->value, a->value_end);
		return;
	}
	bool argument = is_value && is_word(s->text + tag->name, tag->name_length, "arg");
	gpupt_secrets_add_assigned(s->found, s->text, a->value, a->value_end,
				   argument ? GPUPT_PROSE_ARGUMENT : GPUPT_PROSE_VALUE);
}

/* <entry> of <sysinfo>: without a name it is an OEM string; the name of a fw_cfg
 * file is a path, that of an SMBIOS field is not. */
static bool is_secret_entry(const struct scan *s, const struct tag *tag)
{
	if (!is_word(s->text + tag->name, tag->name_length, "entry"))
		return false;
	const char *label = s->text + tag->label.value;
	size_t length = tag->label.value_end - tag->label.value;
	if (tag->label.name_length == 0)
		return s->in_strings;
	return memchr(label, '/', length) && !gpupt_is_firmware_file(label, length);
}

static void enter_element(struct scan *s, struct tag *tag)
{
	const char *name = s->text + tag->name;
	struct region *region = &s->region;
	if (region->on && !region->direct) {
		region->depth += tag->name_length == region->name_length &&
				 memcmp(name, s->text + region->name, tag->name_length) == 0;
		return;
	}
	if (is_word(name, tag->name_length, "oemStrings"))
		s->in_strings = true;
	bool whole = is_secret_element(name, tag->name_length);
	region->on = whole || has_secret_label(s, tag) || is_secret_entry(s, tag);
	region->direct = !whole;
	region->name = tag->name;
	region->name_length = tag->name_length;
	region->depth = 1;
}

static void read_start_tag(struct scan *s)
{
	struct tag tag = { .name = s->at + 1 };
	s->at = skip_name(s, tag.name);
	tag.name_length = s->at - tag.name;
	cut_prefix(s->text, &tag.name, &tag.name_length);
	struct attribute a;
	while (next_attribute(s, &tag, &a)) {
		if (!tag.label_read && is_word(s->text + a.name, a.name_length, "name")) {
			tag.label = a;
			tag.label_read = true;
		}
		add_attribute(s, &tag, &a);
	}
	tag.label_read = true;
	bool self_closing = s->text[s->at - 1] == '/';
	if (!self_closing)
		enter_element(s, &tag);
	else if (s->region.direct)
		s->region.on = false;
	if (looking_at(s, ">"))
		s->at++;
}

static void read_end_tag(struct scan *s)
{
	size_t name = s->at + 2;
	size_t end = skip_name(s, name);
	size_t length = end - name;
	cut_prefix(s->text, &name, &length);
	struct region *region = &s->region;
	bool same = length == region->name_length &&
		    memcmp(s->text + name, s->text + region->name, length) == 0;
	if (region->on && (region->direct || (same && --region->depth == 0)))
		region->on = false;
	if (is_word(s->text + name, length, "oemStrings"))
		s->in_strings = false;
	s->at = skip_space(s, end);
	if (looking_at(s, ">"))
		s->at++;
}

static void read_markup(struct scan *s);

/* A comment is read like what is around it: what was commented out is as secret
 * as before. What is opened in it ends with it. */
static void read_comment(struct scan *s)
{
	s->at += strlen("<!--");
	struct scan inside = *s;
	inside.end = find(s, s->at, "-->");
	inside.in_comment = true;
	if (s->region.on)
		gpupt_secrets_add(s->found, s->text, s->at, inside.end);
	else
		read_markup(&inside);
	s->at = inside.end;
	if (looking_at(s, "-->"))
		s->at += strlen("-->");
}

static void read_cdata(struct scan *s)
{
	s->at += strlen("<![CDATA[");
	if (!s->region.on)
		return;
	size_t end = find(s, s->at, "]]>");
	gpupt_secrets_add(s->found, s->text, s->at, end);
	s->at = end;
	if (looking_at(s, "]]>"))
		s->at += strlen("]]>");
}

static void read_prose(struct scan *s, size_t end)
{
	if (s->region.on)
		gpupt_secrets_add(s->found, s->text, s->at, end);
	else
		gpupt_secrets_add_assigned(s->found, s->text, s->at, end, GPUPT_PROSE_TEXT);
	s->at = end;
}

static void read_markup(struct scan *s)
{
	while (s->at < s->end && s->at < s->stop) {
		if (s->text[s->at] != '<') {
			read_prose(s, find(s, s->at, "<"));
			continue;
		}
		char next = s->end - s->at > 1 ? s->text[s->at + 1] : '\0';
		if (is_name_start(next))
			read_start_tag(s);
		else if (next == '/')
			read_end_tag(s);
		else if (!s->in_comment && looking_at(s, "<!--"))
			read_comment(s);
		else if (looking_at(s, "<![CDATA["))
			read_cdata(s);
		else
			s->at++;
	}
}

int gpupt_secrets_find(const char *text, size_t length, size_t stop,
		       struct gpupt_secrets *ret_secrets)
{
	struct gpupt_secrets found = { 0 };
	struct scan s = { .text = text, .end = length, .stop = stop, .found = &found };
	read_markup(&s);
	if (found.failed) {
		gpupt_secrets_clear(&found);
		return GPUPT_E_NOMEM;
	}
	*ret_secrets = found;
	return 0;
}
