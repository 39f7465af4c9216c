#include "gemv.h"

#include <string.h>

#include "clones.h"
#include "threads.h"

/* Rows of y = A x that a thread takes at a time, in steps of TOGETHER; floats summed side by side.
 */
enum { ROWS = 16, TOGETHER = 4, LANES = 32 };

typedef struct product {
  int64_t m, n;
  const float *a, *x;
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

/* The last rows are computed with a repeated one, whose sums are dropped. */
static void rows(void *context, int64_t first, int64_t last) {
  const product *p = context;
  int64_t i = first;
  for (; i + TOGETHER <= last; i += TOGETHER) dot_rows(p->n, p->a + i * p->n, p->n, p->x, p->y + i);
  for (; i < last; i++) {
    float sums[TOGETHER] = {p->y[i]};
    dot_rows(p->n, p->a + i * p->n, 0, p->x, sums);
    p->y[i] = sums[0];
  }
}

void sb_gemv(int64_t m, int64_t n, const float *a, const float *x, float *y) {
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

/* Rows that dy does not light are not read at all. */
static void columns(void *context, int64_t first, int64_t last) {
  const product *p = context;
  const float *row[4];
  float scale[4];
  int count = 0;
  memset(p->y + first, 0, (size_t)(last - first) * sizeof *p->y);
  for (int64_t i = 0; i < p->m; i++) {
    if (p->x[i] == 0) continue;
    row[count] = p->a + i * p->n + first, scale[count++] = p->x[i];
    if (count == 4) add_rows(last - first, scale, row, p->y + first), count = 0;
  }
  if (count == 0) return;
  for (int r = count; r < 4; r++) row[r] = row[0], scale[r] = 0;
  add_rows(last - first, scale, row, p->y + first);
}

/* Long stretches of memory come faster; a column's sum does not depend on the cut. */
static int64_t columns_at_a_time(int64_t n) {
  int64_t share = n / (2 * sb_get_threads()) / 64 * 64 + 64;
  return share < 1024 ? 1024 : share > 16384 ? 16384 : share;
}

void sb_gemv_transposed(int64_t m, int64_t n, const float *a, const float *y, float *x) {
  product p = {m, n, a, y, x};
  sb_parallel(n, columns_at_a_time(n), columns, &p);
}
