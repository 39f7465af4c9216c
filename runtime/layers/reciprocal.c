/* reciprocal: y = 1 / x. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return 1 / x;
}

static inline float slope(const void *f, float y) {
  return -y * y;
}

SB_POINTWISE(void, out)

const sb_layer sb_layer_reciprocal = {
    .name = "reciprocal",
    .help = "y = 1 / x, any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{2, 3, 5}}, positive = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
