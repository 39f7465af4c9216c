/* global_avgpool: the mean of each plane (Lin et al. 2013). */
#include "clones.h"
#include "layer.h"

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  if (!sb_require_nchw("global_avgpool", &in[0], e)) return false;
  if (in[0].dim[2] * in[0].dim[3] == 0)
    return sb_fail(e, "global_avgpool: input %s has empty planes", sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->out[0] = sb_shape4(in[0].dim[0], in[0].dim[1], 1, 1);
  return true;
}

SB_CLONES static double sum_of(const float *x, int64_t n) {
  enum { LANES = 16 };
  double lanes[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += (double)x[i + l];
  for (; i < n; i++) sum += (double)x[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

static void forward(const sb_call *c) {
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  const float *x = c->in[0].data;
  for (int64_t plane = 0, n = sb_count(&c->out[0]); plane < n; plane++, x += inner)
    c->out[0].data[plane] = (float)(sum_of(x, inner) / (double)inner);
}

static void backward(const sb_call *c) {
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  float *dx = c->dx[0].data;
  if (!dx) return;
  for (int64_t plane = 0, n = sb_count(&c->dy[0]); plane < n; plane++, dx += inner)
    for (int64_t i = 0; i < inner; i++) dx[i] = c->dy[0].data[plane] / (float)inner;
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_global_avgpool = {
    .name = "global_avgpool",
    .help = "mean of each plane: (N,C,H,W) to (N,C,1,1)",
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {}, input = {{2, 3, 4, 5}} }, { {}, input = {{1, 2, 1, 1}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
