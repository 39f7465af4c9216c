/* template_match.h: how well each position of a picture fits a set of known pixels, by weighted
   squared differences: the search of non-parametric texture synthesis. */
#ifndef SB_TEMPLATE_MATCH_H
#define SB_TEMPLATE_MATCH_H

#include "planes.h"

/* n pixels at offsets (dy, dx) from a position, each with a weight and `channels` values. */
typedef struct sb_template {
  int64_t n, channels;
  const int32_t *dy, *dx;
  const float *weight, *value; /* n; n x channels */
} sb_template;

/* The positions to try: rows x columns of the picture, the first at (top, left). */
typedef struct sb_positions {
  int64_t top, left, rows, columns;
} sb_positions;

/* distance[i, j] = sum over k and channels c of weight_k * (picture[c, top+i+dy_k, left+j+dx_k] -
   value_kc)^2 for the positions i, j. Rows of `distance`, which has room for rows x picture->w, are
   as wide as the picture's; what is no position is infinitely far. All pixels asked for must lie in
   the picture, whose planes are its channels. Runs on all threads; the bytes do not depend on how
   many. */
void sb_match_template(const sb_planes *picture, const sb_template *t, const sb_positions *at,
                       float *distance);

/* The least of n > 0 distances. */
float sb_least(const float *distance, int64_t n);

/* Among n distances the index of the k-th (from 0) that is at most `limit`, and how many are. */
int64_t sb_count_within(const float *distance, int64_t n, float limit);
int64_t sb_kth_within(const float *distance, int64_t n, float limit, int64_t k);

#endif
