#include "gemv.h"

#include <string.h>

#include "clones.h"
#include "half.h"
#include "threads.h"

/* Rows of y = A x that a thread takes at a time, in steps of TOGETHER; floats summed side by side.
 */
enum { ROWS = 16, TOGETHER = SB_HALF_ROWS, LANES = 32 };

typedef struct product {
  int64_t m, n;
  sb_matrix a;
  const float *x;
  float *y;
} product;

/* y[r] += row r of A . x for TOGETHER rows: x is read once for all of them, and as many streams of
   memory keep the bus busy. A row's sum does not depend on its neighbours. */
SB_CLONES static void dot_rows(int64_t n, const float *restrict a, int64_t lda,
                               const float *restrict x, float *restrict y) {
  float lanes[TOGETHER][LANES] = {{0}};
  int64_t k = 0;
  for (; k + LANES <= n; k += LANES)
    for (int r = 0; r < TOGETHER; r++)
      for (int l = 0; l < LANES; l++) lanes[r][l] += a[r * lda + k + l] * x[k + l];
  for (int r = 0; r < TOGETHER; r++) {
    float sum = 0;
    for (int64_t j = k; j < n; j++) sum += a[r * lda + j] * x[j];
    for (int l = 0; l < LANES; l++) sum += lanes[r][l];
    y[r] += sum;
  }
}

/* The same for rows from i on, of either kind. */
static void dot(const product *p, int64_t i, int64_t lda, float *y) {
  if (p->a.halves)
    sb_half_best()->dot_rows(p->n, p->a.halves + i * p->n, lda, p->x, y);
  else
    dot_rows(p->n, p->a.floats + i * p->n, lda, p->x, y);
}

/* The last rows are computed with a repeated one, whose sums are dropped. */
static void rows(void *context, int64_t first, int64_t last) {
  const product *p = context;
  int64_t i = first;
  for (; i + TOGETHER <= last; i += TOGETHER) dot(p, i, p->n, p->y + i);
  for (; i < last; i++) {
    float sums[TOGETHER] = {p->y[i]};
    dot(p, i, 0, sums);
    p->y[i] = sums[0];
  }
}

void sb_gemv(int64_t m, int64_t n, sb_matrix a, const float *x, float *y) {
  product p = {m, n, a, x, y};
  sb_parallel(m, ROWS, rows, &p);
}

/* to += sum of scale[r] * row[r]: four rows at a time, so that `to` is read and written less often.
 */
SB_CLONES static void add_rows(int64_t n, const float *scale, const float *const *row,
                               float *restrict to) {
  const float *restrict a = row[0], *restrict b = row[1], *restrict c = row[2],
                        *restrict d = row[3];
  float p = scale[0], q = scale[1], r = scale[2], s = scale[3];
  for (int64_t k = 0; k < n; k++) to[k] += p * a[k] + q * b[k] + (r * c[k] + s * d[k]);
}

/* y[first..] += sum of scale[r] * row[r] of A. */
static void add(const product *p, int64_t first, int64_t n, const float *scale,
                const int64_t *row) {
  const float *floats[TOGETHER];
  const uint16_t *halves[TOGETHER];
  for (int r = 0; r < TOGETHER; r++)
    if (p->a.halves)
      halves[r] = p->a.halves + row[r] * p->n + first;
    else
      floats[r] = p->a.floats + row[r] * p->n + first;
  if (p->a.halves)
    sb_half_best()->add_rows(n, scale, halves, p->y + first);
  else
    add_rows(n, scale, floats, p->y + first);
}

/* Rows that dy does not light are not read at all. */
static void columns(void *context, int64_t first, int64_t last) {
  const product *p = context;
  int64_t row[TOGETHER];
  float scale[TOGETHER];
  int count = 0;
  memset(p->y + first, 0, (size_t)(last - first) * sizeof *p->y);
  for (int64_t i = 0; i < p->m; i++) {
    if (p->x[i] == 0) continue;
    row[count] = i, scale[count++] = p->x[i];
    if (count == TOGETHER) add(p, first, last - first, scale, row), count = 0;
  }
  if (count == 0) return;
  for (int r = count; r < TOGETHER; r++) row[r] = row[0], scale[r] = 0;
  add(p, first, last - first, scale, row);
}

/* Long stretches of memory come faster; a column's sum does not depend on the cut. */
static int64_t columns_at_a_time(int64_t n) {
  int64_t share = n / (2 * sb_get_threads()) / 64 * 64 + 64;
  return share < 1024 ? 1024 : share > 16384 ? 16384 : share;
}

void sb_gemv_transposed(int64_t m, int64_t n, sb_matrix a, const float *y, float *x) {
  product p = {m, n, a, y, x};
  sb_parallel(n, columns_at_a_time(n), columns, &p);
}
