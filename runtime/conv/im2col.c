/* im2col.c: the gradient of the weights, dw += dy col^T, as matrix products over panels that stay
   in the second-level cache. The work is cut by shape alone into items that write to separate
   places, in a fixed order within each, so that the thread count never shows in the result. */
#include <string.h>

#include "conv/algorithm.h"
#include "conv/panel.h"
#include "gemm.h"
#include "threads.h"

/* Panel size and how many items are enough to keep cores busy. */
enum { PANEL_ROWS = 512, PANEL_COLUMNS = 256, ENOUGH_ITEMS = 8 };

static bool fits(const sb_conv *g) {
  return true;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
static int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/* What follows from the geometry: sizes of one group's matrices and the cut. */
typedef struct cut {
  int64_t ins, outs;        /* channels a group */
  int64_t taps, depth;      /* kh * kw; rows of col: ins * taps */
  int64_t positions;        /* columns of col: oh * ow */
  int64_t channels, blocks; /* input channels a block, blocks a group */
  int64_t columns, tiles;   /* positions a tile, tiles an image */
} cut;

static cut cut_of(const sb_conv *g) {
  cut k = {.ins = g->c_in / g->groups,
           .outs = g->c_out / g->groups,
           .taps = (int64_t)g->kernel[0] * g->kernel[1],
           .positions = g->oh * g->ow};
  k.depth = k.ins * k.taps;
  k.blocks = divide_up(k.ins, larger(1, PANEL_ROWS / k.taps));
  k.channels = divide_up(k.ins, k.blocks);
  k.blocks = divide_up(k.ins, k.channels);
  k.tiles = divide_up(k.positions, PANEL_COLUMNS);
  k.columns = divide_up(k.positions, k.tiles);
  k.tiles = divide_up(k.positions, k.columns);
  return k;
}

static int64_t panel_size(const cut *k) {
  return divide_up(k->channels * k->taps * k->columns, 16) * 16;
}

static int64_t panels_size(const cut *k) {
  return panel_size(k) * sb_get_threads();
}

typedef struct job {
  const sb_conv *g;
  cut k;
  const float *dy, *x;
  float *dw, *scratch;
  int64_t shards; /* partial sums */
} job;

static float *my_panel(const job *t) {
  return t->scratch + panel_size(&t->k) * sb_thread_index();
}

/* An item is a block of channels; where those are few, the tiles of all images are dealt to shards
   that sum apart and are added in order at the end. */

static int64_t weight_count(const cut *k, const sb_conv *g) {
  return divide_up(g->c_out * k->depth, 16) * 16;
}

static int64_t shards_of(const sb_conv *g, const cut *k) {
  int64_t wanted = divide_up(ENOUGH_ITEMS, g->groups * k->blocks);
  return larger(1, smaller(wanted, g->n * k->tiles));
}

/* dw[block] += over the tiles [first, last) of all images. */
static void sum_tiles(const job *t, int64_t c0, int64_t channels, int64_t first, int64_t last,
                      float *dw) {
  const cut *k = &t->k;
  int64_t group = c0 / k->ins, rows = channels * k->taps;
  float *to = dw + group * k->outs * k->depth + c0 % k->ins * k->taps, *panel = my_panel(t);
  for (int64_t i = first; i < last; i++) {
    int64_t image = i / k->tiles, p0 = i % k->tiles * k->columns;
    int64_t p1 = smaller(p0 + k->columns, k->positions);
    const float *dy = t->dy + (image * t->g->c_out + group * k->outs) * k->positions;
    sb_panel_gather(t->g, t->x + (image * t->g->c_in + c0) * t->g->h * t->g->w, channels, p0, p1,
                    panel);
    sb_gemm(false, true, k->outs, rows, p1 - p0, 1, dy + p0, k->positions, panel, p1 - p0, 1, to,
            k->depth);
  }
}

static void weights_items(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const cut *k = &t->k;
  int64_t all = t->g->n * k->tiles, each = divide_up(all, t->shards);
  for (int64_t i = first; i < last; i++) {
    int64_t shard = i % t->shards, block = i / t->shards % k->blocks;
    int64_t group = i / t->shards / k->blocks, c0 = block * k->channels;
    float *dw =
        t->shards == 1 ? t->dw : t->scratch + panels_size(k) + shard * weight_count(k, t->g);
    sum_tiles(t, group * k->ins + c0, smaller(k->channels, k->ins - c0), shard * each,
              smaller(all, (shard + 1) * each), dw);
  }
}

static int64_t backward_weights_scratch(const sb_conv *g) {
  cut k = cut_of(g);
  int64_t shards = shards_of(g, &k);
  return panels_size(&k) + (shards > 1 ? shards * weight_count(&k, g) : 0);
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  job t = {.g = g, .k = cut_of(g), .dy = dy, .x = x, .dw = dw, .scratch = scratch};
  t.shards = shards_of(g, &t.k);
  float *sums = scratch + panels_size(&t.k);
  int64_t stride = weight_count(&t.k, g), count = g->c_out * t.k.depth;
  if (t.shards > 1) memset(sums, 0, (size_t)(t.shards * stride) * sizeof *sums);
  sb_parallel(g->groups * t.k.blocks * t.shards, 1, weights_items, &t);
  for (int64_t s = 0; t.shards > 1 && s < t.shards; s++)
    for (int64_t i = 0; i < count; i++) dw[i] += sums[s * stride + i];
}

const sb_conv_algorithm sb_conv_im2col = {
    .name = "im2col",
    .fits = fits,
    .backward_weights_scratch = backward_weights_scratch,
    .backward_weights = backward_weights,
};
