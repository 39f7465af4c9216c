/* softplus: y = log(1 + e^x) (Dugas et al. 2001), in a form that cannot overflow. */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return fmaxf(x, 0) + log1pf(expf(-fabsf(x)));
}

static inline float slope(const void *f, float x) {
  return 1 / (1 + expf(-x));
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_softplus = {
    .name = "softplus",
    .help = "y = log(1 + e^x), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
