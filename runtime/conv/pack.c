#include "conv/pack.h"

#include "conv/simd.h"
#include "threads.h"

sb_weight_line sb_find_weights(const sb_conv *g, const float *w, bool flip, int64_t row) {
  int64_t ins = g->c_in / g->groups, outs = g->c_out / g->groups;
  int64_t taps = (int64_t)g->kernel[0] * g->kernel[1];
  if (!flip) return (sb_weight_line){w + row * ins * taps, 1, taps};
  int64_t first = row / outs * ins * outs + row % outs; /* of the (c_in, c_out/groups) filters */
  return (sb_weight_line){w + first * taps + taps - 1, -1, outs * taps};
}

typedef struct packing {
  const sb_conv *g;
  int64_t ins, outs, taps, depth, row_tiles;
  int rows;
  const float *w;
  bool flip;
  float *packed;
} packing;

static packing packing_of(const sb_conv *g) {
  packing k = {g, g->c_in / g->groups, g->c_out / g->groups, (int64_t)g->kernel[0] * g->kernel[1]};
  k.depth = k.ins * k.taps;
  k.rows = sb_simd_best()->rows;
  k.row_tiles = (k.outs + k.rows - 1) / k.rows;
  return k;
}

int64_t sb_packed_size(const sb_conv *g) {
  packing k = packing_of(g);
  return g->groups * k.row_tiles * k.rows * k.depth;
}

/* The rows of a tile side by side, so that few streams of memory are read and one is written. */
static void pack_tile(const packing *k, int64_t group, int64_t row, float *to) {
  sb_weight_line lines[SB_SIMD_MAX_ROWS];
  int64_t rows = k->outs - row < k->rows ? k->outs - row : k->rows;
  for (int64_t r = 0; r < rows; r++)
    lines[r] = sb_find_weights(k->g, k->w, k->flip, group * k->outs + row + r);
  for (int64_t c = 0; c < k->ins; c++)
    for (int64_t tap = 0; tap < k->taps; tap++, to += k->rows) {
      int64_t from = c * lines[0].channel + tap * lines[0].tap;
      for (int64_t r = 0; r < k->rows; r++) to[r] = r < rows ? lines[r].at[from] : 0;
    }
}

static void pack_tiles(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  for (int64_t t = first; t < last; t++)
    pack_tile(k, t / k->row_tiles, t % k->row_tiles * k->rows, k->packed + t * k->depth * k->rows);
}

void sb_pack_weights(const sb_conv *g, const float *w, bool flip, float *packed) {
  packing k = packing_of(g);
  k.w = w, k.flip = flip, k.packed = packed;
  sb_parallel(g->groups * k.row_tiles, 1, pack_tiles, &k);
}
