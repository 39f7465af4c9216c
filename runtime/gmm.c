#include "gmm.h"

#include <math.h>
#include <string.h>

#include "threads.h"

/* ---- Moments ----------------------------------------------------------------------------------
 */

/* Sums over a group of pixels. */
typedef struct moments {
  double n, sum[3], product[9];
} moments;

static void add_pixel(moments *m, const float *pixels, int64_t n, int64_t i) {
  m->n++;
  for (int a = 0; a < 3; a++) {
    double value = (double)pixels[a * n + i];
    m->sum[a] += value;
    for (int b = 0; b <= a; b++) m->product[3 * a + b] += value * (double)pixels[b * n + i];
  }
}

/* Mean and covariance (of the population) of a group that is not empty. */
static void moments_to(const moments *m, double mean[3], double covariance[9]) {
  for (int a = 0; a < 3; a++) mean[a] = m->sum[a] / m->n;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b <= a; b++) {
      double c = m->product[3 * a + b] / m->n - mean[a] * mean[b];
      covariance[3 * a + b] = covariance[3 * b + a] = a == b ? fmax(c, 0) : c;
    }
}

static void all_moments(const float *pixels, int64_t n, const int32_t *label, int k, moments *m) {
  memset(m, 0, (size_t)k * sizeof *m);
  for (int64_t i = 0; i < n; i++)
    if (label[i] >= 0) add_pixel(&m[label[i]], pixels, n, i);
}

void sb_gmm_fit(const float *pixels, int64_t n, const int32_t *label, int k, sb_gaussian *mixture) {
  moments m[SB_GMM_MOST];
  double total = 0, mean[3], covariance[9];
  all_moments(pixels, n, label, k, m);
  for (int j = 0; j < k; j++) total += m[j].n;
  for (int j = 0; j < k; j++) {
    mixture[j] = (sb_gaussian){0};
    if (m[j].n == 0) continue;
    moments_to(&m[j], mean, covariance);
    mixture[j].weight = (float)(m[j].n / total);
    for (int a = 0; a < 3; a++) mixture[j].mean[a] = (float)mean[a];
    for (int a = 0; a < 9; a++) mixture[j].covariance[a] = (float)covariance[a];
    for (int a = 0; a < 3; a++) mixture[j].covariance[4 * a] += SB_GMM_VARIANCE;
  }
}

/* ---- Splitting --------------------------------------------------------------------------------
 */

static void multiply(const double matrix[9], const double v[3], double out[3]) {
  for (int a = 0; a < 3; a++)
    out[a] = matrix[3 * a] * v[0] + matrix[3 * a + 1] * v[1] + matrix[3 * a + 2] * v[2];
}

static double length(const double v[3]) {
  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

/* The largest eigenvalue of a covariance and its direction, by power iteration from the column with
   the largest variance. */
static double principal(const double covariance[9], double direction[3]) {
  enum { STEPS = 100 };
  int widest = 0;
  for (int a = 1; a < 3; a++)
    if (covariance[4 * a] > covariance[4 * widest]) widest = a;
  for (int a = 0; a < 3; a++) direction[a] = covariance[3 * a + widest];
  double value = 0;
  for (int step = 0; step < STEPS; step++) {
    double size = length(direction), next[3];
    if (!(size > 0)) return 0;
    for (int a = 0; a < 3; a++) direction[a] /= size;
    multiply(covariance, direction, next);
    value = length(next);
    memcpy(direction, next, sizeof next);
  }
  return value;
}

/* A plane across a group's widest direction, through its mean: v . z > offset is the farther side.
 */
typedef struct cut {
  double spread, v[3], offset;
} cut;

static cut widest_cut(const moments *m) {
  double mean[3], covariance[9];
  cut c = {0};
  if (m->n == 0) return c;
  moments_to(m, mean, covariance);
  c.spread = principal(covariance, c.v) * m->n;
  for (int a = 0; a < 3; a++) c.offset += c.v[a] * mean[a];
  return c;
}

/* Gives the pixels of group j beyond the cut to group `to`. */
static void apply_cut(const float *pixels, int64_t n, const cut *c, int j, int to, int32_t *label) {
  for (int64_t i = 0; i < n; i++) {
    if (label[i] != j) continue;
    double at = 0;
    for (int a = 0; a < 3; a++) at += c->v[a] * (double)pixels[a * n + i];
    if (at > c->offset) label[i] = to;
  }
}

void sb_gmm_split(const float *pixels, int64_t n, const float *chosen, int k, int32_t *label) {
  moments m[SB_GMM_MOST];
  for (int64_t i = 0; i < n; i++) label[i] = chosen[i] != 0 ? 0 : -1;
  for (int groups = 1; groups < k; groups++) {
    all_moments(pixels, n, label, groups, m);
    cut best = {0};
    int widest = 0;
    for (int j = 0; j < groups; j++) {
      cut c = widest_cut(&m[j]);
      if (c.spread > best.spread) best = c, widest = j;
    }
    if (!(best.spread > 0)) return;
    apply_cut(pixels, n, &best, widest, groups, label);
  }
}

/* ---- Costs -------------------------------------------------------------------------------------
 */

/* cost = constant + d^T precision d, d = z - mean; precision holds the factor 1/2. */
typedef struct form {
  double constant;
  float mean[3], precision[6]; /* rr, gg, bb, rg, rb, gb; those off the diagonal doubled */
} form;

static form form_of(const sb_gaussian *g) {
  form f = {.constant = INFINITY};
  memcpy(f.mean, g->mean, sizeof f.mean);
  if (!(g->weight > 0)) return f;
  double a = (double)g->covariance[0], b = (double)g->covariance[4], c = (double)g->covariance[8];
  double d = (double)g->covariance[1], e = (double)g->covariance[2], h = (double)g->covariance[5];
  double det = a * (b * c - h * h) - d * (d * c - h * e) + e * (d * h - b * e);
  f.constant = -log((double)g->weight) + log(det) / 2;
  double p[6] = {(b * c - h * h) / 2, (a * c - e * e) / 2, (a * b - d * d) / 2,
                 e * h - d * c,       d * h - e * b,       d * e - a * h};
  for (int i = 0; i < 6; i++) f.precision[i] = (float)(p[i] / det);
  return f;
}

static float evaluate(const form *f, float r, float g, float b) {
  const float *p = f->precision;
  r -= f->mean[0], g -= f->mean[1], b -= f->mean[2];
  return (float)f->constant + p[0] * r * r + p[1] * g * g + p[2] * b * b + p[3] * r * g +
         p[4] * r * b + p[5] * g * b;
}

typedef struct costing {
  const float *pixels;
  int64_t n;
  int k;
  form forms[SB_GMM_MOST];
  float *cost;
  int32_t *label;
} costing;

static void cost_pixels(void *context, int64_t first, int64_t last) {
  const costing *c = context;
  for (int64_t i = first; i < last; i++) {
    float best = INFINITY;
    int32_t label = -1;
    for (int j = 0; j < c->k; j++) {
      float cost =
          evaluate(&c->forms[j], c->pixels[i], c->pixels[c->n + i], c->pixels[2 * c->n + i]);
      if (cost < best) best = cost, label = j;
    }
    c->cost[i] = best, c->label[i] = label;
  }
}

void sb_gmm_cost(const float *pixels, int64_t n, const sb_gaussian *mixture, int k, float *cost,
                 int32_t *label) {
  enum { GRAIN = 4096 };
  costing c = {.pixels = pixels, .n = n, .k = k, .cost = cost, .label = label};
  for (int j = 0; j < k; j++) c.forms[j] = form_of(&mixture[j]);
  sb_parallel(n, GRAIN, cost_pixels, &c);
}
