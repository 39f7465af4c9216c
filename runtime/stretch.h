/* stretch.h: display normalisation: values of any range to [0,1]. */
#ifndef SB_STRETCH_H
#define SB_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

/* The interval that becomes [0, 1]. */
typedef struct sb_range {
  float low, high;
} sb_range;

/* Smallest and largest finite value of x[0..n); {0, 0} when there is none. */
sb_range sb_range_of(const float *x, int64_t n);

/* The range after the share (1 - q) / 2 of the finite values has been cut off at either end;
   q = 1 cuts nothing. scratch holds n floats. */
sb_range sb_range_between(const float *x, int64_t n, double q, float *scratch);

/* The smallest range around zero that holds r. */
sb_range sb_range_symmetric(sb_range r);

/* y = (x - low) / (high - low), clamped to [0,1]. An empty range gives 0.5; NaN gives 0. */
void sb_stretch(const float *x, int64_t n, sb_range range, float *y);

#endif
