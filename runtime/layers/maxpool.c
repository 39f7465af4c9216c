/* maxpool: the largest value of each window, and the switch: where it was (Zeiler & Fergus 2013).
 */
#include <math.h>
#include <string.h>

#include "layers/maxpool_strip.h"
#include "threads.h"

typedef struct maxpool {
  sb_pooling pool;
} maxpool;

static const sb_param params[] = {SB_POOLING_PARAMS(sb_pooling), {NULL}};
static const char *const tape_names[] = {"switches", NULL};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const maxpool *f = config;
  sb_strip strip;
  plan->n_out = 1;
  if (!sb_pooling_shape("maxpool", &f->pool, &in[0], &plan->out[0], e)) return false;
  plan->tape[0] = plan->out[0];
  if (sb_strip_plan(&strip, &f->pool, &in[0], &plan->out[0]))
    plan->forward_scratch = sb_strip_scratch(&strip) * sb_get_threads();
  return sb_pooling_switchable("maxpool", &in[0], e);
}

/* ---- Forward -----------------------------------------------------------------------------------
 */

/* The definition, for windows of any size: the index of the largest value, -1 if there is none.
   Among equal values the first in row-major order wins; NaN wins over numbers. */
static int64_t largest(const sb_pooling *p, const sb_shape *in, const float *x, int64_t oy,
                       int64_t ox) {
  sb_pooling_range rows = sb_pooling_inside(p, 0, oy, in->dim[2]);
  sb_pooling_range columns = sb_pooling_inside(p, 1, ox, in->dim[3]);
  int64_t best = -1;
  for (int i = (int)rows.first; i < rows.last; i++)
    for (int j = (int)columns.first; j < columns.last; j++) {
      int64_t at = sb_pooling_at(p, 0, oy, i) * in->dim[3] + sb_pooling_at(p, 1, ox, j);
      if (best < 0 || (!(x[at] <= x[best]) && !isnan(x[best]))) best = at;
    }
  return best;
}

static void pool_plane(const sb_call *c, const float *x, float *y, float *s) {
  const sb_pooling *p = &((const maxpool *)c->config)->pool;
  int64_t height = c->out[0].shape.dim[2], width = c->out[0].shape.dim[3];
  for (int64_t i = 0; i < height * width; i++) {
    int64_t at = largest(p, &c->in[0].shape, x, i / width, i % width);
    y[i] = at < 0 ? -INFINITY : x[at];
    if (s) s[i] = (float)at;
  }
}

/* v where the mask is positive or absent, else 0; without a branch, for masks are hard to predict.
 */
static inline float where_lit(float v, const float *mask, int64_t at) {
  uint32_t bits, lit = mask ? -(uint32_t)(mask[at] > 0) : UINT32_MAX;
  memcpy(&bits, &v, sizeof bits);
  bits &= lit;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const sb_pooling *p = &((const maxpool *)c->config)->pool;
  const float *x = c->in[0].data, *end = x + sb_count(&c->in[0]);
  float *y = c->out[0].data, *s = c->tape[0].data;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  int64_t outer = sb_shape_span(&c->out[0].shape, 2, 4);
  sb_strip strip;
  bool strips = sb_strip_plan(&strip, p, &c->in[0].shape, &c->out[0].shape);
  float *scratch = c->scratch;
  if (strips)
    scratch = sb_strip_start(&strip, scratch + sb_strip_scratch(&strip) * sb_thread_index());
  for (int64_t i = first; i < last; i++)
    if (strips)
      sb_strip_pool(&strip, scratch, x + i * inner, end, y + i * outer, s ? s + i * outer : NULL);
    else
      pool_plane(c, x + i * inner, y + i * outer, s ? s + i * outer : NULL);
  if (c->relu || c->mask)
    for (int64_t i = first * outer; i < last * outer; i++)
      y[i] = where_lit(c->relu && y[i] < 0 ? 0 : y[i], c->mask, i);
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 1 + (1 << 14) / (sb_shape_span(&c->in[0].shape, 2, 4) + 1),
                   forward_planes);
}

/* ---- Backward ----------------------------------------------------------------------------------
 */

/* Sends n gradients to their switches s in the plane dx. */
static void unpool_plane(const float *dy, const float *s, int64_t n, const sb_call *c,
                         const float *mask, float *dx) {
  bool overwrite = c->rules.overlap_overwrite;
  for (int64_t i = 0; i < n; i++) {
    if (s[i] < 0) continue;
    float v = where_lit(dy[i], mask, (int64_t)s[i]), *to = dx + (int64_t)s[i];
    *to = overwrite ? v : *to + v;
  }
  for (int64_t i = 0; i < n && c->relu; i++)
    if (s[i] >= 0) dx[(int64_t)s[i]] = dx[(int64_t)s[i]] < 0 ? 0 : dx[(int64_t)s[i]];
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  int64_t outer = sb_shape_span(&c->out[0].shape, 2, 4);
  for (int64_t plane = first; plane < last; plane++) {
    float *dx = c->dx[0].data + plane * inner;
    memset(dx, 0, (size_t)inner * sizeof *dx);
    unpool_plane(c->dy[0].data + plane * outer, c->tape[0].data + plane * outer, outer, c,
                 c->mask ? c->mask + plane * inner : NULL, dx);
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
    .finishes = true,
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
