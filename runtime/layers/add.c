/* add: y = a + b + ..., element by element; Caffe's Eltwise SUM and ONNX's Sum. */
#include "layers/broadcast.h"

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_broadcast_shape("add", in, n_in, plan, e);
}

static void forward(const sb_call *c) {
  sb_broadcast_fold(c, "add");
}

static void backward(const sb_call *c) {
  for (int k = 0; k < c->n_in; k++)
    if (c->dx[k].data) sb_sum_to(&c->dx[k], &c->dy[0], c->scratch);
}

const sb_layer sb_layer_add = {
    .name = "add",
    .help = "y = a + b + ..., element by element, NumPy broadcasting; 1 to 64 inputs",
    .min_in = 1,
    .max_in = SB_MAX_INPUTS,
    .samples = "{ {}, input = {{2, 3, 4}, {2, 3, 4}} },"
               "{ {}, input = {{2, 3, 2, 4}, {3, 1, 1}} },"
               "{ {}, input = {{5, 1}, {2, 1, 4}} },"
               "{ {}, input = {{2, 3}} }, { {}, input = {{3}, {2, 1}, {4, 1, 1}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
