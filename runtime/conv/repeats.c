#include "conv/repeats.h"

#include <stdbool.h>
#include <string.h>

#include "clones.h"
#include "threads.h"

enum { KERNEL = 3, GRAIN = 8 };

/* The grids of bytes over the padded input, `rows` x `columns`, say where it equals its neighbour
   in all channels so far; a row's last byte, whether it does anywhere. */
typedef struct job {
  const sb_conv *g;
  const float *x; /* of one image */
  float *y;
  int64_t rows, columns, pitch, positions;
  int32_t *source; /* of each output: the position whose value it takes, its own if none */
  int32_t *moved;  /* the outputs that take another's value */
  int64_t count;
  uint8_t *left, *up;
} job;

static job make_job(const sb_conv *g, float *scratch) {
  job t = {.g = g, .rows = g->h + g->pad[0] + g->pad[2], .columns = g->w + g->pad[1] + g->pad[3]};
  t.pitch = t.columns + 1, t.positions = g->oh * g->ow;
  t.source = (int32_t *)(void *)scratch, t.moved = t.source + t.positions;
  t.left = (uint8_t *)(t.moved + t.positions), t.up = t.left + t.rows * t.pitch;
  return t;
}

int64_t sb_conv_repeats_scratch(const sb_conv *g) {
  job t = make_job(g, NULL);
  return 2 * t.positions + 2 * t.rows * t.pitch / (int64_t)sizeof(float) + 1;
}

/* ---- Equal neighbours ----------------------------------------------------------------------- */

/* Keeps those places where a equals b; answers whether there are any. */
SB_CLONES static bool keep_equal(int64_t n, const float *a, const float *b, uint8_t *same) {
  uint8_t any = 0;
  for (int64_t i = 0; i < n; i++) any |= same[i] &= a[i] == b[i];
  return any;
}

SB_CLONES static bool keep_zero(int64_t n, const float *a, uint8_t *same) {
  uint8_t any = 0;
  for (int64_t i = 0; i < n; i++) any |= same[i] &= a[i] == 0;
  return any;
}

/* A row of one channel; NULL in the padding. */
static const float *input_row(const job *t, int64_t channel, int64_t row) {
  int64_t y = row - t->g->pad[0];
  return y < 0 || y >= t->g->h ? NULL : t->x + (channel * t->g->h + y) * t->g->w;
}

/* Each function compares one channel of a row; false when no place is left. */
static bool compare_left(const job *t, int64_t channel, int64_t row, uint8_t *same) {
  const float *x = input_row(t, channel, row);
  if (!x) return true;
  int64_t w = t->g->w, first = t->g->pad[1];
  bool any = keep_equal(w - 1, x + 1, x, same + first + 1);
  if (first > 0) any |= keep_zero(1, x, same + first);
  if (first + w < t->columns) any |= keep_zero(1, x + w - 1, same + first + w);
  return any || first > 1 || first + w + 1 < t->columns;
}

static bool compare_up(const job *t, int64_t channel, int64_t row, uint8_t *same) {
  const float *a = input_row(t, channel, row), *b = row > 0 ? input_row(t, channel, row - 1) : NULL;
  same += t->g->pad[1];
  if (a && b) return keep_equal(t->g->w, a, b, same);
  return !a && !b ? true : keep_zero(t->g->w, a ? a : b, same);
}

static void compare_row(const job *t, int64_t row, uint8_t *same,
                        bool (*compare)(const job *, int64_t, int64_t, uint8_t *)) {
  memset(same, 1, (size_t)t->pitch);
  for (int64_t c = 0; c < t->g->c_in; c++)
    if (!compare(t, c, row, same)) {
      same[t->columns] = 0;
      return;
    }
}

static void compare_rows(void *context, int64_t first, int64_t last) {
  const job *t = context;
  for (int64_t row = first; row < last; row++) {
    compare_row(t, row, t->left + row * t->pitch, compare_left);
    compare_row(t, row, t->up + row * t->pitch, compare_up);
  }
}

/* ---- Equal outputs -------------------------------------------------------------------------- */

/* The first position of the connected area of equal patches that `at` lies in, as far as known. */
static int32_t source_of(int32_t *source, int32_t at) {
  while (source[at] != at) at = source[at] = source[source[at]];
  return at;
}

static void join(int32_t *source, int64_t at, int64_t neighbour) {
  int32_t a = source_of(source, (int32_t)at), b = source_of(source, (int32_t)neighbour);
  if (a < b)
    source[b] = a;
  else
    source[a] = b;
}

/* Joins the outputs of a row whose patches equal those of their neighbours `step` positions before
   all over. */
static void join_row(const job *t, const uint8_t *grid, int64_t oy, int64_t step) {
  const uint8_t *row = grid + oy * t->pitch;
  for (int i = 0; i < KERNEL; i++)
    if (!row[i * t->pitch + t->columns]) return;
  for (int64_t ox = step == 1; ox < t->g->ow; ox++) {
    bool equal = true;
    for (int i = 0; i < KERNEL && equal; i++)
      for (int j = 0; j < KERNEL && equal; j++) equal = row[i * t->pitch + ox + j];
    if (equal) join(t->source, oy * t->g->ow + ox, oy * t->g->ow + ox - step);
  }
}

static void find_sources(job *t) {
  for (int64_t i = 0; i < t->positions; i++) t->source[i] = (int32_t)i;
  for (int64_t oy = 0; oy < t->g->oh; oy++) {
    join_row(t, t->left, oy, 1);
    if (oy > 0) join_row(t, t->up, oy, t->g->ow);
  }
  t->count = 0;
  for (int64_t i = 0; i < t->positions; i++)
    if (source_of(t->source, (int32_t)i) != i) t->moved[t->count++] = (int32_t)i;
}

static void copy_channels(void *context, int64_t first, int64_t last) {
  const job *t = context;
  for (int64_t c = first; c < last; c++) {
    float *y = t->y + c * t->positions;
    for (int64_t k = 0; k < t->count; k++) y[t->moved[k]] = y[t->source[t->moved[k]]];
  }
}

void sb_conv_repeat(const sb_conv *g, const float *x, float *y, float *scratch) {
  job t = make_job(g, scratch);
  for (int64_t i = 0; i < g->n; i++) {
    t.x = x + i * g->c_in * g->h * g->w, t.y = y + i * g->c_out * t.positions;
    sb_parallel(t.rows, GRAIN, compare_rows, &t);
    find_sources(&t);
    if (t.count > 0) sb_parallel(g->c_out, GRAIN, copy_channels, &t);
  }
}
