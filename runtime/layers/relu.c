/* relu: y = max(x, 0) (Nair & Hinton 2010). */
#include "layers/rectifier.h"

static void forward(const sb_call *c) {
  const float *x = c->in[0].data;
  float *y = c->out[0].data;
  for (int64_t i = 0, n = sb_count(&c->in[0]); i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

static float slope(const void *config, float x) {
  return x > 0 ? 1 : 0;
}

static void backward(const sb_call *c) {
  sb_rectifier_backward(c, slope);
}

const sb_layer sb_layer_relu = {
    .name = "relu",
    .help = "y = max(x, 0), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
