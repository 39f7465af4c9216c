#include "tsne.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clones.h"
#include "quadtree.h"
#include "threads.h"

/* ---- Conditional probabilities ------------------------------------------------------------------
 */

typedef struct calibration {
  const float *distance;
  int64_t k;
  double entropy; /* wanted, in nats */
  float *p;
} calibration;

/* p ~ exp(-beta (d - nearest)); answers the entropy. */
static double fill_row(const float *d, int64_t k, double nearest, double beta, float *p) {
  double sum = 0, weighted = 0;
  for (int64_t j = 0; j < k; j++) {
    double e = exp(-beta * (d[j] - nearest));
    sum += e, weighted += e * (d[j] - nearest);
    p[j] = (float)e;
  }
  for (int64_t j = 0; j < k; j++) p[j] = (float)(p[j] / sum);
  return log(sum) + beta * weighted / sum;
}

/* The entropy falls with beta: bisection, after doubling or halving until the wanted one is passed.
   Many equal distances can make it unreachable; then beta grows as far as it may. */
static void calibrate_row(const calibration *c, const float *d, float *p) {
  enum { STEPS = 100 };
  double low = 0, high = INFINITY, nearest = INFINITY, mean = 0;
  for (int64_t j = 0; j < c->k; j++) nearest = fmin(nearest, d[j]), mean += d[j];
  mean = mean / (double)c->k - nearest;
  double beta = mean > 0 ? 1 / mean : 1;
  for (int step = 0; step < STEPS; step++) {
    double off = fill_row(d, c->k, nearest, beta, p) - c->entropy;
    if (fabs(off) < 1e-6) break;
    if (off > 0)
      low = beta, beta = isinf(high) ? 2 * beta : (low + high) / 2;
    else
      high = beta, beta = (low + high) / 2;
    if (beta > DBL_MAX / 4) break;
  }
}

static void calibrate_rows(void *context, int64_t first, int64_t last) {
  const calibration *c = context;
  for (int64_t i = first; i < last; i++) calibrate_row(c, c->distance + i * c->k, c->p + i * c->k);
}

void sb_tsne_conditional(const float *distance, int64_t n, int64_t k, double perplexity, float *p) {
  calibration c = {distance, k, log(perplexity), p};
  sb_parallel(n, 16, calibrate_rows, &c);
}

/* ---- Joint probabilities
 * ------------------------------------------------------------------------- */

/* Room for the entries: every p[j|i] goes to row i and to row j. */
static size_t entries_size(int64_t n, int64_t k) {
  return (size_t)(2 * n * k) * (sizeof(int32_t) + sizeof(float));
}

size_t sb_affinities_size(int64_t n, int64_t k) {
  return (size_t)(n + 1) * sizeof(int64_t) + entries_size(n, k);
}

size_t sb_affinities_scratch(int64_t n, int64_t k) {
  return 2 * (size_t)(n + 1) * sizeof(int64_t) + entries_size(n, k);
}

static sb_affinities lay_out(int64_t n, int64_t k, void *memory) {
  sb_affinities a = {.n = (int32_t)n, .start = memory};
  a.column = (int32_t *)(a.start + n + 1);
  a.value = (float *)(a.column + 2 * n * k);
  return a;
}

static void put(sb_affinities *a, int64_t *fill, int32_t row, int32_t column, float value) {
  a->column[fill[row]] = column;
  a->value[fill[row]++] = value;
}

/* Rows in any order. */
static void scatter(sb_affinities *a, const float *p, const int32_t *index, int64_t k,
                    int64_t *fill) {
  int64_t n = a->n;
  memset(a->start, 0, (size_t)(n + 1) * sizeof *a->start);
  for (int64_t e = 0; e < n * k; e++) a->start[index[e] + 1]++;
  for (int64_t i = 0; i < n; i++) a->start[i + 1] += a->start[i] + k;
  memcpy(fill, a->start, (size_t)n * sizeof *fill);
  for (int64_t e = 0; e < n * k; e++) {
    int32_t i = (int32_t)(e / k), j = index[e];
    float half = p[e] / (2 * (float)n);
    put(a, fill, i, j, half);
    put(a, fill, j, i, half);
  }
}

/* A transposed matrix is filled in the order of columns: its rows ascend. This one is symmetric. */
static void transpose(sb_affinities *to, const sb_affinities *from, int64_t *fill) {
  memcpy(to->start, from->start, (size_t)(from->n + 1) * sizeof *to->start);
  memcpy(fill, from->start, (size_t)from->n * sizeof *fill);
  for (int32_t i = 0; i < from->n; i++)
    for (int64_t e = from->start[i]; e < from->start[i + 1]; e++)
      put(to, fill, from->column[e], i, from->value[e]);
}

/* Adds up neighbours in a row that are of the same column, and closes the gaps. */
static void merge(sb_affinities *a) {
  int64_t to = 0;
  for (int32_t i = 0; i < a->n; i++) {
    int64_t first = a->start[i], last = a->start[i + 1];
    a->start[i] = to;
    for (int64_t e = first; e < last; e++) {
      bool again = to > a->start[i] && a->column[to - 1] == a->column[e];
      if (again)
        a->value[to - 1] += a->value[e];
      else
        a->column[to] = a->column[e], a->value[to] = a->value[e], to++;
    }
  }
  a->start[a->n] = to;
}

sb_affinities sb_affinities_build(const float *p, const int32_t *index, int64_t n, int64_t k,
                                  void *memory, void *scratch) {
  int64_t *fill = scratch;
  sb_affinities a = lay_out(n, k, memory), unsorted = lay_out(n, k, fill + n + 1);
  scatter(&unsorted, p, index, k, fill);
  transpose(&a, &unsorted, fill);
  merge(&a);
  return a;
}

/* ---- The gradient
 * -------------------------------------------------------------------------------- */

typedef struct force {
  double x, y, sum; /* sums of w^2 (yi - yj) and of w, w = 1 / (1 + |yi - yj|^2) */
} force;

typedef struct descent {
  const sb_affinities *a;
  const float *y;
  double theta;
  sb_quadtree tree;
  float *xs, *ys;     /* exact: the coordinates apart */
  force *pull, *push; /* a point; the sum of a pull is of p log(p / w) */
} descent;

/* theta = 0: all points. In lanes, in an order that lets the compiler use vectors. */
SB_CLONES
static force push_exactly(const float *xs, const float *ys, int64_t n, float x, float y) {
  enum { LANES = 16 };
  float fx[LANES] = {0}, fy[LANES] = {0}, sum[LANES] = {0};
  force f = {0, 0, 0};
  int64_t whole = n - n % LANES;
  for (int64_t j = 0; j < whole; j += LANES)
    for (int l = 0; l < LANES; l++) {
      float dx = x - xs[j + l], dy = y - ys[j + l], w = 1 / (1 + dx * dx + dy * dy);
      sum[l] += w, fx[l] += w * w * dx, fy[l] += w * w * dy;
    }
  for (int64_t j = whole; j < n; j++) {
    float dx = x - xs[j], dy = y - ys[j], w = 1 / (1 + dx * dx + dy * dy);
    f.sum += w, f.x += w * w * dx, f.y += w * w * dy;
  }
  for (int l = 0; l < LANES; l++) f.sum += sum[l], f.x += fx[l], f.y += fy[l];
  f.sum -= 1; /* its own */
  return f;
}

static void add_mass(force *f, double dx, double dy, double mass) {
  double w = 1 / (1 + dx * dx + dy * dy);
  f->sum += mass * w, f->x += mass * w * w * dx, f->y += mass * w * w * dy;
}

/* The point at position `at` of the tree's order. */
static force push_by_tree(const sb_quadtree *t, int32_t at, double theta) {
  const float *own = t->points + 2 * t->order[at];
  force f = {0, 0, 0};
  for (int32_t i = 0; i < t->nodes;) {
    const sb_quadnode *node = t->node + i;
    double dx = (double)own[0] - node->x, dy = (double)own[1] - node->y;
    bool inside = at >= node->first && at < node->last;
    if (!inside && (double)node->width * node->width < theta * theta * (dx * dx + dy * dy)) {
      add_mass(&f, dx, dy, node->last - node->first);
      i = node->next;
      continue;
    }
    for (int32_t j = node->first; node->next == i + 1 && j < node->last; j++) {
      const float *other = t->points + 2 * t->order[j];
      if (j != at) add_mass(&f, (double)own[0] - other[0], (double)own[1] - other[1], 1);
    }
    i++;
  }
  return f;
}

static void push_points(void *context, int64_t first, int64_t last) {
  descent *d = context;
  for (int64_t at = first; at < last; at++) {
    if (d->theta > 0)
      d->push[d->tree.order[at]] = push_by_tree(&d->tree, (int32_t)at, d->theta);
    else
      d->push[at] = push_exactly(d->xs, d->ys, d->a->n, d->xs[at], d->ys[at]);
  }
}

static void pull_points(void *context, int64_t first, int64_t last) {
  descent *d = context;
  const sb_affinities *a = d->a;
  for (int64_t i = first; i < last; i++) {
    force f = {0, 0, 0};
    for (int64_t e = a->start[i]; e < a->start[i + 1]; e++) {
      const float *other = d->y + 2 * a->column[e];
      double dx = (double)d->y[2 * i] - other[0], dy = (double)d->y[2 * i + 1] - other[1];
      double w = a->value[e] / (1 + dx * dx + dy * dy);
      f.x += w * dx, f.y += w * dy;
    }
    d->pull[i] = f;
  }
}

static void diverge_points(void *context, int64_t first, int64_t last) {
  descent *d = context;
  const sb_affinities *a = d->a;
  for (int64_t i = first; i < last; i++)
    for (int64_t e = a->start[i]; e < a->start[i + 1]; e++) {
      const float *other = d->y + 2 * a->column[e];
      double dx = (double)d->y[2 * i] - other[0], dy = (double)d->y[2 * i + 1] - other[1];
      double p = a->value[e];
      if (p > 0) d->pull[i].sum += p * log(p * (1 + dx * dx + dy * dy));
    }
}

size_t sb_tsne_scratch(int64_t n) {
  size_t tree = sb_quadtree_scratch((int32_t)n), apart = 2 * (size_t)n * sizeof(float);
  return 2 * (size_t)n * sizeof(force) + (tree > apart ? tree : apart);
}

static descent start_descent(const sb_affinities *a, const float *y, double theta, void *scratch) {
  descent d = {.a = a, .y = y, .theta = theta, .pull = scratch};
  d.push = d.pull + a->n;
  d.xs = (float *)(d.push + a->n), d.ys = d.xs + a->n;
  if (theta > 0)
    sb_quadtree_build(&d.tree, y, a->n, d.push + a->n);
  else
    for (int32_t i = 0; i < a->n; i++) d.xs[i] = y[2 * i], d.ys[i] = y[2 * i + 1];
  return d;
}

void sb_tsne_gradient(const sb_affinities *a, const float *y, double theta, double exaggeration,
                      float *gradient, double *divergence, void *scratch) {
  descent d = start_descent(a, y, theta, scratch);
  sb_parallel(a->n, 64, push_points, &d);
  sb_parallel(a->n, 64, pull_points, &d);
  if (divergence) sb_parallel(a->n, 64, diverge_points, &d);
  double z = 0, sum = 0;
  for (int32_t i = 0; i < a->n; i++) z += d.push[i].sum, sum += d.pull[i].sum;
  for (int32_t i = 0; i < a->n; i++) {
    gradient[2 * i] = (float)(4 * (exaggeration * d.pull[i].x - d.push[i].x / z));
    gradient[2 * i + 1] = (float)(4 * (exaggeration * d.pull[i].y - d.push[i].y / z));
  }
  if (divergence) *divergence = sum + log(z);
}

void sb_tsne_step(float *y, const float *gradient, float *velocity, float *gain, int64_t n,
                  double rate, double momentum) {
  for (int64_t i = 0; i < n; i++) {
    bool agrees = (gradient[i] > 0) == (velocity[i] > 0);
    gain[i] = agrees ? fmaxf(gain[i] * 0.8f, 0.01f) : gain[i] + 0.2f;
    velocity[i] = (float)(momentum * velocity[i] - rate * gain[i] * gradient[i]);
    y[i] += velocity[i];
  }
}
