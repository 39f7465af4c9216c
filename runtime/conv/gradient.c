/* gradient.c: the gradient of the weights, dw += dy col^T, where col is the matrix of im2col. With
   the input copied channels-last and padded, what a row of a kernel sees at an output position are
   neighbours in memory: a piece of a row of col^T, which the register tile reads in place, at a
   shift for each position. */
#include <string.h>

#include "conv/algorithm.h"
#include "conv/interleave.h"
#include "conv/simd.h"
#include "threads.h"

enum {
  BLOCK_CHANNELS = 64,
  DEPTH_BLOCK = 256,
  GROUP_TILES = 8,       /* row tiles that read the same piece of the copy after one another */
  PASS_FLOATS = 1 << 18, /* of the copies that are made and multiplied at a time */
  PASS_POSITIONS = 1 << 13,
  SMALL_FLOATS = 1 << 16, /* sums of which there may be several */
  SHARDS = 8,
  SLACK = SB_SIMD_MAX_COLUMNS /* the last tile reads this far beyond */
};

/* The copy has its channels in blocks, so that neighbouring positions are near each other; or,
   where they are few, holds at each position the channels of all rows of a kernel (folded), which
   fill vectors better. The columns of a block's product are (j, c) in a run for each i; (j, i, c)
   if it is folded; and a run for each j too where the taps of a row lie apart. */
typedef struct plan {
  const sb_conv *g;
  const sb_simd *simd;
  int64_t ins, outs; /* of a group */
  bool folded;
  int64_t channels, block, blocks;     /* of the copy: floats of a position in all; in a block */
  int64_t joined, runs[2];             /* taps along x that a run joins; runs along y and x */
  int64_t run_tiles, tiles, row_tiles; /* column tiles of a run, and of all; row tiles */
  int64_t images, band;                /* of a pass: images, and output rows of each */
  int64_t bands, passes, positions;    /* bands of an image; passes; positions of a pass */
  int64_t width, rows;                 /* of the copy: positions of a row, rows of an image */
  int64_t shards;                      /* that sum their passes apart; or 1: threads share a pass */
} plan;

typedef struct job {
  plan p;
  const float *dy, *x; /* of the first image, from the group's first channel on */
  float *dw;
  int64_t *shifts;      /* of the positions of a pass in the copy */
  float *sums, *copies; /* of all shards; of all threads, or shared */
  const float *zeros;   /* a row of them */
  int64_t pass;         /* that threads share */
} job;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x > high ? high : x < low ? low : x;
}

static bool fits(const sb_conv *g) {
  return true;
}

/* ---- The cut ---- */

static void plan_columns(plan *p) {
  const sb_conv *g = p->g;
  int lanes = p->simd->lanes;
  p->joined = g->dilation[1] == 1 ? g->kernel[1] : 1;
  int64_t apart = ceil_div(p->joined * p->ins, lanes) * g->kernel[0];
  p->folded = ceil_div(p->joined * g->kernel[0] * p->ins, lanes) * 5 < apart * 4;
  p->channels = p->ins * (p->folded ? g->kernel[0] : 1);
  p->block = p->joined == 1 ? SB_SIMD_MAX_COLUMNS : BLOCK_CHANNELS;
  if (p->folded || p->channels < p->block) p->block = p->channels;
  p->blocks = ceil_div(p->channels, p->block);
  p->runs[0] = p->folded ? 1 : g->kernel[0], p->runs[1] = g->kernel[1] / p->joined;
  p->run_tiles = ceil_div(p->joined * p->block, p->simd->columns);
  p->tiles = p->run_tiles * p->runs[0] * p->runs[1] * p->blocks;
  p->row_tiles = ceil_div(p->outs, p->simd->rows);
}

static int64_t sums_size(const plan *p) {
  return p->tiles * p->row_tiles * p->simd->rows * p->simd->columns;
}

static void plan_passes(plan *p) {
  const sb_conv *g = p->g;
  bool small = sums_size(p) <= SMALL_FLOATS;
  int64_t step = p->folded ? 1 : g->stride[0];
  int64_t reach = p->folded ? 0 : (int64_t)(g->kernel[0] - 1) * g->dilation[0];
  p->width = (g->ow - 1) * g->stride[1] + (int64_t)(g->kernel[1] - 1) * g->dilation[1] + 1;
  int64_t fit = PASS_FLOATS / (p->width * p->channels * step + g->ow * p->outs);
  fit = clamp(fit, 1, ceil_div(PASS_POSITIONS, g->ow));
  if (small) fit = clamp(fit, 1, ceil_div(g->n * g->oh, SHARDS));
  p->images = clamp(fit / g->oh, 1, g->n), p->band = clamp(fit, 1, g->oh);
  p->bands = ceil_div(g->oh, p->band);
  p->passes = ceil_div(g->n, p->images) * p->bands;
  p->positions = p->images * p->band * g->ow;
  p->rows = (p->band - 1) * step + reach + 1;
  p->shards = small ? clamp(p->passes, 1, SHARDS) : 1;
}

static plan make_plan(const sb_conv *g) {
  plan p = {.g = g, .simd = sb_simd_best()};
  p.ins = g->c_in / g->groups, p.outs = g->c_out / g->groups;
  plan_columns(&p);
  plan_passes(&p);
  return p;
}

/* Positions of the copy of a pass. */
static int64_t places(const plan *p) {
  return p->images * p->rows * p->width;
}

static int64_t x_size(const plan *p) {
  return places(p) * p->channels + SLACK;
}

static int64_t copies_size(const plan *p) {
  return ceil_div(x_size(p) + p->row_tiles * p->simd->rows * p->positions, 16) * 16;
}

/* Two lists: for whole blocks, and for the last one. */
static int64_t shifts_size(const plan *p) {
  return ceil_div(2 * p->positions, 8) * 8 * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  int64_t copies = p.shards > 1 ? sb_get_threads() : 1;
  return shifts_size(&p) + p.shards * sums_size(&p) + copies * copies_size(&p) + g->w;
}

/* Channels of a block, which begins at place `block * p->block * places` of the copy. */
static int64_t block_channels(const plan *p, int64_t block) {
  return clamp(p->channels - block * p->block, 0, p->block);
}

/* ---- The copies ---- */

/* What a pass covers: rows [oy, oy + rows) of the outputs of some images. */
typedef struct part {
  int64_t image, images, oy, rows;
} part;

static part part_of(const plan *p, int64_t pass) {
  part a = {.image = pass / p->bands * p->images, .oy = pass % p->bands * p->band};
  a.images = clamp(p->g->n - a.image, 0, p->images), a.rows = clamp(p->g->oh - a.oy, 0, p->band);
  return a;
}

static void list_shifts(const plan *p, int64_t channels, int64_t *shifts) {
  int64_t step = p->folded ? 1 : p->g->stride[0];
  for (int64_t image = 0; image < p->images; image++)
    for (int64_t row = 0; row < p->band; row++)
      for (int64_t x = 0; x < p->g->ow; x++)
        *shifts++ = ((image * p->rows + row * step) * p->width + x * p->g->stride[1]) * channels;
}

/* Channels [c, c + channels) of a row of the copy: what the image holds from its row y on. */
static void copy_row(const job *t, const float *x, int64_t y, int64_t c, int64_t channels,
                     float *to) {
  const plan *p = &t->p;
  const sb_conv *g = p->g;
  int64_t first = clamp(g->pad[1], 0, p->width), last = clamp(g->pad[1] + g->w, 0, p->width);
  const float *rows[8];
  memset(to, 0, (size_t)(first * channels) * sizeof *to);
  memset(to + last * channels, 0, (size_t)((p->width - last) * channels) * sizeof *to);
  for (int64_t at = (channels - 1) / 8 * 8; at >= 0; at -= 8) {
    int64_t i = (c + at) / p->ins, channel = (c + at) % p->ins;
    for (int r = 0; r < 8; r++, channel++) {
      if (channel == p->ins) channel = 0, i++;
      int64_t row = y + i * g->dilation[0];
      bool inside = row >= 0 && row < g->h && at + r < channels;
      rows[r] = inside ? x + (channel * g->h + row) * g->w : t->zeros;
    }
    sb_interleave((int)clamp(channels - at, 0, 8), rows, last - first, to + first * channels + at,
                  channels);
  }
}

static void copy_x(const job *t, const part *a, int64_t item, float *copy) {
  const plan *p = &t->p;
  const sb_conv *g = p->g;
  int64_t image = a->image + item / p->rows, row = item % p->rows;
  int64_t y = a->oy * g->stride[0] + row * (p->folded ? g->stride[0] : 1) - g->pad[0];
  for (int64_t b = 0; b < p->blocks; b++, copy += places(p) * p->block) {
    int64_t channels = block_channels(p, b);
    copy_row(t, t->x + image * g->c_in * g->h * g->w, y, b * p->block, channels,
             copy + item * p->width * channels);
  }
}

/* A row tile of dy, packed as the register tile reads it. */
static void pack_dy(const job *t, const part *a, int64_t tile, float *to) {
  const plan *p = &t->p;
  const sb_conv *g = p->g;
  int64_t n = a->rows * g->ow;
  int rows = p->simd->rows;
  const float *from[8];
  to += tile * p->positions * rows;
  for (int64_t image = a->image; image < a->image + a->images; image++, to += n * rows) {
    for (int r = 0; r < 8; r++) {
      int64_t o = tile * rows + (r < rows && tile * rows + r < p->outs ? r : 0);
      from[r] = t->dy + ((image * g->c_out + o) * g->oh + a->oy) * g->ow;
    }
    sb_interleave(rows, from, n, to, rows);
  }
}

/* ---- Products ---- */

/* Column tile `index` of all: whole vectors of a run of a block, dealt evenly to the run's tiles;
   the last block may have fewer (columns <= 0). */
typedef struct tile {
  int64_t block, channels; /* of the copy */
  int64_t y, x;            /* run: rows of the copy down, and positions right */
  int64_t first, columns;  /* within the run */
  int width;               /* vectors */
} tile;

static tile tile_at(const plan *p, int64_t index) {
  int64_t run = index / p->run_tiles % (p->runs[0] * p->runs[1]), k = index % p->run_tiles;
  tile c = {.block = index / (p->run_tiles * p->runs[0] * p->runs[1])};
  c.channels = block_channels(p, c.block);
  int64_t columns = p->joined * c.channels, all = ceil_div(columns, p->simd->lanes);
  int64_t tiles = ceil_div(columns, p->simd->columns);
  if (k >= tiles) return c;
  c.y = run / p->runs[1], c.x = run % p->runs[1];
  c.first = k * all / tiles * p->simd->lanes;
  c.width = (int)((k + 1) * all / tiles - k * all / tiles);
  c.columns = clamp(columns - c.first, 0, c.width * p->simd->lanes);
  return c;
}

/* Adds a column tile of some row tiles over a pass to the sums; `fresh` sums hold nothing yet. */
static void multiply(const job *t, const part *a, int64_t index, int64_t first, int64_t last,
                     bool fresh, const float *copies, float *sums) {
  const plan *p = &t->p;
  const sb_epilogue none = {NULL};
  tile c = tile_at(p, index);
  int64_t positions = a->images * a->rows * p->g->ow, y = c.y * p->g->dilation[0];
  const float *b = copies + c.block * p->block * places(p) + c.first +
                   (y * p->width + c.x * p->g->dilation[1]) * c.channels;
  const int64_t *shifts = t->shifts + (c.channels < p->block ? p->positions : 0);
  int rows = p->simd->rows;
  for (int64_t d = 0; d < positions && c.columns > 0; d += DEPTH_BLOCK)
    for (int64_t r = first; r < last; r++)
      p->simd->shifted_tile(clamp(positions - d, 0, DEPTH_BLOCK),
                            copies + x_size(p) + (r * p->positions + d) * rows, b, shifts + d,
                            sums + (index * p->row_tiles + r) * rows * p->simd->columns, c.width,
                            (int)clamp(p->outs - r * rows, 0, rows), !fresh || d > 0, &none);
}

/* Many passes over few sums: each shard has its own. */
static void sum_shards(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const plan *p = &t->p;
  float *copies = t->copies + sb_thread_index() * copies_size(p);
  for (int64_t shard = first; shard < last; shard++) {
    int64_t from = shard * p->passes / p->shards, to = (shard + 1) * p->passes / p->shards;
    for (int64_t pass = from; pass < to; pass++) {
      part a = part_of(p, pass);
      for (int64_t i = 0; i < a.images * p->rows; i++) copy_x(t, &a, i, copies);
      for (int64_t i = 0; i < p->row_tiles; i++) pack_dy(t, &a, i, copies + x_size(p));
      for (int64_t i = 0; i < p->tiles; i++)
        multiply(t, &a, i, 0, p->row_tiles, pass == from, copies, t->sums + shard * sums_size(p));
    }
  }
}

/* Many sums: threads share the copies of a pass and deal out the tiles. */
static void copy_shared(void *context, int64_t first, int64_t last) {
  const job *t = context;
  part a = part_of(&t->p, t->pass);
  int64_t rows = a.images * t->p.rows;
  for (int64_t i = first; i < last; i++)
    if (i < rows)
      copy_x(t, &a, i, t->copies);
    else
      pack_dy(t, &a, i - rows, t->copies + x_size(&t->p));
}

static void multiply_shared(void *context, int64_t first, int64_t last) {
  const job *t = context;
  part a = part_of(&t->p, t->pass);
  int64_t groups = ceil_div(t->p.row_tiles, GROUP_TILES);
  for (int64_t i = first; i < last; i++) {
    int64_t r = i % groups * GROUP_TILES;
    multiply(t, &a, i / groups, r, clamp(r + GROUP_TILES, 0, t->p.row_tiles), t->pass == 0,
             t->copies, t->sums);
  }
}

/* ---- dw ---- */

/* Where in a filter column n of a tile belongs. */
static int64_t filter_at(const plan *p, const tile *c, int64_t n) {
  int64_t j = (c->first + n) / c->channels + c->x;
  int64_t channel = c->block * p->block + (c->first + n) % c->channels;
  int64_t i = p->folded ? channel / p->ins : c->y;
  return (channel % p->ins * p->g->kernel[0] + i) * p->g->kernel[1] + j;
}

/* Adds column tiles, all shards in order, to dw. */
static void add_tiles(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const plan *p = &t->p;
  int64_t columns = p->simd->columns, filter = p->ins * p->g->kernel[0] * p->g->kernel[1];
  int64_t places_in_filter[SB_SIMD_MAX_COLUMNS];
  for (int64_t index = first; index < last; index++) {
    tile c = tile_at(p, index);
    for (int64_t n = 0; n < c.columns; n++) places_in_filter[n] = filter_at(p, &c, n);
    const float *sums = t->sums + index * p->row_tiles * p->simd->rows * columns;
    for (int64_t o = 0; o < p->outs; o++, sums += columns)
      for (int64_t s = 0; s < p->shards; s++)
        for (int64_t n = 0; n < c.columns; n++)
          t->dw[o * filter + places_in_filter[n]] += sums[s * sums_size(p) + n];
  }
}

static void sum_group(job *t) {
  const plan *p = &t->p;
  if (p->shards > 1)
    sb_parallel(p->shards, 1, sum_shards, t);
  else
    for (t->pass = 0; t->pass < p->passes; t->pass++) {
      part a = part_of(p, t->pass);
      sb_parallel(a.images * p->rows + p->row_tiles, 1, copy_shared, t);
      sb_parallel(p->tiles * ceil_div(p->row_tiles, GROUP_TILES), 1, multiply_shared, t);
    }
  sb_parallel(p->tiles, 1, add_tiles, t);
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  job t = {.p = make_plan(g)};
  const plan *p = &t.p;
  t.shifts = (int64_t *)scratch, t.sums = scratch + shifts_size(p);
  t.copies = t.sums + p->shards * sums_size(p);
  float *zeros = scratch + scratch_size(g) - g->w;
  memset(zeros, 0, (size_t)g->w * sizeof *zeros);
  t.zeros = zeros;
  list_shifts(p, p->block, t.shifts);
  list_shifts(p, block_channels(p, p->blocks - 1), t.shifts + p->positions);
  for (int64_t group = 0; group < g->groups; group++) {
    t.dy = dy + group * p->outs * g->oh * g->ow, t.x = x + group * p->ins * g->h * g->w;
    t.dw = dw + group * p->outs * p->ins * g->kernel[0] * g->kernel[1];
    sum_group(&t);
  }
}

const sb_conv_algorithm sb_conv_gradient = {
    .name = "gradient",
    .fits = fits,
    .backward_weights_scratch = scratch_size,
    .backward_weights = backward_weights,
};
