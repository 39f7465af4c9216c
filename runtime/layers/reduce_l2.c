/* reduce_l2: the Euclidean norm over some dimensions; at 0 the gradient is 0. */
#include "layers/reducing.h"

static const sb_param params[] = {SB_REDUCING_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_reducing_shape("reduce_l2", config, &in[0], 0, plan, e);
}

static void forward(const sb_call *c) {
  sb_reducing_forward(c, "norm", c->in[0].data);
}

static void backward(const sb_call *c) {
  if (!c->dx[0].data) return;
  const float *y = c->out[0].data;
  float *v = c->scratch;
  for (int64_t i = 0, n = sb_count(&c->dy[0]); i < n; i++)
    v[i] = y[i] > 0 ? c->dy[0].data[i] / y[i] : 0;
  sb_reducing_scale(c, v, &c->in[0]);
}

const sb_layer sb_layer_reduce_l2 = {
    .name = "reduce_l2",
    .help = "y = sqrt(sum of x^2 over axes)",
    .config_size = sizeof(sb_reducing),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT | SB_KEEP_OUTPUT,
    .samples = "{ {axes = {3, 4}}, input = {{2, 3, 4, 5}} },"
               "{ {axes = {1, -1}, keepdims = false}, input = {{2, 3, 4}} },"
               "{ {}, input = {{3, 5}} }, { {axes = 2}, input = {{2, 3, 4}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_reducing_window,
};
