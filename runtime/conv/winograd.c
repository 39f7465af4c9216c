/* winograd.c: 3x3 convolution with stride 1 by F(4x4, 3x3) or F(2x2, 3x3). See winograd.h. */
#include "conv/winograd.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "conv/fast.h"
#include "conv/repeats.h"
#include "threads.h"

enum { DEPTH_BLOCK = 256, PAD = 16 };

/* One run over one group of the convolution. */
typedef struct run {
  sb_winograd p;
  const float *packed, *x;
  sb_conv_finish finish; /* bias and mask of this group */
  float *y, *shared, *private;
  int64_t private_size, first_block;
} run;

/* ---- Input transform ------------------------------------------------------------------------ */

/* Copies rows [first, last) of one padded channel to `rows`: zeros around, pitch p->pitch. */
static void copy_padded(const sb_winograd *p, const float *x, int64_t first, int64_t last,
                        float *rows) {
  const sb_conv *g = p->g;
  int64_t width = p->pitch - g->pad[1] < g->w ? p->pitch - g->pad[1] : g->w;
  for (int64_t i = first; i < last; i++, rows += p->pitch) {
    int64_t y = i - g->pad[0];
    if (y < 0 || y >= g->h) {
      memset(rows, 0, (size_t)p->pitch * sizeof *rows);
      continue;
    }
    memset(rows, 0, (size_t)g->pad[1] * sizeof *rows);
    memcpy(rows + g->pad[1], x + y * g->w, (size_t)width * sizeof *rows);
    memset(rows + g->pad[1] + width, 0, (size_t)(p->pitch - g->pad[1] - width) * sizeof *rows);
  }
}

/* The run of tiles that begins at `tile`: image, tile row, tile column; answers its length in the
 * row. */
typedef struct place {
  int64_t image, ty, tx, run;
} place;

static place locate(const sb_winograd *p, int64_t tile) {
  place at = {.tx = tile % p->tiles_x,
              .ty = tile / p->tiles_x % p->tiles_y,
              .image = tile / p->tiles_x / p->tiles_y};
  at.run = p->tiles_x - at.tx;
  return at;
}

/* Padded rows of all images are numbered through; an image's last tiles read two rows further down.
 */
static int64_t padded_row(const sb_winograd *p, place at) {
  return at.image * (p->tiles_y * p->m + 2) + at.ty * p->m;
}

/* Copies the padded rows of one channel that tiles [tile, end) read; answers the first row's
 * number. */
static int64_t copy_channel(const sb_winograd *p, const float *image_x, int64_t channel,
                            int64_t tile, int64_t end, float *rows) {
  place from = locate(p, tile), to = locate(p, end - 1);
  int64_t base = padded_row(p, from);
  for (int64_t image = from.image; image <= to.image; image++) {
    int64_t first = image == from.image ? from.ty * p->m : 0;
    int64_t last = (image == to.image ? to.ty + 1 : p->tiles_y) * p->m + 2;
    const float *x = image_x + image * p->g->c_in * p->g->h * p->g->w + channel * p->g->h * p->g->w;
    int64_t at = padded_row(p, (place){.image = image}) + first - base;
    copy_padded(p, x, first, last, rows + at * p->pitch);
  }
  return base;
}

/* Gathers the patch rows of `count` tiles that do not lie in one row of the grid; m is a constant,
   so that each copy is one move. */
SB_PART void gather_tiles(const sb_winograd *p, int m, const float *rows, int64_t base,
                          int64_t tile, int64_t count, float *first, float *next) {
  const size_t bytes = (size_t)m * sizeof *rows;
  int line = m * p->simd->lanes;
  place at = locate(p, tile);
  for (int64_t t = 0; t < count; t++, first += m, next += m) {
    const float *from = rows + (padded_row(p, at) - base) * p->pitch + at.tx * m;
    for (int i = 0; i < m + 2; i++, from += p->pitch) {
      memcpy(first + i * line, from, bytes);
      memcpy(next + i * line, from + m, bytes);
    }
    if (++at.tx == p->tiles_x) at = locate(p, tile + t + 1);
  }
}

static void gather_rows(const sb_winograd *p, const float *rows, int64_t base, int64_t tile,
                        int64_t count, float *first, float *next) {
  if (p->m == 4)
    gather_tiles(p, 4, rows, base, tile, count, first, next);
  else
    gather_tiles(p, 2, rows, base, tile, count, first, next);
}

static void transform_lanes(const sb_winograd *p, const float *rows, int64_t base, int64_t tile,
                            int64_t count, float *v) {
  enum { LARGEST = 6 * 4 * 16 };
  float copy[2 * LARGEST];
  const float *first[6], *next[6];
  int line = p->m * p->simd->lanes;
  place at = locate(p, tile);
  const float *from = rows + (padded_row(p, at) - base) * p->pitch + at.tx * p->m;
  bool direct = at.run >= p->simd->lanes && count == p->simd->lanes;
  if (!direct) {
    if (count < p->simd->lanes) memset(copy, 0, sizeof copy);
    gather_rows(p, rows, base, tile, count, copy, copy + LARGEST);
  }
  for (int i = 0; i < p->side; i++) {
    first[i] = direct ? from + i * p->pitch : copy + i * line;
    next[i] = direct ? first[i] + p->m : first[i] + LARGEST;
  }
  (p->m == 4 ? p->simd->input4 : p->simd->input2)(first, next, v, p->v_stride);
}

static int64_t block_end(const sb_winograd *p, int64_t block) {
  return block + 1 < p->blocks ? (block + 1) * p->block : p->tiles;
}

void sb_winograd_inputs(const sb_winograd *p, const float *x, int64_t start, int64_t end,
                        int64_t channel, const sb_winograd_place *to, float *v, float *rows) {
  int lanes = p->simd->lanes, columns = p->simd->columns;
  int64_t base = copy_channel(p, x, channel, start, end, rows);
  for (int64_t tile = start; tile < end; tile += lanes) {
    int64_t count = end - tile < lanes ? end - tile : lanes, at = tile - start;
    transform_lanes(p, rows, base, tile, count,
                    v + at / columns * to->panel + channel * to->channel + at % columns);
  }
}

/* V of channels [first, last) of a block. */
static void transform_inputs(const run *r, int64_t block, int64_t first, int64_t last, float *v,
                             float *rows) {
  const sb_winograd *p = &r->p;
  sb_winograd_place to = {p->depth * p->simd->columns, p->simd->columns};
  for (int64_t c = first; c < last; c++)
    sb_winograd_inputs(p, r->x, block * p->block, block_end(p, block), c, &to, v, rows);
}

/* ---- Products and output transform ---------------------------------------------------------- */

/* Row tiles [first, last) of one group times `count` tiles of a panel, over a stretch of the depth.
   `ahead`, which mostly lies behind b and will be multiplied next, is fetched meanwhile. */
static void multiply_panel(const run *r, int64_t first, int64_t last, int64_t count, int64_t depth,
                           const float *a, const float *b, float *m, bool add) {
  const sb_winograd *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns, lanes = p->simd->lanes;
  const sb_epilogue none = {NULL, false, NULL};
  int rest = (int)(count % lanes), whole = (int)count - rest;
  if (rest > p->simd->few) rest = 0, whole += lanes;
  int64_t ldc = p->panels * columns, a_step = p->depth * rows;
  for (int64_t t = first; t < last; t++, a += a_step, m += rows * ldc) {
    const float *ahead = b + (columns + (t - first) * SB_SIMD_AHEAD) * depth;
    if (whole > 0) p->simd->tile(depth, a, b, ahead, m, ldc, rows, whole, add, &none);
    if (rest > 0) p->simd->slim(depth, a, b + whole, m + whole, ldc, rest, add);
  }
}

/* M of row tiles [first, last) of one group: one product for each xi. */
static void multiply_rows(const run *r, int64_t first, int64_t last, int64_t tiles, const float *v,
                          float *m) {
  const sb_winograd *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns;
  for (int xi = 0; xi < p->xis; xi++)
    for (int64_t d = 0; d < p->depth; d += DEPTH_BLOCK)
      for (int64_t panel = 0; panel * columns < tiles; panel++) {
        int64_t left = tiles - panel * columns, depth = p->depth - d;
        multiply_panel(r, first, last, left < columns ? left : columns,
                       depth < DEPTH_BLOCK ? depth : DEPTH_BLOCK,
                       r->packed + sb_winograd_offset(p, xi, first) + d * rows,
                       v + xi * p->v_stride + (panel * p->depth + d) * columns,
                       m + xi * p->m_stride + panel * columns, d > 0);
      }
}

SB_CLONES static void copy_masked(float *to, const float *from, const float *mask, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = mask[i] > 0 ? from[i] : 0;
}

/* Writes the outputs of `count` tiles, clipped to the image, from m rows of m * lanes floats. */
static void scatter_rows(const run *r, int64_t channel, int64_t tile, int64_t count,
                         const float *tiles) {
  const sb_conv *g = r->p.g;
  int m = r->p.m, line = m * r->p.simd->lanes;
  for (int64_t done = 0; done < count;) {
    place at = locate(&r->p, tile + done);
    int64_t length = at.run < count - done ? at.run : count - done;
    int64_t width = at.tx * m + length * m > g->ow ? g->ow - at.tx * m : length * m;
    int64_t to = ((at.image * g->c_out + channel) * g->oh + at.ty * m) * g->ow + at.tx * m;
    for (int i = 0; i < m && at.ty * m + i < g->oh; i++, to += g->ow) {
      const float *from = tiles + i * line + done * m;
      if (r->finish.mask)
        copy_masked(r->y + to, from, r->finish.mask + to, width);
      else
        memcpy(r->y + to, from, (size_t)width * sizeof *from);
    }
    done += length;
  }
}

/* The outputs of `lanes` tiles of one channel: straight to y where they lie whole in one row. */
static void transform_back(const run *r, int64_t channel, int64_t tile, int64_t count,
                           const float *m) {
  const sb_winograd *p = &r->p;
  const sb_conv *g = p->g;
  float tiles[4 * 4 * 16];
  place at = locate(p, tile);
  bool direct = at.run >= p->simd->lanes && count == p->simd->lanes &&
                (at.ty + 1) * p->m <= g->oh && (at.tx + count) * p->m <= g->ow;
  int64_t to = ((at.image * g->c_out + channel) * g->oh + at.ty * p->m) * g->ow + at.tx * p->m;
  (p->m == 4 ? p->simd->output4 : p->simd->output2)(
      m, p->m_stride, r->finish.bias ? r->finish.bias[channel] : 0, r->finish.relu,
      direct && r->finish.mask ? r->finish.mask + to : NULL, direct ? r->y + to : tiles,
      direct ? g->ow : p->m * p->simd->lanes);
  if (!direct) scatter_rows(r, channel, tile, count, tiles);
}

/* Outputs of row tiles [first, last). */
static void transform_outputs(const run *r, int64_t block, int64_t first, int64_t last,
                              const float *m) {
  const sb_winograd *p = &r->p;
  int lanes = p->simd->lanes, rows = p->simd->rows;
  int64_t start = block * p->block, end = block_end(p, block);
  int64_t stop = last * rows < p->rows ? last * rows : p->rows;
  for (int64_t row = first * rows; row < stop; row++)
    for (int64_t tile = start; tile < end; tile += lanes)
      transform_back(r, row, tile, end - tile < lanes ? end - tile : lanes,
                     m + (row - first * rows) * p->panels * p->simd->columns + tile - start);
}

/* ---- The run -------------------------------------------------------------------------------- */

int64_t sb_winograd_rows(const sb_winograd *p, int64_t tiles) {
  return (tiles / p->tiles_x + 2) * (p->m + 2) * p->pitch + PAD;
}

static int64_t rows_size(const sb_winograd *p) {
  return sb_winograd_rows(p, p->panels * p->simd->columns);
}

static int64_t v_size(const sb_winograd *p) {
  return p->xis * p->v_stride;
}
static int64_t m_size(const sb_winograd *p) {
  return p->xis * p->m_stride;
}

/* Few blocks: threads share the work inside a block. Either way each number is computed alike. */
static bool shares_blocks(const sb_winograd *p) {
  return p->blocks < 4 * sb_get_threads();
}

static int64_t scratch_size(const sb_conv *g, int m) {
  sb_winograd p = sb_winograd_plan(g, m);
  int64_t private = rows_size(&p) + m_size(&p) + (shares_blocks(&p) ? 0 : v_size(&p));
  int64_t size = private * sb_get_threads() + (shares_blocks(&p) ? v_size(&p) : 0);
  int64_t repeats = sb_conv_repeats_scratch(g);
  return size > repeats ? size : repeats;
}

static float *own_scratch(const run *r) {
  return r->private + sb_thread_index() * r->private_size;
}

static void whole_blocks(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const sb_winograd *p = &r->p;
  float *rows = own_scratch(r), *m = rows + rows_size(p), *v = m + m_size(p);
  int64_t group = sb_winograd_group_tiles(p);
  for (int64_t block = first; block < last; block++) {
    int64_t tiles = block_end(p, block) - block * p->block;
    transform_inputs(r, block, 0, p->depth, v, rows);
    for (int64_t row = 0; row < p->row_tiles; row += group) {
      int64_t end = row + group < p->row_tiles ? row + group : p->row_tiles;
      multiply_rows(r, row, end, tiles, v, m);
      transform_outputs(r, block, row, end, m);
    }
  }
}

static void shared_inputs(void *context, int64_t first, int64_t last) {
  const run *r = context;
  transform_inputs(r, r->first_block, first, last, r->shared, own_scratch(r));
}

static void shared_rows(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const sb_winograd *p = &r->p;
  float *m = own_scratch(r) + rows_size(p);
  int64_t tiles = block_end(p, r->first_block) - r->first_block * p->block;
  multiply_rows(r, first, last, tiles, r->shared, m);
  transform_outputs(r, r->first_block, first, last, m);
}

static void run_group(run *r, float *scratch) {
  r->private_size = rows_size(&r->p) + m_size(&r->p);
  r->private = scratch;
  if (!shares_blocks(&r->p)) {
    r->private_size += v_size(&r->p);
    sb_parallel(r->p.blocks, 1, whole_blocks, r);
    return;
  }
  r->shared = scratch, r->private = scratch + v_size(&r->p);
  for (r->first_block = 0; r->first_block < r->p.blocks; r->first_block++) {
    sb_parallel(r->p.depth, 8, shared_inputs, r);
    sb_parallel(r->p.row_tiles, sb_winograd_group_tiles(&r->p), shared_rows, r);
  }
}

static void run_all(const sb_conv *g, int m, const float *packed, const float *x,
                    const sb_conv_finish *finish, float *y, float *scratch) {
  run r = {.p = sb_winograd_plan(g, m), .finish = *finish};
  for (int64_t group = 0; group < g->groups; group++) {
    int64_t to = group * r.p.rows * g->oh * g->ow;
    r.packed = packed + group * sb_winograd_packed_size(&r.p);
    r.x = x + group * r.p.depth * g->h * g->w;
    r.y = y + to;
    if (finish->bias) r.finish.bias = finish->bias + group * r.p.rows;
    if (finish->mask) r.finish.mask = finish->mask + to;
    run_group(&r, scratch);
  }
  if (g->recorded) sb_conv_repeat(g, x, y, scratch);
}

static void pack_all(const sb_conv *g, int m, const float *w, bool flip, float *packed) {
  sb_winograd p = sb_winograd_plan(g, m);
  for (int64_t group = 0; group < g->groups; group++)
    sb_winograd_pack(&p, w + group * p.rows * p.depth * 9, flip,
                     packed + group * sb_winograd_packed_size(&p));
}

static int64_t packed_size(const sb_conv *g, int m) {
  sb_winograd p = sb_winograd_plan(g, m);
  return sb_winograd_packed_size(&p) * g->groups;
}

/* The two members of the family, by m. */
#define WINOGRAD(M)                                                                                \
  static double cost##M(const sb_conv *g) {                                                        \
    return sb_winograd_cost(g, M);                                                                 \
  }                                                                                                \
  static int64_t packed_size##M(const sb_conv *g) {                                                \
    return packed_size(g, M);                                                                      \
  }                                                                                                \
  static int64_t scratch##M(const sb_conv *g) {                                                    \
    return scratch_size(g, M);                                                                     \
  }                                                                                                \
  static void pack##M(const sb_conv *g, const float *w, bool flip, float *packed) {                \
    pack_all(g, M, w, flip, packed);                                                               \
  }                                                                                                \
  static void run##M(const sb_conv *g, const float *packed, const float *x,                        \
                     const sb_conv_finish *finish, float *y, float *scratch) {                     \
    run_all(g, M, packed, x, finish, y, scratch);                                                  \
  }                                                                                                \
  const sb_conv_fast sb_conv_winograd##M = {"winograd" #M, cost##M, packed_size##M,                \
                                            scratch##M,    pack##M, run##M};
WINOGRAD(4)
WINOGRAD(2)
