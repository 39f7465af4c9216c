/* maxpool: the largest value of each window, and the switch: where it was (Zeiler & Fergus 2013).
 */
#include <math.h>
#include <string.h>

#include "layers/pooling.h"

typedef struct maxpool {
  sb_pooling pool;
} maxpool;

static const sb_param params[] = {SB_POOLING_PARAMS(sb_pooling), {NULL}};
static const char *const tape_names[] = {"switches", NULL};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const maxpool *f = config;
  plan->n_out = 1;
  if (!sb_pooling_shape("maxpool", &f->pool, &in[0], &plan->out[0], e)) return false;
  plan->tape[0] = plan->out[0];
  return sb_pooling_switchable("maxpool", &in[0], e);
}

/* Among equal values the first in row-major order wins; NaN wins over numbers. A window that lies
   in the padding alone gives -inf and the switch -1. */
static void pool_window(const sb_pooling *p, const float *x, int64_t h, int64_t w, int64_t y0,
                        int64_t x0, float *best, float *where) {
  *best = -INFINITY, *where = -1;
  for (int i = 0; i < p->kernel[0]; i++) {
    int64_t yy = y0 + (int64_t)i * p->dilation[0];
    if (yy < 0 || yy >= h) continue;
    for (int j = 0; j < p->kernel[1]; j++) {
      int64_t xx = x0 + (int64_t)j * p->dilation[1];
      if (xx < 0 || xx >= w) continue;
      float v = x[yy * w + xx];
      if (*where < 0 || v > *best || (isnan(v) && !isnan(*best)))
        *best = v, *where = (float)(yy * w + xx);
    }
  }
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const sb_pooling *p = &((const maxpool *)c->config)->pool;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  int64_t sy = sb_pooling_step(p, 0), sx = sb_pooling_step(p, 1);
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * in[2] * in[3];
    float *y = c->out[0].data + plane * out[2] * out[3];
    float *s = c->tape[0].data + plane * out[2] * out[3];
    for (int64_t i = 0; i < out[2]; i++)
      for (int64_t j = 0; j < out[3]; j++, y++, s++)
        pool_window(p, x, in[2], in[3], i * sy - p->pad[0], j * sx - p->pad[1], y, s);
  }
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 4, forward_planes);
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  int64_t outer = sb_shape_span(&c->out[0].shape, 2, 4);
  for (int64_t plane = first; plane < last; plane++) {
    const float *dy = c->dy[0].data + plane * outer, *s = c->tape[0].data + plane * outer;
    float *dx = c->dx[0].data + plane * inner;
    memset(dx, 0, (size_t)inner * sizeof *dx);
    for (int64_t i = 0; i < outer; i++) {
      if (s[i] < 0) continue;
      float *to = dx + (int64_t)s[i];
      *to = c->rules.overlap_overwrite ? dy[i] : *to + dy[i];
    }
  }
}

static void backward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  if (c->dx[0].data) sb_parallel_call(c, planes, 4, backward_planes);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return sb_pooling_window(&((const maxpool *)config)->pool, w);
}

const sb_layer sb_layer_maxpool = {
    .name = "maxpool",
    .help = "largest value of each window of x (N,C,H,W); the tape holds the switches",
    .config_size = sizeof(maxpool),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .tape_names = tape_names,
    .tape_is_index = true,
    .samples = "{ {kernel = 2}, input = {{2, 2, 6, 5}}, distinct = true },"
               "{ {kernel = 3, stride = 2, pad = {1, 0, 0, 1}, ceil_mode = true},"
               "  input = {{1, 3, 7, 8}}, distinct = true },"
               "{ {kernel = {2, 3}, stride = 1, dilation = 2}, input = {{1, 2, 6, 7}},"
               "  distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
