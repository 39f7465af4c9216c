/* winograd.h: 3x3 convolution with stride 1 by F(4x4, 3x3) or F(2x2, 3x3) (Lavin & Gray 2016).
   F(4x4) costs 4 and F(2x2) 2.25 times fewer multiplications than the definition; their errors are
   about 1e-5 and 1e-6 of the largest value. */
#ifndef SB_WINOGRAD_H
#define SB_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

/* y (n, rows, oh, ow) = x (n, depth, h, w) correlated with rows x depth filters of 3x3, x padded
   with zeros above and left by pad_top, pad_left, and below and right as far as the output reaches.
 */
typedef struct sb_winograd {
  int m; /* 4 or 2: outputs a tile side */
  int64_t n, depth, h, w, rows, oh, ow;
  int pad_top, pad_left;
} sb_winograd;

/* Floats of the transformed and packed weights; of the scratch that a run needs. */
int64_t sb_winograd_packed_size(const sb_winograd *g);
int64_t sb_winograd_scratch(const sb_winograd *g);

/* Transforms and packs the weights. flip = false: w is (rows, depth, 3, 3). flip = true: w is
   (depth, rows, 3, 3), to be turned by 180 degrees: the backward pass to the input. */
void sb_winograd_pack(const sb_winograd *g, const float *w, bool flip, float *packed);

/* x_stride and y_stride are the distances between images (for groups of channels). */
void sb_winograd_run(const sb_winograd *g, const float *packed, const float *x, int64_t x_stride,
                     const float *bias, bool relu, float *y, int64_t y_stride, float *scratch);

#endif
