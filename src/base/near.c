/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/near.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

static bool same(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

GPUPT_EXPORT size_t gpupt_edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n > GPUPT_NEAR_MAX || m > GPUPT_NEAR_MAX)
		return (size_t)-1;
	/* Rows i - 2, i - 1 and i of the usual table. */
	size_t rows[3][GPUPT_NEAR_MAX + 1];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *last = rows[(i - 1) % 3], *second = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], second[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

GPUPT_EXPORT const char *gpupt_nearest(const char *word, const char *const *words,
				       size_t n_words)
{
	const char *nearest = NULL;
	size_t shortest = (size_t)-1, length = strlen(word);
	if (!length)
		return NULL;
	for (size_t i = 0; i < n_words; i++) {
		if (!words[i])
			continue;
		size_t distance = gpupt_edit_distance(word, words[i]);
		if (strncasecmp(word, words[i], length) == 0)
			distance = 1;
		if (distance < shortest && distance <= 1 + strlen(words[i]) / 3 &&
		    distance < length) {
			shortest = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
