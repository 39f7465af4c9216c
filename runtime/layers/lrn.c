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
static const char *const tape_names[] = {"scale", NULL};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  const lrn *f = config;
  if (f->region == WITHIN && f->size % 2 == 0)
    return sb_fail(e, "lrn: size must be odd within a channel, got %d", f->size);
  return true;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  if (!sb_require_nchw("lrn", &in[0], e)) return false;
  plan->n_out = 1;
  plan->out[0] = plan->tape[0] = in[0];
  plan->forward_scratch = plan->backward_scratch = sb_shape_count(&in[0]);
  return true;
}

/* ---- Sums over neighbourhoods, a plane at a time ----------------------------------------------
 */

typedef struct sums {
  const lrn *f;
  const sb_shape *shape;
  int before, after; /* the reach across channels */
  const float *from;
  float *to;
} sums;

static int64_t clamped(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

SB_CLONES static void sum_across(const sums *t, int64_t plane) {
  int64_t channels = t->shape->dim[1], inner = sb_shape_span(t->shape, 2, 4);
  int64_t c = plane % channels;
  int64_t first = clamped(c - t->before, 0, c), last = clamped(c + t->after, c, channels - 1);
  const float *from = t->from + (plane - c) * inner;
  float *to = t->to + plane * inner;
  memcpy(to, from + first * inner, (size_t)inner * sizeof *to);
  for (int64_t j = first + 1; j <= last; j++)
    for (int64_t p = 0; p < inner; p++) to[p] += from[j * inner + p];
}

static void sum_within(const sums *t, int64_t plane) {
  int64_t h = t->shape->dim[2], w = t->shape->dim[3], reach = t->f->size / 2;
  const float *from = t->from + plane * h * w;
  float *to = t->to + plane * h * w;
  for (int64_t y = 0; y < h; y++)
    for (int64_t x = 0; x < w; x++) {
      int64_t bottom = clamped(y + reach, y, h - 1), right = clamped(x + reach, x, w - 1);
      float sum = 0;
      for (int64_t i = clamped(y - reach, 0, y); i <= bottom; i++)
        for (int64_t j = clamped(x - reach, 0, x); j <= right; j++) sum += from[i * w + j];
      to[y * w + x] = sum;
    }
}

static void sum_planes(void *context, int64_t first, int64_t last) {
  const sums *t = context;
  for (int64_t plane = first; plane < last; plane++)
    if (t->f->region == ACROSS)
      sum_across(t, plane);
    else
      sum_within(t, plane);
}

/* to = sums of `from` over each neighbourhood, or over those that each place belongs to. */
static void sum_neighbours(const sb_call *c, bool adjoint, const float *from, float *to) {
  const lrn *f = c->config;
  int low = f->size / 2, high = (f->size - 1) / 2;
  sums t = {f, &c->in[0].shape, adjoint ? high : low, adjoint ? low : high, from, to};
  sb_parallel(c->in[0].shape.dim[0] * c->in[0].shape.dim[1], 4, sum_planes, &t);
}

static double rate(const lrn *f) {
  return f->alpha / (f->region == ACROSS ? f->size : (double)f->size * f->size);
}

/* ---- The rest is pointwise --------------------------------------------------------------------
 */

enum { GRAIN = 4096 };

/* s^-beta; the exponent that networks use is spelled with roots, which are many times faster. */
static inline void powers(const float *s, int64_t n, double beta, float *out) {
  if (beta == 0.75)
    for (int64_t i = 0; i < n; i++) out[i] = 1 / (sqrtf(s[i]) * sqrtf(sqrtf(s[i])));
  else
    for (int64_t i = 0; i < n; i++) out[i] = powf(s[i], (float)-beta);
}

SB_CLONES static void normalise(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const lrn *f = c->config;
  const float *x = c->in[0].data;
  float *s = c->tape[0].data, *y = c->out[0].data, a = (float)rate(f), k = (float)f->k;
  for (int64_t i = first; i < last; i++) s[i] = k + a * s[i];
  powers(s + first, last - first, f->beta, y + first);
  for (int64_t i = first; i < last; i++) y[i] *= x[i];
}

static void forward(const sb_call *c) {
  int64_t n = sb_count(&c->in[0]);
  const float *x = c->in[0].data;
  if (n == 0) return;
  for (int64_t i = 0; i < n; i++) c->scratch[i] = x[i] * x[i];
  sum_neighbours(c, false, c->scratch, c->tape[0].data);
  sb_parallel_call(c, n, GRAIN, normalise);
}

/* scratch = dy x s^(-beta-1), what each place sends to its neighbourhood. */
SB_CLONES static void send(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const lrn *f = c->config;
  const float *x = c->in[0].data, *dy = c->dy[0].data, *s = c->tape[0].data;
  float *to = c->scratch;
  powers(s + first, last - first, f->beta, to + first);
  for (int64_t i = first; i < last; i++) to[i] *= dy[i] * x[i] / s[i];
}

/* dx = dy s^-beta - 2 beta alpha/n x (sum of what was sent), which arrives in dx. */
SB_CLONES static void receive(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const lrn *f = c->config;
  const float *x = c->in[0].data, *dy = c->dy[0].data, *s = c->tape[0].data;
  float *dx = c->dx[0].data, *own = c->scratch, a = (float)(2 * f->beta * rate(f));
  powers(s + first, last - first, f->beta, own + first);
  for (int64_t i = first; i < last; i++) dx[i] = dy[i] * own[i] - a * x[i] * dx[i];
}

static void backward(const sb_call *c) {
  int64_t n = sb_count(&c->in[0]);
  if (!c->dx[0].data || n == 0) return;
  if (c->rules.lrn_identity) {
    sb_copy(&c->dx[0], &c->dy[0]);
    return;
  }
  sb_parallel_call(c, n, GRAIN, send);
  sum_neighbours(c, true, c->scratch, c->dx[0].data);
  sb_parallel_call(c, n, GRAIN, receive);
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
    .tape_names = tape_names,
    .samples = "{ {size = 5, alpha = 0.5}, input = {{2, 7, 3, 2}} },"
               "{ {size = 4, alpha = 0.7, beta = 0.5, k = 2}, input = {{1, 6, 2, 3}} },"
               "{ {size = 3, alpha = 0.9, region = 'within'}, input = {{1, 2, 5, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
