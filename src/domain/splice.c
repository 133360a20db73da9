/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/splice.h"

#include "base/str.h"

/* How the lines around a place are written. */
struct style {
	const char *newline;      /* "\n", "\r\n", or "" where elements share a line */
	struct gpupt_span indent; /* white space before a sibling, or before the parent */
	unsigned int extra;       /* levels to add to it */
	struct gpupt_span step;   /* what a level adds; empty: two spaces */
	char quote;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The white space between the last line break and offset; false when something
 * else stands there. The document's start counts as a line break. */
static bool indentation(const struct gpupt_domain *domain, size_t offset, struct gpupt_span *ret)
{
	size_t start = offset;
	while (start > 0 && is_blank(domain->text[start - 1]))
		start--;
	if (start > 0 && domain->text[start - 1] != '\n')
		return false;
	*ret = (struct gpupt_span){ start, offset };
	return true;
}

static const char *newline_before(const struct gpupt_domain *domain, size_t line_start)
{
	if (line_start == 0) {
		/* the first line: look at how it ends */
		const char *end = memchr(domain->text, '\n', domain->length);
		if (!end)
			return "";
		line_start = (size_t)(end - domain->text) + 1;
	}
	return line_start >= 2 && domain->text[line_start - 2] == '\r' ? "\r\n" : "\n";
}

/* The line break and indentation before an offset; empty when other text is. */
static struct gpupt_span leading_break(const struct gpupt_domain *domain, size_t offset)
{
	struct gpupt_span indent;
	if (!indentation(domain, offset, &indent) || indent.start == 0)
		return (struct gpupt_span){ offset, offset };
	indent.start -= strlen(newline_before(domain, indent.start));
	return indent;
}

static char quote_in(const struct gpupt_domain *domain, const struct gpupt_element *element)
{
	for (size_t i = element->start_tag.start; i < element->start_tag.end; i++)
		if (domain->text[i] == '\'' || domain->text[i] == '"')
			return domain->text[i];
	return '\0';
}

static char pick_quote(const struct gpupt_domain *domain, const struct gpupt_element *first,
		       const struct gpupt_element *second)
{
	char quote = first ? quote_in(domain, first) : '\0';
	if (!quote && second)
		quote = quote_in(domain, second);
	if (!quote)
		quote = quote_in(domain, &domain->root);
	return quote ? quote : '\'';
}

/* What one level adds: how much deeper <devices>, or a device, is than its parent. */
static struct gpupt_span indentation_step(const struct gpupt_domain *domain)
{
	const struct gpupt_element *pairs[][2] = {
		{ &domain->devices, &domain->first_device },
		{ &domain->root, &domain->last_child },
	};
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(pairs); i++) {
		struct gpupt_span outer, inner;
		if (!pairs[i][0]->whole.end || !pairs[i][1]->whole.end ||
		    !indentation(domain, pairs[i][0]->whole.start, &outer) ||
		    !indentation(domain, pairs[i][1]->whole.start, &inner))
			continue;
		size_t outer_length = outer.end - outer.start;
		if (inner.end - inner.start > outer_length)
			return (struct gpupt_span){ inner.start + outer_length, inner.end };
	}
	return (struct gpupt_span){ 0, 0 };
}

/* The style for a child of parent; sibling is one of its children, or NULL. */
static struct style style_inside(const struct gpupt_domain *domain,
				 const struct gpupt_element *parent,
				 const struct gpupt_element *sibling)
{
	struct style style = { .newline = "", .quote = pick_quote(domain, sibling, parent) };
	const struct gpupt_element *model = sibling ? sibling : parent;
	if (!indentation(domain, model->whole.start, &style.indent))
		return style;
	style.newline = newline_before(domain, style.indent.start);
	style.step = indentation_step(domain);
	style.extra = sibling ? 0 : 1;
	return style;
}

static void add_break(const struct gpupt_domain *domain, const struct style *style,
		      unsigned int level, struct gpupt_str *out)
{
	if (!*style->newline)
		return;
	gpupt_str_adds(out, style->newline);
	gpupt_str_add(out, domain->text + style->indent.start,
		      style->indent.end - style->indent.start);
	for (unsigned int i = 0; i < level; i++) {
		if (style->step.end)
			gpupt_str_add(out, domain->text + style->step.start,
				      style->step.end - style->step.start);
		else
			gpupt_str_adds(out, "  ");
	}
}

static void add_quoted(struct gpupt_str *out, const char *text, char quote)
{
	for (const char *p = text; *p; p++)
		gpupt_str_add(out, *p == '\'' ? &quote : p, 1);
}

static void add_lines(const struct gpupt_domain *domain, const struct style *style,
		      const struct gpupt_line *lines, size_t n_lines, struct gpupt_str *out)
{
	for (size_t i = 0; i < n_lines; i++) {
		add_break(domain, style, style->extra + lines[i].level, out);
		add_quoted(out, lines[i].text, style->quote);
	}
}

static int finish_edit(struct gpupt_arena **arena, struct gpupt_str *text, size_t offset,
		       size_t length, struct gpupt_edit *ret)
{
	size_t text_length = 0;
	GPUPT_AUTOFREE char *made = gpupt_str_steal(text, &text_length);
	char *kept = made ? gpupt_arena_copy(arena, made, text_length) : NULL;
	if (!kept)
		return GPUPT_E_NOMEM;
	*ret = (struct gpupt_edit){ offset, length, kept, text_length };
	return 0;
}

/* <x/> becomes <x>, the new lines, </x>. */
static int open_up(const struct gpupt_domain *domain, struct gpupt_arena **arena,
		   const struct gpupt_element *parent, const struct gpupt_line *lines,
		   size_t n_lines, struct gpupt_edit *ret)
{
	struct style style = style_inside(domain, parent, NULL);
	struct gpupt_str text = { 0 };
	gpupt_str_adds(&text, ">");
	add_lines(domain, &style, lines, n_lines, &text);
	add_break(domain, &style, 0, &text);
	gpupt_str_adds(&text, "</");
	const char *name = domain->text + parent->start_tag.start + 1;
	gpupt_str_add(&text, name, strcspn(name, " \t\r\n/>"));
	gpupt_str_adds(&text, ">");
	/* white space before "/>" goes too: <x /> becomes <x> */
	size_t from = parent->end_tag;
	while (from > 0 && (is_blank(domain->text[from - 1]) || domain->text[from - 1] == '\n' ||
			    domain->text[from - 1] == '\r'))
		from--;
	return finish_edit(arena, &text, from, parent->whole.end - from, ret);
}

/* Behind the blanks and comments that end the line, which belong to what is before
 * them; the offset itself where something else follows. */
static size_t end_of_line(const struct gpupt_domain *domain, size_t offset)
{
	const char *text = domain->text;
	size_t at = offset;
	for (;;) {
		while (is_blank(text[at]))
			at++;
		const char *close = strncmp(text + at, "<!--", 4) == 0 ?
			strstr(text + at + 4, "-->") : NULL;
		if (!close)
			break;
		at = (size_t)(close - text) + 3;
	}
	bool ends = text[at] == '\n' || (text[at] == '\r' && text[at + 1] == '\n');
	return ends ? at : offset;
}

int gpupt_edit_insert(const struct gpupt_domain *domain, struct gpupt_arena **arena,
		      const struct gpupt_element *parent, const struct gpupt_element *sibling,
		      const struct gpupt_element *after, bool first,
		      const struct gpupt_line *lines, size_t n_lines, struct gpupt_edit *ret)
{
	if (parent->self_closing)
		return open_up(domain, arena, parent, lines, n_lines, ret);
	if (sibling && !sibling->whole.end)
		sibling = NULL;
	struct style style = style_inside(domain, parent, sibling);
	struct gpupt_str text = { 0 };
	add_lines(domain, &style, lines, n_lines, &text);
	size_t at;
	if (after && after->whole.end)
		at = *style.newline ? end_of_line(domain, after->whole.end) : after->whole.end;
	else if (first)
		at = parent->start_tag.end;
	else
		at = leading_break(domain, parent->end_tag).start;
	if (parent->start_tag.end == parent->end_tag) /* <x></x> */
		add_break(domain, &style, 0, &text);
	return finish_edit(arena, &text, at, 0, ret);
}

struct gpupt_edit gpupt_edit_remove(const struct gpupt_domain *domain,
				    const struct gpupt_element *element)
{
	struct gpupt_span gone = leading_break(domain, element->whole.start);
	gone.end = element->whole.end;
	size_t end = gone.end;
	while (end < domain->length && is_blank(domain->text[end]))
		end++;
	bool ends_line = end < domain->length &&
			 (domain->text[end] == '\n' || domain->text[end] == '\r');
	if (gone.start < element->whole.start && ends_line)
		gone.end = end;
	else if (gone.start < element->whole.start)
		gone.start = element->whole.start; /* something follows on the line */
	return (struct gpupt_edit){ gone.start, gone.end - gone.start, "", 0 };
}

int gpupt_edit_replace(const struct gpupt_domain *domain, struct gpupt_arena **arena,
		       const struct gpupt_element *parent, const struct gpupt_element *element,
		       const char *text, struct gpupt_edit *ret)
{
	struct gpupt_str out = { 0 };
	add_quoted(&out, text, pick_quote(domain, element, parent));
	return finish_edit(arena, &out, element->whole.start,
			   element->whole.end - element->whole.start, ret);
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

/* The tag is well-formed: libxml2 has read it. */
struct gpupt_span gpupt_attribute_span(const struct gpupt_domain *domain,
				       const struct gpupt_element *element, const char *name)
{
	const char *text = domain->text;
	size_t at = element->start_tag.start + 1;
	while (!is_space(text[at]) && text[at] != '/' && text[at] != '>')
		at++;
	for (;;) {
		while (is_space(text[at]))
			at++;
		if (text[at] == '/' || text[at] == '>')
			return (struct gpupt_span){ 0, 0 };
		const char *found = text + at;
		size_t length = strcspn(found, " \t\r\n=");
		at += strcspn(found, "\"'");
		size_t value = at + 1;
		at = value + strcspn(text + value, text[at] == '"' ? "\"" : "'");
		if (length == strlen(name) && memcmp(found, name, length) == 0)
			return (struct gpupt_span){ value, at };
		at++;
	}
}

int gpupt_edit_attribute(const struct gpupt_domain *domain, struct gpupt_arena **arena,
			 const struct gpupt_element *element, const char *name,
			 const char *value, struct gpupt_edit *ret)
{
	struct gpupt_str text = { 0 };
	struct gpupt_span old = gpupt_attribute_span(domain, element, name);
	if (old.end) {
		gpupt_str_adds(&text, value);
		return finish_edit(arena, &text, old.start, old.end - old.start, ret);
	}
	char quote = pick_quote(domain, element, NULL);
	size_t at = element->start_tag.end - (element->self_closing ? 2 : 1);
	while (is_space(domain->text[at - 1]))
		at--;
	gpupt_str_adds(&text, " ");
	gpupt_str_adds(&text, name);
	gpupt_str_adds(&text, "=");
	gpupt_str_add(&text, &quote, 1);
	gpupt_str_adds(&text, value);
	gpupt_str_add(&text, &quote, 1);
	return finish_edit(arena, &text, at, 0, ret);
}

int gpupt_splice(const struct gpupt_domain *domain, const struct gpupt_edit *edits,
		 size_t n_edits, char **ret_text, size_t *ret_length, struct gpupt_error **error)
{
	size_t length = domain->length;
	for (size_t i = 0; i < n_edits; i++)
		length = length - edits[i].length + edits[i].replacement_length;
	char *text = malloc(length + 1);
	if (!text)
		return gpupt_fail_nomem(error);
	char *out = text;
	size_t from = 0;
	for (size_t i = 0; i < n_edits; i++) {
		out = mempcpy(out, domain->text + from, edits[i].offset - from);
		out = mempcpy(out, edits[i].replacement, edits[i].replacement_length);
		from = edits[i].offset + edits[i].length;
	}
	out = mempcpy(out, domain->text + from, domain->length - from);
	*out = '\0';
	*ret_text = text;
	*ret_length = length;
	return 0;
}
