/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text/secrets.h"

#include <ctype.h>
#include <stdint.h>
#include <strings.h>

#include "base/util.h"

/* Which names tell of a secret. */

/* No reference in use is longer: "&#x0000077;". */
#define MAX_REFERENCE 16

/* A letter of either case as a bit: most names lack the letters that a part needs. */
#define L(letter) (UINT32_C(1) << ((letter) & 31))

static const struct {
	const char *part;
	uint32_t letters;
} secret_parts[] = {
	{ "passw", L('p') | L('a') | L('s') | L('w') },
	{ "passphrase", L('p') | L('a') | L('s') | L('h') | L('r') | L('e') },
	{ "rootpass", L('r') | L('o') | L('t') | L('p') | L('a') | L('s') },
	{ "secret", L('s') | L('e') | L('c') | L('r') | L('t') },
	{ "token", L('t') | L('o') | L('k') | L('e') | L('n') },
	{ "cookie", L('c') | L('o') | L('k') | L('i') | L('e') },
	{ "credential", L('c') | L('r') | L('e') | L('d') | L('n') | L('t') | L('i') },
	{ "userdata", L('u') | L('s') | L('e') | L('r') | L('d') | L('a') | L('t') },
	{ "privatekey", L('p') | L('r') | L('i') | L('v') | L('a') | L('t') | L('k') },
	{ "apikey", L('a') | L('p') | L('i') | L('k') | L('e') | L('y') },
	{ "cloudinit", L('c') | L('l') | L('o') | L('u') | L('d') | L('i') | L('t') },
	{ "rootpw", L('r') | L('o') | L('t') | L('p') | L('w') },
	{ "signature", L('s') | L('i') | L('g') | L('n') | L('a') | L('t') | L('u') | L('r') },
	{ "authorization", L('a') | L('u') | L('t') | L('h') | L('o') | L('r') | L('i') | L('z') },
	{ "sshkeys", L('s') | L('h') | L('k') | L('e') | L('y') },
	{ "wirelesswpa", L('w') | L('i') | L('r') | L('e') | L('l') | L('s') | L('p') | L('a') },
	{ "wirelesswep", L('w') | L('i') | L('r') | L('e') | L('l') | L('s') | L('p') },
	{ "cloudconfig", L('c') | L('l') | L('o') | L('u') | L('d') | L('f') | L('g') },
};

/* Looks for the part, whatever separates its letters: user-data, UserData. */
static bool contains(const char *name, size_t length, const char *part)
{
	for (size_t start = 0; start < length; start++) {
		const char *p = part;
		for (size_t i = start; i < length && *p; i++) {
			if (tolower((unsigned char)name[i]) == *p)
				p++;
			else if (isalnum((unsigned char)name[i]) || p == part)
				break;
		}
		if (!*p)
			return true;
	}
	return false;
}

/* Whether a name ends in one of the words as the last hump of a camel. */
static bool has_secret_hump(const char *name, size_t length)
{
	static const char *const humps[] = { "Pass", "Pwd", "Psk" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(humps); i++) {
		size_t n = strlen(humps[i]);
		if (length > n && memcmp(name + length - n, humps[i], n) == 0 &&
		    !isupper((unsigned char)name[length - n - 1]))
			return true;
	}
	return false;
}

/* Whether "key", "pass" and such are words of a name: SSH_KEY, sshKey, adminPass,
 * rd.luks.key, DB_PWD and the "sig" of a signed URL, but not keymap, passthrough, bypass,
 * a mere "key" or the shell's PWD. */
static bool has_secret_word(const char *name, size_t length, uint32_t has)
{
	static const char *const words[] = { "pass", "psk", "sig", "pwd", "key" };
	static const uint32_t letters[] = { L('p') | L('a') | L('s'), L('p') | L('s') | L('k'),
					    L('s') | L('i') | L('g'), L('p') | L('w') | L('d'),
					    L('k') | L('e') | L('y') };
	bool may_have = false;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(letters); i++)
		may_have |= (has & letters[i]) == letters[i];
	if (!may_have)
		return false;
	for (size_t start = 0, end; start < length; start = end + 1) {
		for (end = start; end < length && isalnum((unsigned char)name[end]);)
			end++;
		size_t n_words = GPUPT_ARRAY_SIZE(words);
		if (end - start == length) /* the last, or the last two, do not count alone */
			n_words -= length == 3 && memcmp(name, "PWD", 3) == 0 ? 2 : 1;
		if (end - start > 3 && strncasecmp(name + end - 3, "key", 3) == 0)
			return true;
		if (has_secret_hump(name + start, end - start))
			return true;
		for (size_t i = 0; i < n_words; i++)
			if (end - start == strlen(words[i]) &&
			    strncasecmp(name + start, words[i], end - start) == 0)
				return true;
	}
	return false;
}

static bool is_secret_name(const char *name, size_t length)
{
	uint32_t has = 0;
	for (size_t i = 0; i < length; i++)
		has |= L(name[i]);
	/* No part is shorter than "passw", and every one has one of these letters. */
	bool may_contain = length >= 5 && (has & (L('p') | L('k') | L('c') | L('u')));
	for (size_t i = 0; may_contain && i < GPUPT_ARRAY_SIZE(secret_parts); i++)
		if ((has & secret_parts[i].letters) == secret_parts[i].letters &&
		    contains(name, length, secret_parts[i].part))
			return true;
	return (has & (L('p') | L('k') | L('g'))) && has_secret_word(name, length, has);
}

size_t gpupt_read_reference(const char *text, size_t length, char *ret)
{
	static const struct { const char *text; char c; } named[] = {
		{ "&quot;", '"' }, { "&apos;", '\'' }, { "&amp;", '&' }, { "&lt;", '<' },
		{ "&gt;", '>' },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(named); i++) {
		size_t n = strlen(named[i].text);
		*ret = named[i].c;
		if (length >= n && memcmp(text, named[i].text, n) == 0)
			return n;
	}
	if (length < 4 || text[0] != '&' || text[1] != '#')
		return 0;
	bool hex = text[2] == 'x';
	size_t at = hex ? 3 : 2, first = at;
	unsigned int code = 0;
	for (; at < length && at < MAX_REFERENCE; at++) {
		char c = text[at];
		if (!(hex ? isxdigit((unsigned char)c) : isdigit((unsigned char)c)))
			break;
		unsigned int digit = isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
		code = code < 0x80 ? code * (hex ? 16 : 10) + digit : code;
	}
	*ret = (char)(code < 0x80 ? code : 0x80);
	return at > first && at < length && text[at] == ';' ? at + 1 : 0;
}

bool gpupt_secret_name(const char *name, size_t length)
{
	char plain[256];
	size_t used = 0;
	if (length == 0 || !memchr(name, '&', length))
		return is_secret_name(name, length);
	for (size_t at = 0, n; at < length; at += n) {
		if (used == sizeof(plain)) /* nobody's name: better not shown */
			return true;
		n = gpupt_read_reference(name + at, length - at, &plain[used]);
		if (n == 0) {
			plain[used] = name[at];
			n = 1;
		}
		used++;
	}
	return is_secret_name(plain, used);
}

static bool is_word(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(name, word, length) == 0;
}

bool gpupt_secret_element(const char *name, size_t length)
{
	if (is_word(name, length, "cookies")) /* their values are, their names are not */
		return false;
	return is_word(name, length, "dhCert") || is_word(name, length, "session") ||
	       gpupt_secret_name(name, length);
}

bool gpupt_secret_attribute(const char *element, size_t element_length, const char *name,
			    size_t length)
{
	if (is_word(name, length, "passwdValidTo"))
		return false;
	if (is_word(name, length, "secret")) /* of a TPM's <encryption>: a uuid */
		return !is_word(element, element_length, "encryption");
	return is_word(name, length, "query") || gpupt_secret_name(name, length);
}
