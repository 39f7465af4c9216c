/* reduce_sum: the sum over some dimensions. */
#include "layers/reducing.h"

static const sb_param params[] = {SB_REDUCING_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_reducing_shape("reduce_sum", config, &in[0], 0, plan, e);
}

static void forward(const sb_call *c) {
  sb_reducing_forward(c, "sum", c->in[0].data);
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_reducing_spread(c, c->dy[0].data);
}

const sb_layer sb_layer_reduce_sum = {
    .name = "reduce_sum",
    .help = "y = sum of x over axes",
    .config_size = sizeof(sb_reducing),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {axes = {3, 4}}, input = {{2, 3, 4, 5}} },"
               "{ {axes = {1, -1}, keepdims = false}, input = {{2, 3, 4}} },"
               "{ {}, input = {{3, 5}} }, { {axes = 2}, input = {{2, 3, 4}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_reducing_window,
};
