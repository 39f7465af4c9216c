/* maxpool: the largest value of each window, and the switch: where it was (Zeiler & Fergus 2013).
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "layers/pooling.h"
#include "threads.h"

typedef struct maxpool {
  sb_pooling pool;
} maxpool;

static const sb_param params[] = {SB_POOLING_PARAMS(sb_pooling), {NULL}};
static const char *const tape_names[] = {"switches", NULL};

/* ---- Forward: along x, then along y ------------------------------------------------------------
   Each input row is pooled along x once, into a ring of as many rows as a window is high; then the
   ring's rows are pooled along y. The input row is dealt out into `stride` phases, padded with
   -inf, so that a tap of all windows is one run of contiguous floats; runs are padded to whole
   vectors. */

enum { LANES = 8 };

/* The sizes, and one thread's scratch. */
typedef struct work {
  int stride;
  int64_t rows, columns, phase; /* of the ring; floats of a phase */
  float *phases;                /* the input row */
  float *first;                 /* a window's first column inside the image; -inf if none */
  float *best, *where;          /* the ring, and behind it the row that is made of it */
} work;

static int64_t up_to(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

static work sizes(const sb_pooling *p, int64_t in_rows, int64_t out) {
  work t = {.stride = out > 1 ? sb_pooling_step(p, 1) : 1,
            .rows = (int64_t)(p->kernel[0] - 1) * p->dilation[0] + 1,
            .columns = up_to(out, LANES)};
  if (t.rows > in_rows) t.rows = in_rows;
  int64_t reach = (int64_t)(p->kernel[1] - 1) * p->dilation[1];
  t.phase = up_to(t.columns + reach / t.stride + 1, LANES);
  return t;
}

static int64_t scratch_size(const work *t) {
  return up_to(t->stride * t->phase + t->columns + 2 * (t->rows + 1) * t->columns, 16);
}

static void carve(work *t, float *scratch) {
  t->phases = scratch + scratch_size(t) * sb_thread_index();
  t->first = t->phases + t->stride * t->phase;
  t->best = t->first + t->columns;
  t->where = t->best + (t->rows + 1) * t->columns;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const maxpool *f = config;
  plan->n_out = 1;
  if (!sb_pooling_shape("maxpool", &f->pool, &in[0], &plan->out[0], e)) return false;
  plan->tape[0] = plan->out[0];
  work t = sizes(&f->pool, in[0].dim[2], plan->out[0].dim[3]);
  plan->forward_scratch = scratch_size(&t) * sb_get_threads();
  return sb_pooling_switchable("maxpool", &in[0], e);
}

/* Fills what stays the same from row to row. */
static void prepare(const sb_pooling *p, int64_t in, int64_t out, const work *t) {
  for (int64_t k = 0; k < t->stride * t->phase; k++) t->phases[k] = -INFINITY;
  for (int64_t k = 0; k < t->columns; k++) {
    sb_pooling_range taps = sb_pooling_inside(p, 1, k, in);
    bool any = k < out && taps.first < taps.last;
    t->first[k] = any ? (float)sb_pooling_at(p, 1, k, (int)taps.first) : -INFINITY;
  }
}

static inline void deal_row(const sb_pooling *p, int64_t in, const work *t, const float *x) {
  for (int64_t q = 0; q < t->stride; q++) {
    int64_t k = q < p->pad[1] ? (p->pad[1] - q + t->stride - 1) / t->stride : 0;
    for (int64_t at = k * t->stride + q - p->pad[1]; at < in && k < t->phase; at += t->stride)
      t->phases[q * t->phase + k++] = x[at];
  }
}

/* Where v beats best, it and its index take over. Among equal values the first in row-major order
   wins; NaN wins over numbers. */
#define TAKE(v, at, best, where)                                                                   \
  do {                                                                                             \
    float value = (v), old = (best), index = (at), old_index = (where);                            \
    bool wins = !(value <= old) & (old == old);                                                    \
    (best) = wins ? value : old;                                                                   \
    (where) = wins ? index : old_index;                                                            \
  } while (0)

static inline void take_run(int64_t n, const float *restrict x, int stride, float at,
                            float *restrict best, float *restrict where) {
  for (int k = 0; k < (int)n; k++) TAKE(x[k], at + (float)(k * stride), best[k], where[k]);
}

static inline void take_row(int64_t n, const float *restrict x, const float *restrict at,
                            float *restrict best, float *restrict where) {
  for (int64_t k = 0; k < n; k++) TAKE(x[k], at[k], best[k], where[k]);
}

/* The row that was dealt out, whose first index in the plane is `base`. */
static inline void pool_along_x(const sb_pooling *p, const work *t, float base, float *best,
                                float *where) {
  for (int64_t k = 0; k < t->columns; k++) best[k] = -INFINITY, where[k] = base + t->first[k];
  for (int j = 0; j < p->kernel[1]; j++) {
    int64_t reach = (int64_t)j * p->dilation[1];
    const float *x = t->phases + reach % t->stride * t->phase + reach / t->stride;
    take_run(t->columns, x, t->stride, base + (float)(reach - p->pad[1]), best, where);
  }
}

/* The ring's rows that output row oy looks at, into best and where. */
static inline void pool_along_y(const sb_pooling *p, const work *t, int64_t oy, int64_t in,
                                float *best, float *where) {
  sb_pooling_range taps = sb_pooling_inside(p, 0, oy, in);
  size_t bytes = (size_t)t->columns * sizeof(float);
  for (int64_t k = 0; k < t->columns; k++) best[k] = where[k] = -INFINITY;
  for (int i = (int)taps.first; i < taps.last; i++) {
    int64_t at = sb_pooling_at(p, 0, oy, i) % t->rows * t->columns;
    if (i > taps.first)
      take_row(t->columns, t->best + at, t->where + at, best, where);
    else
      memcpy(best, t->best + at, bytes), memcpy(where, t->where + at, bytes);
  }
}

/* A window that lies in the padding alone gives -inf and the switch -1. */
SB_CLONES static void pool_plane(const sb_call *c, const work *t, const float *x, float *y,
                                 float *s) {
  const sb_pooling *p = &((const maxpool *)c->config)->pool;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  float *best = t->best + t->rows * t->columns, *where = t->where + t->rows * t->columns;
  int64_t next = 0; /* input rows before it are in the ring */
  for (int64_t oy = 0; oy < out[2]; oy++, y += out[3], s += out[3]) {
    int64_t end = sb_pooling_at(p, 0, oy, p->kernel[0] - 1) + 1;
    for (; next < end && next < in[2]; next++) {
      int64_t at = next % t->rows * t->columns;
      deal_row(p, in[3], t, x + next * in[3]);
      pool_along_x(p, t, (float)(next * in[3]), t->best + at, t->where + at);
    }
    pool_along_y(p, t, oy, in[2], best, where);
    memcpy(y, best, (size_t)out[3] * sizeof *y);
    for (int64_t k = 0; k < out[3]; k++) s[k] = where[k] < 0 ? -1 : where[k];
  }
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const sb_pooling *p = &((const maxpool *)c->config)->pool;
  work t = sizes(p, c->in[0].shape.dim[2], c->out[0].shape.dim[3]);
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4);
  int64_t outer = sb_shape_span(&c->out[0].shape, 2, 4);
  carve(&t, c->scratch);
  prepare(p, c->in[0].shape.dim[3], c->out[0].shape.dim[3], &t);
  for (int64_t i = first; i < last; i++)
    pool_plane(c, &t, c->in[0].data + i * inner, c->out[0].data + i * outer,
               c->tape[0].data + i * outer);
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 4, forward_planes);
}

/* ---- Backward ----------------------------------------------------------------------------------
 */

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
