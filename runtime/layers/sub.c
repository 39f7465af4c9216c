/* sub: y = a - b, element by element. */
#include "layers/broadcast.h"

SB_GRADIENT_ROW(gradient_b, -g)

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_broadcast_shape("sub", in, n_in, plan, e);
}

static void forward(const sb_call *c) {
  sb_broadcast_fold(c, "sub");
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_sum_to(&c->dx[0], &c->dy[0], c->scratch);
  sb_broadcast_gradient(c, 1, gradient_b);
}

const sb_layer sb_layer_sub = {
    .name = "sub",
    .help = "y = a - b, element by element, NumPy broadcasting",
    .min_in = 2,
    .max_in = 2,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4}, {2, 3, 4}} },"
               "{ {}, input = {{2, 3, 2, 4}, {3, 1, 1}} },"
               "{ {}, input = {{5, 1}, {2, 1, 4}} },"
               "{ {}, input = {{}, {2, 3}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
