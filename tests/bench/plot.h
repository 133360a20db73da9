/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_TESTS_PLOT_H
#define GPUPT_TESTS_PLOT_H

#include <stdbool.h>
#include <stddef.h>

/* Curves with logarithmic axes, as an SVG picture. */

enum { PLOT_MAX_POINTS = 16, PLOT_MAX_SERIES = 4 };

struct plot_series {
	const char *name;
	const char *color;
	double x[PLOT_MAX_POINTS], y[PLOT_MAX_POINTS];
	size_t count;
};

struct plot {
	const char *title;
	const char *x_label, *y_label;
	struct plot_series series[PLOT_MAX_SERIES];
	size_t n_series;
};

/* What is not above zero is left out: it has no logarithm. */
void plot_add(struct plot_series *series, double x, double y);

/* Side by side; false when the file cannot be written. */
bool plot_write(const char *path, const struct plot *plots, size_t count);

#endif
