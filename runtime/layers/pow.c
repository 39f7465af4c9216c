/* pow: y = a^b, element by element; NaN where a < 0 and b is no integer. */
#include <math.h>

#include "layers/broadcast.h"

/* dy/da and dy/db; a factor of 0 wins over an infinite or undefined one, as in 0^0. */
static inline float slope_a(float a, float b) {
  return b == 0 ? 0 : b * powf(a, b - 1);
}
static inline float slope_b(float a, float b) {
  return a == 0 && b >= 0 ? 0 : powf(a, b) * logf(a);
}

SB_GRADIENT_ROW(gradient_a, (g * slope_a(a, b)))
SB_GRADIENT_ROW(gradient_b, (g * slope_b(a, b)))

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_broadcast_shape("pow", in, n_in, plan, e);
}

static void forward(const sb_call *c) {
  sb_broadcast_fold(c, "pow");
}

static void backward(const sb_call *c) {
  sb_broadcast_gradient(c, 0, gradient_a);
  sb_broadcast_gradient(c, 1, gradient_b);
}

const sb_layer sb_layer_pow = {
    .name = "pow",
    .help = "y = a^b, element by element, NumPy broadcasting",
    .min_in = 2,
    .max_in = 2,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4}, {2, 3, 4}}, positive = true },"
               "{ {}, input = {{2, 3, 2, 4}, {3, 1, 1}}, positive = true },"
               "{ {}, input = {{5, 1}, {2, 1, 4}}, positive = true },"
               "{ {}, input = {{}, {2, 3}}, positive = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
