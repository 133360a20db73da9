/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/drawing.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>

#include "base/str.h"
#include "cli/output.h"

enum { WIDTH = 80, ADDRESS_WIDTH = 11, FILL_WIDTH = 3, PLACER_WIDTH = 8 };

#define RESET "\033[0m"
#define FAINT "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define MAGENTA "\033[35m"
#define CYAN "\033[36m"
#define BLUE "\033[34m"

/* What the parts are drawn with. */
struct glyphs {
	const char *fill[CLI_FILL_RULE];
	const char *top, *middle, *bottom, *single; /* of a track */
	const char *legend, *corner;
	const char *rule;
};

static const struct glyphs unicode = {
	.fill = {
		[CLI_FILL_UNUSED] = " ", [CLI_FILL_FREE] = " ", [CLI_FILL_RAM] = "░",
		[CLI_FILL_HOTPLUG] = "┄", [CLI_FILL_RESERVED] = "╳", [CLI_FILL_OWN] = "▒",
		[CLI_FILL_BAR] = "█",
	},
	.top = "┏", .middle = "┃", .bottom = "┗", .single = "╺", .legend = "╷",
	.corner = "┌", .rule = "─",
};

static const struct glyphs ascii = {
	.fill = {
		[CLI_FILL_UNUSED] = " ", [CLI_FILL_FREE] = " ", [CLI_FILL_RAM] = "=",
		[CLI_FILL_HOTPLUG] = "-", [CLI_FILL_RESERVED] = "x", [CLI_FILL_OWN] = "o",
		[CLI_FILL_BAR] = "#",
	},
	.top = ".", .middle = "|", .bottom = "'", .single = "[", .legend = "|",
	.corner = ".", .rule = "-",
};

struct pen {
	const struct cli_drawing *drawing;
	const struct glyphs *glyphs;
	bool color;
	int hex_width;
	struct gpupt_str line;
	FILE *out;
};

static void put(struct pen *pen, const char *color, const char *text)
{
	bool colored = pen->color && *color && *text != ' ';
	gpupt_str_adds(&pen->line, colored ? color : "");
	gpupt_str_adds(&pen->line, text);
	gpupt_str_adds(&pen->line, colored ? RESET : "");
}

static void repeat(struct pen *pen, const char *color, const char *glyph, int count)
{
	bool colored = pen->color && *color && *glyph != ' ';
	gpupt_str_adds(&pen->line, colored ? color : "");
	for (int i = 0; i < count; i++)
		gpupt_str_adds(&pen->line, glyph);
	gpupt_str_adds(&pen->line, colored ? RESET : "");
}

static void skip(struct pen *pen, int count)
{
	repeat(pen, "", " ", count);
}

/* No line ends in blanks. */
static void end_line(struct pen *pen)
{
	while (pen->line.length && pen->line.data[pen->line.length - 1] == ' ')
		pen->line.length--;
	if (pen->line.length)
		fwrite(pen->line.data, 1, pen->line.length, pen->out);
	fputc('\n', pen->out);
	pen->line.length = 0;
}

/* Who places a BAR has the colour of its window. */
static const char *track_color(unsigned int track)
{
	return track == CLI_TRACK_KERNEL ? GREEN : track == CLI_TRACK_FIRMWARE ? BLUE : CYAN;
}

static const char *fill_color(const struct cli_row *row)
{
	switch (row->fill) {
	case CLI_FILL_RAM:
	case CLI_FILL_HOTPLUG: return MAGENTA;
	case CLI_FILL_RESERVED: return RED;
	case CLI_FILL_BAR:
		return row->bar->placed_by == GPUPT_PLACED_BY_KERNEL ? GREEN : BLUE;
	default: return FAINT;
	}
}

static int before_tracks(const struct pen *pen)
{
	return ADDRESS_WIDTH + 2 + pen->hex_width + 2;
}

static void draw_address(struct pen *pen, uint64_t address)
{
	char size[GPUPT_SIZE_TEXT_MAX], hex[24];
	cli_format_size(address, size);
	snprintf(hex, sizeof(hex), "0x%" PRIx64, address);
	const char *human = address ? size : "0";
	skip(pen, ADDRESS_WIDTH - (int)strlen(human));
	put(pen, "", human);
	skip(pen, 2 + pen->hex_width - (int)strlen(hex));
	put(pen, FAINT, hex);
	skip(pen, 2);
}

static void draw_tracks(struct pen *pen, size_t row, bool first, bool last)
{
	const struct cli_drawing *drawing = pen->drawing;
	const struct glyphs *glyphs = pen->glyphs;
	for (unsigned int t = 0; t < drawing->n_tracks; t++) {
		bool begins = first && cli_track_begins(drawing, row, t);
		bool ends = last && cli_track_ends(drawing, row, t);
		const char *glyph = begins && ends ? glyphs->single : begins ? glyphs->top :
				    ends ? glyphs->bottom : glyphs->middle;
		put(pen, track_color(t), drawing->rows[row].tracks[t] ? glyph : " ");
		skip(pen, 1);
	}
}

/* Label, size, and who places it. */
static void draw_words(struct pen *pen, const struct cli_row *row)
{
	char size[GPUPT_SIZE_TEXT_MAX];
	static const char ellipsis[] = "..";
	bool quiet = row->fill == CLI_FILL_FREE || row->fill == CLI_FILL_UNUSED;
	cli_format_size(row->end - row->start, size);
	int room = WIDTH - before_tracks(pen) - 2 * (int)pen->drawing->n_tracks - FILL_WIDTH - 1 -
		   1 - (int)strlen(size) - 1 - PLACER_WIDTH;
	int length = (int)strlen(row->label), kept = length;
	if (length > room)
		kept = room - (int)strlen(ellipsis);
	gpupt_str_adds(&pen->line, quiet && pen->color ? FAINT : "");
	gpupt_str_addf(&pen->line, " %.*s%s", kept, row->label,
		       kept < length ? ellipsis : "");
	skip(pen, length > room ? 1 : room - length + 1);
	gpupt_str_adds(&pen->line, size);
	gpupt_str_adds(&pen->line, quiet && pen->color ? RESET : "");
	if (row->bar) {
		skip(pen, 1);
		put(pen, fill_color(row), cli_placer_name(row->bar->placed_by));
	}
}

static void draw_row(struct pen *pen, size_t i)
{
	const struct cli_row *row = &pen->drawing->rows[i];
	for (unsigned int line = row->height; line-- > 0;) {
		if (line == 0 && !cli_has_rule_below(pen->drawing, i))
			draw_address(pen, row->start);
		else
			skip(pen, before_tracks(pen));
		draw_tracks(pen, i, line + 1 == row->height, line == 0);
		repeat(pen, fill_color(row), pen->glyphs->fill[row->fill], FILL_WIDTH);
		if (line == 0)
			draw_words(pen, row);
		end_line(pen);
	}
}

/* A line across, with tracks that run through it. */
static void draw_rule(struct pen *pen, size_t i)
{
	const struct cli_row *row = &pen->drawing->rows[i];
	const char *color = row->limit ? RED : FAINT;
	draw_address(pen, row->start);
	for (unsigned int t = 0; t < pen->drawing->n_tracks; t++) {
		if (row->tracks[t])
			put(pen, track_color(t), pen->glyphs->middle);
		else
			put(pen, color, pen->glyphs->rule);
		put(pen, color, pen->glyphs->rule);
	}
	int rest = WIDTH - before_tracks(pen) - 2 * (int)pen->drawing->n_tracks -
		   (int)strlen(row->label) - 4;
	repeat(pen, color, pen->glyphs->rule, rest);
	skip(pen, 1);
	put(pen, color, row->label);
	skip(pen, 1);
	repeat(pen, color, pen->glyphs->rule, 2);
	end_line(pen);
}

static void draw_legend(struct pen *pen)
{
	static const char *const names[CLI_N_TRACKS] = {
		[CLI_TRACK_KERNEL] = "64-bit window of the guest kernel",
		[CLI_TRACK_FIRMWARE] = "windows of the firmware",
		[CLI_TRACK_BRIDGE] = "windows of bridges",
		[CLI_TRACK_BRIDGE + 1] = "and of bridges behind them",
	};
	for (unsigned int i = 0; i < pen->drawing->n_tracks; i++) {
		skip(pen, before_tracks(pen));
		for (unsigned int t = 0; t < i; t++) {
			put(pen, track_color(t), pen->glyphs->legend);
			skip(pen, 1);
		}
		put(pen, track_color(i), pen->glyphs->corner);
		skip(pen, 1);
		put(pen, track_color(i), names[i]);
		end_line(pen);
	}
}

int cli_draw_text(const struct cli_drawing *drawing, bool color, FILE *out,
		  struct gpupt_error **error)
{
	setlocale(LC_CTYPE, "");
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	struct pen pen = {
		.drawing = drawing, .glyphs = utf8 ? &unicode : &ascii, .color = color, .out = out,
	};
	for (size_t i = 0; i < drawing->count; i++) {
		int width = snprintf(NULL, 0, "0x%" PRIx64, drawing->rows[i].start);
		if (width > pen.hex_width)
			pen.hex_width = width;
	}
	draw_legend(&pen);
	for (size_t i = 0; i < drawing->count; i++) {
		if (drawing->rows[i].fill == CLI_FILL_RULE)
			draw_rule(&pen, i);
		else
			draw_row(&pen, i);
	}
	bool failed = pen.line.failed;
	gpupt_str_clear(&pen.line);
	return failed ? gpupt_fail_nomem(error) : 0;
}
