/* concat: the inputs, one after another along a dimension. */
#include "layers/axis.h"
#include "layers/parts.h"

typedef struct concat {
  int axis;
} concat;

static const sb_param params[] = {
    SB_PARAM(concat, axis, SB_AXIS, "2", SB_ANY, "the dimension along which inputs follow"),
    {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const concat *f = config;
  char first[SB_SHAPE_TEXT], other[SB_SHAPE_TEXT];
  int axis;
  if (!sb_resolve_axis("concat", f->axis, &in[0], &axis, e)) return false;
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int k = 1; k < n_in; k++) {
    sb_shape like = in[k];
    if (like.rank == in[0].rank) like.dim[axis] = in[0].dim[axis];
    if (!sb_shape_equal(&like, &in[0]))
      return sb_fail(e, "concat: inputs 1 and %d differ beside axis %d: %s and %s", k + 1, axis + 1,
                     sb_shape_text(&in[0], first), sb_shape_text(&in[k], other));
    plan->out[0].dim[axis] += in[k].dim[axis];
  }
  return true;
}

static void forward(const sb_call *c) {
  sb_join_parts(&c->out[0], sb_axis_of(((const concat *)c->config)->axis, c->out[0].shape.rank),
                c->in, c->n_in);
}

static void backward(const sb_call *c) {
  sb_cut_parts(&c->dy[0], sb_axis_of(((const concat *)c->config)->axis, c->dy[0].shape.rank), c->dx,
               c->n_in);
}

const sb_layer sb_layer_concat = {
    .name = "concat",
    .help = "the inputs one after another along axis; 1 to 64, alike in all other dimensions",
    .config_size = sizeof(concat),
    .params = params,
    .min_in = 1,
    .max_in = SB_MAX_INPUTS,
    .samples = "{ {}, input = {{2, 3, 4}, {2, 1, 4}, {2, 2, 4}} },"
               "{ {axis = -1}, input = {{2, 3}, {2, 2}} }, { {axis = 1}, input = {{3}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
