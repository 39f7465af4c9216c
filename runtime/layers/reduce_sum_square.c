/* reduce_sum_square: the sum of squares over some dimensions. */
#include "arithmetic.h"
#include "layers/reducing.h"

static const sb_param params[] = {SB_REDUCING_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_reducing_shape("reduce_sum_square", config, &in[0], 1, plan, e);
}

static void forward(const sb_call *c) {
  sb_tensor squares = {c->in[0].shape, c->scratch};
  sb_apply_unary(sb_find_unary("square"), &squares, &c->in[0]);
  sb_reducing_forward(c, "sum", squares.data);
}

static void backward(const sb_call *c) {
  if (!c->dx[0].data) return;
  float *v = c->scratch;
  for (int64_t i = 0, n = sb_count(&c->dy[0]); i < n; i++) v[i] = 2 * c->dy[0].data[i];
  sb_reducing_scale(c, v, &c->in[0]);
}

const sb_layer sb_layer_reduce_sum_square = {
    .name = "reduce_sum_square",
    .help = "y = sum of x^2 over axes",
    .config_size = sizeof(sb_reducing),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {axes = {3, 4}}, input = {{2, 3, 4, 5}} },"
               "{ {axes = {1, -1}, keepdims = false}, input = {{2, 3, 4}} },"
               "{ {}, input = {{3, 5}} }, { {axes = 2}, input = {{2, 3, 4}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_reducing_window,
};
