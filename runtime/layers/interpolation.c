#include "layers/interpolation.h"

#include <math.h>

int sb_interpolation_width(sb_interpolation mode) {
  return mode == SB_INTERPOLATE_NEAREST ? 1 : mode == SB_LINEAR ? 2 : 4;
}

/* Where output pixel i lies between the input's pixels 0 to n - 1. The resized length may be a
   fraction, as in ONNX's reference. */
static double position(const sb_interpolator *f, const sb_axis_map *a, int64_t i) {
  double x = (double)i, last = (double)(a->n - 1), resized = a->scale * (double)a->n;
  double length = (a->crop[1] - a->crop[0]) * last;
  switch (f->coordinates) {
  case SB_PYTORCH_HALF_PIXEL: return a->m > 1 ? (x + 0.5) / a->scale - 0.5 : -0.5;
  case SB_ALIGN_CORNERS: return resized > 1 ? x * last / (resized - 1) : 0;
  case SB_ASYMMETRIC: return x / a->scale;
  case SB_TF_HALF_PIXEL_FOR_NN: return (x + 0.5) / a->scale;
  case SB_TF_CROP_AND_RESIZE:
    return a->crop[0] * last + (resized > 1 ? x * length / (resized - 1) : length / 2);
  default: return (x + 0.5) / a->scale - 0.5;
  }
}

/* Whether the second of two neighbouring pixels is the nearest, a fraction r beyond the first. */
static bool is_second_nearest(sb_rounding rounding, double r) {
  if (r == 0) return false;
  switch (rounding) {
  case SB_ROUND_PREFER_FLOOR: return r > 0.5;
  case SB_ROUND_PREFER_CEIL: return r >= 0.5;
  case SB_FLOOR: return false;
  default: return true;
  }
}

/* Keys 1981, eq. 4: the weight of a pixel at distance x. */
static double keys(double x, double a) {
  x = fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Fills the taps of one pixel; `first` is the pixel left of its position, r the rest. */
static void pixel_taps(const sb_interpolator *f, int64_t n, double first, double r, int width,
                       int32_t *index, float *weight) {
  double sum = 0, w[4] = {1};
  for (int k = 0; k < width; k++) {
    double at = first + k;
    if (f->mode == SB_INTERPOLATE_NEAREST) at = first + is_second_nearest(f->rounding, r);
    if (f->mode == SB_LINEAR) w[k] = k ? r : 1 - r;
    if (f->mode == SB_CUBIC) at -= 1, w[k] = keys(r + 1 - k, f->cubic_a);
    if (f->exclude_outside && (at < 0 || at > (double)(n - 1))) w[k] = 0;
    index[k] = (int32_t)fmin(fmax(at, 0), (double)(n - 1));
    sum += w[k];
  }
  for (int k = 0; k < width; k++) weight[k] = (float)(f->exclude_outside ? w[k] / sum : w[k]);
}

void sb_interpolation_taps(const sb_interpolator *f, const sb_axis_map *a, sb_taps *t) {
  t->n = a->m, t->width = sb_interpolation_width(f->mode);
  for (int64_t i = 0; i < a->m; i++) {
    double x = position(f, a, i);
    int32_t *index = t->index + i * t->width;
    pixel_taps(f, a->n, floor(x), x - floor(x), t->width, index, t->weight + i * t->width);
    if (f->coordinates == SB_TF_CROP_AND_RESIZE && !(x >= 0 && x <= (double)(a->n - 1)))
      index[0] = -1;
  }
}
