#include "pca.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "gemm.h"
#include "threads.h"

enum { CHUNK = 256, BAND = 64 };

/* The products are those of the side that is not longer: m of them, sums over the other, `along`.
 */
typedef struct products {
  const sb_pca *p;
  int64_t m, along, first, count; /* the part of the sum that is being added */
  double *chunk;                  /* CHUNK x m: x - mean, or its transpose */
  double *sum;                    /* m x m, lower triangle */
} products;

static bool by_columns(const sb_pca *p) {
  return p->d <= p->n;
}

static void compute_mean(const sb_pca *p, double *sum) {
  for (int64_t c = 0; c < p->d; c++) sum[c] = 0;
  for (int64_t i = 0; i < p->n; i++)
    for (int64_t c = 0; c < p->d; c++) sum[c] += p->x[i * p->d + c];
  for (int64_t c = 0; c < p->d; c++) p->mean[c] = (float)(sum[c] / (double)p->n);
}

static void fill_chunk(void *context, int64_t from, int64_t to) {
  const products *q = context;
  const sb_pca *p = q->p;
  bool columns = by_columns(p);
  for (int64_t r = from; r < to; r++)
    for (int64_t j = 0; j < q->m; j++) {
      int64_t row = columns ? q->first + r : j, column = columns ? j : q->first + r;
      q->chunk[r * q->m + j] = (double)p->x[row * p->d + column] - p->mean[column];
    }
}

static void add_band(void *context, int64_t from, int64_t to) {
  const products *q = context;
  sb_gemm_double(true, false, to - from, to, q->count, 1, q->chunk + from, q->m, q->chunk, q->m, 1,
                 q->sum + from * q->m, q->m);
}

static void sum_products(products *q) {
  memset(q->sum, 0, (size_t)(q->m * q->m) * sizeof *q->sum);
  for (q->first = 0; q->first < q->along; q->first += CHUNK) {
    q->count = q->along - q->first < CHUNK ? q->along - q->first : CHUNK;
    sb_parallel(q->count, 16, fill_chunk, q);
    sb_parallel(q->m, BAND, add_band, q);
  }
}

/* Turns a direction so that its largest entry is positive. */
static void settle_sign(float *v, int64_t d, float *score, int64_t n, int64_t stride) {
  int64_t largest = 0;
  for (int64_t c = 1; c < d; c++)
    if (fabsf(v[c]) > fabsf(v[largest])) largest = c;
  if (v[largest] >= 0) return;
  for (int64_t c = 0; c < d; c++) v[c] = -v[c];
  for (int64_t i = 0; i < n; i++) score[i * stride] = -score[i * stride];
}

static void scale(float *v, int64_t n, double factor) {
  for (int64_t i = 0; i < n; i++) v[i] = (float)(v[i] * factor);
}

/* From the eigenvectors of X^T X: they are the components. */
static void from_columns(const sb_pca *p, const double *vectors) {
  for (int64_t i = 0; i < p->k * p->d; i++) p->component[i] = (float)vectors[i];
  sb_gemm_parallel(false, true, p->n, p->k, p->d, 1, p->x, p->d, p->component, p->d, 0, p->score,
                   p->k);
  for (int64_t j = 0; j < p->k; j++) {
    double offset = 0;
    for (int64_t c = 0; c < p->d; c++) offset += (double)p->component[j * p->d + c] * p->mean[c];
    for (int64_t i = 0; i < p->n; i++) p->score[i * p->k + j] -= (float)offset;
  }
}

/* From the eigenvectors u of X X^T, whose entries add up to 0: components X^T u / s, scores u s, s
   the root of the eigenvalue. */
static void from_rows(const sb_pca *p, const double *values, const double *vectors) {
  float *u = p->score; /* room for (k,n) */
  for (int64_t i = 0; i < p->k * p->n; i++) u[i] = (float)vectors[i];
  sb_gemm_parallel(false, false, p->k, p->d, p->n, 1, u, p->n, p->x, p->d, 0, p->component, p->d);
  for (int64_t j = 0; j < p->k; j++) {
    double length = 0;
    for (int64_t c = 0; c < p->d; c++)
      length += (double)p->component[j * p->d + c] * p->component[j * p->d + c];
    scale(p->component + j * p->d, p->d, length > 0 ? 1 / sqrt(length) : 0);
    for (int64_t i = 0; i < p->n; i++)
      p->score[i * p->k + j] = (float)(vectors[j * p->n + i] * sqrt(values[j]));
  }
}

/* Descending order, and nothing below what rounding makes of 0. */
static void put_in_order(double *values, double *vectors, int64_t k, int64_t m) {
  for (int64_t a = 0, b = k - 1; a < b; a++, b--) {
    double v = values[a];
    values[a] = values[b], values[b] = v;
    for (int64_t i = 0; i < m; i++) {
      double w = vectors[a * m + i];
      vectors[a * m + i] = vectors[b * m + i], vectors[b * m + i] = w;
    }
  }
  double least = values[0] * (double)m * FLT_EPSILON * FLT_EPSILON;
  for (int64_t j = 0; j < k; j++) {
    if (values[j] > least) continue;
    values[j] = 0;
    memset(vectors + j * m, 0, (size_t)m * sizeof *vectors);
  }
}

static int64_t shorter_side(const sb_pca *p) {
  return by_columns(p) ? p->d : p->n;
}

size_t sb_pca_scratch(const sb_pca *p) {
  size_t m = (size_t)shorter_side(p), d = (size_t)p->d;
  size_t chunk = CHUNK * m > d ? CHUNK * m : d; /* the mean's sums come first */
  return (chunk + m * m + m + (size_t)p->k * m) * sizeof(double) + sb_eigen_scratch((int64_t)m);
}

bool sb_pca_run(const sb_pca *p, void *scratch, sb_error *e) {
  products q = {.p = p, .m = shorter_side(p), .along = by_columns(p) ? p->n : p->d};
  q.chunk = scratch;
  q.sum = q.chunk + (CHUNK * q.m > p->d ? CHUNK * q.m : p->d);
  double *values = q.sum + q.m * q.m, *vectors = values + q.m;
  compute_mean(p, q.chunk);
  sum_products(&q);
  if (!sb_eigen(q.m, p->k, q.sum, values, vectors, vectors + p->k * q.m))
    return sb_fail(e, "pca: LAPACK's dsyevr found no eigenvectors");
  put_in_order(values, vectors, p->k, q.m);
  if (by_columns(p))
    from_columns(p, vectors);
  else
    from_rows(p, values, vectors);
  for (int64_t j = 0; j < p->k; j++) {
    p->variance[j] = (float)(values[j] / (double)(p->n - 1));
    settle_sign(p->component + j * p->d, p->d, p->score + j, p->n, p->k);
  }
  return true;
}
