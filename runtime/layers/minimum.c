/* minimum: the smallest of its inputs, element by element; NaN if one is NaN. */
#include "layers/extremum.h"

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_extremum_shape("minimum", in, n_in, plan, e);
}

static void forward(const sb_call *c) {
  sb_broadcast_fold(c, "minimum");
}

const sb_layer sb_layer_minimum = {
    .name = "minimum",
    .help = "y = smallest of the inputs, element by element, NumPy broadcasting; 1 to 64 inputs",
    .min_in = 1,
    .max_in = SB_MAX_INPUTS,
    .keeps = SB_KEEP_INPUT | SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{2, 3, 4}, {2, 3, 4}}, distinct = true },"
               "{ {}, input = {{2, 3, 4}, {3, 1}, {2, 1, 4}}, distinct = true },"
               "{ {}, input = {{5}}, distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = sb_extremum_backward,
};
