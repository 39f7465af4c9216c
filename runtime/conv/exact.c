/* exact.c: convolution of any shape for exact mode: the im2col matrix, a panel of positions at a
   time, and the weights as doubles, multiplied by OpenBLAS. What is left is the rounding of each
   result to a float (3e-8), so that pooling switches and signs are those of a run in double. */
#include "conv/algorithm.h"
#include "conv/fast.h"
#include "conv/pack.h"
#include "gemm.h"
#include "threads.h"

/* A panel holds about this many numbers of the matrix, and at least and at most so many positions
   (multiples of a vector). */
enum { PANEL_NUMBERS = 1 << 18, LEAST = 32, MOST = 512 };

typedef struct plan {
  const sb_conv *g;
  int64_t ins, outs, taps, depth, positions; /* of one image and group */
  int64_t panel, panels; /* positions of a panel; panels of an image and group */
} plan;

typedef struct run {
  plan p;
  const double *packed;
  const float *x;
  const sb_conv_finish *finish;
  float *y;
  double *scratch;
} run;

/* The cut depends on the shape alone, so the same bytes come out at any thread count. */
static plan make_plan(const sb_conv *g) {
  plan p = {.g = g, .ins = g->c_in / g->groups, .outs = g->c_out / g->groups};
  p.taps = (int64_t)g->kernel[0] * g->kernel[1];
  p.depth = p.ins * p.taps;
  p.positions = g->oh * g->ow;
  int64_t fit = PANEL_NUMBERS / p.depth, quarter = (p.positions + 3) / 4;
  p.panel = fit < quarter ? fit : quarter;
  p.panel = p.panel < LEAST ? LEAST : p.panel > MOST ? MOST : p.panel / 8 * 8;
  p.panels = (p.positions + p.panel - 1) / p.panel;
  return p;
}

/* A thread's panel of the matrix and of the result. */
static int64_t numbers_a_thread(const plan *p) {
  return (p->depth + p->outs) * p->panel;
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  return 2 * numbers_a_thread(&p) * sb_get_threads(); /* a double takes the place of two floats */
}

/* ---- Weights -------------------------------------------------------------------------------- */

static int64_t packed_size(const sb_conv *g) {
  plan p = make_plan(g);
  return 2 * g->c_out * p.depth;
}

typedef struct packing {
  plan p;
  const float *w;
  bool flip;
  double *packed;
} packing;

static void pack_channels(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  const plan *p = &k->p;
  for (int64_t row = first; row < last; row++) {
    sb_weight_line line = sb_find_weights(p->g, k->w, k->flip, row);
    double *to = k->packed + row * p->depth;
    for (int64_t c = 0; c < p->ins; c++)
      for (int64_t tap = 0; tap < p->taps; tap++)
        *to++ = (double)line.at[c * line.channel + tap * line.tap];
  }
}

static void pack(const sb_conv *g, const float *w, bool flip, float *packed) {
  packing k = {make_plan(g), w, flip, (double *)(void *)packed};
  sb_parallel(g->c_out, 8, pack_channels, &k);
}

/* ---- Panels --------------------------------------------------------------------------------- */

/* Where a panel lies. */
typedef struct place {
  int64_t plane, first, n; /* image * groups + group; its positions */
} place;

static place place_of(const plan *p, int64_t item) {
  place at = {item / p->panels, item % p->panels * p->panel, p->panel};
  if (at.n > p->positions - at.first) at.n = p->positions - at.first;
  return at;
}

/* What a tap sees at outputs [ox, end) of a row, whose outputs [valid) lie inside it. */
static void gather_row(const float *row, int64_t stride, sb_conv_range valid, int64_t ox,
                       int64_t end, double *to) {
  for (; ox < end && ox < valid.first; ox++) *to++ = 0;
  for (; ox < end && ox < valid.last; ox++) *to++ = (double)row[ox * stride];
  for (; ox < end; ox++) *to++ = 0;
}

/* What tap (i, j) of a channel sees at the positions of a panel. */
static void gather_tap(const sb_conv *g, const float *x, int i, int j, const place *at,
                       double *to) {
  sb_conv_range rows = sb_conv_inside(g, 0, i), columns = sb_conv_inside(g, 1, j);
  sb_conv_range none = {0, 0};
  int64_t shift = sb_conv_at(g, 1, 0, j), last = at->first + at->n;
  for (int64_t first = at->first; first < last;) {
    int64_t oy = first / g->ow, ox = first % g->ow;
    int64_t end = g->ow < ox + last - first ? g->ow : ox + last - first;
    bool inside = oy >= rows.first && oy < rows.last;
    const float *row = inside ? x + sb_conv_at(g, 0, oy, i) * g->w + shift : x;
    gather_row(row, g->stride[1], inside ? columns : none, ox, end, to);
    first += end - ox, to += end - ox;
  }
}

static void gather(const plan *p, const float *x, const place *at, double *matrix) {
  const sb_conv *g = p->g;
  for (int64_t c = 0; c < p->ins; c++, x += g->h * g->w)
    for (int i = 0; i < g->kernel[0]; i++)
      for (int j = 0; j < g->kernel[1]; j++, matrix += at->n) gather_tap(g, x, i, j, at, matrix);
}

/* NaN stays NaN, as everywhere. */
static void finish_row(const sb_conv_finish *f, double bias, const float *mask, int64_t n,
                       const double *from, float *to) {
  for (int64_t i = 0; i < n; i++) {
    float value = (float)(from[i] + bias);
    if (f->relu && value < 0) value = 0;
    to[i] = !mask || mask[i] > 0 ? value : 0;
  }
}

static void finish(const run *r, const place *at, const double *product) {
  const plan *p = &r->p;
  const sb_conv_finish *f = r->finish;
  const float *bias = f->bias ? f->bias + at->plane % p->g->groups * p->outs : NULL;
  for (int64_t row = 0; row < p->outs; row++, product += at->n) {
    int64_t to = (at->plane * p->outs + row) * p->positions + at->first;
    finish_row(f, bias ? (double)bias[row] : 0, f->mask ? f->mask + to : NULL, at->n, product,
               r->y + to);
  }
}

static void run_panels(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  double *matrix = r->scratch + sb_thread_index() * numbers_a_thread(p);
  double *product = matrix + p->depth * p->panel;
  for (int64_t item = first; item < last; item++) {
    place at = place_of(p, item);
    gather(p, r->x + at.plane * p->ins * p->g->h * p->g->w, &at, matrix);
    sb_gemm_double(false, false, p->outs, at.n, p->depth, 1,
                   r->packed + at.plane % p->g->groups * p->outs * p->depth, p->depth, matrix, at.n,
                   0, product, at.n);
    finish(r, &at, product);
  }
}

static void run_all(const sb_conv *g, const float *packed, const float *x,
                    const sb_conv_finish *finish, float *y, float *scratch) {
  run r = {
      make_plan(g), (const double *)(const void *)packed, x, finish, y, (double *)(void *)scratch};
  sb_parallel(g->n * g->groups * r.p.panels, 1, run_panels, &r);
}

static double cost(const sb_conv *g) {
  (void)g;
  return 0; /* the first choice where it goes */
}

const sb_conv_fast sb_conv_exact = {
    .name = "exact",
    .cost = cost,
    .packed_size = packed_size,
    .scratch = scratch_size,
    .pack = pack,
    .run = run_all,
    .in_double = true,
};
