/* tanh: the hyperbolic tangent. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return tanhf(x);
}

static inline float slope(const void *f, float y) {
  return 1 - y * y;
}

SB_POINTWISE(void, out)

const sb_layer sb_layer_tanh = {
    .name = "tanh",
    .help = "y = tanh(x), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
