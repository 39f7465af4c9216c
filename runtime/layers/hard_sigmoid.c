/* hard_sigmoid: y = alpha x + beta cut to [0, 1]. */
#include "layers/pointwise.h"

typedef struct hard_sigmoid {
  double alpha, beta;
} hard_sigmoid;

static const sb_param params[] = {
    SB_PARAM(hard_sigmoid, alpha, SB_FLOAT, "0.2", SB_ANY, "slope of the middle part"),
    SB_PARAM(hard_sigmoid, beta, SB_FLOAT, "0.5", SB_ANY, "y at x = 0"),
    {NULL}};

static inline float value(const hard_sigmoid *f, float x) {
  float y = (float)f->alpha * x + (float)f->beta;
  y = y < 0 ? 0 : y;
  return y > 1 ? 1 : y;
}

static inline float slope(const hard_sigmoid *f, float y) {
  float middle = (float)f->alpha;
  return (y > 0) & (y < 1) ? middle : 0;
}

SB_POINTWISE(hard_sigmoid, out)

const sb_layer sb_layer_hard_sigmoid = {
    .name = "hard_sigmoid",
    .help = "y = max(0, min(1, alpha x + beta)), any shape",
    .config_size = sizeof(hard_sigmoid),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {alpha = 0.5, beta = 0.4}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
