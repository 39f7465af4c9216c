/* col2im.c: the adjoint of a convolution in its input where that has few channels, so that a
   register tile would be mostly empty with a row a channel (phases.c). The rows are all (channel,
   tap) instead: w^T dy is the matrix that im2col's adjoint folds. It is folded tile by tile, into
   planes for each phase of the stride, in which the outputs of a tap are neighbours as they are in
   dy. */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "conv/fast.h"
#include "conv/pack.h"
#include "conv/simd.h"
#include "threads.h"

enum {
  DEPTH_BLOCK = 256,
  BANDS = 8, /* of an image, if it has the rows */
  MOST_STRIDE = 32,
  SLACK = 64 /* the last tile writes this far beyond */
};

/* With y + top = q sy + p, tap i = (t sy + p) / dilation of row oy of dy belongs to row q = oy + t
   of phase p. A row of dy takes `pitch` columns, so that what is shifted by t stays in its row. */
typedef struct plan {
  const sb_conv *g;
  const sb_simd *simd;
  sb_conv product; /* w^T dy as a 1x1 convolution */
  int64_t ins, outs, taps, rows, row_tiles;
  int64_t reach[2];     /* the largest t */
  int64_t band, bands;  /* rows of dy in a band */
  int64_t pitch, plane; /* floats of a row and of a plane of a band's sums */
  int64_t sums;         /* floats of a band's sums */
} plan;

typedef struct run {
  plan p;
  const float *packed, *dy;
  const sb_conv_finish *finish;
  float *dx, *sums, *private; /* of all bands; of each thread */
  int64_t *places;            /* of the product's rows within a band's sums */
  int64_t image;              /* image * groups + group */
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static plan make_plan(const sb_conv *g) {
  plan p = {
      .g = g, .simd = sb_simd_best(), .ins = g->c_in / g->groups, .outs = g->c_out / g->groups};
  p.taps = (int64_t)g->kernel[0] * g->kernel[1], p.rows = p.ins * p.taps;
  p.row_tiles = ceil_div(p.rows, p.simd->rows);
  p.product = (sb_conv){
      .c_in = g->c_out, .c_out = p.rows * g->groups, .kernel = {1, 1}, .groups = g->groups};
  for (int axis = 0; axis < 2; axis++)
    p.reach[axis] = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis] / g->stride[axis];
  p.pitch = g->ow + p.reach[1];
  p.band = larger(ceil_div(g->oh, BANDS), larger(p.reach[0], 2 * p.simd->columns / p.pitch + 1));
  p.bands = ceil_div(g->oh, p.band);
  p.plane = (p.band + p.reach[0]) * p.pitch;
  p.sums = p.plane * p.ins * g->stride[0] * g->stride[1] + SLACK;
  return p;
}

/* A panel of dy, a register tile, a row of dx. */
static int64_t private_size(const plan *p) {
  int64_t row = p->pitch * p->g->stride[1];
  return ceil_div((p->outs + p->simd->rows) * p->simd->columns + row, 16) * 16;
}

static int64_t places_size(const plan *p) {
  return ceil_div(p->rows, 16) * 16 * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  return places_size(&p) + p.bands * p.sums + sb_get_threads() * private_size(&p);
}

static float *own_scratch(const run *r) {
  return r->private + sb_thread_index() * private_size(&r->p);
}

/* ---- w^T dy, folded ---- */

/* Columns [first, first + columns) of all channels of a band that begins at row oy, zeros between
   the rows and at the end. */
static void gather_panel(const run *r, int64_t oy, int64_t first, float *panel) {
  const plan *p = &r->p;
  const sb_conv *g = p->g;
  int64_t columns = p->simd->columns, n;
  memset(panel, 0, (size_t)(p->outs * columns) * sizeof *panel);
  int64_t y = oy + first / p->pitch, x = first % p->pitch;
  for (int64_t k = 0; k < columns && y < smaller(oy + p->band, g->oh); k += n, y++, x = 0) {
    n = smaller(p->pitch - x, columns - k);
    int64_t valid = smaller(n, g->ow - x);
    if (valid <= 0) continue;
    const float *from = r->dy + (r->image * p->outs * g->oh + y) * g->ow + x;
    for (int64_t o = 0; o < p->outs; o++, from += g->oh * g->ow)
      memcpy(panel + o * columns + k, from, (size_t)valid * sizeof *from);
  }
}

static void multiply(const run *r, int64_t t, const float *panel, int width, float *tile) {
  const plan *p = &r->p;
  const sb_epilogue none = {NULL};
  int rows = p->simd->rows, columns = p->simd->columns;
  int64_t group = r->image % p->g->groups;
  const float *packed = r->packed + (group * p->row_tiles + t) * p->outs * rows;
  for (int64_t o = 0; o < p->outs; o += DEPTH_BLOCK) {
    const float *b = panel + o * columns;
    p->simd->tile(smaller(DEPTH_BLOCK, p->outs - o), packed + o * rows, b, b, tile, columns, rows,
                  width * p->simd->lanes, o > 0, &none);
  }
}

/* Where the outputs of row (channel, i, j) of the product belong in a band's sums. */
static int64_t place_of(const plan *p, int64_t row) {
  const sb_conv *g = p->g;
  int64_t c = row / p->taps, i = row % p->taps / g->kernel[1], j = row % g->kernel[1];
  int64_t y = i * g->dilation[0], x = j * g->dilation[1];
  int64_t phase = (c * g->stride[0] + y % g->stride[0]) * g->stride[1] + x % g->stride[1];
  return phase * p->plane + y / g->stride[0] * p->pitch + x / g->stride[1];
}

/* Adds `count` rows of a tile to their places. */
SB_CLONES static void add_rows(const int64_t *places, int64_t count, int64_t n, const float *tile,
                               int64_t columns, float *sums) {
  for (int64_t row = 0; row < count; row++, tile += columns) {
    float *to = sums + places[row];
    for (int64_t k = 0; k < n; k++) to[k] += tile[k];
  }
}

static void fold_bands(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns;
  float *panel = own_scratch(r), *tile = panel + p->outs * columns;
  for (int64_t band = first; band < last; band++) {
    float *sums = r->sums + band * p->sums;
    int64_t oy = band * p->band, height = smaller(p->band, p->g->oh - oy);
    int64_t numbers = (height - 1) * p->pitch + p->g->ow;
    memset(sums, 0, (size_t)p->sums * sizeof *sums);
    for (int64_t at = 0; at < numbers; at += columns) {
      int width = (int)ceil_div(smaller(columns, numbers - at), p->simd->lanes);
      gather_panel(r, oy, at, panel);
      for (int64_t t = 0; t < p->row_tiles; t++) {
        multiply(r, t, panel, width, tile);
        add_rows(r->places + t * rows, smaller(rows, p->rows - t * rows), width * p->simd->lanes,
                 tile, columns, sums + at);
      }
    }
  }
}

/* ---- dx ---- */

/* line[qx * stride + phase] += row q of a band's sums of channel c and phase py, if it has one. */
static void add_line(const run *r, int64_t band, int64_t c, int64_t q, int64_t py, float *line) {
  const plan *p = &r->p;
  int stride = p->g->stride[1];
  int64_t row = q - band * p->band;
  if (band < 0 || band >= p->bands || row < 0 || row >= p->band + p->reach[0]) return;
  const float *from =
      r->sums + band * p->sums + (c * p->g->stride[0] + py) * stride * p->plane + row * p->pitch;
  for (int px = 0; px < stride; px++, from += p->plane)
    for (int64_t k = 0; k < p->pitch; k++) line[k * stride + px] += from[k];
}

static void finish_row(const run *r, int64_t c, int64_t y, const float *line) {
  const sb_conv *g = r->p.g;
  int64_t at = ((r->image * r->p.ins + c) * g->h + y) * g->w,
          n = r->p.pitch * g->stride[1] - g->pad[1];
  const float *mask = r->finish->mask ? r->finish->mask + at : NULL;
  float bias = r->finish->bias ? r->finish->bias[r->image % g->groups * r->p.ins + c] : 0;
  for (int64_t x = 0; x < g->w; x++) {
    float v = bias + (x < n ? line[g->pad[1] + x] : 0);
    if (r->finish->relu && v < 0) v = 0;
    r->dx[at + x] = mask && !(mask[x] > 0) ? 0 : v;
  }
}

/* Rows of dx of all channels. A row of q has its sums from the band of that row and, while taps
   reach over, from the one before. */
SB_CLONES static void write_rows(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  float *line = own_scratch(r);
  for (int64_t item = first; item < last; item++) {
    int64_t c = item / p->g->h, y = item % p->g->h + p->g->pad[0];
    int64_t q = y / p->g->stride[0], py = y % p->g->stride[0], band = q / p->band;
    memset(line, 0, (size_t)(p->pitch * p->g->stride[1]) * sizeof *line);
    add_line(r, band - 1, c, q, py, line);
    add_line(r, band, c, q, py, line);
    finish_row(r, c, item % p->g->h, line);
  }
}

/* ---- The way ---- */

static void run_all(const sb_conv *g, const float *packed, const float *dy,
                    const sb_conv_finish *finish, float *dx, float *scratch) {
  run r = {.p = make_plan(g), .packed = packed, .dy = dy, .finish = finish, .dx = dx};
  r.places = (int64_t *)scratch, r.sums = scratch + places_size(&r.p);
  for (int64_t row = 0; row < r.p.rows; row++) r.places[row] = place_of(&r.p, row);
  r.private = r.sums + r.p.bands * r.p.sums;
  for (r.image = 0; r.image < g->n * g->groups; r.image++) {
    sb_parallel(r.p.bands, 1, fold_bands, &r);
    sb_parallel(r.p.ins * g->h, 16, write_rows, &r);
  }
}

static int64_t packed_size(const sb_conv *g) {
  plan p = make_plan(g);
  return sb_packed_size(&p.product);
}

static void pack(const sb_conv *g, const float *w, bool flip, float *packed) {
  plan p = make_plan(g);
  sb_pack_weights(&p.product, w, true, packed);
}

/* Two fused multiply-adds of a vector a cycle, the folding, and the writing of results. */
static double cost(const sb_conv *g, bool exact) {
  if (g->stride[0] > MOST_STRIDE || g->stride[1] > MOST_STRIDE) return INFINITY;
  plan p = make_plan(g);
  double columns = (double)(p.bands * ceil_div(p.band * p.pitch, p.simd->lanes) * p.simd->lanes);
  double rows = (double)(p.row_tiles * p.simd->rows), lanes = p.simd->lanes;
  double products = columns * rows * ((double)p.outs / 2 + 3) / lanes;
  double results = (double)(p.ins * g->h * g->w) * 2;
  return (products + results) * (double)(g->n * g->groups);
}

const sb_conv_fast sb_conv_col2im = {.name = "col2im",
                                     .cost = cost,
                                     .packed_size = packed_size,
                                     .scratch = scratch_size,
                                     .pack = pack,
                                     .run = run_all,
                                     .transposed = true};
