#include "half.h"

#include <math.h>
#include <string.h>

#include "conv/simd.h"
#include "gemm.h"
#include "threads.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

bool sb_half_fits(int64_t n, const float *x) {
  bool fits = true;
  for (int64_t i = 0; i < n; i++) fits &= fabsf(x[i]) <= SB_HALF_MOST;
  return fits;
}

/* ---- One number --------------------------------------------------------------------------------
   A half's exponent and mantissa, in the place of a float's, are its value times 2^-112. */

static inline float widened(uint16_t h) {
  uint32_t bits = (uint32_t)(h & 0x7fff) << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return h & 0x8000 ? -0x1p112f * value : 0x1p112f * value;
}

/* Adding 1.5 * 2^23 units of the half's last place rounds to these, ties to even. */
static inline uint16_t narrowed(float x) {
  int exponent;
  frexpf(x, &exponent);
  float unit = ldexpf(1, exponent < -13 ? -24 : exponent - 11);
  float size = fabsf(x) / unit + 0x1.8p23f;
  uint32_t bits;
  size = (size - 0x1.8p23f) * unit * 0x1p-112f;
  memcpy(&bits, &size, sizeof bits);
  return (uint16_t)(bits >> 13 | (signbit(x) ? 0x8000 : 0));
}

/* ---- Loops -------------------------------------------------------------------------------------
 */

typedef uint16_t halves4 __attribute__((vector_size(8)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef float floats4 __attribute__((vector_size(16)));

static inline floats4 widened4(const uint16_t *p) {
  halves4 h;
  memcpy(&h, p, sizeof h);
  words4 bits = __builtin_convertvector(h, words4);
  words4 size = (words4)((floats4)((bits & 0x7fff) << 13) * 0x1p112f);
  return (floats4)(size | (bits & 0x8000) << 16);
}

#define LANES 4
#define NAME(x) portable_##x
#define WIDEN(p) widened4(p)
#define NARROW(p, v)                                                                               \
  for (int i = 0; i < 4; i++) (p)[i] = narrowed((v)[i])
#include "half_body.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define LANES 8
#define NAME(x) avx2_##x
#define WIDEN(p) (avx2_vec) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define NARROW(p, v)                                                                               \
  _mm_storeu_si128((__m128i *)(void *)(p), _mm256_cvtps_ph((__m256)(v), _MM_FROUND_TO_NEAREST_INT))
#include "half_body.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma,f16c")
#define LANES 16
#define NAME(x) avx512_##x
#define WIDEN(p)                                                                                   \
  (avx512_vec) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define NARROW(p, v)                                                                               \
  _mm256_storeu_si256((__m256i *)(void *)(p),                                                      \
                      _mm512_cvtps_ph((__m512)(v), _MM_FROUND_TO_NEAREST_INT))
#include "half_body.h"
#pragma GCC pop_options
#endif

const sb_half_loops *sb_half_best(void) {
#if defined(__x86_64__)
  const sb_simd *simd = sb_simd_best();
  if (simd == &sb_simd_avx512) return &avx512_loops;
  if (simd == &sb_simd_avx2 && __builtin_cpu_supports("f16c")) return &avx2_loops;
#endif
  return &portable_loops;
}

/* ---- Products with matrices
   ---------------------------------------------------------------------- Blocks of A are widened
   where they are multiplied, in cache. */

enum { BLOCK_ROWS = 64, BLOCK_COLUMNS = 1024 };

typedef struct product {
  int64_t rows, m, n;
  const uint16_t *a;
  const float *from;
  float *to, *scratch;
} product;

/* Widens A[i.., k..], at most a block, into the thread's scratch, with row stride BLOCK_COLUMNS. */
static const float *widened_block(const product *p, int64_t i, int64_t rows, int64_t k,
                                  int64_t columns) {
  float *block = p->scratch + (int64_t)sb_thread_index() * BLOCK_ROWS * BLOCK_COLUMNS;
  for (int64_t r = 0; r < rows; r++)
    sb_half_best()->widen(columns, p->a + (i + r) * p->n + k, block + r * BLOCK_COLUMNS);
  return block;
}

/* Columns [first, last) of y. */
static void forward(void *context, int64_t first, int64_t last) {
  const product *p = context;
  for (int64_t k = 0; k < p->n; k += BLOCK_COLUMNS) {
    int64_t columns = p->n - k < BLOCK_COLUMNS ? p->n - k : BLOCK_COLUMNS;
    const float *block = widened_block(p, first, last - first, k, columns);
    sb_gemm(false, true, p->rows, last - first, columns, 1, p->from + k, p->n, block, BLOCK_COLUMNS,
            1, p->to + first, p->m);
  }
}

/* Columns [first, last) of x. */
static void backward(void *context, int64_t first, int64_t last) {
  const product *p = context;
  for (int64_t i = 0; i < p->m; i += BLOCK_ROWS) {
    int64_t rows = p->m - i < BLOCK_ROWS ? p->m - i : BLOCK_ROWS;
    const float *block = widened_block(p, i, rows, first, last - first);
    sb_gemm(false, false, p->rows, last - first, rows, 1, p->from + i, p->m, block, BLOCK_COLUMNS,
            i > 0, p->to + first, p->n);
  }
}

int64_t sb_half_gemm_scratch(void) {
  return (int64_t)sb_get_threads() * BLOCK_ROWS * BLOCK_COLUMNS;
}

void sb_half_gemm(int64_t rows, int64_t m, int64_t n, const float *x, const uint16_t *a, float *y,
                  float *scratch) {
  product p = {rows, m, n, a, x, y, scratch};
  sb_parallel(m, BLOCK_ROWS, forward, &p);
}

void sb_half_gemm_transposed(int64_t rows, int64_t m, int64_t n, const float *y, const uint16_t *a,
                             float *x, float *scratch) {
  product p = {rows, m, n, a, y, x, scratch};
  sb_parallel(n, BLOCK_COLUMNS, backward, &p);
}
