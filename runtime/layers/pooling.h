/* pooling.h: the geometry that maxpool and avgpool share. */
#ifndef SB_POOLING_H
#define SB_POOLING_H

#include "layer.h"

typedef struct sb_pooling {
  int kernel[2], stride[2], pad[4], dilation[2];
  bool ceil_mode;
} sb_pooling;

/* The first four parameters of a pooling layer; stride 0 means "as the kernel". */
#define SB_POOLING_PARAMS(config)                                                                  \
  SB_PARAM(config, kernel, SB_PAIR, NULL, 1, "window {h, w}"),                                     \
      SB_PARAM(config, stride, SB_PAIR, "0", 0, "step {h, w}; 0: as the kernel"),                  \
      SB_PARAM(config, pad, SB_PADS, "0", 0, "padding {top, left, bottom, right}"),                \
      SB_PARAM(config, dilation, SB_PAIR, "1", 1, "spacing of the window's positions"),            \
      SB_PARAM(config, ceil_mode, SB_BOOL, "false", 0, "round the output size up")

/* Output (N,C,OH,OW) of pooling (N,C,H,W). In ceil mode a last window that would start beyond the
   image and its left padding is dropped, as Caffe and PyTorch do. */
bool sb_pooling_shape(const char *name, const sb_pooling *p, const sb_shape *in, sb_shape *out,
                      sb_error *e);
/* Fails unless the planes of `in` are small enough for switches, which are kept as float32. */
bool sb_pooling_switchable(const char *name, const sb_shape *in, sb_error *e);

/* The step along an axis, with "as the kernel" resolved. */
static inline int64_t sb_pooling_step(const sb_pooling *p, int axis) {
  return p->stride[axis] ? p->stride[axis] : p->kernel[axis];
}

bool sb_pooling_window(const sb_pooling *p, sb_window *w);

#endif
