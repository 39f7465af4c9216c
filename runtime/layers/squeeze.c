/* squeeze: x without dimensions of extent 1, without copying. */
#include "layers/axis.h"

typedef struct squeeze {
  sb_ints axes;
} squeeze;

static const sb_param params[] = {
    SB_PARAM(squeeze, axes, SB_AXES, "{}", SB_ANY, "dimensions to drop; none: all of extent 1"),
    {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const squeeze *f = config;
  char text[SB_SHAPE_TEXT];
  bool marked[SB_MAX_RANK];
  if (!sb_resolve_axes("squeeze", &f->axes, &in[0], marked, e)) return false;
  plan->n_out = 1;
  for (int d = 0; d < in[0].rank; d++) {
    bool drop = f->axes.n ? marked[d] : in[0].dim[d] == 1;
    if (drop && in[0].dim[d] != 1)
      return sb_fail(e, "squeeze: axis %d of the input %s is not 1", d + 1,
                     sb_shape_text(&in[0], text));
    if (!drop) plan->out[0].dim[plan->out[0].rank++] = in[0].dim[d];
  }
  return true;
}

const sb_layer sb_layer_squeeze = {
    .name = "squeeze",
    .help = "y = x without dimensions of extent 1",
    .config_size = sizeof(squeeze),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .is_alias = true,
    .samples = "{ {}, input = {{2, 1, 3, 1}} }, { {axes = {2, -1}}, input = {{2, 1, 1, 3, 1}} }",
    .shape = shape,
};
