/* walk_copy.c: copying along a walk, in rows or, where rows would read one float of every cache
   line, in square tiles. */
#include <stdbool.h>
#include <string.h>

#include "walk.h"

enum { TILE = 16 }; /* floats of a cache line */

typedef struct copying {
  float *to;
  const float *from;
  /* Tiles only: extents and strides of the two dimensions that are cut. `down` is the one along
     which `from` is contiguous, `across` the innermost of the walk. */
  int64_t down, across, to_down, to_across, from_across;
} copying;

/* ---- Rows ------------------------------------------------------------------------------------ */

static void copy_row(const void *context, const int64_t *offset, const int64_t *stride, int64_t n) {
  const copying *c = context;
  float *to = c->to + offset[0];
  const float *from = c->from + offset[1];
  if (stride[0] == 1 && stride[1] == 1)
    memcpy(to, from, (size_t)n * sizeof *to);
  else if (stride[0] == 1)
    for (int64_t i = 0; i < n; i++) to[i] = from[i * stride[1]];
  else
    for (int64_t i = 0; i < n; i++) to[i * stride[0]] = from[i * stride[1]];
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

static int64_t clip(int64_t left) {
  return left < TILE ? left : TILE;
}

static void copy_tile(const copying *c, float *to, const float *from, int64_t down,
                      int64_t across) {
  for (int64_t i = 0; i < down; i++)
    for (int64_t j = 0; j < across; j++)
      to[i * c->to_down + j * c->to_across] = from[i + j * c->from_across];
}

/* Arrays 2 and 3 of the tile walk have no memory: their offsets are the coordinates of the tile. */
static void copy_tiles(const void *context, const int64_t *offset, const int64_t *stride,
                       int64_t n) {
  const copying *c = context;
  for (int64_t i = 0; i < n; i++) {
    int64_t down = offset[2] + i * stride[2], across = offset[3] + i * stride[3];
    copy_tile(c, c->to + offset[0] + i * stride[0], c->from + offset[1] + i * stride[1],
              clip(c->down - down), clip(c->across - across));
  }
}

/* The dimension along which `from` is contiguous, if that is worth tiles; or -1. */
static int tiled_dimension(const sb_walk *w) {
  int inner = w->rank - 1;
  if (w->stride[1][inner] == 1 || w->stride[1][inner] == 0 || w->dim[inner] < TILE / 2) return -1;
  for (int d = 0; d < inner; d++)
    if (w->stride[1][d] == 1 && w->dim[d] >= TILE / 2) return d;
  return -1;
}

/* Makes dimension d one of tiles, whose coordinate is the offset of array `coordinate`. */
static void cut(sb_walk *w, int d, int coordinate) {
  w->dim[d] = (w->dim[d] + TILE - 1) / TILE;
  w->stride[0][d] *= TILE, w->stride[1][d] *= TILE;
  w->stride[coordinate][d] = TILE;
}

static void copy_by_tiles(sb_walk w, int down, copying *c) {
  int across = w.rank - 1;
  c->down = w.dim[down], c->across = w.dim[across];
  c->to_down = w.stride[0][down], c->to_across = w.stride[0][across];
  c->from_across = w.stride[1][across];
  w.arrays = 4;
  memset(w.stride[2], 0, 2 * sizeof w.stride[2]);
  cut(&w, down, 2);
  cut(&w, across, 3);
  sb_walk_rows(&w, SB_WALK_GRAIN / (TILE * TILE), copy_tiles, c);
}

void sb_walk_copy(const sb_walk *walk, float *to, const float *from) {
  copying c = {.to = to, .from = from};
  sb_walk w = sb_walk_compact(walk);
  int down = tiled_dimension(&w);
  if (down >= 0)
    copy_by_tiles(w, down, &c);
  else
    sb_walk_rows(&w, SB_WALK_GRAIN, copy_row, &c);
}
