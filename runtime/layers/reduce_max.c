/* reduce_max: the largest value over some dimensions; equal ones share the gradient evenly. */
#include "layers/reducing.h"

static const sb_param params[] = {SB_REDUCING_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_reducing_shape("reduce_max", config, &in[0], 0, plan, e);
}

static void forward(const sb_call *c) {
  sb_reducing_forward(c, "max", c->in[0].data);
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_reducing_share(c);
}

const sb_layer sb_layer_reduce_max = {
    .name = "reduce_max",
    .help = "y = largest value of x over axes",
    .config_size = sizeof(sb_reducing),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT | SB_KEEP_OUTPUT,
    .samples = "{ {axes = {3, 4}}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {axes = {1, -1}, keepdims = false}, input = {{2, 3, 4}}, distinct = true },"
               "{ {}, input = {{3, 5}}, distinct = true }, { {axes = 2}, input = {{2, 3, 4}}, "
               "distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_reducing_window,
};
