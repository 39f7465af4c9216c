#include "conv/winograd.h"

#include <string.h>

#include "conv/simd.h"
#include "threads.h"

/* Tiles are numbered through all images, row by row. A block of tiles is transformed to
   V[xi][panel][depth][columns], multiplied with U[group][xi][row tile][depth][rows] for a group of
   output channels at a time to M[xi][row][tile], and transformed back from there, all in cache. */
enum { GROUP_ROWS = 64, DEPTH_BLOCK = 256, CACHE_FLOATS = 300 * 1024, PAD = 16 };

typedef struct plan {
  sb_winograd g;
  const sb_simd *simd;
  int side, xis; /* m + 2 and its square */
  int64_t tiles_y, tiles_x, tiles;
  int64_t panels, blocks;     /* panels of `columns` tiles in a block; blocks */
  int64_t groups, row_tiles;  /* groups of output channels; row tiles of the whole */
  int64_t v_stride, m_stride; /* between xi */
  int64_t pitch;              /* of the padded copy of a channel's rows */
} plan;

typedef struct run {
  plan p;
  const float *packed, *x, *bias;
  float *y, *shared, *private;
  int64_t x_stride, y_stride, private_size;
  int64_t first_block; /* of a pass over shared V */
  bool relu;
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t group_tiles(const plan *p) {
  return GROUP_ROWS / p->simd->rows;
}

static plan make_plan(const sb_winograd *g) {
  plan p = {.g = *g, .simd = sb_simd_best(), .side = g->m + 2};
  p.xis = p.side * p.side;
  p.tiles_y = ceil_div(g->oh, g->m), p.tiles_x = ceil_div(g->ow, g->m);
  p.tiles = g->n * p.tiles_y * p.tiles_x;
  int64_t fit = CACHE_FLOATS / (p.xis * g->depth * p.simd->columns);
  int64_t most = ceil_div(p.tiles, p.simd->columns);
  p.panels = fit < 1 ? 1 : fit > 4 ? 4 : fit;
  if (p.panels > most) p.panels = most;
  p.blocks = ceil_div(p.tiles, p.panels * p.simd->columns);
  p.row_tiles = ceil_div(g->rows, p.simd->rows);
  p.groups = ceil_div(p.row_tiles, group_tiles(&p));
  p.v_stride = p.panels * g->depth * p.simd->columns + PAD;
  p.m_stride = GROUP_ROWS * p.panels * p.simd->columns + PAD;
  p.pitch = p.tiles_x * g->m + 2 * g->m;
  return p;
}

int64_t sb_winograd_packed_size(const sb_winograd *g) {
  plan p = make_plan(g);
  return p.xis * p.row_tiles * p.simd->rows * g->depth;
}

/* ---- Weights
 * ------------------------------------------------------------------------------------------ */

/* G of F(4,3) and F(2,3), Lavin & Gray 2016, equations 8 and 14. */
static const double G4[6][3] = {{1. / 4, 0, 0},
                                {-1. / 6, -1. / 6, -1. / 6},
                                {-1. / 6, 1. / 6, -1. / 6},
                                {1. / 24, 1. / 12, 1. / 6},
                                {1. / 24, -1. / 12, 1. / 6},
                                {0, 0, 1}};
static const double G2[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};

/* u = G f G^T, in double. */
static void transform_filter(const plan *p, const float *f, bool flip, double *u) {
  const double(*G)[3] = p->g.m == 4 ? G4 : G2;
  double half[6][3];
  for (int i = 0; i < p->side; i++)
    for (int j = 0; j < 3; j++) {
      half[i][j] = 0;
      for (int k = 0; k < 3; k++)
        half[i][j] += G[i][k] * (double)(flip ? f[8 - 3 * k - j] : f[3 * k + j]);
    }
  for (int i = 0; i < p->side; i++)
    for (int j = 0; j < p->side; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += half[i][k] * G[j][k];
      u[i * p->side + j] = sum;
    }
}

/* Where the packed weights of a row tile begin: those of a group lie together. */
static int64_t packed_offset(const plan *p, int xi, int64_t row_tile) {
  int64_t per_group = group_tiles(p), group = row_tile / per_group;
  int64_t in_group = p->row_tiles - group * per_group;
  if (in_group > per_group) in_group = per_group;
  int64_t before = group * per_group * p->xis + xi * in_group + row_tile % per_group;
  return before * p->g.depth * p->simd->rows;
}

typedef struct packing {
  plan p;
  const float *w;
  bool flip;
  float *packed;
} packing;

static void pack_row_tile(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  const plan *p = &k->p;
  double u[36];
  int rows = p->simd->rows;
  for (int64_t row = first * rows; row < last * rows; row++)
    for (int64_t d = 0; d < p->g.depth; d++) {
      memset(u, 0, sizeof u);
      if (row < p->g.rows)
        transform_filter(p, k->w + 9 * (k->flip ? d * p->g.rows + row : row * p->g.depth + d),
                         k->flip, u);
      for (int xi = 0; xi < p->xis; xi++)
        k->packed[packed_offset(p, xi, row / rows) + d * rows + row % rows] = (float)u[xi];
    }
}

void sb_winograd_pack(const sb_winograd *g, const float *w, bool flip, float *packed) {
  packing k = {make_plan(g), w, flip, packed};
  sb_parallel(k.p.row_tiles, 1, pack_row_tile, &k);
}

/* ---- Input transform
 * ------------------------------------------------------------------------------------ */

/* Copies rows [first, last) of one padded channel to `rows`: zeros around, pitch p->pitch. */
static void copy_padded(const plan *p, const float *x, int64_t first, int64_t last, float *rows) {
  const sb_winograd *g = &p->g;
  int64_t width = p->pitch - g->pad_left < g->w ? p->pitch - g->pad_left : g->w;
  for (int64_t i = first; i < last; i++, rows += p->pitch) {
    int64_t y = i - g->pad_top;
    if (y < 0 || y >= g->h) {
      memset(rows, 0, (size_t)p->pitch * sizeof *rows);
      continue;
    }
    memset(rows, 0, (size_t)g->pad_left * sizeof *rows);
    memcpy(rows + g->pad_left, x + y * g->w, (size_t)width * sizeof *rows);
    memset(rows + g->pad_left + width, 0, (size_t)(p->pitch - g->pad_left - width) * sizeof *rows);
  }
}

/* The run of tiles that begins at `tile`: image, tile row, tile column; answers its length in the
 * row. */
typedef struct place {
  int64_t image, ty, tx, run;
} place;

static place locate(const plan *p, int64_t tile) {
  place at = {.tx = tile % p->tiles_x,
              .ty = tile / p->tiles_x % p->tiles_y,
              .image = tile / p->tiles_x / p->tiles_y};
  at.run = p->tiles_x - at.tx;
  return at;
}

/* Padded rows of all images are numbered through; an image's last tiles read two rows further down.
 */
static int64_t padded_row(const plan *p, place at) {
  return at.image * (p->tiles_y * p->g.m + 2) + at.ty * p->g.m;
}

/* Copies the padded rows of one channel that tiles [tile, end) read; answers the first row's
 * number. */
static int64_t copy_channel(const run *r, int64_t channel, int64_t tile, int64_t end, float *rows) {
  const plan *p = &r->p;
  place from = locate(p, tile), to = locate(p, end - 1);
  int64_t base = padded_row(p, from);
  for (int64_t image = from.image; image <= to.image; image++) {
    int64_t first = image == from.image ? from.ty * p->g.m : 0;
    int64_t last = (image == to.image ? to.ty + 1 : p->tiles_y) * p->g.m + 2;
    const float *x = r->x + image * r->x_stride + channel * p->g.h * p->g.w;
    int64_t at = padded_row(p, (place){.image = image}) + first - base;
    copy_padded(p, x, first, last, rows + at * p->pitch);
  }
  return base;
}

/* Gathers the patch rows of `count` tiles that do not lie in one row of the grid. */
static void gather_rows(const plan *p, const float *rows, int64_t base, int64_t tile, int64_t count,
                        float *first, float *next) {
  int m = p->g.m, line = m * p->simd->lanes;
  for (int64_t done = 0; done < count;) {
    place at = locate(p, tile + done);
    int64_t length = at.run < count - done ? at.run : count - done;
    const float *from = rows + (padded_row(p, at) - base) * p->pitch + at.tx * m;
    for (int i = 0; i < p->side; i++, from += p->pitch) {
      memcpy(first + i * line + done * m, from, (size_t)(length * m) * sizeof *from);
      memcpy(next + i * line + done * m, from + m, (size_t)(length * m) * sizeof *from);
    }
    done += length;
  }
}

static void transform_lanes(const plan *p, const float *rows, int64_t base, int64_t tile,
                            int64_t count, float *v) {
  enum { LARGEST = 6 * 4 * 16 };
  float copy[2 * LARGEST];
  const float *first[6], *next[6];
  int line = p->g.m * p->simd->lanes;
  place at = locate(p, tile);
  const float *from = rows + (padded_row(p, at) - base) * p->pitch + at.tx * p->g.m;
  bool direct = at.run >= p->simd->lanes && count == p->simd->lanes;
  if (!direct) {
    memset(copy, 0, sizeof copy);
    gather_rows(p, rows, base, tile, count, copy, copy + LARGEST);
  }
  for (int i = 0; i < p->side; i++) {
    first[i] = direct ? from + i * p->pitch : copy + i * line;
    next[i] = direct ? first[i] + p->g.m : first[i] + LARGEST;
  }
  (p->g.m == 4 ? p->simd->input4 : p->simd->input2)(first, next, v, p->v_stride);
}

static int64_t block_end(const plan *p, int64_t block) {
  int64_t end = (block + 1) * p->panels * p->simd->columns;
  return end < p->tiles ? end : p->tiles;
}

/* V of channels [first, last) of a block. */
static void transform_inputs(const run *r, int64_t block, int64_t first, int64_t last, float *v,
                             float *rows) {
  const plan *p = &r->p;
  int lanes = p->simd->lanes, columns = p->simd->columns;
  int64_t start = block * p->panels * columns, end = block_end(p, block);
  for (int64_t c = first; c < last; c++) {
    int64_t base = copy_channel(r, c, start, end, rows);
    for (int64_t tile = start; tile < end; tile += lanes) {
      int64_t count = end - tile < lanes ? end - tile : lanes, at = tile - start;
      transform_lanes(p, rows, base, tile, count,
                      v + (at / columns * p->g.depth + c) * columns + at % columns);
    }
  }
}

/* ---- Products and output transform
 * ------------------------------------------------------------------------ */

/* M of a group of output channels: one product for each xi. */
static void multiply_group(const run *r, int64_t group, int64_t tiles, const float *v, float *m) {
  const plan *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns, lanes = p->simd->lanes;
  const sb_epilogue none = {NULL, false};
  int64_t first = group * group_tiles(p), last = first + group_tiles(p), depth = p->g.depth;
  if (last > p->row_tiles) last = p->row_tiles;
  for (int xi = 0; xi < p->xis; xi++)
    for (int64_t d = 0; d < depth; d += DEPTH_BLOCK)
      for (int64_t panel = 0; panel * columns < tiles; panel++) {
        int64_t left = tiles - panel * columns,
                span = depth - d < DEPTH_BLOCK ? depth - d : DEPTH_BLOCK;
        int width = left >= columns ? columns : (int)ceil_div(left, lanes) * lanes;
        for (int64_t t = first; t < last; t++)
          p->simd->tile(span, r->packed + packed_offset(p, xi, t) + d * rows,
                        v + xi * p->v_stride + (panel * depth + d) * columns,
                        m + xi * p->m_stride + (t - first) * rows * p->panels * columns +
                            panel * columns,
                        p->panels * columns, rows, width, d > 0, &none);
      }
}

/* Writes the outputs of `count` tiles, clipped to the image; y4 holds m rows of m * lanes floats.
 */
static void scatter_rows(const run *r, int64_t channel, int64_t tile, int64_t count,
                         const float *tiles) {
  const sb_winograd *g = &r->p.g;
  int m = g->m, line = m * r->p.simd->lanes;
  for (int64_t done = 0; done < count;) {
    place at = locate(&r->p, tile + done);
    int64_t length = at.run < count - done ? at.run : count - done;
    int64_t width = at.tx * m + length * m > g->ow ? g->ow - at.tx * m : length * m;
    float *to = r->y + at.image * r->y_stride + (channel * g->oh + at.ty * m) * g->ow + at.tx * m;
    for (int i = 0; i < m && at.ty * m + i < g->oh; i++, to += g->ow)
      memcpy(to, tiles + i * line + done * m, (size_t)width * sizeof *to);
    done += length;
  }
}

static void transform_outputs(const run *r, int64_t block, int64_t group, const float *m) {
  const plan *p = &r->p;
  int lanes = p->simd->lanes;
  float tiles[4 * 4 * 16];
  int64_t start = block * p->panels * p->simd->columns, end = block_end(p, block);
  int64_t first = group * GROUP_ROWS, last = first + GROUP_ROWS;
  if (last > p->g.rows) last = p->g.rows;
  for (int64_t row = first; row < last; row++)
    for (int64_t tile = start; tile < end; tile += lanes) {
      const float *from = m + (row - first) * p->panels * p->simd->columns + tile - start;
      (p->g.m == 4 ? p->simd->output4 : p->simd->output2)(
          from, p->m_stride, r->bias ? r->bias[row] : 0, r->relu, tiles);
      scatter_rows(r, row, tile, end - tile < lanes ? end - tile : lanes, tiles);
    }
}

/* ---- The run
 * ------------------------------------------------------------------------------------------------
 */

static int64_t rows_size(const plan *p) {
  int64_t spanned = p->panels * p->simd->columns / p->tiles_x + 2;
  return spanned * (p->g.m + 2) * p->pitch + PAD;
}

static int64_t v_size(const plan *p) {
  return p->xis * p->v_stride;
}
static int64_t m_size(const plan *p) {
  return p->xis * p->m_stride;
}

/* Few blocks: threads share the work inside a block. Either way each number is computed alike. */
static bool shares_blocks(const plan *p) {
  return p->blocks < 4 * sb_get_threads();
}

int64_t sb_winograd_scratch(const sb_winograd *g) {
  plan p = make_plan(g);
  int64_t private = rows_size(&p) + m_size(&p) + (shares_blocks(&p) ? 0 : v_size(&p));
  return private * sb_get_threads() + (shares_blocks(&p) ? v_size(&p) : 0);
}

static float *own_scratch(const run *r) {
  return r->private + sb_thread_index() * r->private_size;
}

static void whole_blocks(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  float *rows = own_scratch(r), *m = rows + rows_size(p), *v = m + m_size(p);
  for (int64_t block = first; block < last; block++) {
    int64_t tiles = block_end(p, block) - block * p->panels * p->simd->columns;
    transform_inputs(r, block, 0, p->g.depth, v, rows);
    for (int64_t group = 0; group < p->groups; group++) {
      multiply_group(r, group, tiles, v, m);
      transform_outputs(r, block, group, m);
    }
  }
}

static void shared_inputs(void *context, int64_t first, int64_t last) {
  const run *r = context;
  transform_inputs(r, r->first_block, first, last, r->shared, own_scratch(r));
}

static void shared_groups(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  float *m = own_scratch(r) + rows_size(p);
  int64_t tiles = block_end(p, r->first_block) - r->first_block * p->panels * p->simd->columns;
  for (int64_t group = first; group < last; group++) {
    multiply_group(r, group, tiles, r->shared, m);
    transform_outputs(r, r->first_block, group, m);
  }
}

void sb_winograd_run(const sb_winograd *g, const float *packed, const float *x, int64_t x_stride,
                     const float *bias, bool relu, float *y, int64_t y_stride, float *scratch) {
  run r = {.p = make_plan(g),
           .packed = packed,
           .x = x,
           .bias = bias,
           .y = y,
           .x_stride = x_stride,
           .y_stride = y_stride,
           .relu = relu,
           .private = scratch};
  r.private_size = rows_size(&r.p) + m_size(&r.p);
  if (!shares_blocks(&r.p)) {
    r.private_size += v_size(&r.p);
    sb_parallel(r.p.blocks, 1, whole_blocks, &r);
    return;
  }
  r.shared = scratch, r.private = scratch + v_size(&r.p);
  for (r.first_block = 0; r.first_block < r.p.blocks; r.first_block++) {
    sb_parallel(g->depth, 8, shared_inputs, &r);
    sb_parallel(r.p.groups, 1, shared_groups, &r);
  }
}
