/* affine: planes looked up bilinearly under an affine map: turned, scaled, moved (Jaderberg et al.
   2015, section 3.3, with a fixed map). */
#include <string.h>

#include "layer.h"
#include "threads.h"

enum { CONSTANT, REFLECT, EDGE };
static const char *const borders[] = {"constant", "reflect", "edge", NULL};

typedef struct affine {
  sb_floats map;
  int size[2], border;
  double value;
} affine;

static const sb_param params[] = {
    SB_PARAM(affine, map, SB_FLOATS, NULL, SB_ANY,
             "{yy, yx, xy, xx, dy, dx}: y at (v, u) is x at (yy v + yx u + dy, xy v + xx u + dx), "
             "in pixels, each from the centre of its plane"),
    SB_PARAM(affine, size, SB_PAIR, "0", 0, "{h, w} of y; 0: as x"),
    SB_PARAM_CHOICE(affine, border, "'constant'", borders,
                    "what lies outside of x: a value, x mirrored at its edge pixels, or its edge"),
    SB_PARAM(affine, value, SB_FLOAT, "0", SB_ANY, "what constant finds outside"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const sb_floats *m = &((const affine *)config)->map;
  if (m->n != 6) return sb_fail(e, "affine: map takes 6 numbers, got %d", m->n);
  for (int i = 0; i < 6; i++)
    if (!isfinite(m->v[i])) return sb_fail(e, "affine: number %d of the map is %g", i + 1, m->v[i]);
  return true;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const affine *f = config;
  char text[SB_SHAPE_TEXT];
  if (!sb_require_nchw("affine", &in[0], e)) return false;
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int axis = 0; axis < 2; axis++)
    if (f->size[axis] > 0) plan->out[0].dim[2 + axis] = f->size[axis];
  if (in[0].dim[2] * in[0].dim[3] == 0)
    return sb_fail(e, "affine: input %s has empty planes", sb_shape_text(&in[0], text));
  if (!sb_shape_valid(&plan->out[0]))
    return sb_fail(e, "affine: a size of %dx%d is too large", f->size[0], f->size[1]);
  return true;
}

/* ---- Where a pixel of y is found in x -------------------------------------------------------- */

/* Two neighbours along an axis of n pixels, -1 for one outside, and the weight of the second. */
typedef struct pair {
  int64_t index[2];
  float second;
} pair;

/* Brings a position into [0, n-1] by mirroring or stopping at the edges. */
static double folded(int border, double at, int64_t n) {
  double last = (double)n - 1;
  if (border == EDGE) return fmin(fmax(at, 0), last);
  if (n == 1) return 0;
  at = fabs(fmod(at, 2 * last));
  return at > last ? 2 * last - at : at;
}

static pair neighbours(int border, double at, int64_t n) {
  if (border != CONSTANT) at = folded(border, at, n);
  if (!(at > -1 && at < (double)n)) return (pair){{-1, -1}, 0};
  double low = floor(at);
  int64_t i = (int64_t)low;
  return (pair){{i, i + 1 < n ? i + 1 : -1}, (float)(at - low)};
}

typedef struct taps {
  int64_t index[4]; /* in the plane; -1: the value outside */
  float weight[4];
} taps;

static taps find_taps(const sb_call *c, int64_t row, int64_t column) {
  const affine *f = c->config;
  const int64_t *in = c->in[0].shape.dim + 2, *out = c->out[0].shape.dim + 2;
  const double *m = f->map.v;
  double v = (double)row - ((double)out[0] - 1) / 2, u = (double)column - ((double)out[1] - 1) / 2;
  pair y = neighbours(f->border, m[0] * v + m[1] * u + m[4] + ((double)in[0] - 1) / 2, in[0]);
  pair x = neighbours(f->border, m[2] * v + m[3] * u + m[5] + ((double)in[1] - 1) / 2, in[1]);
  taps t;
  for (int i = 0; i < 4; i++) {
    int64_t r = y.index[i / 2], k = x.index[i % 2];
    t.index[i] = r < 0 || k < 0 ? -1 : r * in[1] + k;
    t.weight[i] = (i / 2 ? y.second : 1 - y.second) * (i % 2 ? x.second : 1 - x.second);
  }
  return t;
}

/* ---- Forward and backward -------------------------------------------------------------------- */

/* Rows of y, in all planes. */
static void forward_rows(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  float value = (float)((const affine *)c->config)->value;
  for (int64_t r = first; r < last; r++)
    for (int64_t k = 0; k < out[3]; k++) {
      taps t = find_taps(c, r, k);
      for (int64_t p = 0; p < in[0] * in[1]; p++) {
        const float *x = c->in[0].data + p * in[2] * in[3];
        float sum = 0;
        for (int i = 0; i < 4; i++) sum += t.weight[i] * (t.index[i] < 0 ? value : x[t.index[i]]);
        c->out[0].data[(p * out[2] + r) * out[3] + k] = sum;
      }
    }
}

static void forward(const sb_call *c) {
  sb_parallel_call(c, c->out[0].shape.dim[2], 8, forward_rows);
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const int64_t *in = c->in[0].shape.dim, *out = c->out[0].shape.dim;
  int64_t plane = in[2] * in[3];
  memset(c->dx[0].data + first * plane, 0, (size_t)((last - first) * plane) * sizeof(float));
  for (int64_t r = 0; r < out[2]; r++)
    for (int64_t k = 0; k < out[3]; k++) {
      taps t = find_taps(c, r, k);
      for (int64_t p = first; p < last; p++) {
        float dy = c->dy[0].data[(p * out[2] + r) * out[3] + k];
        for (int i = 0; i < 4; i++)
          if (t.index[i] >= 0) c->dx[0].data[p * plane + t.index[i]] += t.weight[i] * dy;
      }
    }
}

static void backward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  if (c->dx[0].data) sb_parallel_call(c, planes, (planes + 1) / 2, backward_planes);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_affine = {
    .name = "affine",
    .help = "y = x (N,C,H,W) looked up bilinearly under an affine map of positions",
    .config_size = sizeof(affine),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {map = {0.9, 0.3, -0.2, 1.1, 0.4, -0.3}, value = 0.5}, input = {{2, 2, 4, 5}} },"
               "{ {map = {1.6, 0.3, -0.8, 1.4, 0.5, 2}, border = 'reflect', size = {5, 3}},"
               "  input = {{1, 2, 4, 5}} },"
               "{ {map = {2, 0, 0, -3, 0, 0.2}, border = 'edge'}, input = {{1, 1, 3, 4}} },"
               "{ {map = {1, 0, 0, 1, 7, 0.5}, border = 'reflect'}, input = {{1, 1, 1, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
