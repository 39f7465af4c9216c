/* algorithm.h: the ways to convolve that take weights as they are, and what all ways share. */
#ifndef SB_CONV_ALGORITHM_H
#define SB_CONV_ALGORITHM_H

#include <stdbool.h>

#include "conv/conv.h"

/* Each operation comes with its scratch size; NULL where an algorithm lacks it, since the ways of
   fast.h are faster. */
typedef struct sb_conv_algorithm {
  const char *name;
  bool (*fits)(const sb_conv *g);
  int64_t (*forward_scratch)(const sb_conv *g);
  void (*forward)(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                  float *scratch);
  int64_t (*backward_input_scratch)(const sb_conv *g);
  void (*backward_input)(const sb_conv *g, const float *dy, const float *w, float *dx,
                         float *scratch);
  int64_t (*backward_weights_scratch)(const sb_conv *g);
  void (*backward_weights)(const sb_conv *g, const float *dy, const float *x, float *dw,
                           float *scratch);
} sb_conv_algorithm;

extern const sb_conv_algorithm sb_conv_depthwise;         /* one input channel a group */
extern const sb_conv_algorithm sb_conv_winograd_gradient; /* of 3x3 weights: 1e-5 */
extern const sb_conv_algorithm sb_conv_gradient;          /* of the weights, of any shape */
extern const sb_conv_algorithm sb_conv_direct; /* plain loops in double: the tests' oracle */

/* Whether sb_conv_winograd_gradient is faster than sb_conv_gradient. */
bool sb_conv_winograd_gradient_pays(const sb_conv *g);

/* All of them, ended by NULL; direct is last. */
extern const sb_conv_algorithm *const sb_conv_algorithms[];

/* Of the outputs [0, out) along an axis, those whose tap k lies inside the input: [first, last). */
typedef struct sb_conv_range {
  int64_t first, last;
} sb_conv_range;

static inline sb_conv_range sb_conv_inside(const sb_conv *g, int axis, int k) {
  int64_t in = axis ? g->w : g->h, out = axis ? g->ow : g->oh, stride = g->stride[axis];
  int64_t offset = (int64_t)k * g->dilation[axis] - g->pad[axis];
  int64_t first = offset < 0 ? (stride - 1 - offset) / stride : 0;
  int64_t last = in > offset ? (in - 1 - offset) / stride + 1 : 0;
  if (last > out) last = out;
  return (sb_conv_range){first < last ? first : last, last};
}

/* The input row (or column) that tap k of output o looks at; maybe outside. */
static inline int64_t sb_conv_at(const sb_conv *g, int axis, int64_t o, int k) {
  return o * g->stride[axis] - g->pad[axis] + (int64_t)k * g->dilation[axis];
}

#endif
