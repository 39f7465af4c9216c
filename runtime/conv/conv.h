/* conv.h: two-dimensional convolution (cross-correlation) and its two adjoints. conv.c chooses the
   algorithm; which one ran shows only in the last bits of the result and in the time.

     y[n,o,oy,ox] = b[o] + sum over c,i,j of w[o,c,i,j] x[n,c, oy*sy - top + i*dy, ox*sx - left +
   j*dx]

   x is (n, c_in, h, w), w is (c_out, c_in/groups, kh, kw), y is (n, c_out, oh, ow). Positions
   outside the image count as zero. The same bytes come out at any number of threads. */
#ifndef SB_CONV_H
#define SB_CONV_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sb_conv {
  int64_t n, c_in, h, w, c_out, oh, ow;
  int kernel[2], stride[2]; /* {y, x} */
  int pad[4];               /* {top, left, bottom, right} */
  int dilation[2], groups;
  bool recorded; /* a walk back may follow: equal neighbours must stay equal (repeats.h) */
} sb_conv;

/* oh or ow of a convolution over `extent` rows (axis 0) or columns (axis 1); 0 if nothing fits. */
int64_t sb_conv_extent(const sb_conv *g, int axis, int64_t extent);

/* Multiply-adds by the definition, each way: those with the padding count too, as is usual. */
int64_t sb_conv_products(const sb_conv *g);

/* y and dx are results of the two directions that can be prepared for. */
typedef enum sb_conv_direction { SB_CONV_FORWARD, SB_CONV_TO_INPUT } sb_conv_direction;

/* The weights as they are, and packed by sb_conv_pack for this geometry and direction. */
typedef struct sb_conv_weights {
  const float *plain, *packed;
} sb_conv_weights;

/* What happens to each result: + bias[channel], then negative ones become 0 (relu), then 0 wherever
   mask (of the result's shape) is not positive. NULL: no bias, no mask. */
typedef struct sb_conv_finish {
  const float *bias;
  bool relu;
  const float *mask;
} sb_conv_finish;

/* exact: sums in double (exact.c), but for the adjoint in x at a stride and the gradient of the
   weights: there algorithms within 1e-6 of the result (relative L2). */
void sb_conv_set_exact(bool exact);
bool sb_conv_is_exact(void);

/* Floats of the packed weights, 0 if they are used as they are. `kind` tells layouts apart: one
   packing serves all geometries of the same weights, direction and kind. */
int64_t sb_conv_packed_size(const sb_conv *g, sb_conv_direction direction, int *kind);
void sb_conv_pack(const sb_conv *g, sb_conv_direction direction, const float *w, float *packed);

/* Scratch is in floats, 64-byte aligned, and sized for the present number of threads. */
int64_t sb_conv_scratch(const sb_conv *g, sb_conv_direction direction);
int64_t sb_conv_backward_weights_scratch(const sb_conv *g);

/* y = conv(x, w), finished. */
void sb_conv_forward(const sb_conv *g, const float *x, sb_conv_weights w, sb_conv_finish finish,
                     float *y, float *scratch);
/* dx = the adjoint in x: the transposed convolution of dy, finished. */
void sb_conv_backward_input(const sb_conv *g, const float *dy, sb_conv_weights w,
                            sb_conv_finish finish, float *dx, float *scratch);
/* dw += the adjoint in w. */
void sb_conv_backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                              float *scratch);

#endif
