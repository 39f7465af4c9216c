/* avgpool: the mean of each window. What a window that hangs over the edge divides by follows
   PyTorch, Caffe and ONNX: the cells inside the image and its declared padding, or with
   count_include_pad = false those inside the image alone. */
#include <string.h>

#include "clones.h"
#include "layers/pooling.h"

typedef struct avgpool {
  sb_pooling pool;
  bool count_include_pad;
} avgpool;

static const sb_param params[] = {
    SB_POOLING_PARAMS(sb_pooling),
    SB_PARAM(avgpool, count_include_pad, SB_BOOL, "true", 0, "count padding in the divisor"),
    {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  plan->n_out = 1;
  if (!sb_pooling_shape("avgpool", &((const avgpool *)config)->pool, &in[0], &plan->out[0], e))
    return false;
  if (sb_shape_valid(&plan->out[0])) plan->backward_scratch = sb_shape_count(&plan->out[0]);
  return true;
}

/* How many taps of output o along an axis share in the divisor. */
static int64_t counted(const avgpool *f, int axis, int64_t o, int64_t in) {
  const sb_pooling *p = &f->pool;
  if (f->count_include_pad) return sb_pooling_inside(p, axis, o, in + p->pad[axis + 2]).last;
  sb_pooling_range r = sb_pooling_inside(p, axis, o, in);
  return r.last - r.first;
}

/* to = from / divisor for row oy of the outputs. */
static void divide_row(const sb_call *c, int64_t oy, const float *from, float *to) {
  const avgpool *f = c->config;
  int64_t rows = counted(f, 0, oy, c->in[0].shape.dim[2]);
  for (int64_t ox = 0; ox < c->out[0].shape.dim[3]; ox++) {
    int64_t cells = rows * counted(f, 1, ox, c->in[0].shape.dim[3]);
    to[ox] = cells > 0 ? from[ox] / (float)cells : 0;
  }
}

/* y[k] += x[k * stride], or with `back` the adjoint x[k * stride] += y[k]. */
static inline void add_run(int64_t n, float *restrict x, int stride, float *restrict y, bool back) {
  if (stride == 1 && back)
    for (int64_t k = 0; k < n; k++) x[k] += y[k];
  else if (stride == 1)
    for (int64_t k = 0; k < n; k++) y[k] += x[k];
  else if (back)
    for (int64_t k = 0; k < n; k++) x[k * stride] += y[k];
  else
    for (int64_t k = 0; k < n; k++) y[k] += x[k * stride];
}

/* Adds each tap of row oy of the outputs y to or from the plane x. */
SB_CLONES static void add_row(const sb_call *c, int64_t oy, float *x, float *y, bool back) {
  const sb_pooling *p = &((const avgpool *)c->config)->pool;
  int64_t w = c->in[0].shape.dim[3], columns = c->out[0].shape.dim[3];
  sb_pooling_range rows = sb_pooling_inside(p, 0, oy, c->in[0].shape.dim[2]);
  for (int i = (int)rows.first; i < rows.last; i++)
    for (int j = 0; j < p->kernel[1]; j++) {
      sb_pooling_range r = sb_pooling_outputs(p, 1, j, w, columns);
      int64_t at = sb_pooling_at(p, 0, oy, i) * w + sb_pooling_at(p, 1, r.first, j);
      if (r.first < r.last)
        add_run(r.last - r.first, x + at, sb_pooling_step(p, 1), y + r.first, back);
    }
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4), rows = c->out[0].shape.dim[2];
  int64_t columns = c->out[0].shape.dim[3];
  for (int64_t i = first * rows; i < last * rows; i++) {
    float *y = c->out[0].data + i * columns;
    memset(y, 0, (size_t)columns * sizeof *y);
    add_row(c, i % rows, c->in[0].data + i / rows * inner, y, false);
    divide_row(c, i % rows, y, y);
  }
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 4, forward_planes);
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4), rows = c->out[0].shape.dim[2];
  int64_t columns = c->out[0].shape.dim[3];
  memset(c->dx[0].data + first * inner, 0, (size_t)((last - first) * inner) * sizeof(float));
  for (int64_t i = first * rows; i < last * rows; i++) {
    float *share = c->scratch + i * columns;
    divide_row(c, i % rows, c->dy[0].data + i * columns, share);
    add_row(c, i % rows, c->dx[0].data + i / rows * inner, share, true);
  }
}

static void backward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  if (c->dx[0].data) sb_parallel_call(c, planes, 4, backward_planes);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return sb_pooling_window(&((const avgpool *)config)->pool, w);
}

const sb_layer sb_layer_avgpool = {
    .name = "avgpool",
    .help = "mean of each window of x (N,C,H,W)",
    .config_size = sizeof(avgpool),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {kernel = 2}, input = {{2, 2, 6, 5}} },"
               "{ {kernel = 3, stride = 2, pad = {1, 0, 0, 1}, ceil_mode = true},"
               "  input = {{1, 3, 7, 8}} },"
               "{ {kernel = 3, stride = 2, pad = 1, count_include_pad = false},"
               "  input = {{1, 2, 6, 5}} },"
               "{ {kernel = {2, 3}, stride = 1, dilation = 2}, input = {{1, 2, 6, 7}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
