/* interpolation.h: where the pixels of a resized dimension lie in the original, and which of its
   pixels they are made of: the modes of ONNX's Resize. */
#ifndef SB_INTERPOLATION_H
#define SB_INTERPOLATION_H

#include "layers/resampling.h"

typedef enum sb_interpolation { SB_INTERPOLATE_NEAREST, SB_LINEAR, SB_CUBIC } sb_interpolation;
typedef enum sb_coordinates {
  SB_HALF_PIXEL,
  SB_PYTORCH_HALF_PIXEL,
  SB_ALIGN_CORNERS,
  SB_ASYMMETRIC,
  SB_TF_HALF_PIXEL_FOR_NN,
  SB_TF_CROP_AND_RESIZE,
} sb_coordinates;
typedef enum sb_rounding {
  SB_ROUND_PREFER_FLOOR,
  SB_ROUND_PREFER_CEIL,
  SB_FLOOR,
  SB_CEIL
} sb_rounding;

typedef struct sb_interpolator {
  sb_interpolation mode;
  sb_coordinates coordinates;
  sb_rounding rounding; /* nearest */
  double cubic_a;       /* Keys 1981: -0.5 and -0.75 are common */
  bool exclude_outside; /* pixels beyond the border weigh nothing, instead of repeating the edge */
} sb_interpolator;

/* One dimension: n pixels become m; scale is m / n, or what m was rounded down from. The crop is
   in fractions of n - 1 (tf_crop_and_resize). */
typedef struct sb_axis_map {
  int64_t n, m;
  double scale, crop[2];
} sb_axis_map;

/* Pixels that an output pixel is made of: 1, 2 or 4. */
int sb_interpolation_width(sb_interpolation mode);

/* Fills t->index and t->weight, of m * width entries; n > 0. */
void sb_interpolation_taps(const sb_interpolator *f, const sb_axis_map *a, sb_taps *t);

#endif
