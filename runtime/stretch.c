/* stretch.c: display normalisation. */
#include "stretch.h"

#include <math.h>

sb_range sb_range_of(const float *x, int64_t n) {
  sb_range r = {INFINITY, -INFINITY};
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    if (x[i] < r.low) r.low = x[i];
    if (x[i] > r.high) r.high = x[i];
  }
  return r.low <= r.high ? r : (sb_range){0, 0};
}

static void swap(float *a, float *b) {
  float t = *a;
  *a = *b;
  *b = t;
}

/* The k-th smallest (0-based) of v[0..n), which is reordered (Hoare's FIND). */
static float kth(float *v, int64_t n, int64_t k) {
  int64_t low = 0, high = n - 1;
  while (low < high) {
    float pivot = v[low + (high - low) / 2];
    int64_t i = low, j = high;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (pivot < v[j]) j--;
      if (i <= j) swap(&v[i++], &v[j--]);
    }
    if (k <= j)
      high = j;
    else if (k >= i)
      low = i;
    else
      break;
  }
  return v[k];
}

sb_range sb_range_between(const float *x, int64_t n, double q, float *scratch) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(x[i])) scratch[count++] = x[i];
  if (count == 0) return (sb_range){0, 0};
  int64_t cut = (int64_t)floor((1 - q) / 2 * (double)(count - 1) + 0.5);
  float low = kth(scratch, count, cut);
  return (sb_range){low, kth(scratch, count, count - 1 - cut)};
}

sb_range sb_range_symmetric(sb_range r) {
  float top = fmaxf(fabsf(r.low), fabsf(r.high));
  return (sb_range){-top, top};
}

void sb_stretch(const float *x, int64_t n, sb_range r, float *y) {
  double low = r.low, width = (double)r.high - low;
  for (int64_t i = 0; i < n; i++) {
    double v = width > 0 ? (x[i] - low) / width : 0.5;
    y[i] = v >= 1 ? 1 : v > 0 ? (float)v : 0; /* every comparison with NaN is false */
  }
}
