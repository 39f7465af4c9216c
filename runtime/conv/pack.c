#include "conv/pack.h"

#include "conv/simd.h"
#include "threads.h"

typedef struct packing {
  int64_t ins, outs, taps, depth, row_tiles;
  int rows;
  const float *w;
  bool flip;
  float *packed;
} packing;

static packing packing_of(const sb_conv *g) {
  packing k = {g->c_in / g->groups, g->c_out / g->groups, (int64_t)g->kernel[0] * g->kernel[1]};
  k.depth = k.ins * k.taps;
  k.rows = sb_simd_best()->rows;
  k.row_tiles = (k.outs + k.rows - 1) / k.rows;
  return k;
}

int64_t sb_packed_size(const sb_conv *g) {
  packing k = packing_of(g);
  return g->groups * k.row_tiles * k.rows * k.depth;
}

/* Where the weight of output channel `row` at depth d of a group stands in w. */
static int64_t source(const packing *k, int64_t group, int64_t row, int64_t d) {
  int64_t c = d / k->taps, tap = d % k->taps;
  if (k->flip) return ((group * k->ins + c) * k->outs + row) * k->taps + k->taps - 1 - tap;
  return ((group * k->outs + row) * k->ins + c) * k->taps + tap;
}

static void pack_tiles(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  for (int64_t t = first; t < last; t++)
    for (int r = 0; r < k->rows; r++) {
      int64_t group = t / k->row_tiles, row = t % k->row_tiles * k->rows + r;
      float *to = k->packed + t * k->depth * k->rows + r;
      for (int64_t d = 0; d < k->depth; d++, to += k->rows)
        *to = row < k->outs ? k->w[source(k, group, row, d)] : 0;
    }
}

void sb_pack_weights(const sb_conv *g, const float *w, bool flip, float *packed) {
  packing k = packing_of(g);
  k.w = w, k.flip = flip, k.packed = packed;
  sb_parallel(g->groups * k.row_tiles, 1, pack_tiles, &k);
}
