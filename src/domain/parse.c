/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One SAX2 pass: libxml2 finds the elements, this file finds their bytes.
 *
 * Where an element stands follows from where libxml2 is in the buffer when it
 * reports it: behind the last attribute when a start tag is reported, behind the
 * '>' when an end is (libxml2's xmlParseElementStart and xmlParseEndTag2, 2.9.14
 * to 2.14). A literal '<' cannot stand inside a tag (XML 1.0, 3.1), so the
 * nearest one before that place opens it. Every span found is checked against
 * the text. */

#include "domain/parse.h"

#include <ctype.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <strings.h>

#include "base/arena.h"
#include "base/util.h"
#include "domain/setup.h"

struct open_element {
	enum gpupt_context context;
	struct gpupt_element element;
};

struct pass {
	struct gpupt_parser parser; /* facts.c's half */
	xmlParserCtxtPtr libxml;
	size_t skipped; /* bytes of a byte order mark */
	struct open_element open[GPUPT_DOMAIN_MAX_DEPTH + 1];
	size_t depth; /* open elements; open[0] is the document */
	struct gpupt_error **error;
	int status;
};

/* Stops the pass with an error at a place in the text. */
__attribute__((format(printf, 4, 5)))
static void stop(struct pass *pass, enum gpupt_status status, size_t offset, const char *format, ...)
{
	if (pass->status)
		return;
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	struct gpupt_place place = gpupt_domain_place(pass->parser.domain, offset);
	pass->status = gpupt_fail_at(pass->error, status, &place, "%s", message);
	xmlStopParser(pass->libxml);
}

static size_t current_offset(const struct pass *pass)
{
	const xmlParserInput *input = pass->libxml->input;
	if (!input)
		return 0;
	size_t offset = pass->skipped + (size_t)input->consumed + (size_t)(input->cur - input->base);
	return offset <= pass->parser.domain->length ? offset : pass->parser.domain->length;
}

/* The offset of the last '<' before end. */
static size_t tag_start(const struct pass *pass, size_t end)
{
	const char *text = pass->parser.domain->text;
	const char *open = memrchr(text, '<', end);
	return open ? (size_t)(open - text) : 0;
}

static bool text_at(const struct pass *pass, size_t offset, const char *expected)
{
	const struct gpupt_domain *domain = pass->parser.domain;
	size_t length = strlen(expected);
	return length <= domain->length && offset <= domain->length - length &&
	       memcmp(domain->text + offset, expected, length) == 0;
}

/* Where a start tag that was just reported stands. */
static bool locate_start(struct pass *pass, const char *prefix, const char *name,
			 struct gpupt_element *ret)
{
	size_t at = current_offset(pass);
	size_t start = tag_start(pass, at);
	size_t name_at = start + 1;
	if (prefix) {
		if (!text_at(pass, name_at, prefix))
			goto lost;
		name_at += strlen(prefix) + 1;
	}
	bool self_closing = text_at(pass, at, "/>");
	if (!text_at(pass, name_at, name) || !(self_closing || text_at(pass, at, ">")))
		goto lost;
	size_t end = at + (self_closing ? 2 : 1);
	*ret = (struct gpupt_element){
		.whole = { start, end },
		.start_tag = { start, end },
		.end_tag = at,
		.self_closing = self_closing,
	};
	return true;
lost:
	stop(pass, GPUPT_E_INTERNAL, at, "lost track of <%s> in the text (libxml2 %s)", name,
	     LIBXML_DOTTED_VERSION);
	return false;
}

static void on_start_element(void *context, const xmlChar *name, const xmlChar *prefix,
			     const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
			     int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	(void)n_namespaces;
	(void)namespaces;
	(void)n_defaulted;
	struct pass *pass = context;
	if (pass->status)
		return;
	struct gpupt_element element;
	if (!locate_start(pass, (const char *)prefix, (const char *)name, &element))
		return;
	if (pass->depth > GPUPT_DOMAIN_MAX_DEPTH) {
		stop(pass, GPUPT_E_LIMIT, element.whole.start,
		     "elements are nested more than %d deep", GPUPT_DOMAIN_MAX_DEPTH);
		return;
	}
	enum gpupt_context parent = pass->open[pass->depth - 1].context;
	enum gpupt_context inside = CTX_FOREIGN;
	const struct gpupt_attributes given = { attributes, n_attributes };
	char buffer[GPUPT_FACTS_NAME_MAX];
	const char *known = gpupt_facts_name((const char *)name, (const char *)prefix,
					     (const char *)uri, buffer);
	if (known)
		inside = gpupt_facts_enter(&pass->parser, parent, known, &given);
	if (parent == CTX_DOCUMENT && inside != CTX_DOMAIN) {
		stop(pass, GPUPT_E_UNSUPPORTED, element.whole.start,
		     "the root element is <%s>%s, not a libvirt <domain>", name,
		     uri ? " of another namespace" : "");
		return;
	}
	if (!uri && prefix && parent == CTX_DOMAIN)
		gpupt_strays_note_prefix(&pass->parser, (const char *)prefix, &element,
					 &pass->open[pass->depth - 1].element);
	else if ((inside == CTX_IGNORED || parent == CTX_DEVICES) && !uri &&
		 gpupt_stray_is_likely((const char *)name))
		gpupt_strays_note_element(&pass->parser, (const char *)name, &element,
					  &pass->open[pass->depth - 1].element);
	if (pass->parser.no_memory) {
		stop(pass, GPUPT_E_NOMEM, element.whole.start, "out of memory");
		return;
	}
	pass->open[pass->depth++] = (struct open_element){ inside, element };
}

static void on_end_element(void *context, const xmlChar *name, const xmlChar *prefix,
			   const xmlChar *uri)
{
	(void)prefix;
	(void)uri;
	struct pass *pass = context;
	if (pass->status || pass->depth < 2)
		return;
	struct open_element *open = &pass->open[--pass->depth];
	if (!open->element.self_closing) {
		size_t end = current_offset(pass);
		open->element.whole.end = end;
		open->element.end_tag = tag_start(pass, end);
		if (!text_at(pass, open->element.end_tag, "</")) {
			stop(pass, GPUPT_E_INTERNAL, end,
			     "lost track of </%s> in the text (libxml2 %s)", name,
			     LIBXML_DOTTED_VERSION);
			return;
		}
	}
	gpupt_facts_leave(&pass->parser, open->context, pass->open[pass->depth - 1].context,
			  (const char *)name, &open->element);
	if (pass->parser.no_memory)
		stop(pass, GPUPT_E_NOMEM, open->element.whole.start, "out of memory");
}

static void on_characters(void *context, const xmlChar *text, int length)
{
	struct pass *pass = context;
	if (!pass->status && gpupt_facts_wants_text(pass->open[pass->depth - 1].context))
		gpupt_str_add(&pass->parser.text, (const char *)text, (size_t)length);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text)
{
	struct pass *pass = context;
	struct gpupt_domain *domain = pass->parser.domain;
	enum gpupt_context parent = pass->open[pass->depth - 1].context;
	/* with nothing in it, or it might have swallowed others */
	if (pass->status || text || strcmp((const char *)target, GPUPT_LEFT_OUT) != 0)
		return;
	domain->left_out.devices += parent == CTX_DEVICES;
	domain->left_out.plain += parent == CTX_DOMAIN;
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id,
		       const xmlChar *system_id)
{
	(void)name;
	(void)external_id;
	(void)system_id;
	struct pass *pass = context;
	size_t at = current_offset(pass);
	stop(pass, GPUPT_E_UNSUPPORTED, tag_start(pass, at),
	     "a DOCTYPE is not accepted: libvirt writes none; remove it");
}

/* What is wrong, without a word of the document: where a quote or an ampersand in a
 * password broke the markup, libxml2's message quotes what comes after it. */
static const char *describe(const xmlError *error, char *buffer, size_t size)
{
	switch (error->code) {
	case XML_ERR_TAG_NAME_MISMATCH:
		snprintf(buffer, size, "this is not the end tag of the element that starts in line "
			 "%d", error->int1);
		return buffer;
	case XML_ERR_TAG_NOT_FINISHED:
		snprintf(buffer, size, "the element that starts in line %d has no end", error->int1);
		return buffer;
	case XML_ERR_UNDECLARED_ENTITY:
		return "an entity is not declared; an ampersand is written &amp;";
	case XML_ERR_ATTRIBUTE_REDEFINED:
		return "an attribute is there twice";
	}
	bool quotes = error->str1 || error->str2 || error->str3;
	if (quotes || !error->message)
		return "something here breaks the markup";
	snprintf(buffer, size, "%.*s", (int)strcspn(error->message, "\n"), error->message);
	return buffer;
}

/* XML_PARSE_HUGE is off, so libxml2's own limits on names and text hold. */
static void on_error(void *context, const xmlError *libxml_error)
{
	struct pass *pass = context;
	if (libxml_error->code == XML_ERR_NO_MEMORY) {
		stop(pass, GPUPT_E_NOMEM, 0, "out of memory");
		return;
	}
	if (libxml_error->level != XML_ERR_FATAL)
		return; /* such as an undeclared prefix: libvirt takes that too */
	size_t at = current_offset(pass);
	if (libxml_error->code == XML_ERR_DOCUMENT_EMPTY) {
		stop(pass, GPUPT_E_SYNTAX, at, "not XML: there is no element");
		return;
	}
	if (libxml_error->code == XML_ERR_DOCUMENT_END && pass->parser.domain->root.whole.end) {
		stop(pass, GPUPT_E_SYNTAX, at,
		     "something follows the end of </domain>: one document at a time");
		return;
	}
	char buffer[160];
	stop(pass, GPUPT_E_SYNTAX, at, "not well-formed XML: %s",
	     describe(libxml_error, buffer, sizeof(buffer)));
}

static int check_encoding_name(const struct gpupt_domain *domain, const char *name, size_t length,
			       struct gpupt_error **error)
{
	static const char *const accepted[] = { "utf-8", "utf8", "us-ascii", "ascii" };
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(accepted); i++)
		if (strlen(accepted[i]) == length && strncasecmp(accepted[i], name, length) == 0)
			return 0;
	struct gpupt_place place = gpupt_domain_place(domain, (size_t)(name - domain->text));
	return gpupt_fail_at(error, GPUPT_E_UNSUPPORTED, &place,
			     "the encoding is \"%.*s\", only UTF-8 is accepted; convert it, e.g. "
			     "with iconv -t UTF-8, and change the XML declaration",
			     (int)(length < 40 ? length : 40), name);
}

/* The encoding an XML declaration names; any but UTF-8 and its subset is refused. */
static int check_declaration(const struct gpupt_domain *domain, size_t start,
			     struct gpupt_error **error)
{
	const char *text = domain->text + start;
	if (strncmp(text, "<?xml", 5) != 0 || !isspace((unsigned char)text[5]))
		return 0;
	const char *end = strstr(text, "?>");
	if (!end)
		return 0; /* libxml2 will say so */
	const char *found = memmem(text, (size_t)(end - text), "encoding", strlen("encoding"));
	if (!found)
		return 0;
	const char *quote = found + strlen("encoding");
	while (quote < end && *quote != '"' && *quote != '\'')
		quote++;
	const char *close = quote < end ? memchr(quote + 1, *quote, (size_t)(end - quote - 1)) : NULL;
	return close ? check_encoding_name(domain, quote + 1, (size_t)(close - quote - 1), error) : 0;
}

/* Refuses what is no UTF-8 text at a glance; libxml2 checks every sequence. */
static int check_encoding(const struct gpupt_domain *domain, size_t *ret_skip,
			  struct gpupt_error **error)
{
	const char *text = domain->text;
	size_t length = domain->length;
	struct gpupt_place place = gpupt_domain_place(domain, 0);
	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 ||
			    memcmp(text, "<\0", 2) == 0 || memcmp(text, "\0<", 2) == 0))
		return gpupt_fail_at(error, GPUPT_E_UNSUPPORTED, &place,
				     "the text is UTF-16 or UTF-32, only UTF-8 is accepted; convert "
				     "it, e.g. with iconv -t UTF-8");
	const char *nul = memchr(text, '\0', length);
	if (nul) {
		place = gpupt_domain_place(domain, (size_t)(nul - text));
		return gpupt_fail_at(error, GPUPT_E_SYNTAX, &place, "a NUL byte is no XML");
	}
	*ret_skip = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	return check_declaration(domain, *ret_skip, error);
}

/* How many attributes the start tag at `tag` has, at most; it ends before `end`. */
static size_t count_attributes(const char *tag, const char *end)
{
	size_t count = 0;
	char quote = '\0';
	for (const char *p = tag; p < end && (quote || *p != '>'); p++) {
		if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (!quote && *p == '=')
			count++;
	}
	return count;
}

/* libxml2 compares each attribute of a tag with every other (xmlParseStartTag2, 2.9.14),
 * which takes minutes from 100,000 on. A '<' cannot stand in a tag, so only where the
 * next one is far away is there anything to count. */
static int check_attributes(const struct gpupt_domain *domain, struct gpupt_error **error)
{
	enum { SHORTEST = 4 }; /* a="" and no blank before it */
	if (domain->length <= SHORTEST * GPUPT_DOMAIN_MAX_ATTRIBUTES)
		return 0;
	const char *end = domain->text + domain->length;
	const char *tag = memchr(domain->text, '<', domain->length);
	while (tag) {
		const char *next = memchr(tag + 1, '<', (size_t)(end - tag - 1));
		size_t room = (size_t)((next ? next : end) - tag);
		if (room > SHORTEST * GPUPT_DOMAIN_MAX_ATTRIBUTES && !strchr("!?/ ", tag[1]) &&
		    count_attributes(tag, tag + room) > GPUPT_DOMAIN_MAX_ATTRIBUTES) {
			struct gpupt_place place =
				gpupt_domain_place(domain, (size_t)(tag - domain->text));
			return gpupt_fail_at(error, GPUPT_E_LIMIT, &place,
					     "an element has more than %d attributes",
					     GPUPT_DOMAIN_MAX_ATTRIBUTES);
		}
		tag = next;
	}
	return 0;
}

static xmlParserCtxtPtr make_libxml_parser(struct pass *pass)
{
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start_element,
		.endElementNs = on_end_element,
		.characters = on_characters,
		.ignorableWhitespace = on_characters,
		.processingInstruction = on_instruction,
		.internalSubset = on_doctype,
		.serror = (xmlStructuredErrorFunc)on_error,
	};
	const struct gpupt_domain *domain = pass->parser.domain;
	xmlParserCtxtPtr libxml = xmlNewParserCtxt();
	if (!libxml)
		return NULL;
	*libxml->sax = handler;
	libxml->userData = pass;
	/* IGNORE_ENC: offsets count bytes of the text, never of a conversion.
	 * NOENT: "&amp;" in an attribute arrives as "&"; there are no other entities
	 * without a DOCTYPE. */
	xmlCtxtUseOptions(libxml, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC |
				  XML_PARSE_NOCDATA);
	/* A string input is not copied: the text is ours, NUL-terminated, and stays. */
	xmlParserInputPtr input = xmlNewStringInputStream(
		libxml, (const xmlChar *)domain->text + pass->skipped);
	if (!input) {
		xmlFreeParserCtxt(libxml);
		return NULL;
	}
	if (inputPush(libxml, input) < 0) {
		xmlFreeParserCtxt(libxml);
		return NULL;
	}
	return libxml;
}

/* At its first use libxml2 sets itself up, which two threads must not do at once
 * (globals.c xmlInitializeGlobalState() in 2.9.14). */
GPUPT_EXPORT void gpupt_domain_set_up(void)
{
	static pthread_once_t is_set_up = PTHREAD_ONCE_INIT;
	pthread_once(&is_set_up, xmlInitParser);
}

static int run(struct pass *pass)
{
	struct gpupt_domain *domain = pass->parser.domain;
	gpupt_domain_set_up();
	pass->libxml = make_libxml_parser(pass);
	if (!pass->libxml)
		return gpupt_fail_nomem(pass->error);
	xmlParseDocument(pass->libxml);
	/* libxml2 2.9.14 can call a document well-formed after a failed allocation. */
	if (!pass->status && pass->libxml->errNo == XML_ERR_NO_MEMORY)
		stop(pass, GPUPT_E_NOMEM, 0, "out of memory");
	if (!pass->status && (!pass->libxml->wellFormed || !domain->root.whole.end))
		stop(pass, GPUPT_E_SYNTAX, current_offset(pass), "not well-formed XML");
	if (!pass->status && pass->parser.text.failed)
		stop(pass, GPUPT_E_NOMEM, 0, "out of memory");
	xmlFreeDoc(pass->libxml->myDoc);
	pass->libxml->myDoc = NULL;
	xmlFreeParserCtxt(pass->libxml);
	gpupt_str_clear(&pass->parser.text);
	return pass->status;
}

static int fail_size(size_t length, const char *name, struct gpupt_error **error)
{
	struct gpupt_place place = { .file = name };
	return gpupt_fail_at(error, GPUPT_E_LIMIT, &place,
			     "the text is %zu bytes long; at most %zu MiB are read", length,
			     GPUPT_DOMAIN_MAX_BYTES >> 20);
}

/* Takes own_text, in which the text is, or NULL where it is borrowed. */
static int parse(const char *text, size_t length, char *own_text, const char *name,
		 struct gpupt_domain **ret, struct gpupt_error **error)
{
	GPUPT_AUTO(gpupt_domain_free) struct gpupt_domain *domain = calloc(1, sizeof(*domain));
	if (!domain) {
		free(own_text);
		return gpupt_fail_nomem(error);
	}
	domain->text = text;
	domain->own_text = own_text;
	domain->length = length;
	if (name && !(domain->name_of_text = gpupt_arena_copy(&domain->arena, name, strlen(name))))
		return gpupt_fail_nomem(error);

	/* member by member: open[] is large, and filled as it is used */
	struct pass pass;
	pass.parser = (struct gpupt_parser){ .domain = domain };
	pass.libxml = NULL;
	pass.depth = 1;
	pass.open[0] = (struct open_element){ .context = CTX_DOCUMENT };
	pass.error = error;
	pass.status = 0;
	int r = check_encoding(domain, &pass.skipped, error);
	if (!r)
		r = check_attributes(domain, error);
	if (!r)
		r = run(&pass);
	if (r)
		return r;
	*ret = GPUPT_STEAL(domain);
	return 0;
}

GPUPT_EXPORT int gpupt_domain_parse(const char *text, size_t length, const char *name,
				    struct gpupt_domain **ret, struct gpupt_error **error)
{
	if (length > GPUPT_DOMAIN_MAX_BYTES)
		return fail_size(length, name, error);
	char *copy = malloc(length + 1);
	if (!copy)
		return gpupt_fail_nomem(error);
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return parse(copy, length, copy, name, ret, error);
}

int gpupt_domain_parse_borrowed(const char *text, size_t length, const char *name,
				struct gpupt_domain **ret, struct gpupt_error **error)
{
	return length > GPUPT_DOMAIN_MAX_BYTES ? fail_size(length, name, error) :
						 parse(text, length, NULL, name, ret, error);
}
