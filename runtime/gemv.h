/* gemv.h: a matrix times one vector, run by the pool. Reading the matrix is all the time it takes,
   so each element is read once, in order. */
#ifndef SB_GEMV_H
#define SB_GEMV_H

#include <stdint.h>

/* A matrix, row-major, of floats or of halves (half.h); the other pointer is NULL. */
typedef struct sb_matrix {
  const float *floats;
  const uint16_t *halves;
} sb_matrix;

/* y = A x + y; A is m x n. Do not call inside sb_parallel. */
void sb_gemv(int64_t m, int64_t n, sb_matrix a, const float *x, float *y);

/* x = A^T y; rows of A for which y is zero are not read. Do not call inside sb_parallel. */
void sb_gemv_transposed(int64_t m, int64_t n, sb_matrix a, const float *y, float *x);

#endif
