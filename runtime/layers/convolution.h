/* convolution.h: what conv2d and conv2d_transpose share: parameters, weights, messages. */
#ifndef SB_CONVOLUTION_H
#define SB_CONVOLUTION_H

#include "conv/conv.h"
#include "layer.h"

typedef struct sb_convolution {
  int in_channels, out_channels, kernel[2], stride[2], pad[4], dilation[2], groups, output_pad[2];
  bool bias;
} sb_convolution;

#define SB_CONVOLUTION_PARAMS                                                                      \
  SB_PARAM(sb_convolution, in_channels, SB_INT, "0", 0, "channels of x; 0: taken from weight"),    \
      SB_PARAM(sb_convolution, out_channels, SB_INT, "0", 0,                                       \
               "channels of y; 0: taken from weight"),                                             \
      SB_PARAM(sb_convolution, kernel, SB_PAIR, "0", 0, "window {h, w}; 0: taken from weight"),    \
      SB_PARAM(sb_convolution, stride, SB_PAIR, "1", 1, "step {h, w}"),                            \
      SB_PARAM(sb_convolution, pad, SB_PADS, "0", 0, "zeros {top, left, bottom, right}"),          \
      SB_PARAM(sb_convolution, dilation, SB_PAIR, "1", 1, "spacing of the kernel's taps"),         \
      SB_PARAM(sb_convolution, groups, SB_INT, "1", 1, "independent groups of channels"),          \
      SB_PARAM(sb_convolution, bias, SB_BOOL, "true", 0, "add b")

enum { SB_CONVOLUTION_WEIGHT, SB_CONVOLUTION_BIAS };
extern const sb_weight sb_convolution_weights[];

/* Completes f from a weight that was given and answers the weights' shapes. `transposed` tells
   whether weight is (in, out/groups, kh, kw) or (out, in/groups, kh, kw). */
bool sb_convolution_construct(const char *name, sb_convolution *f, bool transposed, sb_shape *w,
                              sb_error *e);

/* Fails with both shapes unless x is (N,C,H,W) with the channels that the weights expect. */
bool sb_convolution_check(const char *name, const sb_convolution *f, const sb_shape *w,
                          const sb_shape *x, sb_error *e);

/* The geometry with the large side (x of conv2d, y of conv2d_transpose) as the input. */
sb_conv sb_convolution_geometry(const sb_convolution *f, const sb_shape *large,
                                const sb_shape *small);

/* db[c] += sum of dy over images and positions; nothing if db has no data. */
void sb_convolution_bias_gradient(const sb_tensor *dy, sb_tensor *db);

#endif
