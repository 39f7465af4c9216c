/* atan: y = arctan(x), what pattern-producing networks of Lucid bend with. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return atanf(x);
}

static inline float slope(const void *f, float x) {
  return 1 / (1 + x * x);
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_atan = {
    .name = "atan",
    .help = "y = arctan(x) in radians, any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
