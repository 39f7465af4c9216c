#include "occlude.h"

#include <string.h>

#include "clones.h"
#include "threads.h"

enum { GRAIN = 1 << 14 }; /* floats that are worth a thread's while */

/* One plane of an image: the base and what lies over it. */
typedef struct plane {
  const float *base, *patch;
  int64_t h, w, top, left, rows, columns; /* of the base; of the patch */
} plane;

static plane plane_of(const sb_patched *from, int64_t image, int64_t channel) {
  const int64_t *b = from->base.shape.dim, *p = from->patch.shape.dim;
  plane s = {.base = from->base.data + channel * b[2] * b[3], .h = b[2], .w = b[3]};
  if (!from->patch.data) return s;
  s.patch = from->patch.data + (image * b[1] + channel) * p[2] * p[3];
  s.top = from->patch_at[image].y, s.left = from->patch_at[image].x;
  s.rows = p[2], s.columns = p[3];
  return s;
}

static int64_t grain_of(int64_t plane_size) {
  return 1 + GRAIN / (1 + plane_size);
}

/* ---- Regions ----------------------------------------------------------------------------------
 */

static int64_t clamped(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

/* The row or column that position i shows, -1: none. */
static int64_t source(sb_beyond beyond, int64_t i, int64_t extent) {
  if (i >= 0 && i < extent) return i;
  if (beyond == SB_BEYOND_VALUE) return -1;
  if (beyond == SB_BEYOND_REFLECT) i = i < 0 ? -i : 2 * (extent - 1) - i;
  return clamped(i, 0, extent - 1);
}

static float pixel(const plane *s, int64_t y, int64_t x) {
  int64_t i = y - s->top, j = x - s->left;
  bool covered = i >= 0 && i < s->rows && j >= 0 && j < s->columns;
  return covered ? s->patch[i * s->columns + j] : s->base[y * s->w + x];
}

/* n pixels of row y from column x on, of which [first, last) lie inside the map. */
static void copy_inside(const plane *s, int64_t y, int64_t x, int64_t first, int64_t last,
                        float *to) {
  int64_t i = y - s->top;
  memcpy(to + first, s->base + y * s->w + x + first, (size_t)(last - first) * sizeof *to);
  if (i < 0 || i >= s->rows) return;
  int64_t from = clamped(s->left - x, first, last);
  int64_t end = clamped(s->left + s->columns - x, from, last);
  memcpy(to + from, s->patch + i * s->columns + x + from - s->left,
         (size_t)(end - from) * sizeof *to);
}

static void gather_row(const sb_patched *from, const plane *s, int64_t y, int64_t x, int64_t n,
                       float *to) {
  int64_t first = clamped(-x, 0, n), last = clamped(s->w - x, first, n);
  y = source(from->beyond, y, s->h);
  if (y < 0) first = last = n;
  if (first < last) copy_inside(s, y, x, first, last, to);
  for (int64_t j = 0; j < n; j++) {
    if (j == first) j = last;
    if (j == n) return;
    int64_t c = y < 0 ? -1 : source(from->beyond, x + j, s->w);
    to[j] = c < 0 ? from->value : pixel(s, y, c);
  }
}

typedef struct gathering {
  const sb_patched *from;
  const sb_corner *at;
  sb_tensor *to;
} gathering;

static void gather_planes(void *context, int64_t first, int64_t last) {
  const gathering *g = context;
  const int64_t *d = g->to->shape.dim;
  for (int64_t k = first; k < last; k++) {
    plane s = plane_of(g->from, k / d[1], k % d[1]);
    sb_corner at = g->at[k / d[1]];
    float *to = g->to->data + k * d[2] * d[3];
    for (int64_t i = 0; i < d[2]; i++) gather_row(g->from, &s, at.y + i, at.x, d[3], to + i * d[3]);
  }
}

void sb_gather_regions(const sb_patched *from, const sb_corner *at, sb_tensor *to) {
  gathering g = {from, at, to};
  const int64_t *d = to->shape.dim;
  sb_parallel(d[0] * d[1], grain_of(d[2] * d[3]), gather_planes, &g);
}

/* ---- Sums --------------------------------------------------------------------------------------
 */

SB_CLONES static float sum_change(const plane *s) {
  double sum = 0;
  for (int64_t i = 0; i < s->rows; i++) {
    const float *new = s->patch + i * s->columns;
    const float *old = s->base + (s->top + i) * s->w + s->left;
    for (int64_t j = 0; j < s->columns; j++) sum += (double)new[j] - (double)old[j];
  }
  return (float)sum;
}

typedef struct summing {
  const sb_patched *from;
  sb_tensor *to;
} summing;

static void sum_planes(void *context, int64_t first, int64_t last) {
  const summing *s = context;
  int64_t channels = s->to->shape.dim[1];
  for (int64_t k = first; k < last; k++) {
    plane p = plane_of(s->from, k / channels, k % channels);
    s->to->data[k] = sum_change(&p);
  }
}

void sb_sum_changes(const sb_patched *from, sb_tensor *to) {
  summing s = {from, to};
  const int64_t *d = from->patch.shape.dim;
  sb_parallel(d[0] * d[1], grain_of(d[2] * d[3]), sum_planes, &s);
}
