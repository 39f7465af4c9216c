/* log: the natural logarithm; -inf at 0, NaN below. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return logf(x);
}

static inline float slope(const void *f, float x) {
  return 1 / x;
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_log = {
    .name = "log",
    .help = "y = log(x), natural, any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}}, positive = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
