/* selu: y = gamma x for x > 0, gamma alpha (e^x - 1) otherwise (Klambauer et al. 2017). */
#include "layers/rectifier.h"

typedef struct selu {
  double alpha, gamma;
} selu;

static const sb_param params[] = {
    SB_PARAM(selu, alpha, SB_FLOAT, "1.6732632423543772", SB_ANY, "depth of the negative side"),
    SB_PARAM(selu, gamma, SB_FLOAT, "1.0507009873554805", SB_ANY, "overall scale"),
    {NULL}};

static inline float value(const selu *f, float x) {
  return (float)f->gamma * (x > 0 ? x : (float)f->alpha * expm1f(x));
}

static inline float slope(const selu *f, float x) {
  return (float)f->gamma * (x > 0 ? 1 : (float)f->alpha * expf(x));
}

SB_RECTIFIER(selu, in)

const sb_layer sb_layer_selu = {
    .name = "selu",
    .help = "y = gamma x where x > 0, gamma alpha (e^x - 1) elsewhere, any shape",
    .config_size = sizeof(selu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {alpha = 1, gamma = 2}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
