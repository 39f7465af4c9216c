/* unsqueeze: x with more dimensions, of extent 1, without copying. */
#include "layers/axis.h"

typedef struct unsqueeze {
  sb_ints axes;
} unsqueeze;

static const sb_param params[] = {
    SB_PARAM(unsqueeze, axes, SB_AXES, NULL, SB_ANY, "where y has the new dimensions"), {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const unsqueeze *f = config;
  char text[SB_SHAPE_TEXT];
  bool marked[SB_MAX_RANK];
  sb_shape *out = &plan->out[0];
  plan->n_out = 1;
  out->rank = in[0].rank + f->axes.n;
  if (out->rank > SB_MAX_RANK)
    return sb_fail(e, "unsqueeze: %d more than %s is more than %d dimensions", f->axes.n,
                   sb_shape_text(&in[0], text), SB_MAX_RANK);
  for (int d = 0; d < out->rank; d++) out->dim[d] = 1;
  if (!sb_resolve_axes("unsqueeze", &f->axes, out, marked, e))
    return sb_fail(e, "unsqueeze: axes must be different dimensions of an output that has %d",
                   out->rank);
  for (int d = 0, from = 0; d < out->rank; d++)
    if (!marked[d]) out->dim[d] = in[0].dim[from++];
  return true;
}

const sb_layer sb_layer_unsqueeze = {
    .name = "unsqueeze",
    .help = "y = x with new dimensions of extent 1 at axes (counted in y)",
    .config_size = sizeof(unsqueeze),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .is_alias = true,
    .samples = "{ {axes = 1}, input = {{2, 3}} }, { {axes = {2, -1}}, input = {{2, 3}} }",
    .shape = shape,
};
