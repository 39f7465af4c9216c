/* softsign: y = x / (1 + |x|) (Bergstra et al. 2009). */
#include "layers/pointwise.h"

static inline float value(const void *f, float x) {
  return x / (1 + fabsf(x));
}

static inline float slope(const void *f, float x) {
  return 1 / ((1 + fabsf(x)) * (1 + fabsf(x)));
}

SB_POINTWISE(void, in)

const sb_layer sb_layer_softsign = {
    .name = "softsign",
    .help = "y = x / (1 + |x|), any shape",
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
