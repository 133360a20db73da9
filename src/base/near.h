/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GPUPT_BASE_NEAR_H
#define GPUPT_BASE_NEAR_H

#include <stddef.h>

/* Longest word that is compared; a longer one is near to nothing. */
#define GPUPT_NEAR_MAX 64

/* How many letters must be inserted, removed, replaced or swapped with their
 * neighbour to turn a into b, without regard to case (Damerau's distance with
 * adjacent transpositions); (size_t)-1 when either is longer than
 * GPUPT_NEAR_MAX. */
size_t gpupt_edit_distance(const char *a, const char *b);

/* The one of words[] that somebody who wrote `word` most likely meant, or NULL:
 * one with `word` as its start, or at most a third of its letters away. NULL
 * entries are skipped. */
const char *gpupt_nearest(const char *word, const char *const *words, size_t n_words);

#endif
