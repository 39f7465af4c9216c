/* leaky_relu: y = x for x > 0, slope * x otherwise (Maas et al. 2013). */
#include "layers/rectifier.h"

typedef struct leaky_relu {
  double slope;
} leaky_relu;

static const sb_param params[] = {
    SB_PARAM(leaky_relu, slope, SB_FLOAT, "0.01", SB_ANY, "factor of negative inputs"), {NULL}};

static inline float value(const leaky_relu *f, float x) {
  float low = (float)f->slope;
  return x * (x > 0 ? 1 : low);
}

static inline float slope(const leaky_relu *f, float x) {
  float low = (float)f->slope;
  return x > 0 ? 1 : low;
}

SB_RECTIFIER(leaky_relu, in)

const sb_layer sb_layer_leaky_relu = {
    .name = "leaky_relu",
    .help = "y = x where x > 0, slope * x elsewhere, any shape",
    .config_size = sizeof(leaky_relu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {slope = 0.3}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
