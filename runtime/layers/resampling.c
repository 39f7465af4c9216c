#include "layers/resampling.h"

#include <string.h>

#include "threads.h"

enum { GRAIN = 1 << 14, BLOCK = 512 }; /* elements a thread takes; neighbouring lines of a block */

typedef struct job {
  const sb_taps *taps;
  sb_lines lines;
  const float *from;
  float *to;
  int64_t blocks; /* of neighbouring lines, per outer position (adjoint) */
} job;

/* ---- Lines whose values are neighbours ------------------------------------------------------- */

/* A constant width unrolls the sum. */
static inline __attribute__((always_inline)) void gather(const sb_taps *t, int width,
                                                         const float *x, float *y) {
  for (int64_t i = 0; i < t->n; i++) {
    const int32_t *index = t->index + i * width;
    const float *weight = t->weight + i * width;
    float sum = 0;
    if (index[0] < 0) {
      y[i] = t->outside;
      continue;
    }
    for (int k = 0; k < width; k++) sum += weight[k] * x[index[k]];
    y[i] = sum;
  }
}

static void gather_lines(void *context, int64_t first, int64_t last) {
  const job *j = context;
  const sb_taps *t = j->taps;
  for (int64_t o = first; o < last; o++) {
    const float *x = j->from + o * j->lines.k;
    float *y = j->to + o * t->n;
    if (t->width == 1)
      gather(t, 1, x, y);
    else if (t->width == 2)
      gather(t, 2, x, y);
    else
      gather(t, t->width, x, y);
  }
}

static void scatter_lines(void *context, int64_t first, int64_t last) {
  const job *j = context;
  const sb_taps *t = j->taps;
  for (int64_t o = first; o < last; o++) {
    const float *dy = j->from + o * t->n;
    float *dx = j->to + o * j->lines.k;
    memset(dx, 0, (size_t)j->lines.k * sizeof *dx);
    for (int64_t i = 0; i < t->n; i++) {
      const int32_t *index = t->index + i * t->width;
      if (index[0] < 0) continue;
      for (int k = 0; k < t->width; k++) dx[index[k]] += t->weight[i * t->width + k] * dy[i];
    }
  }
}

/* ---- Many lines side by side ----------------------------------------------------------------- */

/* y = the weighted sum of rows of x, `inner` lines wide. */
static void sum_row(const sb_taps *t, int64_t i, int64_t inner, const float *x, float *y) {
  const int32_t *index = t->index + i * t->width;
  const float *weight = t->weight + i * t->width;
  if (index[0] < 0) {
    for (int64_t c = 0; c < inner; c++) y[c] = t->outside;
    return;
  }
  for (int64_t c = 0; c < inner; c++) y[c] = weight[0] * x[index[0] * inner + c];
  for (int k = 1; k < t->width; k++) {
    const float w = weight[k], *row = x + index[k] * inner;
    for (int64_t c = 0; c < inner; c++) y[c] += w * row[c];
  }
}

/* Row r % n of outer position r / n. */
static void sum_rows(void *context, int64_t first, int64_t last) {
  const job *j = context;
  int64_t inner = j->lines.inner, n = j->taps->n;
  for (int64_t r = first; r < last; r++)
    sum_row(j->taps, r % n, inner, j->from + r / n * j->lines.k * inner, j->to + r * inner);
}

/* Adds row i of dy, `n` lines wide, to the rows that it was made of. */
static void add_row(const sb_taps *t, int64_t i, int64_t inner, int64_t n, const float *dy,
                    float *dx) {
  const int32_t *index = t->index + i * t->width;
  if (index[0] < 0) return;
  for (int k = 0; k < t->width; k++) {
    const float w = t->weight[i * t->width + k];
    float *row = dx + index[k] * inner;
    for (int64_t c = 0; c < n; c++) row[c] += w * dy[c];
  }
}

static void add_blocks(void *context, int64_t first, int64_t last) {
  const job *j = context;
  const sb_taps *t = j->taps;
  int64_t inner = j->lines.inner, k = j->lines.k;
  for (int64_t b = first; b < last; b++) {
    int64_t outer = b / j->blocks, column = b % j->blocks * BLOCK;
    int64_t n = inner - column < BLOCK ? inner - column : BLOCK;
    const float *dy = j->from + outer * t->n * inner + column;
    float *dx = j->to + outer * k * inner + column;
    for (int64_t i = 0; i < k; i++) memset(dx + i * inner, 0, (size_t)n * sizeof *dx);
    for (int64_t i = 0; i < t->n; i++) add_row(t, i, inner, n, dy + i * inner, dx);
  }
}

/* ---------------------------------------------------------------------------------------------- */

void sb_resample(const sb_taps *taps, sb_lines lines, const float *x, float *y) {
  job j = {.taps = taps, .lines = lines, .from = x, .to = y};
  if (lines.inner == 1)
    sb_parallel(lines.outer, 1 + GRAIN / (taps->n + 1), gather_lines, &j);
  else
    sb_parallel(lines.outer * taps->n, 1 + GRAIN / (lines.inner + 1), sum_rows, &j);
}

void sb_resample_adjoint(const sb_taps *taps, sb_lines lines, const float *dy, float *dx) {
  job j = {.taps = taps, .lines = lines, .from = dy, .to = dx};
  j.blocks = (lines.inner + BLOCK - 1) / BLOCK;
  if (lines.inner == 1)
    sb_parallel(lines.outer, 1 + GRAIN / (taps->n + 1), scatter_lines, &j);
  else
    sb_parallel(lines.outer * j.blocks, 1 + GRAIN / (taps->n * BLOCK + 1), add_blocks, &j);
}
