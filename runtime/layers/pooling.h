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
static inline int sb_pooling_step(const sb_pooling *p, int axis) {
  return p->stride[axis] ? p->stride[axis] : p->kernel[axis];
}

typedef struct sb_pooling_range {
  int64_t first, last; /* one after the last */
} sb_pooling_range;

/* The input position of tap k of output o; maybe outside. */
static inline int64_t sb_pooling_at(const sb_pooling *p, int axis, int64_t o, int k) {
  return o * sb_pooling_step(p, axis) - p->pad[axis] + (int64_t)k * p->dilation[axis];
}

/* How many of the positions start, start + step, ... (`most` of them) lie before `end`. */
static inline int64_t sb_pooling_before(int64_t start, int64_t step, int64_t end, int64_t most) {
  int64_t room = end - start;
  if (room <= 0) return 0;
  int64_t n = step == 1 ? room : (room + step - 1) / step;
  return n < most ? n : most;
}

/* Of the outputs [0, out) along an axis, those whose tap k lies inside the input [0, in). */
static inline sb_pooling_range sb_pooling_outputs(const sb_pooling *p, int axis, int k, int64_t in,
                                                  int64_t out) {
  int64_t start = sb_pooling_at(p, axis, 0, k), step = sb_pooling_step(p, axis);
  return (sb_pooling_range){sb_pooling_before(start, step, 0, out),
                            sb_pooling_before(start, step, in, out)};
}

/* Of the taps of output o, those at input positions in [0, in). */
static inline sb_pooling_range sb_pooling_inside(const sb_pooling *p, int axis, int64_t o,
                                                 int64_t in) {
  int64_t start = sb_pooling_at(p, axis, o, 0), step = p->dilation[axis], most = p->kernel[axis];
  return (sb_pooling_range){sb_pooling_before(start, step, 0, most),
                            sb_pooling_before(start, step, in, most)};
}

bool sb_pooling_window(const sb_pooling *p, sb_window *w);

#endif
