/* elu: y = x for x > 0, alpha (e^x - 1) otherwise (Clevert et al. 2016). */
#include "layers/rectifier.h"

typedef struct elu {
  double alpha;
} elu;

static const sb_param params[] = {
    SB_PARAM(elu, alpha, SB_FLOAT, "1", SB_ANY, "y tends to -alpha for very negative x"), {NULL}};

static inline float value(const elu *f, float x) {
  return x > 0 ? x : (float)f->alpha * expm1f(x);
}

static inline float slope(const elu *f, float x) {
  return x > 0 ? 1 : (float)f->alpha * expf(x);
}

SB_RECTIFIER(elu, in)

const sb_layer sb_layer_elu = {
    .name = "elu",
    .help = "y = x where x > 0, alpha (e^x - 1) elsewhere, any shape",
    .config_size = sizeof(elu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {alpha = 0.5}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
