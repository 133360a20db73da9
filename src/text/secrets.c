/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/secrets.h"

#include <stdint.h>

#include "base/util.h"

/* What counts as a secret, in the order of libvirt 9.0's domaincommon.rng:
 *
 *  - <initenv> and <qemu:env> whose name tells of a secret;
 *  - <cmdline>, <initarg>, <bootargs>, <description>, comments: password=x,
 *    rd.luks.key=x, ds=nocloud;..., "password: x", YAML's blocks and the like
 *    (assigned.c, blocks.c), private keys in PEM;
 *  - <launchSecurity>: <dhCert>, <session>;
 *  - <disk><source>: query= (it carries tokens), <cookie>, http://user:password@;
 *    <auth> and <encryption> only refer to secrets by uuid or usage, which stay,
 *    but a text inside <secret> goes;
 *  - <graphics> of any type: passwd=; passwdValidTo= stays;
 *  - <sysinfo>: every fw_cfg <entry> but the firmware's own (assigned.c), every
 *    <oemStrings> entry, entries whose name tells of a secret, ds=nocloud;
 *  - <metadata>, any namespace: elements and attributes whose name tells of one;
 *  - <qemu:arg>, <bhyve:arg>, <xen:arg>: -object secret,data=, password=,
 *    cookie=, -fw_cfg string=, -smbios type=11,value=, also written as JSON;
 *    references such as password-secret= stay; what follows -append is a <cmdline>;
 *    <qemu:property> by its name.
 *
 * The rules go by name and not by place, so that they also hold in comments, in
 * CDATA and in text that is not well-formed: hiding too much there is fine,
 * hiding too little is not. */

struct attribute {
	size_t name;
	size_t name_length;
	size_t value;
	size_t value_end;
};

struct tag {
	size_t name; /* without prefix */
	size_t name_length;
	bool labels_read;
	bool secret_label;      /* one of them tells of a secret */
	struct attribute label; /* name=; name_length is 0 when there is none */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* 1: anywhere in a name, 2: at its start as well. */
static const unsigned char name_chars[256] = {
	['a' ... 'z'] = 2, ['A' ... 'Z'] = 2, ['_'] = 2, [':'] = 2, [0x80 ... 0xff] = 2,
	['0' ... '9'] = 1, ['-'] = 1, ['.'] = 1,
};

static bool is_name_start(char c)
{
	return name_chars[(unsigned char)c] == 2;
}

static bool is_name_char(char c)
{
	return name_chars[(unsigned char)c] != 0;
}

static bool is_word(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(name, word, length) == 0;
}

/* ---- the list ---- */

static void add_item(struct gpupt_secrets *secrets, size_t start, size_t end)
{
	if (secrets->failed || !GPUPT_GROW(secrets->items, secrets->count, secrets->capacity)) {
		secrets->failed = true;
		return;
	}
	secrets->items[secrets->count++] = (struct gpupt_secret){ start, end };
}

static void add_line(struct gpupt_secrets *secrets, const char *text, size_t start, size_t end)
{
	while (start < end && is_space(text[start]))
		start++;
	while (start < end && is_space(text[end - 1]))
		end--;
	if (start < end && !is_word(text + start, end - start, GPUPT_REDACTED))
		add_item(secrets, start, end);
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

static void cut_prefix(const char *text, size_t *name, size_t *length)
{
	const char *colon = memrchr(text + *name, ':', *length);
	if (!colon)
		return;
	size_t prefix = (size_t)(colon - text) + 1 - *name;
	*name += prefix;
	*length -= prefix;
}

static bool looking_at(const struct gpupt_secrets_scan *s, const char *word)
{
	size_t n = strlen(word);
	return s->end - s->at >= n && memcmp(s->text + s->at, word, n) == 0;
}

/* Offset of the word from `at` on; the end when there is none. */
static size_t find(const struct gpupt_secrets_scan *s, size_t at, const char *word)
{
	const char *found = memmem(s->text + at, s->end - at, word, strlen(word));
	return found ? (size_t)(found - s->text) : s->end;
}

static size_t skip_space(const struct gpupt_secrets_scan *s, size_t at)
{
	while (at < s->end && is_space(s->text[at]))
		at++;
	return at;
}

static size_t skip_name(const struct gpupt_secrets_scan *s, size_t at)
{
	while (at < s->end && is_name_char(s->text[at]))
		at++;
	return at;
}

static size_t skip_bare(const struct gpupt_secrets_scan *s, size_t at)
{
	for (; at < s->end && !is_space(s->text[at]); at++) {
		char c = s->text[at], next = at + 1 < s->end ? s->text[at + 1] : '\0';
		if (c == '>' || c == '<' || (c == '/' && next == '>'))
			break;
	}
	return at;
}

static bool is_secret_attribute_of(const struct gpupt_secrets_scan *s, const struct tag *tag,
				   const struct attribute *a)
{
	return gpupt_secret_attribute(s->text + tag->name, tag->name_length, s->text + a->name,
				   a->name_length);
}

/* Reads the value that starts at ret->value, and goes behind it. A '<' in it is
 * not well-formed: it starts a tag, unless that would give a secret away. */
static void read_value(struct gpupt_secrets_scan *s, const struct tag *tag, struct attribute *ret)
{
	size_t at = ret->value;
	char quote = at < s->end ? s->text[at] : '\0';
	if (quote != '"' && quote != '\'') {
		s->at = ret->value_end = skip_bare(s, at);
		return;
	}
	ret->value = ++at;
	bool through = false;
	for (; at < s->end && s->text[at] != quote; at++)
		if (s->text[at] == '<' && !through) {
			through = is_secret_attribute_of(s, tag, ret);
			if (!through)
				break;
		}
	ret->value_end = at;
	s->at = at < s->end && s->text[at] == quote ? at + 1 : at;
}

/* Reads the next attribute of the tag from s->at on; false at the tag's end,
 * where s->at then is. */
static bool next_attribute(struct gpupt_secrets_scan *s, const struct tag *tag,
			   struct attribute *ret)
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
		read_value(s, tag, ret);
		return true;
	}
	return false;
}

/* Notes what says of which name the tag's value= and content are: name=, and what the
 * metadata of others has for it. */
static void note_label(const struct gpupt_secrets_scan *s, struct tag *tag,
		       const struct attribute *a)
{
	static const char *const labels[] = { "name", "key", "id", "property", "label" };
	const char *name = s->text + a->name;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(labels); i++)
		if (is_word(name, a->name_length, labels[i]))
			tag->secret_label |= gpupt_secret_name(s->text + a->value,
							       a->value_end - a->value);
	if (is_word(name, a->name_length, "name") && !tag->label.name_length)
		tag->label = *a;
}

/* Whether the tag's name= or the like tells of a secret. Looks ahead, once, since value=
 * may come first. */
static bool has_secret_label(const struct gpupt_secrets_scan *s, struct tag *tag)
{
	struct gpupt_secrets_scan ahead = *s;
	struct attribute a;
	while (!tag->labels_read && next_attribute(&ahead, tag, &a))
		note_label(s, tag, &a);
	tag->labels_read = true;
	return tag->secret_label;
}

static void add_attribute(struct gpupt_secrets_scan *s, struct tag *tag, const struct attribute *a)
{
	bool is_value = is_word(s->text + a->name, a->name_length, "value");
	bool argument = is_value && is_word(s->text + tag->name, tag->name_length, "arg");
	bool append = argument && s->behind_append;
	if (argument)
		s->behind_append = !append && gpupt_is_append(s->text + a->value,
							      a->value_end - a->value);
	if (s->at < s->start || (argument && s->behind_append))
		return;
	if (is_secret_attribute_of(s, tag, a) || (s->region.on && !s->region.direct) ||
	    (is_value && has_secret_label(s, tag))) {
		gpupt_secrets_add(&s->found, s->text, a->value, a->value_end);
		return;
	}
	gpupt_secrets_add_assigned(&s->found, s->text, a->value, a->value_end,
				   append ? GPUPT_PROSE_TEXT :
				   argument ? GPUPT_PROSE_ARGUMENT : GPUPT_PROSE_VALUE);
}

/* <entry> of <sysinfo>: without a name it is an OEM string; the name of a fw_cfg
 * file is a path, that of an SMBIOS field is not. */
static bool is_secret_entry(const struct gpupt_secrets_scan *s, const struct tag *tag)
{
	if (!is_word(s->text + tag->name, tag->name_length, "entry"))
		return false;
	const char *label = s->text + tag->label.value;
	size_t length = tag->label.value_end - tag->label.value;
	if (tag->label.name_length == 0)
		return s->in_strings;
	return memchr(label, '/', length) && !gpupt_is_firmware_file(label, length);
}

static void enter_element(struct gpupt_secrets_scan *s, struct tag *tag)
{
	const char *name = s->text + tag->name;
	struct gpupt_secret_region *region = &s->region;
	if (region->on && !region->direct) {
		region->depth += tag->name_length == region->name_length &&
				 memcmp(name, s->text + region->name, tag->name_length) == 0;
		return;
	}
	if (is_word(name, tag->name_length, "oemStrings"))
		s->in_strings = true;
	bool whole = gpupt_secret_element(name, tag->name_length);
	region->on = whole || has_secret_label(s, tag) || is_secret_entry(s, tag);
	region->direct = !whole;
	region->name = tag->name;
	region->name_length = tag->name_length;
	region->depth = 1;
}

/* In front of what is wanted, a tag only counts for what it opens: goes to the
 * next tag if this one opens nothing. */
static bool skip_tag(struct gpupt_secrets_scan *s, const struct tag *tag)
{
	if (s->at >= s->start || (s->region.on && !s->region.direct))
		return false;
	const char *next = memchr(s->text + s->at, '<', s->end - s->at);
	if (!next)
		return false;
	size_t next_at = (size_t)(next - s->text);
	if (next_at + 1 >= s->start || next[1] == '!') /* a comment does not end content */
		return false;
	const char *name = s->text + tag->name;
	if (gpupt_secret_element(name, tag->name_length) ||
	    is_word(name, tag->name_length, "oemStrings") ||
	    is_word(name, tag->name_length, "arg"))
		return false;
	s->region.on = false;
	s->at = next_at;
	return true;
}

static void read_start_tag(struct gpupt_secrets_scan *s)
{
	struct tag tag = { .name = s->at + 1 };
	s->at = skip_name(s, tag.name);
	tag.name_length = s->at - tag.name;
	cut_prefix(s->text, &tag.name, &tag.name_length);
	if (skip_tag(s, &tag))
		return;
	struct attribute a;
	while (next_attribute(s, &tag, &a)) {
		if (!tag.labels_read)
			note_label(s, &tag, &a);
		add_attribute(s, &tag, &a);
	}
	tag.labels_read = true;
	bool self_closing = looking_at(s, ">") && s->text[s->at - 1] == '/';
	if (!self_closing)
		enter_element(s, &tag);
	else if (s->region.direct)
		s->region.on = false;
	if (looking_at(s, ">"))
		s->at++;
}

static void read_end_tag(struct gpupt_secrets_scan *s)
{
	size_t name = s->at + 2;
	size_t end = skip_name(s, name);
	size_t length = end - name;
	cut_prefix(s->text, &name, &length);
	struct gpupt_secret_region *region = &s->region;
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

static void read_markup(struct gpupt_secrets_scan *s);

/* A comment is read like what is around it: what was commented out is as secret
 * as before. What is opened in it ends with it. */
static void read_comment(struct gpupt_secrets_scan *s)
{
	s->at += strlen("<!--");
	size_t end = s->end;
	bool behind_append = s->behind_append;
	s->end = find(s, s->at, "-->");
	s->in_comment = true;
	s->behind_append = false;
	if (s->region.on) {
		gpupt_secrets_add(&s->found, s->text, s->at, s->end);
	} else {
		read_markup(s);
		s->region.on = false;
	}
	s->at = s->end;
	s->end = end;
	s->in_comment = false;
	s->behind_append = behind_append;
	if (looking_at(s, "-->"))
		s->at += strlen("-->");
}

static void read_cdata(struct gpupt_secrets_scan *s)
{
	s->at += strlen("<![CDATA[");
	if (!s->region.on)
		return;
	size_t end = find(s, s->at, "]]>");
	gpupt_secrets_add(&s->found, s->text, s->at, end);
	s->at = end;
	if (looking_at(s, "]]>"))
		s->at += strlen("]]>");
}

static void read_prose(struct gpupt_secrets_scan *s, size_t end)
{
	if (s->region.on)
		gpupt_secrets_add(&s->found, s->text, s->at, end);
	else if (end > s->start)
		gpupt_secrets_add_assigned(&s->found, s->text, s->at, end, GPUPT_PROSE_TEXT);
	s->at = end;
}

static void read_markup(struct gpupt_secrets_scan *s)
{
	while (s->at < s->end && (s->in_comment || s->at < s->stop)) {
		if (s->text[s->at] != '<') {
			const char *angle = memchr(s->text + s->at, '<', s->end - s->at);
			read_prose(s, angle ? (size_t)(angle - s->text) : s->end);
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

void gpupt_secrets_read(struct gpupt_secrets_scan *s, size_t start, size_t stop)
{
	s->start = start;
	s->stop = stop;
	read_markup(s);
}

/* ---- two texts ---- */

/* Takes over what the other found from item `since` on, and where it stands, `moved` bytes
 * further on here. */
static void follow(struct gpupt_secrets_scan *s, const struct gpupt_secrets_scan *other,
		   size_t since, size_t moved)
{
	for (size_t i = since; i < other->found.count; i++)
		add_item(&s->found, other->found.items[i].start + moved,
			 other->found.items[i].end + moved);
	s->at = other->at + moved;
	s->region = other->region;
	s->region.name += moved;
	s->in_strings = other->in_strings;
	s->behind_append = other->behind_append;
}

void gpupt_secrets_read_both(struct gpupt_secrets_scan *old, size_t old_start, size_t old_end,
			     struct gpupt_secrets_scan *new, size_t new_start, size_t new_end)
{
	/* What is read as far as a '>' does not depend on what comes behind it. */
	const char *last = old->at < old_end ?
		memrchr(old->text + old->at, '>', old_end - old->at) : NULL;
	bool alike = old->in_strings == new->in_strings &&
		     old->behind_append == new->behind_append && !old->region.on &&
		     !new->region.on && old_end - old->at == new_end - new->at;
	if (last && alike) {
		size_t since = old->found.count, stop = (size_t)(last - old->text) + 1;
		gpupt_secrets_read(old, old_start, stop);
		if (old->at == stop)
			follow(new, old, since, new_end - old_end);
	}
	gpupt_secrets_read(old, old_start, old_end);
	gpupt_secrets_read(new, new_start, new_end);
}
