/* relu: y = max(x, 0) (Nair & Hinton 2010). NaN stays NaN. */
#include "layers/rectifier.h"

static inline float value(const void *f, float x) {
  return x < 0 ? 0 : x;
}

static inline float slope(const void *f, float x) {
  return x > 0 ? 1 : 0;
}

SB_RECTIFIER(void, out)

const sb_layer sb_layer_relu = {
    .name = "relu",
    .help = "y = max(x, 0), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
