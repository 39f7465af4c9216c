/* reshape: x with other extents, without copying. */
#include <stdio.h>

#include "layer.h"

typedef struct reshape {
  sb_ints shape;
  bool allow_zero;
} reshape;

static const sb_param params[] = {
    SB_PARAM(reshape, shape, SB_INTS, NULL, -1,
             "new extents; 0: as in x at that place; -1: whatever is left"),
    SB_PARAM(reshape, allow_zero, SB_BOOL, "false", 0, "0 is an extent like any other"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const sb_ints *shape = &((const reshape *)config)->shape;
  int unknown = 0;
  if (shape->n > SB_MAX_RANK)
    return sb_fail(e, "reshape: at most %d dimensions, got %d", SB_MAX_RANK, shape->n);
  for (int d = 0; d < shape->n; d++) unknown += shape->v[d] == -1;
  return unknown <= 1 || sb_fail(e, "reshape: shape may hold -1 once, got it %d times", unknown);
}

/* "{2, -1}", as the user wrote it. */
static const char *wish_text(const sb_ints *shape, char text[SB_SHAPE_TEXT]) {
  int n = snprintf(text, SB_SHAPE_TEXT, "{");
  for (int d = 0; d < shape->n && n < SB_SHAPE_TEXT; d++)
    n += snprintf(text + n, (size_t)(SB_SHAPE_TEXT - n), "%s%lld", d ? ", " : "",
                  (long long)shape->v[d]);
  if (n < SB_SHAPE_TEXT) snprintf(text + n, (size_t)(SB_SHAPE_TEXT - n), "}");
  return text;
}

/* The new shape; -1 stays if nothing can be left for it. */
static sb_shape resolve(const reshape *f, const sb_shape *in) {
  sb_shape out = {f->shape.n, {0}};
  int unknown = -1;
  for (int d = 0; d < out.rank; d++) {
    bool copies = f->shape.v[d] == 0 && !f->allow_zero && d < in->rank;
    out.dim[d] = copies ? in->dim[d] : f->shape.v[d];
    if (out.dim[d] == -1) unknown = d;
  }
  if (unknown < 0) return out;
  out.dim[unknown] = 1;
  int64_t others = sb_shape_valid(&out) ? sb_shape_count(&out) : 0;
  bool divides = others > 0 && sb_shape_count(in) % others == 0;
  out.dim[unknown] = divides ? sb_shape_count(in) / others : -1;
  return out;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const reshape *f = config;
  char from[SB_SHAPE_TEXT], to[SB_SHAPE_TEXT];
  plan->n_out = 1;
  plan->out[0] = resolve(f, &in[0]);
  if (sb_shape_valid(&plan->out[0]) && sb_shape_count(&plan->out[0]) == sb_shape_count(&in[0]))
    return true;
  return sb_fail(e, "reshape: the input %s cannot become %s", sb_shape_text(&in[0], from),
                 wish_text(&f->shape, to));
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_reshape = {
    .name = "reshape",
    .help = "y = x with other extents in the same order; 0 copies an extent, -1 is inferred",
    .config_size = sizeof(reshape),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .is_alias = true,
    .samples =
        "{ {shape = {4, -1}}, input = {{2, 3, 4}} }, { {shape = {0, 12}}, input = {{2, 3, 4}} },"
        "{ {shape = {}}, input = {{1, 1}} }, { {shape = -1}, input = {{2, 3}} }",
    .construct = construct,
    .shape = shape,
    .window = window,
};
