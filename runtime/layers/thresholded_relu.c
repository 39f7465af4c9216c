/* thresholded_relu: y = x for x > alpha, 0 otherwise (Konda et al. 2014). */
#include "layers/rectifier.h"

typedef struct thresholded_relu {
  double alpha;
} thresholded_relu;

static const sb_param params[] = {
    SB_PARAM(thresholded_relu, alpha, SB_FLOAT, "1", SB_ANY, "the threshold"), {NULL}};

static inline float value(const thresholded_relu *f, float x) {
  return x > (float)f->alpha ? x : 0;
}

static inline float slope(const thresholded_relu *f, float x) {
  return x > (float)f->alpha ? 1 : 0;
}

SB_RECTIFIER(thresholded_relu, in)

const sb_layer sb_layer_thresholded_relu = {
    .name = "thresholded_relu",
    .help = "y = x where x > alpha, 0 elsewhere, any shape",
    .config_size = sizeof(thresholded_relu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {alpha = 0.1}, input = {{2, 3, 4, 5}}, distinct = true }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
