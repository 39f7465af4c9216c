/* avgpool: the mean of each window. What a window that hangs over the edge divides by follows
   PyTorch, Caffe and ONNX: the cells inside the image and its declared padding, or with
   count_include_pad = false those inside the image alone. */
#include <string.h>

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
  return sb_pooling_shape("avgpool", &((const avgpool *)config)->pool, &in[0], &plan->out[0], e);
}

/* Along one axis, of the taps of output o: those inside the input are [first, last), and
   `counted` of them share in the divisor. */
typedef struct taps {
  int64_t start; /* input position of tap 0 */
  int first, last, counted;
} taps;

/* How many of the kernel's taps lie before input position `end`. */
static inline int taps_before(const sb_pooling *p, int axis, int64_t start, int64_t end) {
  int64_t room = end - start, d = p->dilation[axis];
  if (room <= 0) return 0;
  int64_t n = d == 1 ? room : (room + d - 1) / d;
  return n < p->kernel[axis] ? (int)n : p->kernel[axis];
}

static inline taps taps_at(const avgpool *f, int axis, int64_t o, int64_t in) {
  const sb_pooling *p = &f->pool;
  taps t = {.start = o * sb_pooling_step(p, axis) - p->pad[axis]};
  t.first = taps_before(p, axis, t.start, 0);
  t.last = taps_before(p, axis, t.start, in);
  t.counted = f->count_include_pad ? taps_before(p, axis, t.start, in + p->pad[axis + 2])
                                   : t.last - t.first;
  return t;
}

static float scale_of(const taps *y, const taps *x) {
  float cells = (float)y->counted * (float)x->counted;
  return cells > 0 ? 1 / cells : 0;
}

static float window_sum(const sb_pooling *p, const float *x, int64_t w, const taps *ty,
                        const taps *tx) {
  float sum = 0;
  for (int i = ty->first; i < ty->last; i++) {
    const float *row = x + (ty->start + (int64_t)i * p->dilation[0]) * w + tx->start;
    for (int j = tx->first; j < tx->last; j++) sum += row[(int64_t)j * p->dilation[1]];
  }
  return sum;
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const avgpool *f = c->config;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  float *y = c->out[0].data + first * out[2] * out[3];
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * in[2] * in[3];
    for (int64_t i = 0; i < out[2]; i++) {
      taps ty = taps_at(f, 0, i, in[2]);
      for (int64_t j = 0; j < out[3]; j++) {
        taps tx = taps_at(f, 1, j, in[3]);
        *y++ = window_sum(&f->pool, x, in[3], &ty, &tx) * scale_of(&ty, &tx);
      }
    }
  }
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 4, forward_planes);
}

static void spread(const sb_pooling *p, float value, int64_t w, const taps *ty, const taps *tx,
                   float *dx) {
  for (int i = ty->first; i < ty->last; i++) {
    float *row = dx + (ty->start + (int64_t)i * p->dilation[0]) * w + tx->start;
    for (int j = tx->first; j < tx->last; j++) row[(int64_t)j * p->dilation[1]] += value;
  }
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const avgpool *f = c->config;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  const float *dy = c->dy[0].data + first * out[2] * out[3];
  for (int64_t plane = first; plane < last; plane++) {
    float *dx = c->dx[0].data + plane * in[2] * in[3];
    memset(dx, 0, (size_t)(in[2] * in[3]) * sizeof *dx);
    for (int64_t i = 0; i < out[2]; i++) {
      taps ty = taps_at(f, 0, i, in[2]);
      for (int64_t j = 0; j < out[3]; j++) {
        taps tx = taps_at(f, 1, j, in[3]);
        spread(&f->pool, *dy++ * scale_of(&ty, &tx), in[3], &ty, &tx, dx);
      }
    }
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
