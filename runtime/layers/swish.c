/* swish: y = x / (1 + e^-x), also called SiLU (Ramachandran et al. 2017). */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return x / (1 + expf(-x));
}

static inline float slope(const void *f, float x) {
  float s = 1 / (1 + expf(-x));
  return s * (1 + x * (1 - s));
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_swish = {
    .name = "swish",
    .help = "y = x sigmoid(x), also called SiLU, any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
