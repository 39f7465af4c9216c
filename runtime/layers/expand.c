/* expand: x repeated along dimensions of extent 1, or along new leading ones (NumPy broadcasting).
 */
#include "layers/broadcast.h"

typedef struct expand {
  sb_ints shape;
} expand;

static const sb_param params[] = {
    SB_PARAM(expand, shape, SB_INTS, NULL, 0,
             "extents to repeat x to; 1: as in x; may have more dimensions than x, or fewer"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  int n = ((const expand *)config)->shape.n;
  return n <= SB_MAX_RANK || sb_fail(e, "expand: at most %d dimensions, got %d", SB_MAX_RANK, n);
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const expand *f = config;
  char from[SB_SHAPE_TEXT], to[SB_SHAPE_TEXT];
  sb_shape target = {f->shape.n, {0}};
  for (int d = 0; d < target.rank; d++) target.dim[d] = f->shape.v[d];
  plan->n_out = 1;
  if (sb_shape_broadcast(&in[0], &target, &plan->out[0]) && sb_shape_valid(&plan->out[0])) {
    plan->backward_scratch = sb_shape_count(&plan->out[0]);
    return true;
  }
  return sb_fail(e, "expand: the input %s cannot be repeated to %s", sb_shape_text(&in[0], from),
                 sb_shape_text(&target, to));
}

static void forward(const sb_call *c) {
  sb_walk w = sb_walk_over(&c->out[0].shape);
  if (sb_count(&c->out[0]) == 0) return;
  sb_walk_add(&w, &c->out[0].shape);
  sb_walk_add(&w, &c->in[0].shape);
  sb_walk_copy(&w, c->out[0].data, c->in[0].data);
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_sum_to(&c->dx[0], &c->dy[0], c->scratch);
}

/* Repeated pixels see the one they repeat: no window describes that. */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_expand = {
    .name = "expand",
    .help = "y = x repeated to a larger shape by NumPy broadcasting",
    .config_size = sizeof(expand),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {shape = {2, 3, 4}}, input = {{3, 1}} },"
               "{ {shape = {5}}, input = {{2, 3, 1}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
