/* permute: x with its dimensions in another order. */
#include "arrange.h"
#include "layers/axis.h"

typedef struct permute {
  sb_ints order;
} permute;

static const sb_param params[] = {
    SB_PARAM(permute, order, SB_AXES, "{}", SB_ANY,
             "order[d] is the dimension of x that becomes d; none: reversed"),
    {NULL}};

/* order as 0-based dimensions, when the shape rule has checked it. */
static void find_order(const permute *f, int rank, int order[SB_MAX_RANK]) {
  for (int d = 0; d < rank; d++)
    order[d] = f->order.n ? sb_axis_of((int)f->order.v[d], rank) : rank - 1 - d;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const permute *f = config;
  char text[SB_SHAPE_TEXT];
  bool marked[SB_MAX_RANK];
  int order[SB_MAX_RANK];
  if (f->order.n && f->order.n != in[0].rank)
    return sb_fail(e, "permute: order names %d dimensions, the input is %s", f->order.n,
                   sb_shape_text(&in[0], text));
  if (!sb_resolve_axes("permute", &f->order, &in[0], marked, e)) return false;
  find_order(f, in[0].rank, order);
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int d = 0; d < in[0].rank; d++) plan->out[0].dim[d] = in[0].dim[order[d]];
  return true;
}

static void forward(const sb_call *c) {
  int order[SB_MAX_RANK];
  find_order(c->config, c->in[0].shape.rank, order);
  sb_permute(&c->out[0], &c->in[0], order);
}

static void backward(const sb_call *c) {
  int order[SB_MAX_RANK], inverse[SB_MAX_RANK], rank = c->in[0].shape.rank;
  find_order(c->config, rank, order);
  for (int d = 0; d < rank; d++) inverse[order[d]] = d;
  if (c->dx[0].data) sb_permute(&c->dx[0], &c->dy[0], inverse);
}

/* Pointwise in space if (N,C,H,W) keeps its last two dimensions. */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  const sb_ints *order = &((const permute *)config)->order;
  return order->n == 4 && sb_axis_of((int)order->v[2], 4) == 2 &&
         sb_axis_of((int)order->v[3], 4) == 3;
}

const sb_layer sb_layer_permute = {
    .name = "permute",
    .help = "y = x with its dimensions in the given order: y's dimension d is x's order[d]",
    .config_size = sizeof(permute),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {order = {1, 3, 4, 2}}, input = {{2, 3, 4, 5}} },"
               "{ {order = {3, -3, 2}}, input = {{2, 3, 4}} }, { {}, input = {{2, 5}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
