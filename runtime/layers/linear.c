/* linear: y = x w^T + b, the fully connected layer. */
#include "gemm.h"
#include "gemv.h"
#include "half.h"
#include "layer.h"

typedef struct linear {
  int in_features, out_features;
  bool bias;
} linear;

static const sb_param params[] = {
    SB_PARAM(linear, in_features, SB_INT, "0", 0, "columns of x; 0: taken from weight"),
    SB_PARAM(linear, out_features, SB_INT, "0", 0, "columns of y; 0: taken from weight"),
    SB_PARAM(linear, bias, SB_BOOL, "true", 0, "add b"),
    {NULL}};

enum { WEIGHT, BIAS };
static const sb_weight weights[] = {
    {"weight", SB_INIT_HE, .may_be_half = true}, {"bias", SB_INIT_ZERO}, {NULL}};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  linear *f = config;
  char text[SB_SHAPE_TEXT];
  if (w[WEIGHT].rank >= 0 && w[WEIGHT].rank != 2)
    return sb_fail(e, "linear: weight must be (out, in), got %s", sb_shape_text(&w[WEIGHT], text));
  if (w[WEIGHT].rank == 2) {
    if (f->out_features == 0) f->out_features = (int)w[WEIGHT].dim[0];
    if (f->in_features == 0) f->in_features = (int)w[WEIGHT].dim[1];
  }
  if (f->in_features < 1 || f->out_features < 1)
    return sb_fail(e, "linear: give weight, or in_features and out_features (got %d and %d)",
                   f->in_features, f->out_features);
  w[WEIGHT] = sb_shape2(f->out_features, f->in_features);
  w[BIAS] = f->bias ? sb_shape1(f->out_features) : (sb_shape){.rank = -1};
  return true;
}

static bool shape(const void *config, const sb_shape *w, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const linear *f = config;
  char text[SB_SHAPE_TEXT];
  int last = in[0].rank - 1;
  if (last < 0 || in[0].dim[last] != f->in_features)
    return sb_fail(e, "linear: input is %s, weights expect %d in the last dimension",
                   sb_shape_text(&in[0], text), f->in_features);
  plan->n_out = 1;
  plan->out[0] = in[0];
  plan->out[0].dim[last] = f->out_features;
  if (sb_shape_span(&in[0], 0, last) != 1)
    plan->forward_scratch = plan->backward_scratch = sb_half_gemm_scratch();
  plan->products = sb_shape_count(&in[0]) * f->out_features;
  return true;
}

static int64_t row_count(const sb_call *c) {
  return sb_shape_span(&c->in[0].shape, 0, c->in[0].shape.rank - 1);
}

static void forward(const sb_call *c) {
  const linear *f = c->config;
  int64_t rows = row_count(c), in = f->in_features, out = f->out_features;
  sb_matrix w = {c->weights[WEIGHT].data, c->halves[WEIGHT]};
  const float *x = c->in[0].data, *b = c->weights[BIAS].data;
  float *y = c->out[0].data;
  for (int64_t i = 0; i < rows; i++)
    for (int o = 0; o < out; o++) y[i * out + o] = b ? b[o] : 0;
  if (rows == 1)
    sb_gemv(out, in, w, x, y);
  else if (w.halves)
    sb_half_gemm(rows, out, in, x, w.halves, y, c->scratch);
  else
    sb_gemm_parallel(false, true, rows, out, in, 1, x, in, w.floats, in, 1, y, out);
}

/* dx = dy w */
static void backward_input(const sb_call *c, int64_t rows) {
  const linear *f = c->config;
  int64_t in = f->in_features, out = f->out_features;
  sb_matrix w = {c->weights[WEIGHT].data, c->halves[WEIGHT]};
  const float *dy = c->dy[0].data;
  float *dx = c->dx[0].data;
  if (rows == 1)
    sb_gemv_transposed(out, in, w, dy, dx);
  else if (w.halves)
    sb_half_gemm_transposed(rows, out, in, dy, w.halves, dx, c->scratch);
  else
    sb_gemm_parallel(false, false, rows, in, out, 1, dy, out, w.floats, in, 0, dx, in);
}

static void backward(const sb_call *c) {
  const linear *f = c->config;
  int64_t rows = row_count(c);
  const float *dy = c->dy[0].data;
  if (c->dx[0].data) backward_input(c, rows);
  if (c->grads[WEIGHT].data) /* dw += dy^T x */
    sb_gemm_parallel(true, false, f->out_features, f->in_features, rows, 1, dy, f->out_features,
                     c->in[0].data, f->in_features, 1, c->grads[WEIGHT].data, f->in_features);
  if (c->grads[BIAS].data)
    for (int64_t i = 0; i < rows; i++)
      for (int o = 0; o < f->out_features; o++)
        c->grads[BIAS].data[o] += dy[i * f->out_features + o];
}

static bool window(const void *config, const sb_shape *w, sb_window *out) {
  return false;
}

const sb_layer sb_layer_linear = {
    .name = "linear",
    .help = "y = x w^T + b; x is (..., in), w is (out, in), b is (out)",
    .config_size = sizeof(linear),
    .params = params,
    .weights = weights,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {in_features = 5, out_features = 4}, input = {{3, 5}} },"
               "{ {in_features = 70, out_features = 3}, input = {{1, 70}} },"
               "{ {in_features = 6, out_features = 2, bias = false}, input = {{2, 3, 6}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
