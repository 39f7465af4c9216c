/* conv.h: two-dimensional convolution (cross-correlation) and its two adjoints. conv.c chooses the
   algorithm; which one ran shows only in the last bits of the result and in the time.

     y[n,o,oy,ox] = b[o] + sum over c,i,j of w[o,c,i,j] x[n,c, oy*sy - top + i*dy, ox*sx - left +
   j*dx]

   x is (n, c_in, h, w), w is (c_out, c_in/groups, kh, kw), y is (n, c_out, oh, ow). Positions
   outside the image count as zero. The same bytes come out at any number of threads. */
#ifndef SB_CONV_H
#define SB_CONV_H

#include <stdint.h>

typedef struct sb_conv {
  int64_t n, c_in, h, w, c_out, oh, ow;
  int kernel[2], stride[2]; /* {y, x} */
  int pad[4];               /* {top, left, bottom, right} */
  int dilation[2], groups;
} sb_conv;

/* oh or ow of a convolution over `extent` rows (axis 0) or columns (axis 1); 0 if nothing fits. */
int64_t sb_conv_extent(const sb_conv *g, int axis, int64_t extent);

/* Scratch is in floats, 64-byte aligned, and sized for the present number of threads. */
int64_t sb_conv_forward_scratch(const sb_conv *g);
int64_t sb_conv_backward_input_scratch(const sb_conv *g);
int64_t sb_conv_backward_weights_scratch(const sb_conv *g);

/* y = conv(x, w) + bias; bias may be NULL. */
void sb_conv_forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                     float *scratch);
/* dx = the adjoint in x: the transposed convolution of dy. */
void sb_conv_backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                            float *scratch);
/* dw += the adjoint in w. */
void sb_conv_backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                              float *scratch);

#endif
