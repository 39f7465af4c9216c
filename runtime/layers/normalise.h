/* normalise.h: what batchnorm and instancenorm share: a set of values that are normalised together,
   and the affine map on top, y = (x - mean) / deviation * gain + shift. */
#ifndef SB_NORMALISE_H
#define SB_NORMALISE_H

#include <stdbool.h>
#include <stdint.h>

/* `runs` pieces of `length` contiguous floats, each `stride` after the one before. */
typedef struct sb_norm_set {
  int64_t runs, length, stride;
} sb_norm_set;

/* Mean and biased variance, in double and in two passes. */
void sb_norm_statistics(const sb_norm_set *set, const float *x, double *mean, double *variance);

/* y = (x - mean) * scale + shift. */
void sb_norm_apply(const sb_norm_set *set, const float *x, float mean, float scale, float shift,
                   float *y);

/* The way back, with inverse = 1/deviation. */
typedef struct sb_norm_gradient {
  float mean, inverse, gain;
  bool constant; /* mean and deviation did not depend on x */
  const float *x, *dy;
  float *dx;             /* may be NULL */
  float *dgain, *dshift; /* added to; may be NULL */
} sb_norm_gradient;

void sb_norm_backward(const sb_norm_set *set, const sb_norm_gradient *g);

#endif
