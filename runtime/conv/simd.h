/* simd.h: the inner loops that are compiled three times (AVX-512, AVX2 with FMA, portable) and
   chosen when the program starts. */
#ifndef SB_SIMD_H
#define SB_SIMD_H

#include <stdbool.h>
#include <stdint.h>

enum { SB_SIMD_MAX_ROWS = 8, SB_SIMD_MAX_COLUMNS = 48, SB_SIMD_AHEAD = 6 };

/* What happens to a finished tile of a product: + bias, relu, and 0 where the mask is not positive.
 */
typedef struct sb_epilogue {
  const float *bias; /* a value a row, or NULL */
  bool relu;
  const float *mask; /* laid out as C, or NULL */
} sb_epilogue;

typedef struct sb_simd {
  const char *name;
  int rows;    /* rows of the register tile: A is packed [depth][rows] */
  int lanes;   /* floats in a vector */
  int columns; /* 3 * lanes, columns of the register tile: B is packed [depth][columns] */
  int few;     /* columns that slim can do */

  /* C[rows x columns] (+)= A B over `depth`, C with row stride ldc. add: to what C holds, otherwise
     to the bias. Only valid_rows x valid_columns of C are touched. SB_SIMD_AHEAD * depth floats
     from `ahead` on are fetched into the second-level cache meanwhile. */
  void (*tile)(int64_t depth, const float *a, const float *b, const float *ahead, float *c,
               int64_t ldc, int valid_rows, int valid_columns, bool add, const sb_epilogue *finish);

  /* C[rows x columns] (+)= A B for 1 to `few` columns of a packed B, where a tile, which computes
     whole vectors, would mostly work for nothing. */
  void (*slim)(int64_t depth, const float *a, const float *b, float *c, int64_t ldc, int columns,
               bool add);

  /* A tile with B read in place: row k of B begins at b + shift[k]. C is a whole tile of its own,
     row stride `columns`, of which the first `width` vectors and `valid_rows` rows (rounded up) are
     written. */
  void (*shifted_tile)(int64_t depth, const float *a, const float *b, const int64_t *shift,
                       float *c, int width, int valid_rows, bool add, const sb_epilogue *finish);

  /* Winograd F(m x m, 3 x 3) (Lavin & Gray 2016), m = 4 or 2, for `lanes` tiles at once; s = m + 2.
     input: first[i] points to the m*lanes floats that begin row i of the tiles' s x s patches (m a
     tile, side by side), next[i] to the m*lanes floats after those; writes V[(i*s + j)*stride +
     tile]. output: reads M[(i*s + j)*stride + tile] and writes relu?(A^T M A + bias), m rows of
     m*lanes floats (again m a tile) to y, 0 where the mask, laid out as y, is not positive. */
  void (*input4)(const float *const first[6], const float *const next[6], float *v, int64_t stride);
  void (*input2)(const float *const first[4], const float *const next[4], float *v, int64_t stride);
  void (*output4)(const float *m, int64_t stride, float bias, bool relu, const float *mask,
                  float *y, int64_t y_stride);
  void (*output2)(const float *m, int64_t stride, float bias, bool relu, const float *mask,
                  float *y, int64_t y_stride);
  /* The adjoint of output4: reads y, 4 rows of 4*lanes floats, and writes A y A^T, laid out as M.
   */
  void (*spread4)(const float *y, int64_t y_stride, float *m, int64_t stride);
} sb_simd;

extern const sb_simd sb_simd_avx512, sb_simd_avx2, sb_simd_portable;

/* The kernels for this machine; SWITCHBACK_SIMD=avx512|avx2|portable asks for lesser ones. */
const sb_simd *sb_simd_best(void);

#endif
