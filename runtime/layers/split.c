/* split: the pieces of x along a dimension, as outputs of their own. */
#include "layers/axis.h"
#include "layers/parts.h"

typedef struct split {
  int axis, parts;
  sb_ints sizes;
} split;

static const sb_param params[] = {
    SB_PARAM(split, axis, SB_AXIS, "2", SB_ANY, "the dimension that is cut"),
    SB_PARAM(split, parts, SB_INT, "0", 0, "number of equal pieces (the last may be smaller)"),
    SB_PARAM(split, sizes, SB_INTS, "{}", 0, "extent of each piece, instead of parts"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  split *f = config;
  if (f->sizes.n > 0 && f->parts != 0 && f->parts != f->sizes.n)
    return sb_fail(e, "split: parts is %d, but there are %d sizes", f->parts, f->sizes.n);
  if (f->sizes.n > 0) f->parts = f->sizes.n;
  if (f->parts < 1 || f->parts > SB_MAX_OUTPUTS)
    return sb_fail(e, "split: give sizes, or parts from 1 to %d (got %d)", SB_MAX_OUTPUTS,
                   f->parts);
  return true;
}

/* Extent of piece k of a dimension; equal pieces are rounded up, as ONNX does. */
static int64_t piece(const split *f, int64_t extent, int k) {
  int64_t size = (extent + f->parts - 1) / f->parts;
  if (f->sizes.n > 0) return f->sizes.v[k];
  return k < f->parts - 1 ? size : extent - size * (f->parts - 1);
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const split *f = config;
  char text[SB_SHAPE_TEXT];
  int axis;
  if (!sb_resolve_axis("split", f->axis, &in[0], &axis, e)) return false;
  int64_t extent = in[0].dim[axis], left = extent;
  plan->n_out = f->parts;
  for (int k = 0; k < f->parts; k++) {
    int64_t size = piece(f, extent, k);
    plan->out[k] = in[0];
    plan->out[k].dim[axis] = size;
    if (size < 0 || size > left)
      return sb_fail(e, "split: %d pieces do not fit axis %d of the input %s", f->parts, axis + 1,
                     sb_shape_text(&in[0], text));
    left -= size;
  }
  if (left > 0)
    return sb_fail(e, "split: the sizes leave %d of axis %d of the input %s", (int)left, axis + 1,
                   sb_shape_text(&in[0], text));
  return true;
}

static void forward(const sb_call *c) {
  sb_cut_parts(&c->in[0], sb_axis_of(((const split *)c->config)->axis, c->in[0].shape.rank), c->out,
               c->n_out);
}

static void backward(const sb_call *c) {
  if (c->dx[0].data)
    sb_join_parts(&c->dx[0], sb_axis_of(((const split *)c->config)->axis, c->in[0].shape.rank),
                  c->dy, c->n_out);
}

const sb_layer sb_layer_split = {
    .name = "split",
    .help = "cuts x along axis into outputs of the given sizes, or into equal parts (1 to 64)",
    .config_size = sizeof(split),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {parts = 2}, input = {{2, 4, 3}} }, { {parts = 3}, input = {{2, 7}} },"
               "{ {sizes = {1, 3, 0}, axis = -1}, input = {{2, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
