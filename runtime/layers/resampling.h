/* resampling.h: lines of values weighted into lines of another length, and the adjoint of that. */
#ifndef SB_RESAMPLING_H
#define SB_RESAMPLING_H

#include <stdint.h>

#include "tensor.h"

/* y[i] = sum over t < width of weight[i * width + t] * x[index[i * width + t]]; where
   index[i * width] is -1, y[i] is `outside`. */
typedef struct sb_taps {
  int64_t n; /* length of y */
  int width; /* 1 to 4 */
  int32_t *index;
  float *weight;
  float outside;
} sb_taps;

/* y is (outer, taps->n, inner) and x is (outer, k, inner) of `lines`. In parallel. */
void sb_resample(const sb_taps *taps, sb_lines lines, const float *x, float *y);

/* dx = the adjoint of sb_resample, applied to dy. In parallel. */
void sb_resample_adjoint(const sb_taps *taps, sb_lines lines, const float *dy, float *dx);

#endif
