#include "layers/normalise.h"

#include <stddef.h>

void sb_norm_statistics(const sb_norm_set *set, const float *x, double *mean, double *variance) {
  double sum = 0, squares = 0, n = (double)(set->runs * set->length);
  for (int64_t r = 0; r < set->runs; r++)
    for (int64_t i = 0; i < set->length; i++) sum += x[r * set->stride + i];
  *mean = sum / n;
  for (int64_t r = 0; r < set->runs; r++)
    for (int64_t i = 0; i < set->length; i++) {
      double d = x[r * set->stride + i] - *mean;
      squares += d * d;
    }
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
  for (int64_t r = 0; r < set->runs; r++)
    for (int64_t i = r * set->stride, end = i + set->length; i < end; i++) {
      *dshift += g->dy[i];
      *dgain += (double)g->dy[i] * (g->x[i] - g->mean);
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
