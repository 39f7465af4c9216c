#include "gemm.h"

#include "blas.h"
#include "threads.h"

/* BLAS wants rows of at least one element, those of empty matrices too. */
static int row_of(int64_t stride) {
  return stride > 0 ? (int)stride : 1;
}

void sb_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
             const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
             int64_t ldc) {
  if (m == 0 || n == 0) return;
  sb_get_blas()->sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                       transpose_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a,
                       row_of(lda), b, row_of(ldb), beta, c, row_of(ldc));
}

void sb_syrk(int64_t n, int64_t k, float alpha, const float *a, int64_t lda, float *c,
             int64_t ldc) {
  if (n == 0) return;
  sb_get_blas()->ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)k, alpha, a,
                       row_of(lda), 0, c, row_of(ldc));
}

typedef struct product {
  bool ta, tb, by_rows;
  int64_t m, n, k, lda, ldb, ldc;
  float alpha, beta;
  const float *a, *b;
  float *c;
} product;

static void multiply_band(void *context, int64_t first, int64_t last) {
  const product *p = context;
  if (p->by_rows) {
    const float *a = p->a + first * (p->ta ? 1 : p->lda);
    sb_gemm(p->ta, p->tb, last - first, p->n, p->k, p->alpha, a, p->lda, p->b, p->ldb, p->beta,
            p->c + first * p->ldc, p->ldc);
  } else {
    const float *b = p->b + first * (p->tb ? p->ldb : 1);
    sb_gemm(p->ta, p->tb, p->m, last - first, p->k, p->alpha, p->a, p->lda, b, p->ldb, p->beta,
            p->c + first, p->ldc);
  }
}

void sb_gemm_parallel(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                      float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                      float beta, float *c, int64_t ldc) {
  product p = {transpose_a, transpose_b, m >= n, m, n, k, lda, ldb, ldc, alpha, beta, a, b, c};
  int64_t extent = p.by_rows ? m : n;
  /* The cut depends on the shape alone, so the same bytes come out at any thread count. */
  int64_t grain = m * n * k < 1 << 18 ? extent : (extent + 7) / 8;
  if (grain < 16) grain = 16;
  sb_parallel(extent, grain, multiply_band, &p);
}

void sb_gemm_double(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                    double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                    double beta, double *c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  sb_get_blas()->dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                       transpose_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a,
                       row_of(lda), b, row_of(ldb), beta, c, row_of(ldc));
}

/* ---- Decompositions -------------------------------------------------------------------------- */

enum { EIGEN_WORK = 26 + 32, EIGEN_INTEGERS = 10 + 2 }; /* numbers a row: room for blocks of 32 */

size_t sb_eigen_scratch(int64_t n) {
  return (size_t)n * (EIGEN_WORK * sizeof(double) + EIGEN_INTEGERS * sizeof(int));
}

bool sb_eigen(int64_t n, int64_t k, double *a, double *values, double *vectors, void *scratch) {
  int order = (int)n, first = (int)(n - k + 1), found, info;
  int lwork = EIGEN_WORK * order, liwork = 10 * order;
  double none = 0, *work = scratch;
  int *iwork = (int *)(work + lwork), *support = iwork + liwork;
  /* The lower triangle by rows is the upper one by columns. */
  sb_get_blas()->dsyevr("V", "I", "U", &order, a, &order, &none, &none, &first, &order, &none,
                        &found, values, vectors, &order, support, work, &lwork, iwork, &liwork,
                        &info, 1, 1, 1);
  return info == 0 && found == k;
}

bool sb_cholesky(int64_t n, double *a) {
  int size = (int)n, stride = row_of(n), info = 0;
  sb_get_blas()->dpotrf("U", &size, a, &stride, &info, 1); /* as above: by columns */
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) a[i * n + j] = 0;
  return info == 0;
}

void sb_solve_transposed(int64_t n, const double *l, int64_t m, double *b) {
  if (n == 0 || m == 0) return;
  sb_get_blas()->dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m,
                       (int)n, 1, l, (int)n, b, (int)n);
}
