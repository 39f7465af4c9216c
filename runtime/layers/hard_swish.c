/* hard_swish: y = x max(0, min(1, x / 6 + 1/2)) (Howard et al. 2019, MobileNetV3). */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  float gate = x / 6 + 0.5f;
  gate = gate < 0 ? 0 : gate;
  return x * (gate > 1 ? 1 : gate);
}

static inline float slope(const void *f, float x) {
  return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5f;
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_hard_swish = {
    .name = "hard_swish",
    .help = "y = x max(0, min(1, x / 6 + 1/2)), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
