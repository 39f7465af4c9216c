/* global_maxpool: the largest value of each plane, and the switch: where it was. */
#include <math.h>
#include <string.h>

#include "layer.h"
#include "layers/pooling.h"

static const char *const tape_names[] = {"switches", NULL};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  if (!sb_require_nchw("global_maxpool", &in[0], e)) return false;
  if (in[0].dim[2] * in[0].dim[3] == 0)
    return sb_fail(e, "global_maxpool: input %s has empty planes", sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->tape[0] = plan->out[0] = sb_shape4(in[0].dim[0], in[0].dim[1], 1, 1);
  return sb_pooling_switchable("global_maxpool", &in[0], e);
}

/* Among equal values the first in row-major order wins; NaN wins over numbers. */
static int64_t where_largest(const float *x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[best] || (isnan(x[i]) && !isnan(x[best]))) best = i;
  return best;
}

static void forward(const sb_call *c) {
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  const float *x = c->in[0].data;
  for (int64_t plane = 0, n = sb_count(&c->out[0]); plane < n; plane++, x += inner) {
    int64_t at = where_largest(x, inner);
    c->out[0].data[plane] = x[at];
    if (c->tape[0].data) c->tape[0].data[plane] = (float)at;
  }
}

static void backward(const sb_call *c) {
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  float *dx = c->dx[0].data;
  if (!dx) return;
  memset(dx, 0, (size_t)sb_count(&c->dx[0]) * sizeof *dx);
  for (int64_t plane = 0, n = sb_count(&c->dy[0]); plane < n; plane++, dx += inner)
    dx[(int64_t)c->tape[0].data[plane]] = c->dy[0].data[plane];
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_global_maxpool = {
    .name = "global_maxpool",
    .help = "largest value of each plane: (N,C,H,W) to (N,C,1,1); the tape holds the switches",
    .min_in = 1,
    .max_in = 1,
    .tape_names = tape_names,
    .tape_is_index = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
