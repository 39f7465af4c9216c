#include "gemv.h"

#include <string.h>

#include "clones.h"
#include "threads.h"

/* What one thread takes at a time: rows of y = A x, columns of x = A^T y. */
enum { ROWS = 16, COLUMNS = 1024, LANES = 64 };

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

SB_CLONES static void add_scaled(int64_t n, float scale, const float *restrict a,
                                 float *restrict to) {
  for (int64_t k = 0; k < n; k++) to[k] += scale * a[k];
}

static void columns(void *context, int64_t first, int64_t last) {
  const product *p = context;
  memset(p->y + first, 0, (size_t)(last - first) * sizeof *p->y);
  for (int64_t i = 0; i < p->m; i++)
    if (p->x[i] != 0) add_scaled(last - first, p->x[i], p->a + i * p->n + first, p->y + first);
}

void sb_gemv_transposed(int64_t m, int64_t n, const float *a, const float *y, float *x) {
  product p = {m, n, a, y, x};
  sb_parallel(n, COLUMNS, columns, &p);
}
