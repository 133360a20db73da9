/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plot.h"

#include <math.h>
#include <stdio.h>

/* In the picture's units. */
enum { WIDTH = 360, HEIGHT = 300, LEFT = 60, RIGHT = 20, TOP = 40, BOTTOM = 50 };

/* Powers of ten. */
struct range {
	int from, to;
};

void plot_add(struct plot_series *series, double x, double y)
{
	if (x <= 0 || y <= 0 || series->count == PLOT_MAX_POINTS)
		return;
	series->x[series->count] = x;
	series->y[series->count++] = y;
}

static void include(struct range *range, double value)
{
	int below = (int)floor(log10(value)), above = (int)ceil(log10(value));
	if (range->from > range->to)
		*range = (struct range){ below, above };
	range->from = below < range->from ? below : range->from;
	range->to = above > range->to ? above : range->to;
	if (range->from == range->to)
		range->to++;
}

static double scale(double value, struct range range, double length)
{
	return (log10(value) - range.from) / (range.to - range.from) * length;
}

static void print_power(FILE *out, int power)
{
	if (power < 0)
		fprintf(out, "%.*f", -power, pow(10, power));
	else
		fprintf(out, "%.0f", pow(10, power));
}

static void draw_axes(FILE *out, const struct plot *plot, struct range x, struct range y)
{
	double right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
	for (int power = x.from; power <= x.to; power++) {
		double at = LEFT + scale(pow(10, power), x, right - LEFT);
		fprintf(out, "<path class=\"grid\" d=\"M%.1f %d V%.1f\"/>", at, TOP, bottom);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", at, bottom + 16);
		print_power(out, power);
		fprintf(out, "</text>\n");
	}
	for (int power = y.from; power <= y.to; power++) {
		double at = bottom - scale(pow(10, power), y, bottom - TOP);
		fprintf(out, "<path class=\"grid\" d=\"M%d %.1f H%.1f\"/>", LEFT, at, right);
		fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 6, at + 4);
		print_power(out, power);
		fprintf(out, "</text>\n");
	}
	fprintf(out, "<text x=\"%d\" y=\"20\" font-weight=\"bold\">%s</text>\n", LEFT, plot->title);
	fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
		(LEFT + right) / 2, HEIGHT - 14, plot->x_label);
	fprintf(out, "<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">%s"
		"</text>\n", (TOP + bottom) / 2, plot->y_label);
}

static void draw_series(FILE *out, const struct plot_series *series, size_t row, struct range x,
			struct range y)
{
	double right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
	fprintf(out, "<path fill=\"none\" stroke-width=\"2\" stroke=\"%s\" d=\"", series->color);
	for (size_t i = 0; i < series->count; i++)
		fprintf(out, "%c%.1f %.1f ", i ? 'L' : 'M',
			LEFT + scale(series->x[i], x, right - LEFT),
			bottom - scale(series->y[i], y, bottom - TOP));
	fprintf(out, "\"/>\n<text x=\"%d\" y=\"%zu\" fill=\"%s\">%s</text>\n", LEFT + 8,
		TOP + 14 + 16 * row, series->color, series->name);
}

static void draw(FILE *out, const struct plot *plot)
{
	struct range x = { 1, 0 }, y = { 1, 0 };
	for (size_t s = 0; s < plot->n_series; s++)
		for (size_t i = 0; i < plot->series[s].count; i++) {
			include(&x, plot->series[s].x[i]);
			include(&y, plot->series[s].y[i]);
		}
	if (x.from > x.to)
		return; /* not a point */
	draw_axes(out, plot, x, y);
	for (size_t s = 0; s < plot->n_series; s++)
		draw_series(out, &plot->series[s], s, x, y);
}

bool plot_write(const char *path, const struct plot *plots, size_t count)
{
	FILE *out = fopen(path, "w");
	if (!out)
		return false;
	fprintf(out, "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n");
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %d\" "
		"font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
		"<style>.grid { stroke: #ccc }</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", count * WIDTH, HEIGHT);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "<g transform=\"translate(%zu 0)\">\n", i * WIDTH);
		draw(out, &plots[i]);
		fprintf(out, "</g>\n");
	}
	fprintf(out, "</svg>\n");
	bool written = !ferror(out);
	return fclose(out) == 0 && written;
}
