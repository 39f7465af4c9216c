/* abs: y = |x|; the gradient at 0 is 0. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return fabsf(x);
}

static inline float slope(const void *f, float x) {
  return (float)((x > 0) - (x < 0));
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_abs = {
    .name = "abs",
    .help = "y = |x|, any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
