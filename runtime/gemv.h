/* gemv.h: a matrix times one vector, run by the pool. Reading the matrix is all the time it takes,
   so each element is read once, in order. */
#ifndef SB_GEMV_H
#define SB_GEMV_H

#include <stdint.h>

/* y = A x + y; A is m x n, row-major. Do not call inside sb_parallel. */
void sb_gemv(int64_t m, int64_t n, const float *a, const float *x, float *y);

/* x = A^T y; rows of A for which y is zero are not read. Do not call inside sb_parallel. */
void sb_gemv_transposed(int64_t m, int64_t n, const float *a, const float *y, float *x);

#endif
