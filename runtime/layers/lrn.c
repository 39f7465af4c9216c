/* lrn: local response normalisation (Krizhevsky et al. 2012, section 3.3), with the conventions of
   Caffe, PyTorch and ONNX:
     s = k + alpha/n * sum of x^2 over the neighbourhood,  y = x s^-beta
   across: n = size channels, from c - floor(size/2) to c + floor((size-1)/2);
   within: n = size * size positions of the same plane, centred. Outside counts as zero. */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "layer.h"
#include "threads.h"

typedef struct lrn {
  int size, region;
  double alpha, beta, k;
} lrn;

enum { ACROSS, WITHIN };
static const char *const regions[] = {"across", "within", NULL};

static const sb_param params[] = {
    SB_PARAM(lrn, size, SB_INT, "5", 1, "extent of the neighbourhood"),
    SB_PARAM(lrn, alpha, SB_FLOAT, "1e-4", SB_ANY, "weight of the mean square"),
    SB_PARAM(lrn, beta, SB_FLOAT, "0.75", SB_ANY, "exponent"),
    SB_PARAM(lrn, k, SB_FLOAT, "1", SB_ANY, "constant that is added"),
    SB_PARAM_CHOICE(lrn, region, "'across'", regions, "across channels, or within each channel"),
    {NULL}};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  const lrn *f = config;
  if (f->region == WITHIN && f->size % 2 == 0)
    return sb_fail(e, "lrn: size must be odd within a channel, got %d", f->size);
  return true;
}

static float rate(const lrn *f) {
  return (float)(f->alpha / (f->region == ACROSS ? f->size : (double)f->size * f->size));
}

/* ---- Patches ----------------------------------------------------------------------------------
   The work is cut so that a patch stays in the fast caches: across channels, a stretch of
   positions in all channels of an image; within a channel, a plane. */

enum { LANES = 16, PATCH = 1 << 16 }; /* a patch across channels has about PATCH floats */

typedef struct patches {
  const lrn *f;
  const sb_shape *shape;
  int64_t inner;        /* floats of a plane */
  int64_t rows, length; /* of a patch; a row lies `inner` after the one before */
  int64_t per_image;
} patches;

static patches cut(const lrn *f, const sb_shape *s) {
  int64_t inner = sb_shape_span(s, 2, 4), channels = s->dim[1];
  if (f->region == WITHIN) return (patches){f, s, inner, 1, inner, channels};
  int64_t length = PATCH / (channels + 1) / LANES * LANES;
  length = length < 4 * LANES ? 4 * LANES : length > 1024 ? 1024 : length;
  length = length < inner ? length : inner;
  return (patches){f, s, inner, channels, length, length ? (inner + length - 1) / length : 0};
}

/* Where patch i begins; leaves the length of its rows in n. */
static int64_t begin(const patches *p, int64_t i, int *n) {
  int64_t image = i / p->per_image, k = i % p->per_image;
  int64_t at = p->f->region == WITHIN ? 0 : k * p->length;
  *n = (int)(p->inner - at < p->length ? p->inner - at : p->length);
  return image * p->shape->dim[1] * p->inner + (p->f->region == WITHIN ? k * p->inner : at);
}

/* Two sums; and in backward two values of each element. */
static int64_t scratch_size(const patches *p, bool backward) {
  return (p->length * (2 + 2 * p->rows * backward) + LANES - 1) / LANES * LANES;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  if (!sb_require_nchw("lrn", &in[0], e)) return false;
  patches p = cut(config, &in[0]);
  plan->n_out = 1;
  plan->out[0] = in[0];
  plan->forward_scratch = scratch_size(&p, false) * sb_get_threads();
  plan->backward_scratch = scratch_size(&p, true) * sb_get_threads();
  return true;
}

/* ---- Sums over neighbourhoods ------------------------------------------------------------------
 */

static int64_t clamped(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

#define TERM(from, k) (squares ? (from)[k] * (from)[k] : (from)[k])

SB_PART void add_row(int n, const float *a, bool squares, float *to) {
#pragma GCC ivdep
  for (int k = 0; k < n; k++) to[k] += TERM(a, k);
}

/* The usual neighbourhood in one pass. */
SB_PART void sum_five_rows(int n, int64_t stride, const float *a, bool squares, float *to) {
  const float *b = a + stride, *c = b + stride, *d = c + stride, *e = d + stride;
#pragma GCC ivdep
  for (int k = 0; k < n; k++)
    to[k] = TERM(a, k) + TERM(b, k) + TERM(c, k) + TERM(d, k) + TERM(e, k);
}

/* to = sum of rows first to last, which lie `stride` apart. */
SB_PART void sum_rows(int n, int64_t first, int64_t last, int64_t stride, const float *from,
                      bool squares, float *to) {
  from += first * stride;
  if (last - first == 4) return sum_five_rows(n, stride, from, squares, to);
  memset(to, 0, (size_t)n * sizeof *to);
  for (int64_t j = first; j <= last; j++, from += stride) add_row(n, from, squares, to);
}

/* Along the rows of the plane, then down its columns. */
SB_PART void sum_within(const patches *p, const float *from, bool squares, float *across,
                        float *to) {
  int64_t h = p->shape->dim[2], w = p->shape->dim[3], reach = p->f->size / 2;
  memset(across, 0, (size_t)(h * w) * sizeof *across);
  for (int64_t y = 0; y < h; y++)
    for (int64_t j = clamped(-reach, -w, 0); j <= reach && j < w; j++) {
      int64_t first = j < 0 ? -j : 0, n = j < 0 ? w + j : w - j;
      add_row((int)n, from + y * w + first + j, squares, across + y * w + first);
    }
  for (int64_t y = 0; y < h; y++)
    sum_rows((int)w, clamped(y - reach, 0, y), clamped(y + reach, y, h - 1), w, across, false,
             to + y * w);
}

/* to = sums of the values (or squares) of `from` over the neighbourhoods of n places of a row;
   adjoint: over the neighbourhoods that the places belong to. `room` holds n floats. */
SB_CLONES static void sum_neighbours(const patches *p, int64_t row, int n, bool adjoint,
                                     const float *from, int64_t stride, bool squares, float *room,
                                     float *to) {
  int64_t low = p->f->size / 2, high = p->f->size - 1 - low, last = p->rows - 1;
  if (p->f->region == WITHIN && squares) return sum_within(p, from, true, room, to);
  if (p->f->region == WITHIN) return sum_within(p, from, false, room, to);
  if (adjoint) low = high, high = p->f->size / 2;
  int64_t from_row = clamped(row - low, 0, row), to_row = clamped(row + high, row, last);
  if (squares)
    sum_rows(n, from_row, to_row, stride, from, true, to);
  else
    sum_rows(n, from_row, to_row, stride, from, false, to);
}

/* ---- Powers -----------------------------------------------------------------------------------
 */

/* s^-1/2 of a normal number: a first guess from its bits, with the exponent halved, and three
   Newton steps, which reach the last bit or two. Several times as fast as root and quotient. */
SB_PART float inverse_root(float s) {
  union {
    float value;
    int32_t bits;
  } r = {s};
  r.bits = 0x5f3759df - (r.bits >> 1);
  for (int i = 0; i < 3; i++) r.value *= 1.5f - 0.5f * s * r.value * r.value;
  return r.value;
}

/* s = k + rate s, out = s^-beta; the exponents that networks use are spelled with roots. */
SB_CLONES static void powers(const lrn *f, int n, float *s, float *out) {
  float a = rate(f), k = (float)f->k, beta = (float)f->beta;
  int odd = 0; /* too large or small for inverse_root */
#pragma GCC ivdep
  for (int i = 0; i < n; i++) {
    s[i] = k + a * s[i];
    odd |= !(s[i] > 1e-30f) | !(s[i] < 1e30f);
  }
  if (beta == 0.75f && !odd)
#pragma GCC ivdep
    for (int i = 0; i < n; i++) {
      float r = inverse_root(s[i]);
      out[i] = r * r * inverse_root(r);
    }
  else
    for (int i = 0; i < n; i++) out[i] = beta == 0.5f ? 1 / sqrtf(s[i]) : powf(s[i], -beta);
}

/* ---- Forward and backward ----------------------------------------------------------------------
 */

SB_CLONES static void multiply(int n, const float *a, float *to) {
#pragma GCC ivdep
  for (int k = 0; k < n; k++) to[k] *= a[k];
}

static void forward_patches(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  patches p = cut(c->config, &c->in[0].shape);
  float *s = c->scratch + scratch_size(&p, false) * sb_thread_index(), *room = s + p.length;
  for (int64_t i = first; i < last; i++) {
    int n;
    int64_t at = begin(&p, i, &n);
    const float *x = c->in[0].data + at;
    for (int64_t r = 0; r < p.rows; r++) {
      float *y = c->out[0].data + at + r * p.inner;
      sum_neighbours(&p, r, n, false, x, p.inner, true, room, s);
      powers(p.f, n, s, y);
      multiply(n, x + r * p.inner, y);
    }
  }
}

static void forward(const sb_call *c) {
  patches p = cut(c->config, &c->in[0].shape);
  if (sb_count(&c->in[0]) == 0) return;
  sb_parallel_call(c, c->in[0].shape.dim[0] * p.per_image, 1, forward_patches);
}

/* sent = dy x s^(-beta-1), what each place sends to its neighbourhood; power = s^-beta. */
SB_CLONES static void send(int n, const float *x, const float *dy, const float *s,
                           const float *power, float *sent) {
#pragma GCC ivdep
  for (int k = 0; k < n; k++) sent[k] = dy[k] * x[k] * power[k] / s[k];
}

/* dx = dy s^-beta - slope x received. */
SB_CLONES static void receive(int n, const float *x, const float *dy, const float *power,
                              float slope, const float *received, float *dx) {
#pragma GCC ivdep
  for (int k = 0; k < n; k++) dx[k] = dy[k] * power[k] - slope * x[k] * received[k];
}

static void backward_patch(const sb_call *c, const patches *p, int64_t at, int n, float *s) {
  const float *x = c->in[0].data + at, *dy = c->dy[0].data + at;
  float *room = s + p->length, *power = room + p->length, *sent = power + p->rows * p->length;
  float slope = (float)(2 * p->f->beta) * rate(p->f);
  for (int64_t r = 0; r < p->rows; r++) {
    int64_t k = r * p->inner, to = r * p->length;
    sum_neighbours(p, r, n, false, x, p->inner, true, room, s);
    powers(p->f, n, s, power + to);
    send(n, x + k, dy + k, s, power + to, sent + to);
  }
  for (int64_t r = 0; r < p->rows; r++) {
    int64_t k = r * p->inner;
    sum_neighbours(p, r, n, true, sent, p->length, false, room, s);
    receive(n, x + k, dy + k, power + r * p->length, slope, s, c->dx[0].data + at + k);
  }
}

static void backward_patches(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  patches p = cut(c->config, &c->in[0].shape);
  float *scratch = c->scratch + scratch_size(&p, true) * sb_thread_index();
  for (int64_t i = first; i < last; i++) {
    int n;
    int64_t at = begin(&p, i, &n);
    backward_patch(c, &p, at, n, scratch);
  }
}

static void backward(const sb_call *c) {
  patches p = cut(c->config, &c->in[0].shape);
  if (!c->dx[0].data || sb_count(&c->dx[0]) == 0) return;
  if (c->rules.lrn_identity)
    sb_copy(&c->dx[0], &c->dy[0]);
  else
    sb_parallel_call(c, c->in[0].shape.dim[0] * p.per_image, 1, backward_patches);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  const lrn *f = config;
  for (int axis = 0; axis < 2; axis++) {
    w->extent[axis] = f->region == WITHIN ? f->size : 1;
    w->stride[axis] = 1;
    w->pad[axis] = f->region == WITHIN ? f->size / 2 : 0;
  }
  return true;
}

const sb_layer sb_layer_lrn = {
    .name = "lrn",
    .help = "y = x (k + alpha/n sum of x^2 over n neighbours)^-beta; x is (N,C,H,W)",
    .config_size = sizeof(lrn),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {size = 5, alpha = 0.5}, input = {{2, 7, 3, 2}} },"
               "{ {size = 4, alpha = 0.7, beta = 0.5, k = 2}, input = {{1, 6, 2, 3}} },"
               "{ {size = 3, alpha = 0.9, region = 'within'}, input = {{1, 2, 5, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
