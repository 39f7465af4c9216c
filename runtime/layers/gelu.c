/* gelu: y = x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016). */
#include "layers/pointwise.h"

enum { EXACT, TANH };
static const char *const approximations[] = {"none", "tanh", NULL};

typedef struct gelu {
  int approximate;
} gelu;

static const sb_param params[] = {
    SB_PARAM_CHOICE(gelu, approximate, "'none'", approximations,
                    "tanh: Phi(x) as (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2"),
    {NULL}};

static const float ROOT_2_OVER_PI = 0.7978845608f;

static inline float phi(const gelu *f, float x) {
  if (f->approximate == EXACT) return 0.5f * erfcf(-0.7071067812f * x);
  return 0.5f + 0.5f * tanhf(ROOT_2_OVER_PI * (x + 0.044715f * x * x * x));
}

static inline float value(const gelu *f, float x) {
  return x * phi(f, x);
}

static inline float slope(const gelu *f, float x) {
  float p = phi(f, x);
  if (f->approximate == EXACT) return p + x * 0.3989422804f * expf(-0.5f * x * x);
  return p + x * 2 * p * (1 - p) * ROOT_2_OVER_PI * (1 + 0.134145f * x * x);
}

SB_POINTWISE(gelu, in)

const sb_layer sb_layer_gelu = {
    .name = "gelu",
    .help = "y = x Phi(x), Phi the normal distribution function, any shape",
    .config_size = sizeof(gelu),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 5}} }, { {approximate = 'tanh'}, input = {{2, 3, 5}} }",
    .shape = sb_shape_same,
    .forward = forward,
    .backward = backward,
};
