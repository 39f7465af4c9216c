#include "kernel.h"

#include <math.h>

#include "gemm.h"

typedef struct centred {
  const float *k;
  int64_t N;
  const double *mean; /* of an example's products with the training examples */
  double all;         /* of these means over the training examples */
} centred;

static double product(const centred *c, int64_t i, int64_t j) {
  return (double)c->k[i * c->N + j] - c->mean[i] - c->mean[j] + c->all;
}

static double length(const centred *c, int64_t i) {
  double square = product(c, i, i);
  return square > 0 ? sqrt(square) : 1;
}

static void fill_rows(const centred *c, const int64_t *rows, int64_t m, const int64_t *columns,
                      int64_t n, double *out) {
  for (int64_t i = 0; i < m; i++) {
    double scale = 1 / length(c, rows[i]);
    for (int64_t j = 0; j < n; j++)
      out[i * n + j] = product(c, rows[i], columns[j]) * scale / length(c, columns[j]);
  }
}

bool sb_kernel_coordinates(const float *k, int64_t N, const int64_t *train, int64_t n,
                           const int64_t *test, int64_t t, double *a, double *b, double *mean) {
  centred c = {k, N, mean, 0};
  for (int64_t i = 0; i < N; i++) {
    mean[i] = 0;
    for (int64_t j = 0; j < n; j++) mean[i] += (double)k[i * N + train[j]] / (double)n;
    if (!isfinite(mean[i])) return false;
  }
  for (int64_t j = 0; j < n; j++) c.all += mean[train[j]] / (double)n;
  fill_rows(&c, train, n, train, n, a);
  fill_rows(&c, test, t, train, n, b);
  for (int64_t i = 0; i < n; i++) a[i * n + i] += SB_KERNEL_RIDGE;
  if (!sb_cholesky(n, a)) return false;
  sb_solve_transposed(n, a, t, b);
  return true;
}
