/* sqrt: the square root; NaN below 0. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return sqrtf(x);
}

static inline float slope(const void *f, float y) {
  return 0.5f / y;
}

SB_POINTWISE(void, out)

const sb_layer sb_layer_sqrt = {
    .name = "sqrt",
    .help = "y = sqrt(x), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{2, 3, 5}}, positive = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
