/* simd_body.h: the inner loops in GCC vector C, included once per instruction set with
   LANES (floats a vector), ROWS (rows of the register tile) and TABLE (the sb_simd to define). */
#include <string.h>

#include "conv/simd.h"

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef float loose __attribute__((vector_size(LANES * 4), aligned(4)));

typedef int mask __attribute__((vector_size(LANES * 4)));

static inline vec load(const float *p) {
  return *(const loose *)p;
}
static inline void store(float *p, vec v) {
  *(loose *)p = v;
}
static inline vec spread(float x) {
  return x - (vec){0};
}
static inline vec rectify(vec v) { /* NaN stays NaN */
  return (vec)((mask)v & ~(v < (vec){0}));
}

static inline vec where_lit(vec v, const float *lit) {
  return (vec)((mask)v & (load(lit) > (vec){0}));
}

/* ---- The register tile of a matrix product -------------------------------------------------- */

/* c += A B for R rows and N vectors. B_ROW is where row k of B begins. Packed weights stream by,
   and `ahead` will be wanted soon: both are fetched from afar in good time. */
#define PRODUCT(NAME, R, N, B_ROW)                                                                 \
  static inline __attribute__((always_inline)) void NAME(int64_t depth, const float *a,            \
                                                         const float *b, const int64_t *shift,     \
                                                         const float *ahead, vec c[R][N]) {        \
    for (int64_t k = 0; k < depth; k++, a += ROWS) {                                               \
      __builtin_prefetch(a + 512 * ROWS);                                                          \
      __builtin_prefetch(ahead + k * SB_SIMD_AHEAD, 0, 2);                                         \
      const float *from = B_ROW;                                                                   \
      vec column[N];                                                                               \
      _Pragma("GCC unroll 3") for (int j = 0; j < N; j++) column[j] = load(from + j * LANES);      \
      _Pragma("GCC unroll 8") for (int i = 0; i < R; i++) {                                        \
        vec row = spread(a[i]);                                                                    \
        _Pragma("GCC unroll 3") for (int j = 0; j < N; j++) c[i][j] += row * column[j];            \
      }                                                                                            \
    }                                                                                              \
  }

static inline vec finished(vec v, const sb_epilogue *finish, int64_t at) {
  if (finish->relu) v = rectify(v);
  return finish->mask ? where_lit(v, finish->mask + at) : v;
}

/* A whole tile of R rows and N vectors: multiply, add to the bias or C, finish. What C holds is
   added last: sums of a block of depth each lose fewer bits than one long sum. */
#define TILE(NAME, R, N, B_ROW)                                                                    \
  PRODUCT(NAME##_product, R, N, B_ROW)                                                             \
  static void NAME(int64_t depth, const float *a, const float *b, const int64_t *shift,            \
                   const float *ahead, float *out, int64_t ldc, bool add,                          \
                   const sb_epilogue *finish) {                                                    \
    vec c[R][N];                                                                                   \
    for (int i = 0; i < R; i++)                                                                    \
      for (int j = 0; j < N; j++) c[i][j] = spread(0);                                             \
    NAME##_product(depth, a, b, shift, ahead, c);                                                  \
    for (int i = 0; i < R; i++)                                                                    \
      for (int j = 0; j < N; j++) {                                                                \
        int64_t at = i * ldc + j * LANES;                                                          \
        c[i][j] += add ? load(out + at) : spread(finish->bias ? finish->bias[i] : 0);              \
        store(out + at, finished(c[i][j], finish, at));                                            \
      }                                                                                            \
  }
#define PACKED_ROW b + k * 3 * LANES
#define SHIFTED_ROW b + shift[k]
TILE(tile1, ROWS, 1, PACKED_ROW)
TILE(tile2, ROWS, 2, PACKED_ROW)
TILE(tile3, ROWS, 3, PACKED_ROW)
TILE(shifted1, ROWS, 1, SHIFTED_ROW)
TILE(shifted2, ROWS, 2, SHIFTED_ROW)
TILE(shifted3, ROWS, 3, SHIFTED_ROW)
TILE(half_shifted1, ROWS / 2, 1, SHIFTED_ROW)
TILE(half_shifted2, ROWS / 2, 2, SHIFTED_ROW)
TILE(half_shifted3, ROWS / 2, 3, SHIFTED_ROW)

static void shifted_tile(int64_t depth, const float *a, const float *b, const int64_t *shift,
                         float *c, int width, int valid_rows, bool add, const sb_epilogue *finish) {
  static void (*const whole[])(int64_t, const float *, const float *, const int64_t *,
                               const float *, float *, int64_t, bool,
                               const sb_epilogue *) = {shifted1, shifted2, shifted3};
  static void (*const half[])(int64_t, const float *, const float *, const int64_t *, const float *,
                              float *, int64_t, bool,
                              const sb_epilogue *) = {half_shifted1, half_shifted2, half_shifted3};
  if (valid_rows > ROWS / 2)
    whole[width - 1](depth, a, b, shift, b, c, 3 * LANES, add, finish);
  else
    half[width - 1](depth, a, b, shift, b, c, 3 * LANES, add, finish);
}

/* A tile at the edge of C works on copies. */
static void edge_tile(int64_t depth, const float *a, const float *b, const float *ahead, float *c,
                      int64_t ldc, int rows, int columns, bool add, const sb_epilogue *finish) {
  float copy[ROWS * 3 * LANES] = {0}, lit[ROWS * 3 * LANES] = {0}, bias[ROWS] = {0};
  int width = (columns + LANES - 1) / LANES;
  int64_t ld = width * LANES;
  size_t bytes = (size_t)columns * sizeof *c;
  sb_epilogue own = {bias, finish->relu, finish->mask ? lit : NULL};
  for (int i = 0; i < rows; i++) {
    if (finish->bias) bias[i] = finish->bias[i];
    if (finish->mask) memcpy(lit + i * ld, finish->mask + i * ldc, bytes);
    if (add) memcpy(copy + i * ld, c + i * ldc, bytes);
  }
  if (width == 1) tile1(depth, a, b, NULL, ahead, copy, ld, add, &own);
  if (width == 2) tile2(depth, a, b, NULL, ahead, copy, ld, add, &own);
  if (width == 3) tile3(depth, a, b, NULL, ahead, copy, ld, add, &own);
  for (int i = 0; i < rows; i++) memcpy(c + i * ldc, copy + i * ld, bytes);
}

static void tile(int64_t depth, const float *a, const float *b, const float *ahead, float *c,
                 int64_t ldc, int rows, int columns, bool add, const sb_epilogue *finish) {
  if (rows == ROWS && columns == 3 * LANES)
    tile3(depth, a, b, NULL, ahead, c, ldc, add, finish);
  else if (rows == ROWS && columns == 2 * LANES)
    tile2(depth, a, b, NULL, ahead, c, ldc, add, finish);
  else if (rows == ROWS && columns == LANES)
    tile1(depth, a, b, NULL, ahead, c, ldc, add, finish);
  else
    edge_tile(depth, a, b, ahead, c, ldc, rows, columns, add, finish);
}

/* ---- A few columns -------------------------------------------------------------------------- */

typedef float rows_vec __attribute__((vector_size(ROWS * 4), aligned(4)));

/* C columns, with the rows of A in one vector and U sums side by side, so that none waits. */
#define SLIM_STEP(C, u)                                                                            \
  do {                                                                                             \
    rows_vec row = *(const rows_vec *)(a + (u)*ROWS);                                              \
    _Pragma("GCC unroll 8") for (int j = 0; j < C; j++) sum[u][j] += row * b[(u)*3 * LANES + j];   \
  } while (0)
#define SLIM(C, U)                                                                                 \
  static void slim##C(int64_t depth, const float *a, const float *b, float *out, int64_t ldc,      \
                      bool add) {                                                                  \
    rows_vec sum[U][C] = {{{0}}};                                                                  \
    for (; depth >= U; depth -= U, a += U * ROWS, b += U * 3 * LANES) {                            \
      __builtin_prefetch(a + 512 * ROWS);                                                          \
      _Pragma("GCC unroll 4") for (int u = 0; u < U; u++) SLIM_STEP(C, u);                         \
    }                                                                                              \
    for (; depth > 0; depth--, a += ROWS, b += 3 * LANES) SLIM_STEP(C, 0);                         \
    for (int j = 0; j < C; j++) {                                                                  \
      for (int u = 1; u < U; u++) sum[0][j] += sum[u][j];                                          \
      for (int i = 0; i < ROWS; i++)                                                               \
        out[i * ldc + j] = (add ? out[i * ldc + j] : 0) + sum[0][j][i];                            \
    }                                                                                              \
  }
SLIM(1, 4)
SLIM(2, 4)
SLIM(3, 2)
SLIM(4, 2)
#if LANES >= 16
SLIM(5, 2)
SLIM(6, 2)
SLIM(7, 2)
SLIM(8, 2)
#endif

static void slim(int64_t depth, const float *a, const float *b, float *c, int64_t ldc, int columns,
                 bool add) {
  static void (*const by_columns[])(int64_t, const float *, const float *, float *, int64_t,
                                    bool) = {
    slim1,
    slim2,
    slim3,
    slim4,
#if LANES >= 16
    slim5,
    slim6,
    slim7,
    slim8,
#endif
  };
  by_columns[columns - 1](depth, a, b, c, ldc, add);
}

/* ---- Winograd transforms -------------------------------------------------------------------- */

/* One-dimensional B^T d and A^T m on vectors `step` apart: of F(4) by interpolation at 0,
   +-1/sqrt(2), +-sqrt(2) and infinity (winograd.h), of F(2) as in Lavin & Gray 2016, section 4. */
#define ROOT 1.41421356f

static inline void input_line4(const vec *d, int step, vec *o) {
  vec a = d[0], b = d[step], c = d[2 * step], e = d[3 * step], f = d[4 * step], g = d[5 * step];
  vec p = f - 2 * c, q = e - 2 * b, r = f - .5f * c, s = e - .5f * b;
  o[0] = a + f - 2.5f * c;
  o[1] = p + ROOT / 2 * q, o[2] = p - ROOT / 2 * q;
  o[3] = r + ROOT * s, o[4] = r - ROOT * s;
  o[5] = b + g - 2.5f * e;
}

static inline void input_line2(const vec *d, int step, vec *o) {
  vec a = d[0], b = d[step], c = d[2 * step], e = d[3 * step];
  o[0] = a - c, o[1] = b + c, o[2] = c - b, o[3] = b - e;
}

static inline void output_line4(const vec *m, int step, vec *o) {
  vec p = m[step] + m[2 * step], q = m[step] - m[2 * step];
  vec r = m[3 * step] + m[4 * step], s = m[3 * step] - m[4 * step];
  o[0] = m[0] + p + r;
  o[1] = ROOT / 2 * q + ROOT * s;
  o[2] = .5f * p + 2 * r;
  o[3] = ROOT / 4 * q + 2 * ROOT * s + m[5 * step];
}

static inline void output_line2(const vec *m, int step, vec *o) {
  o[0] = m[0] + m[step] + m[2 * step];
  o[1] = m[step] - m[2 * step] - m[3 * step];
}

/* Elements 0, 2, 4, ... or 1, 3, 5, ... of a and b side by side, and their inverse. */
#if LANES == 16
#define EVEN(a, b)                                                                                 \
  __builtin_shuffle(a, b, (mask){0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30})
#define ODD(a, b)                                                                                  \
  __builtin_shuffle(a, b, (mask){1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31})
#define ZIP_LOW(a, b)                                                                              \
  __builtin_shuffle(a, b, (mask){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define ZIP_HIGH(a, b)                                                                             \
  __builtin_shuffle(a, b, (mask){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})
#elif LANES == 8
#define EVEN(a, b) __builtin_shuffle(a, b, (mask){0, 2, 4, 6, 8, 10, 12, 14})
#define ODD(a, b) __builtin_shuffle(a, b, (mask){1, 3, 5, 7, 9, 11, 13, 15})
#define ZIP_LOW(a, b) __builtin_shuffle(a, b, (mask){0, 8, 1, 9, 2, 10, 3, 11})
#define ZIP_HIGH(a, b) __builtin_shuffle(a, b, (mask){4, 12, 5, 13, 6, 14, 7, 15})
#else
#define EVEN(a, b) __builtin_shuffle(a, b, (mask){0, 2, 4, 6})
#define ODD(a, b) __builtin_shuffle(a, b, (mask){1, 3, 5, 7})
#define ZIP_LOW(a, b) __builtin_shuffle(a, b, (mask){0, 4, 1, 5})
#define ZIP_HIGH(a, b) __builtin_shuffle(a, b, (mask){2, 6, 3, 7})
#endif

/* The S columns of one patch row: column j of every tile in vector j. */
static inline void split4(const float *first, const float *next, vec *d) {
  vec a = load(first), b = load(first + LANES);
  vec c = load(first + 2 * LANES), e = load(first + 3 * LANES);
  vec even0 = EVEN(a, b), even1 = EVEN(c, e), odd0 = ODD(a, b), odd1 = ODD(c, e);
  d[0] = EVEN(even0, even1), d[2] = ODD(even0, even1);
  d[1] = EVEN(odd0, odd1), d[3] = ODD(odd0, odd1);
  a = load(next), b = load(next + LANES);
  c = load(next + 2 * LANES), e = load(next + 3 * LANES);
  d[4] = EVEN(EVEN(a, b), EVEN(c, e));
  d[5] = EVEN(ODD(a, b), ODD(c, e));
}

static inline void split2(const float *first, const float *next, vec *d) {
  vec a = load(first), b = load(first + LANES), c = load(next), e = load(next + LANES);
  d[0] = EVEN(a, b), d[1] = ODD(a, b);
  d[2] = EVEN(c, e), d[3] = ODD(c, e);
}

/* The inverse for one output row: the tiles' columns side by side. */
static inline void join4(const vec *o, vec *y) {
  vec even0 = ZIP_LOW(o[0], o[2]), even1 = ZIP_HIGH(o[0], o[2]);
  vec odd0 = ZIP_LOW(o[1], o[3]), odd1 = ZIP_HIGH(o[1], o[3]);
  y[0] = ZIP_LOW(even0, odd0), y[1] = ZIP_HIGH(even0, odd0);
  y[2] = ZIP_LOW(even1, odd1), y[3] = ZIP_HIGH(even1, odd1);
}

static inline void join2(const vec *o, vec *y) {
  y[0] = ZIP_LOW(o[0], o[1]), y[1] = ZIP_HIGH(o[0], o[1]);
}

/* Both dimensions: rows first, then columns. S = patch side, M = outputs a side. */
#define TRANSFORMS(M, S)                                                                           \
  static void input##M(const float *const first[S], const float *const next[S], float *v,          \
                       int64_t stride) {                                                           \
    vec row[S], mid[S][S], column[S];                                                              \
    for (int i = 0; i < S; i++) {                                                                  \
      split##M(first[i], next[i], row);                                                            \
      input_line##M(row, 1, mid[i]);                                                               \
    }                                                                                              \
    for (int j = 0; j < S; j++) {                                                                  \
      input_line##M(&mid[0][j], S, column);                                                        \
      for (int i = 0; i < S; i++) store(v + (i * S + j) * stride, column[i]);                      \
    }                                                                                              \
  }                                                                                                \
  static void output##M(const float *m, int64_t stride, float bias, bool relu, const float *lit,   \
                        float *y, int64_t y_stride) {                                              \
    vec in[S], mid[M][S], line[M], row[M];                                                         \
    for (int j = 0; j < S; j++) {                                                                  \
      for (int i = 0; i < S; i++) in[i] = load(m + (i * S + j) * stride);                          \
      output_line##M(in, 1, line);                                                                 \
      for (int i = 0; i < M; i++) mid[i][j] = line[i];                                             \
    }                                                                                              \
    for (int i = 0; i < M; i++) {                                                                  \
      output_line##M(mid[i], 1, line);                                                             \
      for (int j = 0; j < M; j++) line[j] = relu ? rectify(line[j] + bias) : line[j] + bias;       \
      join##M(line, row);                                                                          \
      for (int j = 0; j < M; j++) {                                                                \
        if (lit) row[j] = where_lit(row[j], lit + i * y_stride + j * LANES);                       \
        store(y + i * y_stride + j * LANES, row[j]);                                               \
      }                                                                                            \
    }                                                                                              \
  }
TRANSFORMS(4, 6)
TRANSFORMS(2, 4)

/* A d: the adjoint of output_line4. */
static inline void spread_line4(const vec *d, int step, vec *o) {
  vec a = d[0], b = d[step], c = d[2 * step], e = d[3 * step];
  vec p = a + .5f * c, q = ROOT / 2 * b + ROOT / 4 * e;
  vec r = a + 2 * c, s = ROOT * b + 2 * ROOT * e;
  o[0] = a;
  o[1] = p + q, o[2] = p - q;
  o[3] = r + s, o[4] = r - s;
  o[5] = e;
}

static void spread4(const float *y, int64_t y_stride, float *m, int64_t stride) {
  vec row[4], mid[4][6], column[6];
  for (int i = 0; i < 4; i++, y += y_stride) {
    vec a = load(y), b = load(y + LANES), c = load(y + 2 * LANES), e = load(y + 3 * LANES);
    vec even0 = EVEN(a, b), even1 = EVEN(c, e), odd0 = ODD(a, b), odd1 = ODD(c, e);
    row[0] = EVEN(even0, even1), row[2] = ODD(even0, even1);
    row[1] = EVEN(odd0, odd1), row[3] = ODD(odd0, odd1);
    spread_line4(row, 1, mid[i]);
  }
  for (int j = 0; j < 6; j++) {
    spread_line4(&mid[0][j], 6, column);
    for (int i = 0; i < 6; i++) store(m + (i * 6 + j) * stride, column[i]);
  }
}

const sb_simd TABLE = {NAME,         ROWS,   LANES,  3 * LANES, LANES / 2, tile,   slim,
                       shifted_tile, input4, input2, output4,   output2,   spread4};
