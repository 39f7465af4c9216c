/* neg: y = -x. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return -x;
}

static inline float slope(const void *f, float dy) {
  return -1;
}

SB_POINTWISE(void, dy)

const sb_layer sb_layer_neg = {
    .name = "neg",
    .help = "y = -x, any shape",
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
