/* celu: y = x for x > 0, alpha (e^(x / alpha) - 1) otherwise (Barron 2017). */
#include "layers/rectifier.h"

typedef struct celu {
  double alpha;
} celu;

static const sb_param params[] = {
    SB_PARAM(celu, alpha, SB_FLOAT, "1", SB_ANY, "y tends to -alpha for very negative x; not 0"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const celu *f = config;
  return f->alpha != 0 || sb_fail(e, "celu: alpha must not be 0");
}

static inline float value(const celu *f, float x) {
  return x > 0 ? x : (float)f->alpha * expm1f(x / (float)f->alpha);
}

static inline float slope(const celu *f, float x) {
  return x > 0 ? 1 : expf(x / (float)f->alpha);
}

SB_RECTIFIER(celu, in)

const sb_layer sb_layer_celu = {
    .name = "celu",
    .help = "y = x where x > 0, alpha (e^(x / alpha) - 1) elsewhere, any shape",
    .config_size = sizeof(celu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {alpha = 0.5}, input = {{2, 3, 4, 5}}, distinct = true }",
    .construct = construct,
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
