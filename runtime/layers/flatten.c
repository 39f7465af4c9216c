/* flatten: x as a matrix, without copying. */
#include "layer.h"

typedef struct flatten {
  int axis;
} flatten;

static const sb_param params[] = {SB_PARAM(flatten, axis, SB_AXIS, "2", SB_ANY,
                                           "first dimension that becomes part of the columns"),
                                  {NULL}};

/* An axis one beyond the last makes a single column. */
static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const flatten *f = config;
  char text[SB_SHAPE_TEXT];
  int axis = f->axis < 0 ? f->axis + in[0].rank : f->axis;
  if (axis < 0 || axis > in[0].rank)
    return sb_fail(e, "flatten: axis %d is out of range for the input %s", f->axis + (f->axis >= 0),
                   sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->out[0] = sb_shape2(sb_shape_span(&in[0], 0, axis), sb_shape_span(&in[0], axis, in[0].rank));
  return true;
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_flatten = {
    .name = "flatten",
    .help =
        "y = x as (rows, columns): dimensions before axis make the rows, the others the columns",
    .config_size = sizeof(flatten),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .is_alias = true,
    .samples = "{ {}, input = {{2, 3, 4}} }, { {axis = -1}, input = {{2, 3, 4}} },"
               "{ {axis = 1}, input = {{5}} }",
    .shape = shape,
    .window = window,
};
