/* half.h: IEEE 754 binary16 numbers as a way to store weights: half the memory, and half the time
   where reading them is what takes it. Everything is computed in float32.

   A stored number is the nearest half: within 2^-11 of the value's size from 2^-14 to SB_HALF_MOST,
   and within 2^-25 below. */
#ifndef SB_HALF_H
#define SB_HALF_H

#include <stdbool.h>
#include <stdint.h>

#define SB_HALF_MOST 65504.0f /* the largest one */

/* Whether all of x are finite and small enough. */
bool sb_half_fits(int64_t n, const float *x);

/* The loops over halves, compiled for each set of instructions. */
typedef struct sb_half_loops {
  void (*narrow)(int64_t n, const float *from, uint16_t *to); /* to the nearest, ties to even */
  void (*widen)(int64_t n, const uint16_t *from, float *to);
  /* y[r] += row r of A . x for SB_HALF_ROWS rows, which begin lda after each other. */
  void (*dot_rows)(int64_t n, const uint16_t *a, int64_t lda, const float *x, float *y);
  /* to += sum of scale[r] * row[r] for SB_HALF_ROWS rows. */
  void (*add_rows)(int64_t n, const float *scale, const uint16_t *const *row, float *to);
} sb_half_loops;

enum { SB_HALF_ROWS = 4 };

/* The loops for this machine; SWITCHBACK_SIMD asks for lesser ones (conv/simd.h). */
const sb_half_loops *sb_half_best(void);

/* y = x A^T + y: x is (rows, n), A (m, n), y (rows, m). scratch: sb_half_gemm_scratch() floats. Do
   not call inside sb_parallel. */
void sb_half_gemm(int64_t rows, int64_t m, int64_t n, const float *x, const uint16_t *a, float *y,
                  float *scratch);
/* x = y A, likewise. */
void sb_half_gemm_transposed(int64_t rows, int64_t m, int64_t n, const float *y, const uint16_t *a,
                             float *x, float *scratch);
int64_t sb_half_gemm_scratch(void); /* at the present number of threads */

#endif
