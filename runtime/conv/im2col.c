/* im2col.c: convolution as matrix products over panels that stay in the second-level cache. The
   work is cut by shape alone into items that write to separate places, in a fixed order within
   each, so that the thread count never shows in the result. */
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

/* What every operation derives from the geometry: sizes of one group's matrices and the cut. */
typedef struct cut {
  int64_t ins, outs;        /* channels a group */
  int64_t taps, depth;      /* kh * kw; rows of col: ins * taps */
  int64_t positions;        /* columns of col: oh * ow */
  int64_t channels, blocks; /* input channels a block, blocks a group */
  int64_t columns, tiles;   /* positions a tile, tiles an image */
} cut;

/* `enough`: a positive number makes tiles smaller until there are that many items. */
static cut cut_of(const sb_conv *g, int64_t enough) {
  cut k = {.ins = g->c_in / g->groups,
           .outs = g->c_out / g->groups,
           .taps = (int64_t)g->kernel[0] * g->kernel[1],
           .positions = g->oh * g->ow};
  k.depth = k.ins * k.taps;
  k.blocks = divide_up(k.ins, larger(1, PANEL_ROWS / k.taps));
  k.channels = divide_up(k.ins, k.blocks);
  k.blocks = divide_up(k.ins, k.channels);
  int64_t wanted = divide_up(enough, larger(1, g->n * g->groups));
  k.columns = smaller(PANEL_COLUMNS, larger(48, divide_up(k.positions, wanted)));
  k.tiles = divide_up(k.positions, k.columns);
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
  const float *x, *w, *bias, *dy;
  float *y, *dx, *dw, *scratch;
  int64_t bands, band_rows; /* backward_input: input rows in bands */
  int64_t shards;           /* backward_weights: partial sums */
} job;

static float *my_panel(const job *t) {
  return t->scratch + panel_size(&t->k) * sb_thread_index();
}

static const float *image_planes(const job *t, const float *x, int64_t image, int64_t channel) {
  return x + (image * t->g->c_in + channel) * t->g->h * t->g->w;
}

/* ---- y = w col + b: an item is a tile of one image and group --------------------------------- */

static void fill_bias(const job *t, int64_t o0, int64_t p0, int64_t p1, float *y) {
  for (int64_t o = 0; o < t->k.outs; o++) {
    float b = t->bias ? t->bias[o0 + o] : 0, *to = y + o * t->k.positions;
    for (int64_t p = p0; p < p1; p++) to[p] = b;
  }
}

static void forward_tile(const job *t, int64_t image, int64_t group, int64_t tile) {
  const cut *k = &t->k;
  int64_t p0 = tile * k->columns, p1 = smaller(p0 + k->columns, k->positions);
  float *y = t->y + (image * t->g->c_out + group * k->outs) * k->positions;
  const float *w = t->w + group * k->outs * k->depth;
  fill_bias(t, group * k->outs, p0, p1, y);
  for (int64_t c0 = 0; c0 < k->ins; c0 += k->channels) {
    int64_t channels = smaller(k->channels, k->ins - c0);
    float *panel = my_panel(t);
    sb_panel_gather(t->g, image_planes(t, t->x, image, group * k->ins + c0), channels, p0, p1,
                    panel);
    sb_gemm(false, false, k->outs, p1 - p0, channels * k->taps, 1, w + c0 * k->taps, k->depth,
            panel, p1 - p0, 1, y + p0, k->positions);
  }
}

static void forward_items(void *context, int64_t first, int64_t last) {
  const job *t = context;
  for (int64_t i = first; i < last; i++) {
    int64_t plane = i / t->k.tiles; /* image and group */
    forward_tile(t, plane / t->g->groups, plane % t->g->groups, i % t->k.tiles);
  }
}

static int64_t forward_scratch(const sb_conv *g) {
  cut k = cut_of(g, ENOUGH_ITEMS);
  return panels_size(&k);
}

static void forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                    float *scratch) {
  job t = {.g = g,
           .k = cut_of(g, ENOUGH_ITEMS),
           .x = x,
           .w = w,
           .bias = bias,
           .y = y,
           .scratch = scratch};
  sb_parallel(g->n * g->groups * t.k.tiles, 1, forward_items, &t);
}

/* ---- dx = col2im(w^T dy): an item is a block of channels and a band of rows of one image ------
 */

/* The outputs whose windows may touch input rows [row0, row1), as rows [first, last). */
static sb_conv_range rows_touching(const sb_conv *g, int64_t row0, int64_t row1) {
  int64_t reach = (int64_t)(g->kernel[0] - 1) * g->dilation[0], stride = g->stride[0];
  int64_t low = row0 + g->pad[0] - reach, high = row1 - 1 + g->pad[0];
  int64_t first = low > 0 ? divide_up(low, stride) : 0;
  int64_t last = smaller(g->oh, high / stride + 1);
  return (sb_conv_range){first, larger(first, last)};
}

static void backward_block(const job *t, int64_t image, int64_t c0, int64_t channels,
                           int64_t band) {
  const cut *k = &t->k;
  const sb_conv *g = t->g;
  int64_t row0 = band * t->band_rows, row1 = smaller(row0 + t->band_rows, g->h);
  int64_t group = c0 / k->ins, first = c0 % k->ins;
  const float *w = t->w + group * k->outs * k->depth + first * k->taps;
  const float *dy = t->dy + (image * g->c_out + group * k->outs) * k->positions;
  float *dx = t->dx + (image * g->c_in + c0) * g->h * g->w, *panel = my_panel(t);
  for (int64_t c = 0; c < channels; c++)
    memset(dx + (c * g->h + row0) * g->w, 0, (size_t)((row1 - row0) * g->w) * sizeof *dx);
  sb_conv_range rows = rows_touching(g, row0, row1);
  for (int64_t p0 = rows.first * g->ow; p0 < rows.last * g->ow; p0 += k->columns) {
    int64_t p1 = smaller(p0 + k->columns, rows.last * g->ow);
    sb_gemm(true, false, channels * k->taps, p1 - p0, k->outs, 1, w, k->depth, dy + p0,
            k->positions, 0, panel, p1 - p0);
    sb_panel_scatter(g, panel, channels, p0, p1, row0, row1, dx);
  }
}

static void backward_items(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const cut *k = &t->k;
  for (int64_t i = first; i < last; i++) {
    int64_t band = i % t->bands, block = i / t->bands % k->blocks, plane = i / t->bands / k->blocks;
    int64_t c0 = block * k->channels, group = plane % t->g->groups;
    backward_block(t, plane / t->g->groups, group * k->ins + c0, smaller(k->channels, k->ins - c0),
                   band);
  }
}

static int64_t backward_input_scratch(const sb_conv *g) {
  cut k = cut_of(g, 1);
  return panels_size(&k);
}

/* Bands overlap in the outputs they read, so they are made only where channels give too few items,
   and much taller than a window. */
static void cut_bands(job *t) {
  const sb_conv *g = t->g;
  int64_t window = (int64_t)(g->kernel[0] - 1) * g->dilation[0] + 1;
  int64_t wanted = divide_up(ENOUGH_ITEMS, larger(1, g->n * g->groups * t->k.blocks));
  t->band_rows = larger(1, smaller(g->h, larger(divide_up(g->h, wanted), 8 * window)));
  t->bands = divide_up(g->h, t->band_rows);
}

static void backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                           float *scratch) {
  job t = {.g = g, .k = cut_of(g, 1), .dy = dy, .w = w, .dx = dx, .scratch = scratch};
  cut_bands(&t);
  sb_parallel(g->n * g->groups * t.k.blocks * t.bands, 1, backward_items, &t);
}

/* ---- dw += dy col^T: an item is a block of channels; where those are few, the tiles of all ------
   images are dealt to shards that sum apart and are added in order at the end. */

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
    sb_panel_gather(t->g, image_planes(t, t->x, image, c0), channels, p0, p1, panel);
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
  cut k = cut_of(g, 1);
  int64_t shards = shards_of(g, &k);
  return panels_size(&k) + (shards > 1 ? shards * weight_count(&k, g) : 0);
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  job t = {.g = g, .k = cut_of(g, 1), .dy = dy, .x = x, .dw = dw, .scratch = scratch};
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
    .forward_scratch = forward_scratch,
    .forward = forward,
    .backward_input_scratch = backward_input_scratch,
    .backward_input = backward_input,
    .backward_weights_scratch = backward_weights_scratch,
    .backward_weights = backward_weights,
};
