#include "efros_freeman.h"

#include <stdbool.h>

#include "template_match.h"

static int64_t least_of(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* ---- The cut ----------------------------------------------------------------------------------
 */

/* The cheapest of columns j - 1, j, j + 1 of a row, the leftmost among equals. */
static int64_t cheapest(const float *row, int64_t m, int64_t j) {
  int64_t best = j > 0 ? j - 1 : j;
  for (int64_t k = best + 1; k <= least_of(j + 1, m - 1); k++)
    if (row[k] < row[best]) best = k;
  return best;
}

void sb_cheapest_path(const float *cost, int64_t n, int64_t m, float *total, int32_t *path) {
  for (int64_t j = 0; j < m; j++) total[j] = cost[j];
  for (int64_t i = 1; i < n; i++) {
    const float *above = total + (i - 1) * m;
    for (int64_t j = 0; j < m; j++)
      total[i * m + j] = cost[i * m + j] + above[cheapest(above, m, j)];
  }
  int64_t at = 0;
  for (int64_t j = 1; j < m; j++)
    if (total[(n - 1) * m + j] < total[(n - 1) * m + at]) at = j;
  path[n - 1] = (int32_t)at;
  for (int64_t i = n - 2; i >= 0; i--) path[i] = (int32_t)(at = cheapest(total + i * m, m, at));
}

/* ---- Choosing a block --------------------------------------------------------------------------
 */

/* The scratch: a template of up to block^2 pixels; distances, or costs, totals and paths. */
typedef struct space {
  int32_t *dy, *dx;
  float *weight, *value, *rest;
} space;

int64_t sb_quilting_scratch(const sb_quilting *q) {
  int64_t pixels = q->block * q->block, sample = q->sample.h * q->sample.w;
  int64_t cutting = 2 * q->block * q->overlap + 2 * q->block;
  return pixels * (3 + q->sample.n) + (sample > cutting ? sample : cutting);
}

static space divide(const sb_quilting *q, float *scratch) {
  int64_t pixels = q->block * q->block;
  return (space){(int32_t *)scratch, (int32_t *)scratch + pixels, scratch + 2 * pixels,
                 scratch + 3 * pixels, scratch + (3 + q->sample.n) * pixels};
}

/* The part of the picture that the block at (y, x) covers. */
typedef struct rectangle {
  int64_t y, x, h, w;
} rectangle;

static sb_template known_pixels(const sb_quilting *q, const rectangle *r, const space *s) {
  int64_t h = q->picture.h, w = q->picture.w, n = 0, channels = q->sample.n;
  for (int64_t i = 0; i < r->h; i++)
    for (int64_t j = 0; j < r->w; j++) {
      int64_t place = (r->y + i) * w + r->x + j;
      if (q->from[place] == 0) continue;
      s->dy[n] = (int32_t)i, s->dx[n] = (int32_t)j, s->weight[n] = 1;
      for (int64_t c = 0; c < channels; c++)
        s->value[n * channels + c] = q->picture.data[c * h * w + place];
      n++;
    }
  return (sb_template){n, channels, s->dy, s->dx, s->weight, s->value};
}

/* The corner, in the sample, of the block to lay, as a flat index. */
static int64_t choose(const sb_quilting *q, const rectangle *r, const space *s) {
  sb_positions at = {0, 0, q->sample.h - q->block + 1, q->sample.w - q->block + 1};
  int64_t n = (at.rows - 1) * q->sample.w + at.columns;
  sb_template t = known_pixels(q, r, s);
  sb_match_template(&q->sample, &t, &at, s->rest);
  float within = sb_least(s->rest, n) * (1 + q->tolerance);
  uint64_t count = (uint64_t)sb_count_within(s->rest, n, within);
  if (count == 0) return 0; /* values that are no numbers */
  return sb_kth_within(s->rest, n, within, (int64_t)sb_rng_below(q->rng, count));
}

/* ---- Laying it ---------------------------------------------------------------------------------
 */

/* The squared difference between what is at (i, j) of the rectangle and what the block has there;
   nothing where nothing is known. */
static float difference(const sb_quilting *q, const rectangle *r, int64_t corner, int64_t i,
                        int64_t j) {
  int64_t place = (r->y + i) * q->picture.w + r->x + j, source = corner + i * q->sample.w + j;
  float sum = 0;
  if (q->from[place] == 0) return 0;
  for (int64_t c = 0; c < q->sample.n; c++) {
    float e = q->picture.data[c * q->picture.h * q->picture.w + place] -
              q->sample.data[c * q->sample.h * q->sample.w + source];
    sum += e * e;
  }
  return sum;
}

/* Where a strip of n x m, down the left side or (across) along the top, is cut: the block begins
   at path[i]. All 0 where the strip has no neighbour to agree with. */
static void cut(const sb_quilting *q, const rectangle *r, int64_t corner, bool across,
                const space *s, int32_t *path) {
  int64_t n = across ? r->w : r->h, m = least_of(q->overlap, across ? r->h : r->w);
  bool alone = (across ? r->y : r->x) == 0 || m < 1;
  for (int64_t i = 0; i < n; i++) {
    path[i] = 0;
    for (int64_t j = 0; j < m && !alone; j++)
      s->rest[i * m + j] = difference(q, r, corner, across ? j : i, across ? i : j);
  }
  if (!alone) sb_cheapest_path(s->rest, n, m, s->rest + n * m, path);
}

static void paste(const sb_quilting *q, const rectangle *r, int64_t corner, const int32_t *left,
                  const int32_t *top) {
  int64_t picture = q->picture.h * q->picture.w, sample = q->sample.h * q->sample.w;
  for (int64_t i = 0; i < r->h; i++)
    for (int64_t j = 0; j < r->w; j++) {
      int64_t place = (r->y + i) * q->picture.w + r->x + j, source = corner + i * q->sample.w + j;
      if (q->from[place] != 0 && (j < left[i] || i < top[j])) continue;
      for (int64_t c = 0; c < q->sample.n; c++)
        q->picture.data[c * picture + place] = q->sample.data[c * sample + source];
      q->from[place] = (float)(source + 1);
    }
}

void sb_quilt_block(const sb_quilting *q, int64_t y, int64_t x, float *scratch) {
  rectangle r = {y, x, least_of(q->block, q->picture.h - y), least_of(q->block, q->picture.w - x)};
  space s = divide(q, scratch);
  int64_t corner = choose(q, &r, &s);
  int32_t *left = (int32_t *)s.rest + 2 * q->block * q->overlap, *top = left + q->block;
  cut(q, &r, corner, false, &s, left);
  cut(q, &r, corner, true, &s, top);
  paste(q, &r, corner, left, top);
}
