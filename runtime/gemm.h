/* gemm.h: matrix products and decompositions by OpenBLAS (blas.h), always with one thread:
   parallelism is the caller's (threads.h), so results do not depend on it. */
#ifndef SB_GEMM_H
#define SB_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* C = alpha * op(A) op(B) + beta * C, row-major; op(A) is m x k, op(B) is k x n, C is m x n.
   lda, ldb, ldc are the row strides of A, B, C as stored. beta 0 never reads C. */
void sb_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
             const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
             int64_t ldc);

/* The left lower triangle of C = alpha * A A^T, A n x k, row-major; what lies right of the diagonal
   stays as it is. Half the work of sb_gemm. */
void sb_syrk(int64_t n, int64_t k, float alpha, const float *a, int64_t lda, float *c, int64_t ldc);

/* sb_gemm, cut over rows or columns of C and run by the pool. Do not call inside sb_parallel. */
void sb_gemm_parallel(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                      float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                      float beta, float *c, int64_t ldc);

/* sb_gemm in double. */
void sb_gemm_double(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                    double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                    double beta, double *c, int64_t ldc);

/* Bytes of scratch for sb_eigen of an n x n matrix. */
size_t sb_eigen_scratch(int64_t n);

/* The k largest eigenvalues of the symmetric matrix a, n x n, ascending in `values` (room for n),
   and their eigenvectors, rows of length 1 of `vectors` (k x n). Reads the left lower triangle of a
   and spoils it. LAPACK's dsyevr; false if that fails. */
bool sb_eigen(int64_t n, int64_t k, double *a, double *values, double *vectors, void *scratch);

/* The Cholesky factor L, A = L L^T, of a symmetric matrix (n,n) of which the left lower triangle is
   read; it takes A's place, with zeros above the diagonal. False when A is not positive definite.
 */
bool sb_cholesky(int64_t n, double *a);

/* X in X L^T = B for a lower triangular L (n,n); B is (m,n), and X takes its place. */
void sb_solve_transposed(int64_t n, const double *l, int64_t m, double *b);

#endif
