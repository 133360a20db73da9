/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/drawing.h"

#include <inttypes.h>

#include "cli/output.h"

/* A picture of its own: no scripts, no fonts or styles from elsewhere. Addresses
 * on the left, what is there in a column, the windows as brackets on the right. */

enum {
	WIDTH = 1040, MARGIN = 24,
	HEAD = 84, /* title and subtitle */
	LINE = 18, /* of small text */
	ROW = 26, MORE = 14, RULE = 26, /* heights: of a row, of each step more, of a rule */
	HUMAN_END = 118, HEX_END = 250,
	LEFT = 268, RIGHT = 668, /* the column */
	INSET = 12,
	BRACKET = 690, BRACKET_STEP = 172,
};

struct canvas {
	const struct cli_drawing *drawing;
	const struct gpupt_plan *plan;
	int top;    /* of the first row */
	int *tops;  /* of every row, and the end of the last */
	FILE *out;
};

static const char style[] =
	"text{font:12px 'DejaVu Sans',Verdana,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2933}"
	".t{font-size:20px;font-weight:bold}.s{font-size:13px;fill:#52606d}"
	".e{fill:#b42318}.m{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;"
	"font-size:11px;fill:#7b8794}.a{text-anchor:end}.c{text-anchor:middle}"
	".q{fill:#7b8794}.w{fill:#fff}.b{font-weight:bold}"
	".k{fill:#2f855a}.f{fill:#2b6cb0}.o{fill:#cbd2d9}.ram{fill:#e4d9f3;stroke:#b794d6}"
	".hot{fill:#f6f0fc;stroke:#b794d6;stroke-dasharray:5 3}"
	".res{fill:url(#hatch);stroke:#e5a19a}.u{fill:#f5f7fa}"
	".kw{fill:#2f855a;fill-opacity:.09}.fw{fill:#2b6cb0;fill-opacity:.09}"
	".kl{stroke:#2f855a;stroke-width:2.5;fill:none}.fl{stroke:#2b6cb0;stroke-width:2.5;fill:none}"
	".kt{fill:#276749}.ft{fill:#2c5282}"
	".br{fill:#fff;fill-opacity:.55;stroke:#3a8a94;stroke-width:1.5}"
	".tick{stroke:#9aa5b1;stroke-width:1}.rule{stroke:#9aa5b1;stroke-dasharray:4 3}"
	".limit{stroke:#b42318;stroke-width:2}";

static void escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		default: fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		}
	}
}

static void text(FILE *out, int x, int y, const char *class, const char *words)
{
	fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	escape(out, words);
	fputs("</text>\n", out);
}

static void box(FILE *out, int left, int top, int right, int bottom, int radius, const char *class)
{
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" class=\"%s\"/>\n",
		left, top, right - left, bottom > top ? bottom - top : 1, radius, class);
}

static void line(FILE *out, int left, int right, int y, const char *class)
{
	fprintf(out, "<path d=\"M%d %dH%d\" class=\"%s\"/>\n", left, y, right, class);
}

static void draw_address(const struct canvas *canvas, uint64_t address, int y)
{
	char size[GPUPT_SIZE_TEXT_MAX], hex[24];
	snprintf(hex, sizeof(hex), "0x%" PRIx64, address);
	cli_format_size(address, size);
	text(canvas->out, HUMAN_END, y + 4, "a", address ? size : "0");
	text(canvas->out, HEX_END, y + 4, "m a", hex);
	line(canvas->out, LEFT - 10, LEFT, y, "tick");
}

/* ---- windows: a tint behind the column, and a bracket beside it */

static void draw_bracket(const struct canvas *canvas, const struct gpupt_map_region *window,
			 unsigned int track, int top, int bottom)
{
	char start[GPUPT_SIZE_TEXT_MAX], end[GPUPT_SIZE_TEXT_MAX], size[GPUPT_SIZE_TEXT_MAX];
	char words[3 * GPUPT_SIZE_TEXT_MAX];
	bool kernel = track == CLI_TRACK_KERNEL;
	int x = BRACKET + (int)track * BRACKET_STEP, middle = (top + bottom) / 2;
	box(canvas->out, LEFT, top, RIGHT, bottom, 0, kernel ? "kw" : "fw");
	fprintf(canvas->out, "<path d=\"M%d %dh8V%dh-8\" class=\"%s\"/>\n", x, top + 2, bottom - 2,
		kernel ? "kl" : "fl");
	text(canvas->out, x + 16, middle - 4, kernel ? "b kt" : "b ft",
	     kernel ? "guest kernel's window" :
	     window->kind == GPUPT_MAP_LOW_WINDOW ? "firmware, 32-bit" : "firmware's window");
	snprintf(words, sizeof(words), "%s – %s", cli_format_size(window->start, start),
		 cli_format_size(window->end, end));
	if (bottom - top < 3 * LINE) {
		text(canvas->out, x + 16, middle + 12, "q", words);
		return;
	}
	text(canvas->out, x + 16, middle + 12, "q", words);
	text(canvas->out, x + 16, middle + 28, "q",
	     cli_format_size(window->end - window->start, size));
}

static void draw_windows(const struct canvas *canvas)
{
	const struct cli_drawing *drawing = canvas->drawing;
	for (unsigned int t = 0; t < drawing->n_tracks; t++) {
		size_t first = 0;
		for (size_t i = 0; i < drawing->count; i++) {
			const struct gpupt_map_region *window = drawing->rows[i].tracks[t];
			if (!window)
				continue;
			if (cli_track_begins(drawing, i, t))
				first = i;
			if (!cli_track_ends(drawing, i, t))
				continue;
			int inset = INSET + 10 * (int)(t - CLI_TRACK_BRIDGE);
			if (t < CLI_TRACK_BRIDGE)
				draw_bracket(canvas, window, t, canvas->tops[first],
					     canvas->tops[i + 1]);
			else
				box(canvas->out, LEFT + inset, canvas->tops[first] + 2,
				    RIGHT - inset, canvas->tops[i + 1] - 2, 6, "br");
		}
	}
}

/* ---- rows */

static const char *fill_class(const struct cli_row *row)
{
	switch (row->fill) {
	case CLI_FILL_RAM: return "ram";
	case CLI_FILL_HOTPLUG: return "hot";
	case CLI_FILL_RESERVED: return "res";
	case CLI_FILL_OWN: return "o";
	case CLI_FILL_BAR: return row->bar->placed_by == GPUPT_PLACED_BY_KERNEL ? "k" : "f";
	default: return NULL;
	}
}

static void draw_rule(const struct canvas *canvas, size_t i)
{
	const struct cli_row *row = &canvas->drawing->rows[i];
	int y = canvas->tops[i] + RULE / 2, middle = (LEFT + RIGHT) / 2;
	int half = (int)strlen(row->label) * 7 / 2 + 8;
	const char *class = row->limit ? "limit" : "rule";
	draw_address(canvas, row->start, y);
	line(canvas->out, LEFT, middle - half, y, class);
	line(canvas->out, middle + half, RIGHT, y, class);
	text(canvas->out, middle, y + 4, row->limit ? "c e b" : "c q", row->label);
}

static void draw_row(const struct canvas *canvas, size_t i)
{
	const struct cli_row *row = &canvas->drawing->rows[i];
	char size[GPUPT_SIZE_TEXT_MAX], right[2 * GPUPT_SIZE_TEXT_MAX];
	int top = canvas->tops[i], bottom = canvas->tops[i + 1], middle = (top + bottom) / 2 + 4;
	bool device = row->fill == CLI_FILL_BAR || row->fill == CLI_FILL_OWN;
	int inset = device ? INSET + 10 * (int)canvas->drawing->n_tracks - 10 : 0;
	const char *class = fill_class(row);
	const char *words = row->fill == CLI_FILL_BAR ? "w" : class ? "" : "q";
	if (class)
		box(canvas->out, LEFT + inset, top + (device ? 4 : 0), RIGHT - inset,
		    bottom - (device ? 4 : 0), device ? 3 : 0, class);
	snprintf(right, sizeof(right), "%s%s%s",
		 cli_format_size(row->end - row->start, size), row->bar ? "  ·  " : "",
		 row->bar ? cli_placer_name(row->bar->placed_by) : "");
	text(canvas->out, LEFT + 44, middle, words, row->label);
	snprintf(size, sizeof(size), "a %s", words);
	text(canvas->out, RIGHT - 44, middle, size, right);
	if (!cli_has_rule_below(canvas->drawing, i))
		draw_address(canvas, row->start, bottom);
}

/* ---- around it */

/* BARs that have no address: the picture must not look as if all were well. */
static size_t count_failures(const struct gpupt_plan *plan, const struct gpupt_layout_bar **ret)
{
	size_t count, failures = 0;
	const struct gpupt_layout_bar *bars = gpupt_plan_get_layout(plan, &count);
	for (size_t i = 0; i < count; i++)
		if (bars[i].passed_through && bars[i].placed_by == GPUPT_PLACED_BY_NOBODY &&
		    !failures++)
			*ret = &bars[i];
	return failures;
}

static void draw_failures(const struct canvas *canvas)
{
	char address[GPUPT_PCI_ADDRESS_TEXT_MAX], size[GPUPT_SIZE_TEXT_MAX], words[256];
	const struct gpupt_layout_bar *first = NULL;
	size_t failures = count_failures(canvas->plan, &first);
	if (!failures)
		return;
	snprintf(words, sizeof(words), "%zu BAR%s without an address: BAR %u (%s) of %s%s", failures,
		 failures == 1 ? "" : "s", first->bar, cli_format_size(first->size_bytes, size),
		 gpupt_pci_address_format(first->host, address), failures > 1 ? ", ..." : "");
	text(canvas->out, MARGIN, HEAD, "e b", words);
	text(canvas->out, MARGIN, HEAD + LINE, "e", first->reason);
}

static void draw_head(const struct canvas *canvas, const char *name)
{
	size_t count, shown;
	char size[GPUPT_SIZE_TEXT_MAX], words[256];
	const struct gpupt_hole_numbers *hole = gpupt_plan_get_hole(canvas->plan);
	const struct gpupt_possibility *list =
		gpupt_plan_get_possibilities(canvas->plan, &count, &shown);
	snprintf(words, sizeof(words), "Verdict: %s  ·  <pcihole64> %s  ·  %u address bits%s%s",
		 gpupt_verdict_name(gpupt_plan_get_verdict(canvas->plan)),
		 cli_format_size(hole->planned, size), hole->phys_bits, count ? "  ·  " : "",
		 count ? list[shown].name : "");
	fprintf(canvas->out, "<text x=\"%d\" y=\"40\" class=\"t\">", MARGIN);
	escape(canvas->out, *name ? name : "A guest");
	fputs(": the guest's physical addresses</text>\n", canvas->out);
	text(canvas->out, MARGIN, 62, "s", words);
	draw_failures(canvas);
}

static void draw_legend(const struct canvas *canvas, int y)
{
	static const struct {
		const char *class, *words;
		int width;
	} items[] = {
		{ "k", "placed by the guest kernel", 190 }, { "f", "placed by the firmware", 170 },
		{ "o", "the guest's own devices", 180 }, { "br", "window of a bridge", 150 },
		{ "ram", "RAM", 64 }, { "hot", "memory to be plugged in", 180 },
	};
	int x = MARGIN;
	for (size_t i = 0; i < GPUPT_ARRAY_SIZE(items); i++) {
		box(canvas->out, x, y - 11, x + 18, y + 3, 2, items[i].class);
		text(canvas->out, x + 24, y, "", items[i].words);
		x += items[i].width;
	}
	text(canvas->out, MARGIN, y + 24, "q",
	     "High addresses on top. Heights grow with the logarithm of sizes; gaps below 128 MiB "
	     "are left out.");
}

static int lay_out(struct canvas *canvas)
{
	int y = canvas->top;
	for (size_t i = 0; i < canvas->drawing->count; i++) {
		const struct cli_row *row = &canvas->drawing->rows[i];
		canvas->tops[i] = y;
		y += row->fill == CLI_FILL_RULE ? RULE : ROW + MORE * ((int)row->scale - 1);
	}
	canvas->tops[canvas->drawing->count] = y;
	return y;
}

int cli_draw_svg(const struct cli_drawing *drawing, const struct gpupt_plan *plan,
		 const char *name, FILE *out, struct gpupt_error **error)
{
	const struct gpupt_layout_bar *first = NULL;
	GPUPT_AUTOFREE int *tops = calloc(drawing->count + 1, sizeof(*tops));
	if (!tops)
		return gpupt_fail_nomem(error);
	struct canvas canvas = { .drawing = drawing, .plan = plan, .tops = tops, .out = out };
	canvas.top = HEAD + (count_failures(plan, &first) ? 2 * LINE + 8 : 0);
	int bottom = lay_out(&canvas), height = bottom + 78;
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\">\n<title>", WIDTH, height, WIDTH, height);
	escape(out, name);
	fprintf(out, "</title>\n<style>%s</style>\n"
		"<defs><pattern id=\"hatch\" width=\"8\" height=\"8\" "
		"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		"<rect width=\"8\" height=\"8\" fill=\"#fdecea\"/>"
		"<path d=\"M0 0V8\" stroke=\"#f1b8b2\" stroke-width=\"5\"/></pattern></defs>\n",
		style);
	box(out, 0, 0, WIDTH, height, 0, "w");
	draw_head(&canvas, name);
	box(out, LEFT, canvas.top, RIGHT, bottom, 0, "u");
	draw_windows(&canvas);
	for (size_t i = 0; i < drawing->count; i++) {
		if (drawing->rows[i].fill == CLI_FILL_RULE)
			draw_rule(&canvas, i);
		else
			draw_row(&canvas, i);
	}
	draw_legend(&canvas, bottom + 40);
	fputs("</svg>\n", out);
	return 0;
}
