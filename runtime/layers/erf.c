/* erf: the error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return erff(x);
}

static inline float slope(const void *f, float x) {
  return 1.1283791671f * expf(-x * x);
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_erf = {
    .name = "erf",
    .help = "y = erf(x), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
