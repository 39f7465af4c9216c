#include "layers/normalise.h"

#include <stddef.h>

#include "clones.h"

/* Sums are kept in this many lanes, so that the compiler makes vector loops of them. */
enum { LANES = 8 };

static double total(const double lanes[LANES]) {
  double sum = 0;
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

SB_CLONES static double sum(int64_t n, const float *x) {
  double lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l];
  for (; i < n; i++) lanes[0] += x[i];
  return total(lanes);
}

/* Sum of (x - mean) times w, or times itself where w is NULL. */
SB_CLONES static double moment(int64_t n, const float *x, double mean, const float *w) {
  double lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n && w; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += (x[i + l] - mean) * w[i + l];
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += (x[i + l] - mean) * (x[i + l] - mean);
  for (; i < n; i++) lanes[0] += (x[i] - mean) * (w ? w[i] : x[i] - mean);
  return total(lanes);
}

void sb_norm_statistics(const sb_norm_set *set, const float *x, double *mean, double *variance) {
  double n = (double)(set->runs * set->length), all = 0, squares = 0;
  for (int64_t r = 0; r < set->runs; r++) all += sum(set->length, x + r * set->stride);
  *mean = all / n;
  for (int64_t r = 0; r < set->runs; r++)
    squares += moment(set->length, x + r * set->stride, *mean, NULL);
  *variance = squares / n;
}

void sb_norm_apply(const sb_norm_set *set, const float *x, float mean, float scale, float shift,
                   float *y) {
  for (int64_t r = 0; r < set->runs; r++)
    for (int64_t i = r * set->stride, end = i + set->length; i < end; i++)
      y[i] = (x[i] - mean) * scale + shift;
}

/* Sums of dy and of dy (x - mean) / deviation: the gradients of shift and gain. */
static void sums(const sb_norm_set *set, const sb_norm_gradient *g, double *dshift, double *dgain) {
  *dshift = *dgain = 0;
  for (int64_t r = 0; r < set->runs; r++) {
    const float *x = g->x + r * set->stride, *dy = g->dy + r * set->stride;
    *dshift += sum(set->length, dy);
    *dgain += moment(set->length, x, g->mean, dy);
  }
  *dgain *= g->inverse;
}

/* dx = gain/deviation (dy - mean of dy - xhat * mean of dy xhat), where xhat is the normalised x
   (Ioffe & Szegedy 2015, section 3); the two means drop out when the statistics were constant. */
static void to_input(const sb_norm_set *set, const sb_norm_gradient *g, double dshift,
                     double dgain) {
  double n = (double)(set->runs * set->length);
  float mean_dy = (float)(dshift / n), slope = (float)(dgain / n) * g->inverse;
  float scale = g->gain * g->inverse;
  for (int64_t r = 0; r < set->runs; r++)
    for (int64_t i = r * set->stride, end = i + set->length; i < end; i++)
      g->dx[i] = g->constant ? g->dy[i] * scale
                             : scale * (g->dy[i] - mean_dy - (g->x[i] - g->mean) * slope);
}

void sb_norm_backward(const sb_norm_set *set, const sb_norm_gradient *g) {
  double dshift = 0, dgain = 0;
  if (!g->constant || g->dgain || g->dshift) sums(set, g, &dshift, &dgain);
  if (g->dshift) *g->dshift += (float)dshift;
  if (g->dgain) *g->dgain += (float)dgain;
  if (g->dx) to_input(set, g, dshift, dgain);
}
