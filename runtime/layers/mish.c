/* mish: y = x tanh(softplus(x)) (Misra 2020). */
#include "layers/pointwise.h"

static inline float softplus(float x) {
  return fmaxf(x, 0) + log1pf(expf(-fabsf(x)));
}

static inline float value(const void *f, float x) {
  return x * tanhf(softplus(x));
}

static inline float slope(const void *f, float x) {
  float t = tanhf(softplus(x));
  return t + x * (1 - t * t) / (1 + expf(-x));
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_mish = {
    .name = "mish",
    .help = "y = x tanh(log(1 + e^x)), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
