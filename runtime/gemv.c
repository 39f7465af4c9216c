#include "gemv.h"

#include <string.h>

#include "clones.h"
#include "threads.h"

/* What one thread takes at a time: rows of y = A x, columns of x = A^T y. */
enum { ROWS = 16, COLUMNS = 4096, LANES = 64 };

typedef struct product {
  int64_t m, n;
  const float *a, *x;
  float *y;
} product;

SB_CLONES static float dot(int64_t n, const float *restrict a, const float *restrict b) {
  float lanes[LANES] = {0}, sum = 0;
  int64_t k = 0;
  for (; k + LANES <= n; k += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += a[k + l] * b[k + l];
  for (; k < n; k++) sum += a[k] * b[k];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

static void rows(void *context, int64_t first, int64_t last) {
  const product *p = context;
  for (int64_t i = first; i < last; i++) p->y[i] += dot(p->n, p->a + i * p->n, p->x);
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

void sb_gemv_transposed(int64_t m, int64_t n, const float *a, const float *y, float *x) {
  product p = {m, n, a, y, x};
  sb_parallel(n, COLUMNS, columns, &p);
}
