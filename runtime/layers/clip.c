/* clip: y = x cut to [min, max]; clip{min = 0, max = 6} is ReLU6.

   With min = 0 it is a rectifier with a ceiling and obeys the rectifier rule of a walk; with any
   other floor (a hard tanh, a pixel range) every rule passes the true gradient. */
#include "layers/rectifier.h"

typedef struct clip {
  double min, max;
} clip;

static const sb_param params[] = {
    SB_PARAM(clip, min, SB_FLOAT, "-1/0", SB_ANY, "smallest y; default: none"),
    SB_PARAM(clip, max, SB_FLOAT, "1/0", SB_ANY, "largest y; default: none"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const clip *f = config;
  return f->min <= f->max || sb_fail(e, "clip: min is %g, above max %g", f->min, f->max);
}

static inline float value(const clip *f, float x) {
  float low = (float)f->min, high = (float)f->max;
  x = x < low ? low : x;
  return x > high ? high : x;
}

static inline float slope(const clip *f, float x) {
  float low = (float)f->min, high = (float)f->max;
  return (float)((x > low) & (x < high)); /* no branch, so that the loop vectorises */
}

SB_POINTWISE_FORWARD(clip)
SB_RECTIFIER_BACKWARD(clip, in)

static void backward(const sb_call *c) {
  sb_call plain = *c;
  if (((const clip *)c->config)->min != 0) plain.rules.rectifier = SB_GRADIENT;
  rectifier_backward(&plain);
}

const sb_layer sb_layer_clip = {
    .name = "clip",
    .help = "y = max(min, min(max, x)), any shape",
    .config_size = sizeof(clip),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {min = 0, max = 0.4}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {min = -0.3}, input = {{2, 3, 5}}, distinct = true },"
               "{ {max = 0.2}, input = {{2, 3, 5}}, distinct = true }",
    .construct = construct,
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
