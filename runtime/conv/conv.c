#include "conv/conv.h"

#include <stddef.h>

#include "conv/algorithm.h"

const sb_conv_algorithm *const sb_conv_algorithms[] = {&sb_conv_pointwise, &sb_conv_depthwise,
                                                       &sb_conv_im2col, &sb_conv_direct, NULL};

int64_t sb_conv_extent(const sb_conv *g, int axis, int64_t extent) {
  int64_t window = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis] + 1;
  int64_t room = extent + g->pad[axis] + g->pad[axis + 2] - window;
  return room < 0 ? 0 : room / g->stride[axis] + 1;
}

/* im2col fits everything and has every operation, so each search ends. */
static const sb_conv_algorithm *for_forward(const sb_conv *g) {
  const sb_conv_algorithm *const *a = sb_conv_algorithms;
  while (!(*a)->forward || !(*a)->fits(g)) a++;
  return *a;
}

static const sb_conv_algorithm *for_backward_input(const sb_conv *g) {
  const sb_conv_algorithm *const *a = sb_conv_algorithms;
  while (!(*a)->backward_input || !(*a)->fits(g)) a++;
  return *a;
}

static const sb_conv_algorithm *for_backward_weights(const sb_conv *g) {
  const sb_conv_algorithm *const *a = sb_conv_algorithms;
  while (!(*a)->backward_weights || !(*a)->fits(g)) a++;
  return *a;
}

int64_t sb_conv_forward_scratch(const sb_conv *g) {
  return for_forward(g)->forward_scratch(g);
}

int64_t sb_conv_backward_input_scratch(const sb_conv *g) {
  return for_backward_input(g)->backward_input_scratch(g);
}

int64_t sb_conv_backward_weights_scratch(const sb_conv *g) {
  return for_backward_weights(g)->backward_weights_scratch(g);
}

void sb_conv_forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                     float *scratch) {
  for_forward(g)->forward(g, x, w, bias, y, scratch);
}

void sb_conv_backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                            float *scratch) {
  for_backward_input(g)->backward_input(g, dy, w, dx, scratch);
}

void sb_conv_backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                              float *scratch) {
  for_backward_weights(g)->backward_weights(g, dy, x, dw, scratch);
}
