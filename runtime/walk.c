#include "walk.h"

#include <stdbool.h>
#include <string.h>

#include "threads.h"

void sb_strides(const sb_shape *shape, int64_t stride[SB_MAX_RANK]) {
  int64_t step = 1;
  for (int d = shape->rank - 1; d >= 0; d--) stride[d] = step, step *= shape->dim[d];
}

sb_walk sb_walk_over(const sb_shape *shape) {
  sb_walk w = {.rank = shape->rank};
  memcpy(w.dim, shape->dim, sizeof shape->dim);
  return w;
}

void sb_walk_add_strides(sb_walk *w, const int64_t *stride) {
  memcpy(w->stride[w->arrays++], stride, (size_t)w->rank * sizeof *stride);
}

void sb_walk_add(sb_walk *w, const sb_shape *from) {
  int64_t dense[SB_MAX_RANK], stride[SB_WALK_RANK] = {0};
  int lead = w->rank - from->rank;
  sb_strides(from, dense);
  for (int d = 0; d < from->rank; d++) stride[lead + d] = from->dim[d] == 1 ? 0 : dense[d];
  sb_walk_add_strides(w, stride);
}

/* ---- Compaction: fewer and longer rows ------------------------------------------------------- */

static void move_dimension(sb_walk *w, int to, int from) {
  w->dim[to] = w->dim[from];
  for (int a = 0; a < w->arrays; a++) w->stride[a][to] = w->stride[a][from];
}

static bool walked_as_one(const sb_walk *w, int outer, int inner) {
  for (int a = 0; a < w->arrays; a++)
    if (w->stride[a][outer] != w->dim[inner] * w->stride[a][inner]) return false;
  return true;
}

sb_walk sb_walk_compact(const sb_walk *walk) {
  sb_walk w = *walk;
  int last = -1;
  for (int d = 0; d < w.rank; d++) {
    if (w.dim[d] == 1) continue;
    if (last >= 0 && walked_as_one(&w, last, d)) {
      int64_t outer = w.dim[last];
      move_dimension(&w, last, d);
      w.dim[last] *= outer;
    } else {
      move_dimension(&w, ++last, d);
    }
  }
  w.rank = last + 1;
  if (w.rank == 0) {
    w.rank = 1, w.dim[0] = 1;
    for (int a = 0; a < w.arrays; a++) w.stride[a][0] = 0;
  }
  return w;
}

/* ---- The walk -------------------------------------------------------------------------------- */

typedef struct walking {
  sb_walk w;
  sb_row *row;
  const void *context;
} walking;

/* Where a range begins: the coordinates of position i and the offset of each array there. */
static void locate(const sb_walk *w, int64_t i, int64_t *at, int64_t *offset) {
  memset(offset, 0, SB_WALK_ARRAYS * sizeof *offset);
  for (int d = w->rank - 1; d >= 0; d--) {
    at[d] = i % w->dim[d], i /= w->dim[d];
    for (int a = 0; a < w->arrays; a++) offset[a] += at[d] * w->stride[a][d];
  }
}

/* Steps to the beginning of the next row. */
static void next_row(const sb_walk *w, int64_t *at, int64_t *offset) {
  int d = w->rank - 1;
  for (int a = 0; a < w->arrays; a++) offset[a] -= at[d] * w->stride[a][d];
  at[d] = 0;
  while (--d >= 0) {
    at[d]++;
    for (int a = 0; a < w->arrays; a++) offset[a] += w->stride[a][d];
    if (at[d] < w->dim[d]) return;
    for (int a = 0; a < w->arrays; a++) offset[a] -= at[d] * w->stride[a][d];
    at[d] = 0;
  }
}

static void walk_range(void *context, int64_t first, int64_t last) {
  const walking *job = context;
  const sb_walk *w = &job->w;
  int inner = w->rank - 1;
  int64_t at[SB_WALK_RANK], offset[SB_WALK_ARRAYS], stride[SB_WALK_ARRAYS] = {0};
  for (int a = 0; a < w->arrays; a++) stride[a] = w->stride[a][inner];
  locate(w, first, at, offset);
  while (first < last) {
    int64_t n = w->dim[inner] - at[inner];
    if (n > last - first) n = last - first;
    job->row(job->context, offset, stride, n);
    next_row(w, at, offset);
    first += n;
  }
}

void sb_walk_rows(const sb_walk *w, int64_t grain, sb_row *row, const void *context) {
  walking job = {sb_walk_compact(w), row, context};
  int64_t n = 1;
  for (int d = 0; d < job.w.rank; d++) n *= job.w.dim[d];
  sb_parallel(n, grain, walk_range, &job);
}
