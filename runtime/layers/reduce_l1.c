/* reduce_l1: the sum of absolute values over some dimensions; at 0 the gradient is 0. */
#include "arithmetic.h"
#include "layers/reducing.h"

static const sb_param params[] = {SB_REDUCING_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_reducing_shape("reduce_l1", config, &in[0], 1, plan, e);
}

static void forward(const sb_call *c) {
  sb_tensor sizes = {c->in[0].shape, c->scratch};
  sb_apply_unary(sb_find_unary("abs"), &sizes, &c->in[0]);
  sb_reducing_forward(c, "sum", sizes.data);
}

static void backward(const sb_call *c) {
  if (!c->dx[0].data) return;
  sb_apply_unary(sb_find_unary("sign"), &c->dx[0], &c->in[0]);
  sb_reducing_scale(c, c->dy[0].data, &c->dx[0]);
}

const sb_layer sb_layer_reduce_l1 = {
    .name = "reduce_l1",
    .help = "y = sum of |x| over axes",
    .config_size = sizeof(sb_reducing),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {axes = {3, 4}}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {axes = {1, -1}, keepdims = false}, input = {{2, 3, 4}}, distinct = true },"
               "{ {}, input = {{3, 5}}, distinct = true }, { {axes = 2}, input = {{2, 3, 4}}, "
               "distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_reducing_window,
};
