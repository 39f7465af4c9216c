#include "reduce.h"

#include <math.h>
#include <string.h>

#include "arrange.h"
#include "threads.h"

/* LANES neighbours are folded side by side, so that the compiler can use vector registers without
   being allowed to reorder additions. A long line is cut into at most CHUNKS parts. */
enum { LANES = 16, CHUNKS = 256, SMALLEST_CHUNK = 1 << 14 };

/* ---- Folds ----------------------------------------------------------------------------------- */

struct sb_fold {
  double start;
  /* acc[j] = op(acc[j], x[i * stride + j]) for i < rows, j < lanes */
  void (*rows)(double *acc, const float *x, int64_t rows, int64_t stride, int lanes,
               const double *centre);
  double (*merge)(double a, double v); /* two partial results to one */
};

#define FOLD(name, start, step, merged)                                                            \
  static inline __attribute__((always_inline)) void name##_lanes(                                  \
      double *restrict acc, const float *restrict x, int64_t rows, int64_t stride, int lanes,      \
      const double *restrict centre) {                                                             \
    for (int64_t i = 0; i < rows; i++, x += stride)                                                \
      for (int j = 0; j < lanes; j++) {                                                            \
        const double a = acc[j], v = x[j] - centre[j];                                             \
        acc[j] = step;                                                                             \
      }                                                                                            \
  }                                                                                                \
  static void name##_rows(double *acc, const float *x, int64_t rows, int64_t stride, int lanes,    \
                          const double *centre) {                                                  \
    if (lanes == LANES)                                                                            \
      name##_lanes(acc, x, rows, stride, LANES, centre);                                           \
    else                                                                                           \
      name##_lanes(acc, x, rows, stride, lanes, centre);                                           \
  }                                                                                                \
  static double name##_merge(double a, double v) {                                                 \
    return merged;                                                                                 \
  }                                                                                                \
  static const sb_fold name##_fold = {start, name##_rows, name##_merge};

FOLD(sum, 0, a + v, a + v)
FOLD(squares, 0, a + v * v, a + v)
FOLD(prod, 1, a *v, a *v)
FOLD(max, -INFINITY, v > a || v != v ? v : a, v > a || v != v ? v : a)
FOLD(min, INFINITY, v < a || v != v ? v : a, v < a || v != v ? v : a)
FOLD(nonzero, 0, a + (v != 0), a + v)

static const double no_centre[LANES];

/* Folds k values beside each other: one result a lane. */
static void fold_lanes(const sb_fold *f, const float *x, int64_t k, int64_t stride, int lanes,
                       const double *centre, double *acc) {
  for (int j = 0; j < lanes; j++) acc[j] = f->start;
  f->rows(acc, x, k, stride, lanes, centre);
}

/* Folds k values behind each other. */
static double fold_run(const sb_fold *f, const float *x, int64_t k, double centre) {
  double acc[LANES], centres[LANES];
  int64_t rows = k / LANES;
  for (int j = 0; j < LANES; j++) centres[j] = centre;
  fold_lanes(f, x, rows, LANES, LANES, centres, acc);
  f->rows(acc, x + rows * LANES, 1, 0, (int)(k - rows * LANES), centres);
  for (int j = 1; j < LANES; j++) acc[0] = f->merge(acc[0], acc[j]);
  return acc[0];
}

typedef struct chunking {
  const sb_fold *fold;
  const float *x;
  int64_t n, size;
  double centre, part[CHUNKS];
} chunking;

static void fold_chunks(void *context, int64_t first, int64_t last) {
  chunking *c = context;
  for (int64_t i = first; i < last; i++) {
    int64_t from = i * c->size, left = c->n - from;
    c->part[i] = fold_run(c->fold, c->x + from, left < c->size ? left : c->size, c->centre);
  }
}

/* fold_run, by all threads. */
static double fold_long_run(const sb_fold *f, const float *x, int64_t n, double centre) {
  chunking c = {.fold = f, .x = x, .n = n, .size = (n + CHUNKS - 1) / CHUNKS, .centre = centre};
  if (c.size < SMALLEST_CHUNK) c.size = SMALLEST_CHUNK;
  int64_t chunks = (n + c.size - 1) / c.size;
  sb_parallel(chunks, 1, fold_chunks, &c);
  double result = f->start;
  for (int64_t i = 0; i < chunks; i++) result = f->merge(result, c.part[i]);
  return result;
}

/* ---- Reductions ------------------------------------------------------------------------------ */

static double as_is(double a, double k, double c) {
  return a;
}
static double over_k(double a, double k, double c) {
  return a / k;
}
static double over_freedom(double a, double k, double c) {
  return k > c ? a / (k - c) : NAN;
}
static double root_over_freedom(double a, double k, double c) {
  return sqrt(over_freedom(a, k, c));
}
static double root(double a, double k, double c) {
  return sqrt(a);
}
static double any(double a, double k, double c) {
  return a > 0;
}
static double all(double a, double k, double c) {
  return a == k;
}

const sb_reduction sb_reductions[] = {{"sum", &sum_fold, false, as_is},
                                      {"mean", &sum_fold, false, over_k},
                                      {"var", &squares_fold, true, over_freedom},
                                      {"std", &squares_fold, true, root_over_freedom},
                                      {"norm", &squares_fold, false, root},
                                      {"prod", &prod_fold, false, as_is},
                                      {"any", &nonzero_fold, false, any, true},
                                      {"all", &nonzero_fold, false, all, true},
                                      {NULL}};
const sb_reduction sb_reduce_max = {"max", &max_fold, false, as_is};
const sb_reduction sb_reduce_min = {"min", &min_fold, false, as_is};

const sb_reduction *sb_find_reduction(const char *name) {
  for (const sb_reduction *r = sb_reductions; r->name; r++)
    if (strcmp(r->name, name) == 0) return r;
  if (strcmp(name, "max") == 0) return &sb_reduce_max;
  return strcmp(name, "min") == 0 ? &sb_reduce_min : NULL;
}

/* Extents of 1 may count as marked or not, whatever makes neighbours. */
bool sb_lines_over(const sb_shape *shape, const bool *marked, sb_lines *lines) {
  const int64_t *dim = shape->dim;
  int first = 0, last = shape->rank;
  bool together = true;
  while (first < last && (!marked[first] || dim[first] == 1)) first++;
  while (last > first && (!marked[last - 1] || dim[last - 1] == 1)) last--;
  for (int d = first; d < last; d++) together = together && (marked[d] || dim[d] == 1);
  *lines = (sb_lines){1, 1, 1};
  for (int d = 0; d < shape->rank; d++)
    *(marked[d] ? &lines->k : together && d >= first ? &lines->inner : &lines->outer) *= dim[d];
  return together;
}

void sb_marked_last(float *to, const sb_tensor *from, const bool *marked) {
  sb_tensor copy = {.data = to};
  int order[SB_MAX_RANK];
  for (int pass = 0; pass < 2; pass++)
    for (int d = 0; d < from->shape.rank; d++)
      if (marked[d] == (pass == 1)) {
        order[copy.shape.rank] = d;
        copy.shape.dim[copy.shape.rank++] = from->shape.dim[d];
      }
  sb_permute(&copy, from, order);
}

double sb_reduce_all(const sb_reduction *r, const float *x, int64_t n, double correction) {
  double centre = r->about_mean ? fold_long_run(&sum_fold, x, n, 0) / (double)n : 0;
  return r->finish(fold_long_run(r->fold, x, n, centre), (double)n, correction);
}

typedef struct reducing {
  const sb_reduction *r;
  const float *x;
  sb_lines l;
  int64_t blocks; /* of LANES neighbours, per outer position */
  double correction;
  float *out, *positions;
} reducing;

static void reduce_lanes(const sb_reduction *r, const float *x, int64_t k, int64_t stride,
                         int lanes, double correction, double *acc) {
  double centre[LANES] = {0};
  if (r->about_mean) {
    fold_lanes(&sum_fold, x, k, stride, lanes, no_centre, centre);
    for (int j = 0; j < lanes; j++) centre[j] /= (double)k;
  }
  fold_lanes(r->fold, x, k, stride, lanes, centre, acc);
  for (int j = 0; j < lanes; j++) acc[j] = r->finish(acc[j], (double)k, correction);
}

static double reduce_run(const sb_reduction *r, const float *x, int64_t k, double correction) {
  double centre = r->about_mean ? fold_run(&sum_fold, x, k, 0) / (double)k : 0;
  return r->finish(fold_run(r->fold, x, k, centre), (double)k, correction);
}

/* The first of k values that equals the extreme, or is NaN if that is. */
static int64_t find_value(const float *x, int64_t k, int64_t stride, float value) {
  int64_t i = 0;
  if (isnan(value))
    while (i < k && !isnan(x[i * stride])) i++;
  else
    while (i < k && x[i * stride] != value) i++;
  return i;
}

/* Item i is block i % blocks of outer position i / blocks. */
static void reduce_items(void *context, int64_t first, int64_t last) {
  const reducing *c = context;
  int64_t inner = c->l.inner, k = c->l.k;
  for (int64_t item = first; item < last; item++) {
    int64_t o = item / c->blocks, j0 = item % c->blocks * LANES, at = o * inner + j0;
    const float *x = c->x + o * k * inner + j0;
    int lanes = inner - j0 < LANES ? (int)(inner - j0) : LANES;
    double acc[LANES];
    if (inner == 1)
      acc[0] = reduce_run(c->r, x, k, c->correction);
    else
      reduce_lanes(c->r, x, k, inner, lanes, c->correction, acc);
    for (int j = 0; j < lanes; j++) {
      c->out[at + j] = (float)acc[j];
      if (c->positions) c->positions[at + j] = (float)find_value(x + j, k, inner, (float)acc[j]);
    }
  }
}

static void run_reducing(reducing *c) {
  c->blocks = (c->l.inner + LANES - 1) / LANES;
  int64_t item = c->l.k * (c->l.inner < LANES ? c->l.inner : LANES);
  sb_parallel(c->l.outer * c->blocks, 1 + SMALLEST_CHUNK / (item + 1), reduce_items, c);
}

void sb_reduce_lines(const sb_reduction *r, const float *x, sb_lines l, double correction,
                     float *out) {
  reducing c = {.r = r, .x = x, .l = l, .correction = correction, .out = out};
  run_reducing(&c);
}

void sb_extreme_lines(const sb_reduction *r, const float *x, sb_lines l, float *values,
                      float *positions) {
  reducing c = {.r = r, .x = x, .l = l, .out = values, .positions = positions};
  run_reducing(&c);
}

int64_t sb_extreme_all(const sb_reduction *r, const float *x, int64_t n) {
  return find_value(x, n, 1, (float)sb_reduce_all(r, x, n, 0));
}

double sb_dot(const float *x, const float *y, int64_t n) {
  double acc[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) acc[j] += (double)x[i + j] * y[i + j];
  for (int j = 0; i + j < n; j++) acc[j] += (double)x[i + j] * y[i + j];
  for (int j = 1; j < LANES; j++) acc[0] += acc[j];
  return acc[0];
}

void sb_cumulate(const float *x, sb_lines l, float *y) {
  for (int64_t o = 0; o < l.outer; o++)
    for (int64_t j0 = 0; j0 < l.inner; j0 += LANES) {
      double acc[LANES] = {0};
      int lanes = l.inner - j0 < LANES ? (int)(l.inner - j0) : LANES;
      for (int64_t i = 0; i < l.k; i++)
        for (int j = 0; j < lanes; j++) {
          int64_t at = (o * l.k + i) * l.inner + j0 + j;
          y[at] = (float)(acc[j] += x[at]);
        }
    }
}
